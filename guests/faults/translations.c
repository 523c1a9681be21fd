/* What the TLB, the VHPT walker and the protection keys raise, for data and for instruction fetches. */
#include "trial.h"

TRIAL(t_load);
TRIAL(t_store);
TRIAL(t_fc);
TRIAL(t_tpa);
TRIAL(t_probe_read);
TRIAL(t_probe_write);
TRIAL(t_lfetch);
TRIAL(t_speculative);
TRIAL(t_br_ia);
TRIAL(t_rse);
extern char t_rse_filled[];

enum { RID = 0x111, WALKED_RID = 0x222, KEY = 0x33 };

static const u64 data = REGION(1) | 0x20000, code = REGION(1) | 0x40000;
static const u64 walked = REGION(2) | 0x30000;
static u64 page_table[PAGE_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));
static u64 hash_table[4096] __attribute__((aligned(32768)));

static void map_data(struct frame *frame)
{
	purge(frame->ifa, PAGE_SHIFT);
	insert_data(frame->ifa, ITIR(PAGE_SHIFT, 0), PTE((u64)data_page));
}

static void map_code(struct frame *frame)
{
	purge(frame->ifa, PAGE_SHIFT);
	insert_instruction(frame->ifa, ITIR(PAGE_SHIFT, 0), PTE((u64)code_page));
}

static void defer(struct frame *frame)
{
	frame->ipsr |= PSR_ED;
}

/* One data reference through a page of this kind; then it is mapped right and the reference repeated. */
static void data_fault(const char *what, const char *trial, u64 pte, u64 vector, u64 isr)
{
	purge(data, PAGE_SHIFT);
	if (pte)
		insert_data(data, ITIR(PAGE_SHIFT, 0), pte);
	try(trial, PSR_VIRTUAL, data, 0x55, map_data);
	check(what, faulted(what, vector, isr, trial, 0) & same(what, "ifa", event.ifa, data) &
			same(what, "itir", event.itir, vector == NAT_CONSUMPTION ? event.itir : ITIR(PAGE_SHIFT, RID)) &
			same(what, "interruptions", events, 1));
}

static void code_fault(const char *what, u64 pte, u64 vector, u64 isr)
{
	purge(code, PAGE_SHIFT);
	if (pte)
		insert_instruction(code, ITIR(PAGE_SHIFT, 0), pte);
	try((const char *)code, PSR_VIRTUAL, 0, 0, map_code);
	check(what, faulted(what, vector, ISR_X | isr, (const char *)code, 0) & same(what, "ifa", event.ifa, code) &
			same(what, "interruptions", events, 1));
}

static void without_walker(void)
{
	const u64 physical = (u64)data_page, fetched = (u64)code_page;

	set_at("rr", REGION(1), RR(RID, PAGE_SHIFT, 0));
	data_fault("alternate data TLB", t_load, 0, ALTERNATE_DATA_TLB, ISR_R);
	data_fault("alternate data TLB: st8", t_store, 0, ALTERNATE_DATA_TLB, ISR_W);
	data_fault("alternate data TLB: fc", t_fc, 0, ALTERNATE_DATA_TLB, ISR_NA | ISR_R | 1);
	data_fault("alternate data TLB: tpa", t_tpa, 0, ALTERNATE_DATA_TLB, ISR_NA);
	data_fault("alternate data TLB: probe.r.fault", t_probe_read, 0, ALTERNATE_DATA_TLB, ISR_NA | ISR_R | 5);
	data_fault("alternate data TLB: probe.w.fault", t_probe_write, 0, ALTERNATE_DATA_TLB, ISR_NA | ISR_W | 5);
	data_fault("alternate data TLB: lfetch.fault", t_lfetch, 0, ALTERNATE_DATA_TLB, ISR_NA | ISR_R | 4);
	data_fault("page not present", t_load, PTE(physical) & ~PTE_P, PAGE_NOT_PRESENT, ISR_R);
	data_fault("NaT page", t_load, PTE(physical) | PTE_NATPAGE, NAT_CONSUMPTION, ISR_R | 0x20);
	data_fault("access rights: store", t_store, (physical | PTE_P | PTE_A | PTE_D | PTE_PL(3)), DATA_ACCESS_RIGHTS, ISR_W);
	data_fault("access bit", t_load, PTE(physical) & ~PTE_A, DATA_ACCESS_BIT, ISR_R);
	data_fault("access bit: store", t_store, PTE(physical) & ~PTE_A, DATA_ACCESS_BIT, ISR_W);
	data_fault("dirty bit", t_store, PTE(physical) & ~PTE_D, DIRTY_BIT, ISR_W);
	check_equal("dirty bit: stored", data_page[0], 0x55);
	purge(data, PAGE_SHIFT);
	insert_data(data, ITIR(PAGE_SHIFT, 0), PTE(physical) & ~PTE_PL(3));
	try(t_load, PSR_VIRTUAL | PSR_CPL3, data, 0, map_data);
	expect_fault("access rights: privilege level", DATA_ACCESS_RIGHTS, ISR_R, t_load_at, 0);
	expect_return("access rights: returned", 0x55);

	purge(data, PAGE_SHIFT);
	try(t_speculative, PSR_VIRTUAL, data, 0, defer);
	expect_fault("speculative load without recovery", ALTERNATE_DATA_TLB, ISR_R | ISR_SP, t_speculative_at, 0);
	check_equal("speculative load: PSR.ed defers", events + result9, 2);
	purge(code, PAGE_SHIFT);
	insert_instruction(code, ITIR(PAGE_SHIFT, 0), PTE((u64)t_speculative & ~(PAGE_SIZE - 1)) | PTE_ED);
	set("cr.dcr", BIT(8));
	try((const char *)(code | ((u64)t_speculative & (PAGE_SIZE - 1))), PSR_VIRTUAL, data, 0, 0);
	set("cr.dcr", 0);
	check("speculative load with recovery: DCR.dm defers", events == 0 && result9 == 1);

	try(t_load, PSR_VIRTUAL & ~PSR_IC, data, 0, 0);
	check_equal("data nested TLB", event.vector, DATA_NESTED_TLB);

	code_fault("alternate instruction TLB", 0, ALTERNATE_INSTRUCTION_TLB, 0);
	code_fault("instruction page not present", PTE(fetched) & ~PTE_P, PAGE_NOT_PRESENT, 0);
	code_fault("instruction NaT page", PTE(fetched) | PTE_NATPAGE, NAT_CONSUMPTION, 0x20);
	code_fault("instruction access rights", PTE(fetched) & ~PTE_AR(READ_WRITE_EXECUTE), INSTRUCTION_ACCESS_RIGHTS, 0);
	code_fault("instruction access bit", PTE(fetched) & ~PTE_A, INSTRUCTION_ACCESS_BIT, 0);
}

static void with_walker(void)
{
	const u64 short_table = REGION(2) | 1UL << 40;
	u64 entry = short_table | walked << 3 >> 3 >> PAGE_SHIFT << 3;

	data_page[0] = 0x99;
	set_at("rr", REGION(2), RR(WALKED_RID, PAGE_SHIFT, 1));
	set("cr.pta", short_table | 20 << 2 | 1);	/* a linear table of a megabyte */
	try(t_load, PSR_VIRTUAL, walked, 0, 0);
	expect_fault("VHPT translation", VHPT_TRANSLATION, ISR_R, t_load_at, 0);
	check_equal("VHPT translation: IFA", event.ifa, walked);
	check_equal("VHPT translation: ITIR", event.itir, ITIR(PAGE_SHIFT, WALKED_RID));
	check_equal("VHPT translation: IHA", event.iha, entry);

	insert_data(entry, ITIR(PAGE_SHIFT, 0), PTE((u64)page_table));
	page_table[entry >> 3 & (PAGE_SIZE / 8 - 1)] = PTE((u64)data_page);
	try(t_load, PSR_VIRTUAL, walked, 0, 0);
	check("VHPT walk, short format", events == 0 && result8 == 0x99);
	purge(walked, PAGE_SHIFT);
	page_table[entry >> 3 & (PAGE_SIZE / 8 - 1)] = 0;
	try(t_load, PSR_VIRTUAL, walked, 0, map_data);
	expect_fault("VHPT walk: page not present", PAGE_NOT_PRESENT, ISR_R, t_load_at, 0);
	expect_return("VHPT walk: returned", 0x99);

	for (u64 i = 0; i < 4096; i++)
		hash_table[i] = BIT(63);	/* no valid tag */
	purge(walked, PAGE_SHIFT);
	set("cr.pta", (u64)hash_table | BIT(8) | 15 << 2 | 1);
	try(t_load, PSR_VIRTUAL, walked, 0, map_data);
	expect_fault("data TLB", DATA_TLB, ISR_R, t_load_at, 0);
	check_equal("data TLB: IFA", event.ifa, walked);
	expect_return("data TLB: returned", 0x99);
	purge(walked, PAGE_SHIFT);
	try((const char *)walked, PSR_VIRTUAL, 0, 0, map_code);
	expect_fault("instruction TLB", INSTRUCTION_TLB, ISR_X, (const char *)walked, 0);
	check_equal("instruction TLB: returned", events, 1);
	set("cr.pta", 15 << 2);
}

static void key_fault(const char *what, const char *trial, u64 pkr, u64 vector, u64 isr)
{
	set_at("pkr", 1, pkr);
	try(trial, PSR_VIRTUAL | PSR_PK, data, 0x66, 0);
	check(what, vector ? faulted(what, vector, isr, trial, 0) : events == 0);
}

static void keys(void)
{
	const u64 valid = (u64)KEY << 8 | 1, no_write = valid | 2, no_read = valid | 4, no_execute = valid | 8;

	for (u64 i = 0; i < 16; i++)
		set_at("pkr", i, 0);
	set_at("pkr", 0, 1);	/* the image's key */
	purge(data, PAGE_SHIFT);
	insert_data(data, ITIR(PAGE_SHIFT, KEY), PTE((u64)data_page));
	key_fault("data key miss", t_load, 0, DATA_KEY_MISS, ISR_R);
	key_fault("key permission: read", t_load, no_read, KEY_PERMISSION, ISR_R);
	key_fault("key permission: write", t_store, no_write, KEY_PERMISSION, ISR_W);
	key_fault("key permitted", t_store, valid, 0, 0);
	purge(code, PAGE_SHIFT);
	insert_instruction(code, ITIR(PAGE_SHIFT, KEY), PTE((u64)code_page));
	key_fault("instruction key miss", (const char *)code, 0, INSTRUCTION_KEY_MISS, ISR_X);
	key_fault("key permission: execute", (const char *)code, no_execute, KEY_PERMISSION, ISR_X);
	key_fault("key permitted: execute", (const char *)code, no_read, 0, 0);
}

/* The register stack engine's own references. */
static void register_stack(void)
{
	const u64 frame = 12 * 8;	/* run_trial's */
	u64 isr = ISR_R | ISR_RS | ISR_IR;

	purge(data, PAGE_SHIFT);
	try(t_rse, PSR_VIRTUAL, data, PAGE_SHIFT << 2, map_data);
	check("RSE spill", faulted("RSE spill", ALTERNATE_DATA_TLB, ISR_W | ISR_RS, t_rse_at, 0) &
				   same("RSE spill", "ifa", event.ifa, data));
	check("RSE fill, frame incomplete",
	      same("RSE fill", "vector", last_event.vector, ALTERNATE_DATA_TLB) &
		      same("RSE fill", "isr", last_event.isr, isr) &
		      same("RSE fill", "iip", last_event.iip, (u64)t_rse_filled) &
		      same("RSE fill", "ifa", last_event.ifa, data + frame - 8));
	check_equal("RSE: two faults, then on", events << 8 | result8, 2 << 8 | 1);
}

void translations(void)
{
	without_walker();
	register_stack();
	with_walker();
	keys();
	try(t_br_ia, PSR_VIRTUAL | PSR_DI, (u64)data_page, 0, 0);
	expect_fault("disabled instruction set transition", GENERAL_EXCEPTION, 0x40, t_br_ia_at, 2);
}
