/* Alignment, memory attributes, debug breakpoints on data: in physical mode. */
#include "trial.h"

TRIAL(t_load);
TRIAL(t_store);
TRIAL(t_load4);
TRIAL(t_store4);
TRIAL(t_exchange);
TRIAL(t_fetchadd);

/* Emulates the faulting load. */
static void load_for_it(struct frame *frame)
{
	frame->gr8 = 0x1234;
	frame->ipsr += 1UL << 41;
}

static void disable_data_debug(struct frame *frame)
{
	frame->ipsr |= PSR_DD;
}

static void reference(const char *what, const char *code, const char *at, u64 address, u64 vector, u64 isr)
{
	try(code, PSR_PHYSICAL, address, 0, 0);
	check(what, faulted(what, vector, isr, at, 0) & same(what, "ifa", event.ifa, address));
}

void data_references(void)
{
	u64 data = (u64)data_page;

	reference("unaligned ld4", t_load4, t_load4_at, data + 2, UNALIGNED, ISR_R);
	reference("unaligned st4", t_store4, t_store4_at, data + 1, UNALIGNED, ISR_W);
	reference("unaligned ld8", t_load, t_load_at, data + 4, UNALIGNED, ISR_R);
	reference("unaligned st8", t_store, t_store_at, data + 7, UNALIGNED, ISR_W);
	reference("unaligned xchg8", t_exchange, t_exchange_at, data + 4, UNALIGNED, ISR_R | ISR_W);
	reference("unaligned fetchadd8", t_fetchadd, t_fetchadd_at, data + 1, UNALIGNED, ISR_R | ISR_W);
	try(t_load, PSR_PHYSICAL, data + 1, 0, load_for_it);
	expect_return("unaligned ld8 emulated", 0x1234);
	reference("unsupported data reference: xchg8 uncached", t_exchange, t_exchange_at, UNCACHED | data,
		  UNSUPPORTED_DATA_REFERENCE, ISR_R | ISR_W);

	data_page[2] = 0x77;
	set_at("dbr", 0, data + 16);
	set_at("dbr", 1, BIT(63) | BIT(56) | 0xfffffffffffff8);
	try(t_load, PSR_PHYSICAL | PSR_DB, data + 16, 0, disable_data_debug);
	expect_fault("data debug", DEBUG, ISR_R, t_load_at, 0);
	check_equal("data debug: IFA", event.ifa, data + 16);
	expect_return("data debug: PSR.dd", 0x77);
	try(t_load, PSR_PHYSICAL | PSR_DB, data + 24, 0, 0);
	check_equal("data debug: another address", events, 0);
	try(t_store, PSR_PHYSICAL | PSR_DB, data + 16, 0x78, 0);
	check_equal("data debug: a write with r only", events, 0);
	try(t_load, PSR_PHYSICAL | PSR_DB | PSR_CPL3, data + 16, 0, 0);
	check_equal("data debug: another privilege level", events, 0);
	set_at("dbr", 1, 0);
}
