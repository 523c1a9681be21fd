/* Every interruption that a program can raise: taken with the right parameters, and returned from. */
#include "trial.h"

const char guest_name[] = "faults";

void run_trial(const char *code, u64 psr, u64 r14, u64 r15);
extern char trial_end[];

enum { TOO_MANY = 4 };

struct frame event, last_event;
u64 events, result8, result9;
static void (*repair)(struct frame *);
static u64 trial_psr;

u64 data_page[PAGE_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));
u64 code_page[PAGE_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));

static void on_interruption(struct frame *frame)
{
	int ended = frame->vector == BREAK && frame->iim == TRIAL_END;

	if (!ended) {
		if (events++ == 0)
			event = *frame;
		last_event = *frame;
		if (repair && events < TOO_MANY) {
			repair(frame);
			return;
		}
	}
	result8 = frame->gr8;
	result9 = frame->gr9;
	frame->iip = (u64)trial_end;
	frame->ipsr = PSR_PHYSICAL;
}

void try(const char *code, u64 psr, u64 r14, u64 r15, void (*fix)(struct frame *))
{
	events = 0;
	event.vector = ~0UL;
	repair = fix;
	trial_psr = psr;
	run_trial(code, psr, r14, r15);
}

int same(const char *what, const char *field, u64 value, u64 expected)
{
	if (value != expected)
		print("%s: %s: %s %x instead of %x\n", guest_name, what, field, value, expected);
	return value == expected;
}

int faulted(const char *what, u64 vector, u64 isr, const char *bundle, u64 slot)
{
	/* PSR.mfl and mfh follow what the trial did before. */
	return same(what, "vector", event.vector, vector) && same(what, "isr", event.isr, isr | slot << 41) &
		same(what, "iip", event.iip, (u64)bundle) & same(what, "ipsr", event.ipsr & ~0x30UL, trial_psr | slot << 41);
}

void expect_fault(const char *what, u64 vector, u64 isr, const char *bundle, u64 slot)
{
	check(what, faulted(what, vector, isr, bundle, slot));
}

void expect_trap(const char *what, u64 vector, u64 isr, const char *bundle, u64 slot, const char *next, u64 next_slot)
{
	check(what, same(what, "vector", event.vector, vector) && same(what, "isr", event.isr, isr | slot << 41) &
			same(what, "iipa", event.iipa, (u64)bundle) & same(what, "iip", event.iip, (u64)next) &
			same(what, "ipsr.ri", event.ipsr >> 41 & 3, next_slot));
}

void expect_return(const char *what, u64 r8)
{
	check(what, same(what, "interruptions", events, 1) & same(what, "r8", result8, r8));
}

void main(void)
{
	extern u64 t_end[];

	for (u64 vector = 0; vector < 0x8000; vector += 0x100)
		set_handler(vector, on_interruption);
	code_page[0] = t_end[0];
	code_page[1] = t_end[1];
	flush_code(code_page, 16);
	general_exceptions();
	data_references();
	map_image();
	translations();
	floating_point();
	traps();
	finish();
}
