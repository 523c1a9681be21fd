/* Processors are woken through SAL and talk by interrupts through the processor interrupt block. */
#include "guest.h"

const char guest_name[] = "ipi";

enum { PING = 0x50, PONG = 0x60, COUNTED = 0x70, SPURIOUS = 15 };

/* Interrupts to answer and interrupts to count, for all processors together: more of them than the host has are slow. */
enum { PINGS = 1024, COUNTS = 256 };

struct processor {
	volatile u64 ready, lid, pongs, wrong;
	volatile u64 counted[MAX_PROCESSORS];	/* by sender: vectors COUNTED + sender */
	volatile u64 go, done;
} __attribute__((aligned(128)));

static struct processor processors[MAX_PROCESSORS];
static u64 count;

/* A processor's part of `total`, rounded up. */
static u64 share(u64 total)
{
	u64 part = 0;

	while (part * count < total)
		part++;
	return part;
}

/* A local id is all a handler knows of its processor. */
static u64 own_index(void)
{
	u64 id = get("cr.lid") >> 16 & 0xffff;

	for (u64 i = 0; i < count; i++)
		if (processor_id(i) == id)
			return i;
	return 0;
}

static void interrupt(struct frame *frame)
{
	struct processor *own = &processors[own_index()];

	(void)frame;
	for (u64 vector = read_ivr(); vector != SPURIOUS; vector = read_ivr()) {
		if (vector == PING)
			send_interrupt(0, PONG);
		else if (vector == PONG)
			own->pongs++;
		else if (vector >= COUNTED && vector < COUNTED + MAX_PROCESSORS)
			own->counted[vector - COUNTED]++;
		else
			own->wrong++;
		set("cr.eoi", 0);
	}
}

/* Sends every processor its share of interrupts, each only when the one before has arrived: a pending vector is one bit. */
static void send_to_all(u64 self)
{
	for (u64 n = 1; n <= share(COUNTS); n++)
		for (u64 to = 0; to < count; to++) {
			send_interrupt(to, COUNTED + self);
			while (processors[to].counted[self] < n)
				pause();
		}
	processors[self].done = 1;
}

void processor_main(u64 index)
{
	processors[index].lid = get("cr.lid") >> 16 & 0xffff;
	processors[index].ready = 1;
	interrupts_on();
	while (!processors[index].go)
		pause();
	send_to_all(index);
	for (;;)
		pause();
}

void main(void)
{
	u64 others_ok = 1, each_ok = 1, wrong = 0;

	count = processor_count();
	set_handler(EXTERNAL_INTERRUPT, interrupt);
	print("ipi: %u processors\n", count);
	check("processors in the MADT", count >= 1);
	start_processors();
	interrupts_on();

	for (u64 i = 1; i < count; i++) {
		while (!processors[i].ready)
			pause();
		others_ok &= processors[i].lid == processor_id(i);
		for (u64 j = 0; j < i; j++)
			others_ok &= processor_id(i) != processor_id(j);
	}
	check("every processor woke with a local id of its own", others_ok);

	for (u64 i = 0; i < count; i++) {
		u64 before = processors[0].pongs;

		for (u64 n = 1; n <= share(PINGS); n++) {
			send_interrupt(i, PING);
			while (processors[0].pongs < before + n)
				pause();
		}
		each_ok &= processors[0].pongs == before + share(PINGS);
	}
	check("each answers interrupts", each_ok);

	for (u64 i = 0; i < count; i++)
		processors[i].go = 1;
	send_to_all(0);
	for (u64 i = 0; i < count; i++)
		while (!processors[i].done)
			pause();
	each_ok = 1;
	for (u64 i = 0; i < count; i++) {
		for (u64 from = 0; from < count; from++)
			each_ok &= processors[i].counted[from] == share(COUNTS);
		wrong += processors[i].wrong;
	}
	check("everybody to everybody at once", each_ok);
	check_equal("no vector that nobody sent", wrong, 0);
	interrupts_off();
	finish();
}
