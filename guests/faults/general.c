/* General exceptions, NaT consumption, break. */
#include "trial.h"

TRIAL(t_out_of_frame);
TRIAL(t_reserved_template);
TRIAL(t_itc_collecting);
TRIAL(t_mov_from_psr);
TRIAL(t_rsm);
TRIAL(t_rfi);
TRIAL(t_mov_to_cr);
TRIAL(t_ptc_e);
TRIAL(t_mov_to_kr);
TRIAL(t_mov_from_itc);
TRIAL(t_rsc);
TRIAL(t_load);
TRIAL(t_br_ia);
TRIAL(t_nat_load);
TRIAL(t_nat_store);
TRIAL(t_nat_stored);
TRIAL(t_nat_to_ar);
TRIAL(t_nat_to_cr);
TRIAL(t_break_m);
TRIAL(t_break_i);
TRIAL(t_break_f);
TRIAL(t_break_b);
TRIAL(t_break_x);

/* ISR.code of general exceptions (SDM 2:190). */
enum { PRIVILEGED_OPERATION = 0x10, PRIVILEGED_REGISTER = 0x20, RESERVED_FIELD = 0x30, DISABLED_ISA = 0x40 };

static void next_instruction(struct frame *frame)
{
	u64 slot = (frame->ipsr >> 41 & 3) + 1;

	if (slot == 3) {
		frame->iip += 16;
		slot = 0;
	}
	frame->ipsr = (frame->ipsr & ~(3UL << 41)) | slot << 41;
}

static void privileged(const char *what, const char *code, const char *at, u64 slot)
{
	try(code, PSR_PHYSICAL | PSR_CPL3, 0, 0, 0);
	expect_fault(what, GENERAL_EXCEPTION, PRIVILEGED_OPERATION, at, slot);
}

static void consumption(const char *what, const char *code, const char *at)
{
	try(code, PSR_PHYSICAL, 0, (u64)data_page, 0);
	check(what, event.vector == NAT_CONSUMPTION && event.iip == (u64)at && (event.isr & 0xf0) == 0x10);
}

static void taken_break(const char *what, const char *code, u64 slot, u64 immediate)
{
	try(code, PSR_PHYSICAL, 0, 0, next_instruction);
	check(what, faulted(what, BREAK, 0, code, slot) & same(what, "iim", event.iim, immediate) &
			same(what, "interruptions", events, 1));
}

void general_exceptions(void)
{
	try(t_out_of_frame, PSR_PHYSICAL, 0, 0, 0);
	expect_fault("illegal operation: target out of frame", GENERAL_EXCEPTION, 0, t_out_of_frame_at, 0);
	try(t_out_of_frame, PSR_PHYSICAL, 0, 0, next_instruction);
	check_equal("illegal operation skipped", events, 1);
	try(t_reserved_template, PSR_PHYSICAL, 0, 0, 0);
	expect_fault("illegal operation: reserved template", GENERAL_EXCEPTION, 0, t_reserved_template_at, 0);
	try(t_itc_collecting, PSR_PHYSICAL, 0, 0, 0);
	expect_fault("illegal operation: itc with PSR.ic", GENERAL_EXCEPTION, 0, t_itc_collecting_at, 0);

	privileged("privileged operation: mov =psr", t_mov_from_psr, t_mov_from_psr_at, 0);
	privileged("privileged operation: rsm", t_rsm, t_rsm_at, 0);
	privileged("privileged operation: rfi", t_rfi, t_rfi_at, 2);
	privileged("privileged operation: mov cr=", t_mov_to_cr, t_mov_to_cr_at, 0);
	privileged("privileged operation: ptc.e", t_ptc_e, t_ptc_e_at, 0);
	try(t_mov_to_kr, PSR_PHYSICAL | PSR_CPL3, 0, 0, 0);
	expect_fault("privileged register: mov ar.k0=", GENERAL_EXCEPTION, PRIVILEGED_REGISTER, t_mov_to_kr_at, 0);
	try(t_mov_from_itc, PSR_PHYSICAL | PSR_CPL3 | PSR_SI, 0, 0, 0);
	expect_fault("privileged register: mov =ar.itc with PSR.si", GENERAL_EXCEPTION, PRIVILEGED_REGISTER, t_mov_from_itc_at, 0);
	try(t_rsc, PSR_PHYSICAL, BIT(5), 0, 0);
	expect_fault("reserved field: mov ar.rsc=", GENERAL_EXCEPTION, RESERVED_FIELD, t_rsc_at, 0);
	try(t_load, PSR_PHYSICAL, BIT(61), 0, 0);
	expect_fault("unimplemented data address", GENERAL_EXCEPTION, RESERVED_FIELD | ISR_R, t_load_at, 0);

	consumption("NaT consumption: ld8", t_nat_load, t_nat_load_at);
	consumption("NaT consumption: st8 address", t_nat_store, t_nat_store_at);
	consumption("NaT consumption: st8 value", t_nat_stored, t_nat_stored_at);
	consumption("NaT consumption: mov ar.ccv=", t_nat_to_ar, t_nat_to_ar_at);
	consumption("NaT consumption: mov cr.tpr=", t_nat_to_cr, t_nat_to_cr_at);

	taken_break("break.m", t_break_m, 0, 0x12345);
	taken_break("break.i", t_break_i, 1, 0x1fff00);
	taken_break("break.f", t_break_f, 2, 0x54321);
	taken_break("break.b", t_break_b, 2, 0);
	try(t_break_x, PSR_PHYSICAL, 0, 0, 0);
	check("break.x", event.vector == BREAK && event.iip == (u64)t_break_x_at);
	check_equal("break.x: IIM, its low 21 bits", event.iim, 0x123456789abcdef & 0x1fffff);
}
