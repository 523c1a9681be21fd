/* What each privileged and sensitive instruction costs, in interval-timer ticks. */
#include "guest.h"
#include "tlb.h"

const char guest_name[] = "privops";

enum {
	EACH = 8000,	/* operations a measurement */
	ROUNDS = 9,	/* measurements, of which the shortest counts */
};

static const u64 page = REGION(1) | 0x40000;	/* operations.S knows it too */

#define OPERATIONS(o) \
	o("mov ar.itc= (with mov =ar.itc)", op_mov_to_itc) \
	o("mov =ar.itc", op_mov_from_itc) \
	o("mov cr.tpr=", op_mov_to_tpr) \
	o("mov cr.ifa=", op_mov_to_ifa) \
	o("mov cr.itir=", op_mov_to_itir) \
	o("mov cr.iip=", op_mov_to_iip) \
	o("mov cr.ipsr=", op_mov_to_ipsr) \
	o("mov cr.itm=", op_mov_to_itm) \
	o("mov cr.eoi=", op_mov_to_eoi) \
	o("mov =cr.ivr", op_mov_from_ivr) \
	o("mov =cr.tpr", op_mov_from_tpr) \
	o("mov =cr.ifa", op_mov_from_ifa) \
	o("mov =cr.isr", op_mov_from_isr) \
	o("mov =cr.iip", op_mov_from_iip) \
	o("mov =cr.ipsr", op_mov_from_ipsr) \
	o("mov =cr.itm", op_mov_from_itm) \
	o("mov psr.l=", op_mov_to_psr) \
	o("mov =psr", op_mov_from_psr) \
	o("ssm", op_ssm) \
	o("rsm", op_rsm) \
	o("ssm and rsm psr.ic (with srlz.d)", op_ssm_rsm_ic) \
	o("itc.d", op_itc_d) \
	o("itc.i", op_itc_i) \
	o("itr.d", op_itr_d) \
	o("itr.i", op_itr_i) \
	o("ptr.d", op_ptr_d) \
	o("ptr.i", op_ptr_i) \
	o("ptc.l", op_ptc_l) \
	o("ptc.g", op_ptc_g) \
	o("ptc.ga", op_ptc_ga) \
	o("ptc.e", op_ptc_e) \
	o("mov rr=", op_mov_to_rr) \
	o("mov =rr", op_mov_from_rr) \
	o("mov dbr=", op_mov_to_dbr) \
	o("mov =dbr", op_mov_from_dbr) \
	o("mov ibr=", op_mov_to_ibr) \
	o("mov =ibr", op_mov_from_ibr) \
	o("mov pkr=", op_mov_to_pkr) \
	o("mov =pkr", op_mov_from_pkr) \
	o("mov pmc=", op_mov_to_pmc) \
	o("mov =pmc", op_mov_from_pmc) \
	o("mov pmd=", op_mov_to_pmd) \
	o("mov =pmd", op_mov_from_pmd) \
	o("mov =cpuid", op_mov_from_cpuid) \
	o("thash", op_thash) \
	o("ttag", op_ttag) \
	o("tpa", op_tpa) \
	o("tak", op_tak) \
	o("probe", op_probe) \
	o("bsw.0 and bsw.1", op_bsw) \
	o("rfi (with mov cr.iip=)", op_rfi) \
	o("cover", op_cover)

#define DECLARE(text, function) u64 function(void);
#define ROW(text, function) { text, function },

u64 op_none(void);
OPERATIONS(DECLARE)

static const struct {
	const char *text;
	u64 (*measure)(void);
} operations[] = { OPERATIONS(ROW) };

/* One ordinary translation of the page, whatever the last operation left. */
static void map_page(void)
{
	u64 size = PAGE_SHIFT << 2;

	__asm__ volatile("ptr.d %0,%1;; ptr.i %0,%1;; srlz.i;;" : : "r"(page), "r"(size) : "memory");
	insert_data(page, ITIR(PAGE_SHIFT, 0), PTE(IMAGE_BASE));
}

static u64 least(u64 (*measure)(void))
{
	u64 least = -1ul;

	for (u64 i = 0; i < ROUNDS; i++) {
		u64 ticks;

		map_page();
		ticks = measure();
		least = ticks < least ? ticks : least;
	}
	return least;
}

u64 sites_of_one_class(void), sites_of_many_classes(void), sites_that_collide(void), sites_that_do_not(void);

/* Ticks of one of COUNT, a constant: there is no division at run time. */
#define TOLD(text, ticks, COUNT) do { \
	u64 all = (ticks); \
	print("privops: " text " %u.%u\n", all / (COUNT), all % (COUNT) * 10 / (COUNT)); \
} while (0)

/* What only the first execution of a site costs, in ticks a site, and what two sites cost that share their lower address bits. */
static void sites(void)
{
	enum { SITES = 144, EXECUTIONS = 8000 };

	TOLD("a site's first execution, its class new", sites_of_many_classes(), SITES);
	TOLD("the second of such a site", sites_of_many_classes(), SITES);
	TOLD("a site's first execution, its class known", sites_of_one_class(), SITES);
	TOLD("the second of that one", sites_of_one_class(), SITES);
	TOLD("one of two sites 16384 bytes apart", least(sites_that_collide), EXECUTIONS);
	TOLD("one of two sites 16448 bytes apart", least(sites_that_do_not), EXECUTIONS);
}

void main(void)
{
	u64 count = sizeof operations / sizeof operations[0], empty;

	set_at("rr", page, RR(0x100, PAGE_SHIFT, 0));
	set("cr.pta", 15 << 2);
	sites();
	empty = least(op_none);
	for (u64 i = 0; i < count; i++) {
		u64 ticks = least(operations[i].measure);

		ticks = ticks > empty ? ticks - empty : 0;
		print("privops: %s %u.%u\n", operations[i].text, ticks / EACH, ticks % EACH / (EACH / 10));
	}
	set("cr.itv", 1 << 16);
	check("all measured", count > 0);
	finish();
}
