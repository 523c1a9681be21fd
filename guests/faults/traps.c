/* Traps after an instruction, instruction breakpoints, the external interrupt. */
#include "trial.h"

TRIAL(t_nops);
TRIAL(t_branch);
TRIAL(t_return);
TRIAL(t_branch_to);
TRIAL(t_end);
extern char t_branch_target[];

/* ISR.code of traps (SDM 2:170). */
enum { TRAP_LP = 2, TRAP_TB = 4, TRAP_SS = 8, TRAP_UI = 16, VECTOR = 0x40 };

static void disarm(struct frame *frame)
{
	frame->ipsr &= ~(PSR_SS | PSR_TB | PSR_LP | PSR_DB);
}

static void disable_instruction_debug(struct frame *frame)
{
	frame->ipsr |= PSR_ID;
}

void traps(void)
{
	try(t_nops, PSR_PHYSICAL | PSR_SS, 0, 0, disarm);
	expect_trap("single step", SINGLE_STEP, TRAP_SS, t_nops_at, 0, t_nops_at, 1);
	check_equal("single step: returned", events, 1);
	try(t_nops, (PSR_PHYSICAL | PSR_SS) + (2UL << 41), 0, 0, disarm);
	expect_trap("single step to the next bundle", SINGLE_STEP, TRAP_SS, t_nops_at, 2, t_nops_at + 16, 0);
	try(t_branch, PSR_PHYSICAL | PSR_TB, 0, 0, disarm);
	expect_trap("taken branch", TAKEN_BRANCH, TRAP_TB, t_branch_at, 2, t_branch_target, 0);
	check_equal("taken branch: returned", events, 1);
	try(t_return, PSR_PHYSICAL | PSR_LP, (u64)t_end, 0, disarm);
	expect_trap("lower-privilege transfer", LOWER_PRIVILEGE_TRANSFER, TRAP_LP, t_return_at, 2, t_end, 0);
	check_equal("lower-privilege transfer: IPSR.cpl", event.ipsr & PSR_CPL3, PSR_CPL3);
	check_equal("lower-privilege transfer: returned", events, 1);
	try(t_branch_to, PSR_PHYSICAL, BIT(61), 0, 0);
	check_equal("unimplemented instruction address", event.vector, LOWER_PRIVILEGE_TRANSFER);
	check("unimplemented instruction address: trap or fault", (event.isr & 0xffff) == TRAP_UI || (event.isr & 0xffff) == 0);

	set_at("ibr", 0, (u64)t_end);
	set_at("ibr", 1, BIT(63) | BIT(56) | 0xfffffffffffff0);
	try(t_end, PSR_PHYSICAL | PSR_DB, 0, 0, disable_instruction_debug);
	check("instruction debug", faulted("instruction debug", DEBUG, ISR_X, t_end, 0) &
					   same("instruction debug", "ifa", event.ifa, (u64)t_end));
	check_equal("instruction debug: PSR.id", events, 1);
	set_at("ibr", 1, 0);

	send_interrupt(0, VECTOR);
	while (!(get("cr.irr1") & BIT(VECTOR - 64)))
		pause();
	try(t_nops, PSR_PHYSICAL | PSR_I, 0, 0, 0);
	check("external interrupt", event.vector == EXTERNAL_INTERRUPT && event.iip == (u64)t_nops);
	check_equal("external interrupt: IVR", read_ivr(), VECTOR);
	set("cr.eoi", 0);
	try(t_nops, PSR_PHYSICAL | PSR_I, 0, 0, 0);
	check_equal("external interrupt: once", events, 0);
}
