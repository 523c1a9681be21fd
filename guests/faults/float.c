/* Disabled registers, floating-point faults and traps, speculation checks. */
#include "trial.h"

TRIAL(t_fp_divide);
TRIAL(t_fp_invalid);
TRIAL(t_fp_inexact);
TRIAL(t_fp_overflow);
TRIAL(t_fp_low);
TRIAL(t_fp_high);
TRIAL(t_chk_s);
TRIAL(t_chk_a);
extern char t_chk_s_target[], t_chk_a_target[];

/* FPSR.traps: a clear bit enables. */
enum { V = BIT(0), Z = BIT(2), O = BIT(3), I = BIT(5) };

static void enable_registers(struct frame *frame)
{
	frame->ipsr &= ~(PSR_DFL | PSR_DFH);
}

/* A processor may leave the branch of a failed check to its Speculation vector; IIM holds the displacement in bundles. */
static void branch(struct frame *frame)
{
	frame->iip += frame->iim << 4;
	frame->ipsr &= ~(3UL << 41);
}

static void speculation(const char *what, const char *code, const char *at, const char *target)
{
	try(code, PSR_PHYSICAL, 0, (u64)data_page, branch);
	check(what, result9 == 2 && (events == 0 || (faulted(what, SPECULATION, 0, at, 0) &
						     same(what, "iim", event.iim, (u64)(target - at) >> 4))));
}

/* A trap in slot 1: the next instruction is in slot 2. */
static void trap(const char *what, const char *code, const char *at, u64 fpsr, u64 operand, u64 codes)
{
	try(code, PSR_PHYSICAL, fpsr, operand, 0);
	check(what, same(what, "vector", event.vector, FP_TRAP) && same(what, "isr.ei", event.isr >> 41 & 3, 1) &
			same(what, "isr.fp", event.isr & 1, 1) & same(what, "isr.code", (event.isr & codes) != 0, 1) &
			same(what, "iip", event.iip, (u64)at) & same(what, "ipsr.ri", event.ipsr >> 41 & 3, 2) &
			same(what, "iipa", event.iipa, (u64)at));
}

void floating_point(void)
{
	try(t_fp_low, PSR_PHYSICAL | PSR_DFL, 0, 0, enable_registers);
	expect_fault("disabled FP: low", DISABLED_FP, 1, t_fp_low_at, 2);
	check_equal("disabled FP: low, returned", events, 1);
	try(t_fp_high, PSR_PHYSICAL | PSR_DFH, 0, 0, enable_registers);
	expect_fault("disabled FP: high", DISABLED_FP, 2, t_fp_high_at, 2);
	check_equal("disabled FP: high, returned", events, 1);

	try(t_fp_divide, PSR_PHYSICAL, FPSR, 7, 0);
	check_equal("FP fault masked", events, 0);
	try(t_fp_divide, PSR_PHYSICAL, FPSR & ~Z, 7, 0);
	expect_fault("FP fault: zero divide", FP_FAULT, 4, t_fp_divide_at, 1);
	try(t_fp_invalid, PSR_PHYSICAL, FPSR & ~V, 0, 0);
	expect_fault("FP fault: invalid", FP_FAULT, 1, t_fp_invalid_at, 1);

	/* ISR.code: overflow, inexact of either half (SDM 2:170). */
	trap("FP trap: inexact", t_fp_inexact, t_fp_inexact_at, FPSR & ~I, BIT(40) + 1, 0x2200);
	trap("FP trap: overflow", t_fp_overflow, t_fp_overflow_at, FPSR & ~O, 0x1007e, 0x880);
	try(t_fp_overflow, PSR_PHYSICAL, FPSR, 0x1007e, 0);
	check_equal("FP trap masked", events, 0);

	speculation("speculation: chk.s", t_chk_s, t_chk_s_at, t_chk_s_target);
	speculation("speculation: chk.a", t_chk_a, t_chk_a_at, t_chk_a_target);
}
