/* The VHPT walker over page tables of the guest's own: short format with three page sizes, then long format. */
#include "guest.h"
#include "tlb.h"

const char guest_name[] = "vhpt";

enum { PAGES = 512, FRAMES = 32, FRAME_SHIFT = 16, TABLE_SHIFT = 18, ENTRIES = 1 << (TABLE_SHIFT - 3) };
enum { HASH_SHIFT = 15, HASH_ENTRIES = 1 << (HASH_SHIFT - 5), FIRST_RID = 0x100 };

static u8 frames[FRAMES][1 << FRAME_SHIFT] __attribute__((aligned(1 << FRAME_SHIFT)));
static u64 tables[2][ENTRIES] __attribute__((aligned(1 << 16)));
static const u64 table_base = REGION(1) | 1UL << 40;

struct hash_entry {
	u64 pte, itir, tag, ignored;
};

static struct hash_entry hash_table[HASH_ENTRIES] __attribute__((aligned(1 << HASH_SHIFT)));

static u64 page_shift, current_table, shift_of_frames;
static u64 translation_faults, absent, accessed, dirtied, misses;

/* Pages lie apart, so that their entries fill several pages of the table; frames repeat. */
static u64 page_number(u64 i)
{
	return i * 37 + 5;
}

static u64 address_of(u64 i)
{
	return REGION(1) | page_number(i) << page_shift;
}

static u64 frame_of(u64 i)
{
	return (u64)frames[(i + shift_of_frames) % FRAMES];
}

static u64 index_of(u64 address)
{
	return ((address & ~REGION(7)) >> page_shift) / 37;
}

static u64 *entry_of(u64 i)
{
	return &tables[current_table][page_number(i)];
}

static u64 stamp(u64 frame)
{
	return frame * 0x9e3779b97f4a7c15 ^ 0x55;
}

/* Each page owns a word of its frame. */
static u64 own_word(u64 i)
{
	return 64 + i / FRAMES * 8;
}

static void select_table(u64 table)
{
	current_table = table;
	set_at("rr", REGION(1), RR(FIRST_RID + table, page_shift, 1));
}

static void fill_table(u64 remove)
{
	for (u64 i = 0; i < PAGES; i++)
		*entry_of(i) = PTE(frame_of(i)) & ~remove;
}

static void purge_pages(void)
{
	for (u64 i = 0; i < PAGES; i++)
		purge(address_of(i), page_shift);
}

/* The page of the table that the walker looked for. */
static void map_table(struct frame *frame)
{
	u64 page = frame->iha & ~((1UL << page_shift) - 1);

	translation_faults++;
	insert_data(page, ITIR(page_shift, 0), PTE((u64)tables[current_table] + (page - table_base)));
}

static void provide_page(struct frame *frame)
{
	u64 i = index_of(frame->ifa);

	absent++;
	*entry_of(i) = PTE(frame_of(i));
	purge(frame->ifa, page_shift);
}

static void set_accessed(struct frame *frame)
{
	accessed++;
	*entry_of(index_of(frame->ifa)) |= PTE_A;
	purge(frame->ifa, page_shift);
}

static void set_dirty(struct frame *frame)
{
	dirtied++;
	*entry_of(index_of(frame->ifa)) |= PTE_D;
	purge(frame->ifa, page_shift);
}

static struct hash_entry *hash_slot(u64 address)
{
	struct hash_entry *entry;

	__asm__ volatile("thash %0=%1;;" : "=r"(entry) : "r"(address));
	return entry;
}

static u64 tag_of(u64 address)
{
	u64 tag;

	__asm__ volatile("ttag %0=%1;;" : "=r"(tag) : "r"(address));
	return tag;
}

/* Fills the hash table's slot and lets the walker find it. */
static void fill_slot(struct frame *frame)
{
	struct hash_entry *entry = hash_slot(frame->ifa);

	misses++;
	entry->tag = BIT(63);
	entry->pte = PTE(frame_of(index_of(frame->ifa)));
	entry->itir = ITIR(page_shift, 0);
	entry->tag = tag_of(frame->ifa);
}

/* What follows up to `translated` runs with translation on and returns the number of wrong results. */
static u64 read_pages(u64 backwards)
{
	u64 wrong = 0;

	for (u64 n = 0; n < PAGES; n++) {
		u64 i = backwards ? PAGES - 1 - n : n;

		wrong += *(volatile u64 *)address_of(i) != stamp(frame_of(i));
	}
	return wrong;
}

static u64 write_pages(u64 seed)
{
	for (u64 i = 0; i < PAGES; i++)
		*(volatile u64 *)(address_of(i) + own_word(i)) = seed + i;
	return 0;
}

/* Calls the function in each page. */
static u64 call_pages(u64 unused)
{
	u64 wrong = 0;

	(void)unused;
	for (u64 i = 0; i < PAGES; i++)
		wrong += call_code((void *)(address_of(i) + 2048)) != (i + shift_of_frames) % FRAMES;
	return wrong;
}

static u64 translated(u64 (*function)(u64), u64 argument)
{
	return call_with_psr(function, argument, PSR_VIRTUAL);
}

/* Every frame: a stamp, and code that returns its number. */
static void prepare_frames(void)
{
	extern u64 return_number[];

	for (u64 f = 0; f < FRAMES; f++) {
		u64 *code = (u64 *)(frames[f] + 2048);

		*(u64 *)frames[f] = stamp((u64)frames[f]);
		code[0] = return_number[0] | f << 18;	/* imm7b of slot 0 */
		code[1] = return_number[1];
		flush_code(code, 16);
	}
}

static u64 written(u64 seed)
{
	u64 wrong = 0;

	for (u64 i = 0; i < PAGES; i++)
		wrong += *(u64 *)(frame_of(i) + own_word(i)) != seed + i;
	return wrong;
}

static void short_format(u64 shift)
{
	u64 wrong = 0;

	page_shift = shift;
	print("vhpt: short format, pages of %u bytes\n", 1UL << shift);
	select_table(0);
	set("cr.pta", table_base | TABLE_SHIFT << 2 | 1);
	for (u64 i = 0; i < PAGES; i++)
		wrong += (u64)hash_slot(address_of(i)) != table_base + page_number(i) * 8;
	check_equal("thash is the linear address", wrong, 0);

	fill_table(0);
	translation_faults = 0;
	check_equal("reads", translated(read_pages, 0), 0);
	check("VHPT translation faults", translation_faults >= (page_number(PAGES - 1) * 8 >> shift) + 1);
	check_equal("reads backwards", translated(read_pages, 1), 0);
	shift_of_frames = 11;
	fill_table(0);
	purge_pages();
	check_equal("other frames after a purge", translated(read_pages, 0), 0);
	check_equal("instruction fetches", translated(call_pages, 0), 0);

	fill_table(PTE_P);
	purge_pages();
	absent = 0;
	check_equal("pages on demand", translated(read_pages, 1), 0);
	check_equal("one page-not-present fault a page", absent, PAGES);
	fill_table(PTE_A | PTE_D);
	purge_pages();
	accessed = dirtied = 0;
	check_equal("accessed bits", translated(read_pages, 0), 0);
	check_equal("one access-bit fault a page", accessed, PAGES);
	translated(write_pages, shift);
	check_equal("dirty bits", written(shift), 0);
	check_equal("one dirty-bit fault a page", dirtied, PAGES);

	/* The other region id has tables of its own and needs no purge. */
	select_table(1);
	shift_of_frames = 5;
	fill_table(0);
	check_equal("another region id", translated(read_pages, 0), 0);
	select_table(0);
	shift_of_frames = 11;
	check_equal("back in the first", translated(read_pages, 1), 0);
	shift_of_frames = 0;
	for (u64 table = 0; table < 2; table++) {
		select_table(table);
		purge_pages();
		for (u64 offset = 0; offset < 1 << TABLE_SHIFT; offset += 1UL << shift)
			purge(table_base + offset, shift);
	}
}

/* Misses of one pass over all pages if the walker finds every match: a slot holds the page that was last put there. */
static u64 collisions(void)
{
	static u64 owners[HASH_ENTRIES];
	u64 count = 0;

	for (u64 n = 0; n < HASH_ENTRIES; n++)
		owners[n] = hash_table[n].tag;
	for (u64 i = 0; i < PAGES; i++) {
		u64 *owner = &owners[hash_slot(address_of(i)) - hash_table], tag = tag_of(address_of(i));

		count += *owner != tag;
		*owner = tag;
	}
	return count;
}

static void long_format(void)
{
	u64 expected, equal = 0, outside = 0;

	page_shift = PAGE_SHIFT;
	print("vhpt: long format\n");
	select_table(0);
	for (u64 n = 0; n < HASH_ENTRIES; n++)
		hash_table[n].tag = BIT(63);
	set("cr.pta", (u64)hash_table | BIT(8) | HASH_SHIFT << 2 | 1);
	for (u64 i = 0; i < PAGES; i++) {
		struct hash_entry *slot = hash_slot(address_of(i));
		u64 tag = tag_of(address_of(i));

		outside += slot < hash_table || slot >= hash_table + HASH_ENTRIES || ((u64)slot & 31) || tag >> 63;
		for (u64 j = 0; j < i; j++)
			equal += hash_slot(address_of(j)) == slot && tag_of(address_of(j)) == tag;
	}
	check_equal("thash stays in the table", outside, 0);
	check_equal("hash and tag identify a page", equal, 0);

	misses = 0;
	check_equal("reads", translated(read_pages, 0), 0);
	check_equal("one miss a page in an empty table", misses, PAGES);
	purge_pages();
	expected = collisions();
	misses = 0;
	check_equal("reads through the table", translated(read_pages, 0), 0);
	check("the walker misses collisions", misses >= expected);
	check("the walker finds the others", misses == expected);
	shift_of_frames = 3;
	for (u64 n = 0; n < HASH_ENTRIES; n++)
		hash_table[n].tag |= BIT(63);
	purge_pages();
	misses = 0;
	check_equal("invalid tags", translated(read_pages, 1), 0);
	check_equal("one miss an invalid tag", misses, PAGES);
	check_equal("instruction fetches", translated(call_pages, 0), 0);
	translated(write_pages, 7);
	check_equal("writes", written(7), 0);
}

void main(void)
{
	set_handler(VHPT_TRANSLATION, map_table);
	set_handler(PAGE_NOT_PRESENT, provide_page);
	set_handler(DATA_ACCESS_BIT, set_accessed);
	set_handler(INSTRUCTION_ACCESS_BIT, set_accessed);
	set_handler(DIRTY_BIT, set_dirty);
	set_handler(DATA_TLB, fill_slot);
	set_handler(INSTRUCTION_TLB, fill_slot);
	map_image();
	prepare_frames();
	short_format(12);
	short_format(14);
	short_format(16);
	long_format();
	finish();
}
