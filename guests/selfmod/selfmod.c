/* Self-modifying code: on one processor, and by one for another, with fc.i, sync.i and srlz.i. */
#include "guest.h"

const char guest_name[] = "selfmod";

enum { ROUNDS = 2000 };

extern u64 modified[], modified_end[];

static u64 buffer[64] __attribute__((aligned(64)));

/* `adds r1=imm14,r0` (A4): imm7b in bits 19:13, imm6d in 32:27, the sign in 36. `value` below 0x2000. */
static u64 immediate(u64 value)
{
	return (value & 0x7f) << 13 | (value >> 7 & 0x3f) << 27;
}

/* Slot 0 is bits 45:5 of the bundle's low word, slot 2 bits 63:23 of its high word (SDM 2:533: one 8-byte store each). */
static void write_slot_0(volatile u64 *bundle, u64 value)
{
	bundle[0] = (bundle[0] & ~(immediate(0x1fff) << 5)) | immediate(value) << 5;
}

static void write_slot_2(volatile u64 *bundle, u64 value)
{
	bundle[1] = (bundle[1] & ~(immediate(0x1fff) << 23)) | immediate(value) << 23;
}

static u64 result(u64 slot_0, u64 slot_2)
{
	return slot_0 + (slot_2 << 4);
}

static void own_code(void)
{
	u64 wrong = 0;

	for (u64 i = 0; i < ROUNDS; i++) {
		write_slot_0(modified, i);
		write_slot_2(modified, i ^ 0x155);
		flush_code(modified, 16);
		wrong += call_code(modified) != result(i, i ^ 0x155);
	}
	check_equal("own code in place", wrong, 0);

	wrong = 0;
	for (u64 i = 0; i < 256; i++) {
		u64 *copy = buffer + i % 8 * 8;

		for (u64 word = 0; modified + word < modified_end; word++)
			copy[word] = modified[word];
		write_slot_0(copy, i);
		flush_code(copy, (u64)modified_end - (u64)modified);
		wrong += call_code(copy) != result(i, (ROUNDS - 1) ^ 0x155);
	}
	check_equal("code copied over other code", wrong, 0);
}

static volatile u64 round __attribute__((aligned(128))), answered __attribute__((aligned(128))), answer;
static volatile u64 mode, torn, stale, calls;

/* Runs the code whenever the other has changed it, or all the time. */
void processor_main(u64 index)
{
	if (index != 1)
		return;
	for (u64 last = 0;;) {
		u64 how = mode, now = round;	/* in this order: `mode` says what `round` counts */

		if (how == 0) {
			pause();
			continue;
		}
		if (how == 1) {
			if (now == last)
				continue;
			__asm__ volatile("srlz.i;;" : : : "memory");
			answer = call_code(modified);
		} else {
			/* Nothing but what `round` said before and says after the call, or the change under way. */
			u64 value;

			__asm__ volatile("srlz.i;;" : : : "memory");
			value = call_code(modified);
			stale += value < now;
			torn += value > round + 1;
			calls++;
		}
		last = now;
		__asm__ volatile("mf;;" : : : "memory");
		answered = now;
	}
}

static void code_of_another(void)
{
	u64 wrong = 0;

	write_slot_2(modified, 0);
	flush_code(modified, 16);
	mode = 1;
	for (u64 i = 1; i <= ROUNDS; i++) {
		write_slot_0(modified, i);
		write_slot_2(modified, ~i & 0x7ff);
		flush_code(modified, 16);
		__asm__ volatile("mf;;" : : : "memory");
		round = i;
		while (answered != i)
			pause();
		wrong += answer != result(i, ~i & 0x7ff);
	}
	check_equal("code of another processor, with handshake", wrong, 0);

	/* The other executes while slot 0 changes: `round` is what was complete. */
	mode = 0;
	write_slot_0(modified, 0);
	write_slot_2(modified, 0);
	flush_code(modified, 16);
	round = 0;
	mode = 2;
	for (u64 i = 1; i < 4000; i++) {
		write_slot_0(modified, i);
		flush_code(modified, 16);
		__asm__ volatile("mf;;" : : : "memory");
		round = i;
	}
	while (answered != 3999)
		pause();
	mode = 0;
	check("the other ran meanwhile", calls > 0);
	check_equal("no instruction but the old or the new", torn, 0);
	check_equal("none older than the last complete change", stale, 0);
}

void main(void)
{
	own_code();
	if (processor_count() > 1) {
		start_processors();
		code_of_another();
	}
	finish();
}
