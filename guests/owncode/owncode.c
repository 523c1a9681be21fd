/* A guest's code is its own: it reads, sums, copies and rewrites it, and each `break` of its own is taken. */
#include "guest.h"
#include "tlb.h"

const char guest_name[] = "owncode";

enum { ROUNDS = 5000, VARIANTS = 6, COPIES = 66000, STRIDE = 128, BREAKS = 25 };

extern u64 variants[], target[], pair_a[], pair_b[], pair_c[], blank[];
extern u64 call_pair_code[];
extern char ivt[], break_page[];
u64 call_pair(const void *code);

static u64 pristine[2 * VARIANTS], values[VARIANTS];

static void copy(volatile u64 *to, const volatile u64 *from)
{
	u64 words[2] = { from[0], from[1] };

	to[0] = words[0];
	to[1] = words[1];
	flush_code((void *)to, 16);
}

static u64 sum(const u64 *from, const u64 *to)
{
	u64 hash = 0xcbf29ce484222325;

	for (; from < to; from++) {
		hash = (hash ^ *from) * 0x100000001b3;
		hash ^= hash >> 29;
	}
	return hash;
}

/* The vector table and the functions up to this one, without what this guest rewrites. */
static u64 sum_of_text(void)
{
	return sum((u64 *)ivt, target) ^ sum(variants, pair_a) ^ sum(pair_b, blank) ^ sum(call_pair_code, *(u64 **)sum_of_text);
}

static void reading(void)
{
	u64 differ = 0;

	for (u64 round = 0; round < 3; round++)
		for (u64 i = 0; i < VARIANTS; i++) {
			u64 value = call_code(variants + 2 * i);

			differ += round && value != values[i];
			values[i] = value;
			differ += variants[2 * i] != pristine[2 * i] || variants[2 * i + 1] != pristine[2 * i + 1];
		}
	check_equal("code that was executed reads as it was", differ, 0);
}

static void copying(void)
{
	u64 words[2] = { pair_a[0], pair_a[1] };

	for (u64 round = 0; round < 2; round++) {
		call_pair(pair_a);
		call_pair(pair_b);
		call_pair(pair_c);
	}
	check_equal("before copying: r14", call_pair(pair_a), 1);
	copy(pair_a, pair_b);
	check_equal("copied over code that differs in a register", call_pair(pair_a), 2);
	check_equal("the same again", call_pair(pair_a), 2);
	copy(pair_a, words);
	check_equal("and back", call_pair(pair_a), 1);
	copy(pair_a, pair_c);
	check_equal("copied over code that differs in two slots", call_pair(pair_a), 2);
	copy(pair_a, words);
	check_equal("back again", call_pair(pair_a), 1);
	/* Slot 0 is bits 45:5 of the first word. */
	blank[0] = (blank[0] & 0xffffc0000000001f) | (pair_c[0] & 0x3fffffffffe0);
	flush_code(blank, 16);
	check_equal("a bundle made of a slot that was read", call_pair(blank), 2);
	check_equal("the same twice", call_pair(blank), 2);
}

static u64 breaks, in_b, strange;

static void on_break(struct frame *frame)
{
	static const u64 immediates[] = { 0x180000, 0x180001, 0x18003b, 0x181fff, 0x1bffff };
	u64 number = (frame->iip - (u64)break_page) / 16;

	breaks++;
	in_b += frame->iim == 0;
	strange += number >= BREAKS || frame->iim != (number % 5 == 3 ? 0 : immediates[number / 5]);
	frame->iip = (u64)break_page + 16 * (number + 1);
	frame->ipsr &= ~(3UL << 41);
}

static u64 break_often(u64 unused)
{
	(void)unused;
	for (u64 round = 0; round < 3; round++)
		call_code(break_page);
	return 0;
}

static void breaking(void)
{
	set_handler(BREAK, on_break);
	break_often(0);
	check_equal("each break is taken", breaks, 3 * BREAKS);
	check_equal("those of the B unit with iim 0", in_b, 3 * 5);
	check_equal("with their immediates, where they stand", strange, 0);
	map_image();
	breaks = 0;
	call_with_psr(break_often, 0, PSR_VIRTUAL);
	check_equal("each break is taken in virtual mode", breaks, 3 * BREAKS);
	check_equal("as before", strange, 0);
}

/* More copies than a monitor has numbers for. */
static void copying_often(void)
{
	u64 wrong = 0, at = 2 * IMAGE_BASE;

	for (u64 i = 0; i < COPIES; i++) {
		copy((u64 *)at, variants);
		wrong += call_code((void *)at) != values[0];
		at += STRIDE;
	}
	check_equal("copies in many places", wrong, 0);
	wrong = 0;
	for (u64 i = 0; i < 1000; i++) {
		wrong += call_code((void *)(2 * IMAGE_BASE + i % 7 * STRIDE)) != values[0];
		wrong += call_code(variants + 2 * (i % VARIANTS)) != values[i % VARIANTS];
	}
	check_equal("and after that", wrong, 0);
}

/* Another processor executes what this one writes. */
static volatile u64 round __attribute__((aligned(128))), answered __attribute__((aligned(128)));
static volatile u64 answer, mode, calls, stale, invalid, ready;

static void put(u64 i)
{
	copy(target, pristine + 2 * (i % VARIANTS));
}

static int is_of_round(u64 value, u64 from, u64 to)
{
	for (u64 r = from; r <= to; r++)
		if (value == values[r % VARIANTS])
			return 1;
	return 0;
}

void processor_main(u64 index)
{
	if (index != 1)
		return;
	set("cr.tpr", 0x20);
	set("cr.lrr0", 0x10044);
	for (u64 i = 0; i < VARIANTS; i++)
		values[i] = call_code(variants + 2 * i);
	ready = 1;
	for (u64 last = 0;;) {
		u64 how = mode, now = round, value;

		if (how == 0 || (how == 1 && now == last)) {
			pause();
			continue;
		}
		__asm__ volatile("srlz.i;;" : : : "memory");
		value = call_code(target);
		if (how == 1) {
			answer = value;
		} else if (!is_of_round(value, now, round + 1)) {
			if (is_of_round(value, 0, VARIANTS - 1))
				stale++;
			else
				invalid++;
		}
		calls++;
		last = now;
		__asm__ volatile("mf;;" : : : "memory");
		answered = now;
	}
}

static void code_of_another(void)
{
	u64 wrong = 0;

	while (!ready)
		pause();
	put(0);
	mode = 1;
	for (u64 i = 1; i <= ROUNDS; i++) {
		put(i);
		__asm__ volatile("mf;;" : : : "memory");
		round = i;
		while (answered != i)
			pause();
		wrong += answer != values[i % VARIANTS];
	}
	check_equal("code that another processor executes, with handshake", wrong, 0);
	mode = 0;
	calls = 0;
	round = 0;
	put(0);
	answered = ~0UL;
	mode = 2;
	for (u64 i = 1; i <= ROUNDS; i++) {
		put(i);
		__asm__ volatile("mf;;" : : : "memory");
		round = i;
	}
	while (answered != ROUNDS)
		pause();
	mode = 0;
	check("the other ran meanwhile", calls > 0);
	check_equal("none older than the last complete change", stale, 0);
	check_equal("none that was never there", invalid, 0);
}

void main(void)
{
	u64 before;

	for (u64 i = 0; i < 2 * VARIANTS; i++)
		pristine[i] = variants[i];
	before = sum_of_text();
	reading();
	copying();
	breaking();
	copying_often();
	if (processor_count() > 1) {
		start_processors();
		code_of_another();
	}
	check_equal("the sum of the text is what it was", sum_of_text(), before);
	print("owncode: sum %x\n", before);
	finish();
}
