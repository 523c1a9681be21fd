/* The interval timer and the external interrupt registers. */
#include "guest.h"

const char guest_name[] = "timer";

enum { TIMER = 0xd0, HIGHER = 0xe0, LOWER = 0x40, SPURIOUS = 15, MASKED = 1 << 16, SOON = 400000, TICKS = 50 };

static volatile u64 taken, last_vector, taken_at, period;

/* Reads IVR until it is spurious, as an operating system does. */
static void interrupt(struct frame *frame)
{
	(void)frame;
	for (u64 vector = read_ivr(); vector != SPURIOUS; vector = read_ivr()) {
		taken_at = get("ar.itc");
		last_vector = vector;
		taken++;
		if (period && vector == TIMER)
			set("cr.itm", get("ar.itc") + period);
		set("cr.eoi", 0);
	}
}

static u64 pending(u64 vector)
{
	u64 irr = vector < 64 ? get("cr.irr0") : vector < 128 ? get("cr.irr1") : vector < 192 ? get("cr.irr2") : get("cr.irr3");

	return irr >> (vector & 63) & 1;
}

/* Again if the match went by before ITM was written. */
static void arm(u64 ticks)
{
	u64 match;

	set("cr.itv", TIMER);
	do {
		match = get("ar.itc") + ticks;
		set("cr.itm", match);
	} while (get("ar.itc") >= match && !pending(TIMER));
}

/* Waits well past the timer, in ticks and in instructions: the match may be noticed some time after ar.itc shows it. */
static void pass(u64 ticks)
{
	u64 until = get("cr.itm") + ticks;

	while (get("ar.itc") < until)
		pause();
	for (int i = 0; i < 10000; i++)
		pause();
}

static void delivery(void)
{
	u64 before = get("ar.itc"), match, early;

	while (get("ar.itc") == before)
		pause();
	check("ITC advances", get("ar.itc") > before);

	arm(SOON);
	match = get("cr.itm");
	early = pending(TIMER);
	check("nothing pending before ITM", !early || get("ar.itc") >= match);
	interrupts_on();
	while (taken == 0)
		pause();
	interrupts_off();
	check_equal("timer vector", last_vector, TIMER);
	check("not before ITM", taken_at >= match);
	pass(SOON);
	check("one interrupt a match", taken == 1 && !pending(TIMER));

	taken = 0;
	arm(SOON);
	pass(SOON);
	check_equal("PSR.i = 0 holds it pending", pending(TIMER) << 8 | taken, 1 << 8);
	interrupts_on();
	interrupts_off();
	check("PSR.i = 1 delivers it", taken == 1 && !pending(TIMER));

	set("cr.itv", MASKED | TIMER);
	set("cr.itm", get("ar.itc") + SOON);
	pass(SOON);
	check_equal("ITV.m discards it", pending(TIMER), 0);
	check_equal("IVR without interrupt is spurious", read_ivr(), SPURIOUS);
}

static void masking(void)
{
	taken = 0;
	set("cr.tpr", (TIMER >> 4) << 4);
	arm(SOON);
	interrupts_on();
	pass(SOON);
	check_equal("TPR.mic masks its class", taken, 0);
	check_equal("masked but pending", pending(TIMER), 1);
	check_equal("masked: IVR is spurious", read_ivr(), SPURIOUS);
	set("cr.tpr", ((TIMER >> 4) - 1) << 4);
	while (taken == 0)
		pause();
	check_equal("TPR.mic lets a higher class through", last_vector, TIMER);
	interrupts_off();

	taken = 0;
	set("cr.tpr", 1 << 16);
	arm(SOON);
	interrupts_on();
	pass(SOON);
	check_equal("TPR.mmi masks all", taken, 0);
	set("cr.tpr", 0);
	while (taken == 0)
		pause();
	interrupts_off();
}

/* Three pending vectors come by priority; one in service hides those below until its EOI. */
static void priorities(void)
{
	send_interrupt(0, LOWER);
	send_interrupt(0, HIGHER);
	arm(SOON);
	pass(SOON);
	while (!pending(LOWER) || !pending(HIGHER) || !pending(TIMER))
		pause();
	check_equal("highest first", read_ivr(), HIGHER);
	check_equal("in service hides the rest", read_ivr(), SPURIOUS);
	set("cr.eoi", 0);
	check_equal("next by priority", read_ivr(), TIMER);
	send_interrupt(0, HIGHER);
	while (!pending(HIGHER))
		pause();
	check_equal("a higher one is taken in service", read_ivr(), HIGHER);
	set("cr.eoi", 0);
	check_equal("EOI ends the highest in service", read_ivr(), SPURIOUS);
	set("cr.eoi", 0);
	check_equal("the lowest comes last", read_ivr(), LOWER);
	set("cr.eoi", 0);
	check_equal("nothing left", read_ivr(), SPURIOUS);
}

/* A calculation that an interrupt must not disturb. */
static u64 calculate(void)
{
	u64 a = 1, b = 2, c = 3, d = 4;

	for (int i = 0; i < 20000; i++) {
		a = a * 6364136223846793005UL + b;
		b = (b << 7 | b >> 57) ^ c;
		c += a ^ d;
		d = d * 3 + (c >> 5) / 10;
	}
	return a ^ b ^ c ^ d;
}

static void periodic(void)
{
	u64 alone = calculate(), first;
	int same = 1;

	taken = 0;
	period = SOON;
	arm(SOON);
	first = get("cr.itm");
	interrupts_on();
	while (taken < TICKS)
		same &= calculate() == alone;
	interrupts_off();
	check("periodic ticks", taken >= TICKS && taken_at >= first + (TICKS - 1) * SOON);
	check("interrupted calculations", same);
	period = 0;
	set("cr.itv", MASKED);
}

/* Periodic, so that none is missed that comes between the look and the halt. */
static void halting(void)
{
	taken = 0;
	period = SOON;
	arm(SOON);
	interrupts_on();
	for (int halts = 0; halts < 10 && taken == 0; halts++)
		halt();
	check("an interrupt that ends a halt at PSR.i = 1 is taken at once", taken > 0);
	interrupts_off();
	period = 0;
	set("cr.itv", MASKED);
}

void main(void)
{
	set_handler(EXTERNAL_INTERRUPT, interrupt);
	delivery();
	masking();
	priorities();
	periodic();
	halting();
	finish();
}
