/* Instructions that a monitor emulates, and their neighbours. */
#include "trial.h"

const char guest_name[] = "displaced";

enum { RUNS = 2, SLOTS = 3, MOST_EVENTS = 64, FIELDS = 8, ELSEWHERE_SHIFT = 16 };

extern char bundles[], bundles_end[];

/* The interruptions of a run, and the registers at its end. */
static u64 record[MOST_EVENTS * FIELDS + 64], records;
static u64 first_record[MOST_EVENTS * FIELDS + 64], first_records;
static u64 events;

/* Where the bundles are at the moment, and where the image has them. */
static u64 base;
static u64 word __attribute__((aligned(16)));

/* The name of a bundle whose records are printed. */
static const char *const traced = 0;

/* An address in the bundles by its distance from the first: it is the same wherever they are. */
static u64 relative(u64 value)
{
	u64 length = (u64)bundles_end - (u64)bundles;

	return value - base < length ? value - base + REGION(7) : value;
}

static void note(u64 value)
{
	if (records < sizeof record / sizeof *record)
		record[records++] = relative(value);
}

static u64 moved(u64 address)
{
	return address - (u64)bundles + base;
}

/* Whether the bundle has a long instruction, as the image has it. */
static int is_long(u64 iip)
{
	u64 distance = (iip & ~15UL) - base;

	return distance < (u64)bundles_end - (u64)bundles && (*(u64 *)(bundles + distance) & 0x1e) == 4;
}

static void next_instruction(struct frame *frame)
{
	u64 slot = (frame->ipsr >> 41 & 3) + 1;

	if (slot == 3 || (slot == 2 && is_long(frame->iip))) {
		frame->iip += 16;
		slot = 0;
	}
	frame->ipsr = (frame->ipsr & ~(3UL << 41)) | slot << 41;
}

static void on_interruption(struct frame *frame)
{
	int ended = frame->vector == BREAK && frame->iim == TRIAL_END;

	if (!ended && events < MOST_EVENTS) {
		events++;
		note(frame->vector);
		note(frame->iip);
		note(frame->ipsr);
		note(frame->isr);
		note(frame->iipa);
		note(frame->ifs);
		note(frame->vector == BREAK ? frame->iim : 0);
		note(frame->vector == UNALIGNED ? frame->ifa : 0);
		if (frame->vector != SINGLE_STEP && frame->vector != TAKEN_BRANCH)
			next_instruction(frame);
		return;
	}
	note(events);
	note(frame->iip);
	note(frame->ipsr);
	note(frame->ifs);
	note(frame->iipa);
	note(frame->pr);
	note(frame->b0);
	note(frame->b6);
	note(frame->b7);
	note(frame->pfs);
	note(frame->gr8);
	note(frame->gr9);
	note(frame->gr10);
	note(frame->gr11);
	note(frame->gr14);
	for (u64 i = 0; i < 16; i++)
		note(frame->gr16_31[i]);
	note(frame->f6_f11[2]);
	note(get("ar.lc"));
	note(get("ar.ec"));
	note(word);
	frame->iip = (u64)trial_end;
	frame->ipsr = PSR_PHYSICAL;
	frame->ifs = BIT(63);
}

static void show(const char *what, const u64 *from, u64 count)
{
	print("%s:", what);
	for (u64 i = 0; i < count; i++)
		print(" %x", from[i]);
	print("\n");
}

static u64 hash_of(u64 hash, const u64 *from, u64 count)
{
	for (u64 i = 0; i < count; i++) {
		hash = (hash ^ from[i]) * 0x100000001b3;
		hash ^= hash >> 29;
	}
	return hash;
}

/* How bundles are run. */
struct environment {
	const char *name;
	u64 psr, base;
};

static void run(const struct trial *trial, const struct environment *environment, u64 slot)
{
	struct setup setup;

	base = environment->base;
	setup.ip = moved(trial->start);
	setup.psr = environment->psr | slot << 41;
	setup.target = moved(trial->target);
	setup.r14 = 0;
	setup.r15 = (u64)&word + 1;
	setup.r16 = (u64)&word;
	setup.r20 = environment->psr;
	setup.r21 = setup.target;
	setup.nat = 0;
	word = 0x1234;
	records = 0;
	events = 0;
	run_trial(&setup);
}

static int is_traced(const char *name)
{
	for (u64 i = 0; traced && (traced[i] || name[i]); i++)
		if (traced[i] != name[i])
			return 0;
	return traced != 0;
}

/* How many runs from each slot do not do what the first does. */
static u64 disagreements(const struct trial *trial, const struct environment *environment, u64 runs, u64 *hash)
{
	u64 disagree = 0;

	if (trial->flags & TRIAL_UNSTEPPED && environment->psr & (PSR_SS | PSR_TB))
		return 0;
	for (u64 slot = 0; slot < (trial->flags & TRIAL_AT_START ? 1 : SLOTS); slot++) {
		for (u64 number = 0; number < runs; number++) {
			int same;

			run(trial, environment, slot);
			if (number == 0) {
				first_records = records;
				for (u64 i = 0; i < records; i++)
					first_record[i] = record[i];
				*hash = hash_of(*hash, record, records);
				if (is_traced(trial->name))
					show(environment->name, record, records);
				continue;
			}
			same = records == first_records;
			for (u64 i = 0; i < records && same; i++)
				same = record[i] == first_record[i];
			if (!same && !disagree) {
				print("displaced: %s, from slot %u, %s, run %u\n", trial->name, slot, environment->name, number);
				show("first", first_record, first_records);
				show("now", record, records);
			}
			disagree += !same;
		}
	}
	return disagree;
}

static void try_all(const struct environment *environments, u64 count)
{
	u64 disagree = 0;

	for (const struct trial *trial = trials; trial < trials_end; trial++) {
		u64 hash = 0xcbf29ce484222325;

		for (u64 i = 0; i < count; i++)
			disagree += disagreements(trial, &environments[i], RUNS, &hash);
		print("displaced: %s: %x\n", trial->name, hash);
	}
	check_equal("every run of a bundle does the same", disagree, 0);
}

/* Runs the same in two places, or modes, that differ in addresses alone. */
static void compare(const char *what, const struct environment *one, const struct environment *other)
{
	u64 differ = 0;

	for (const struct trial *trial = trials; trial < trials_end; trial++) {
		u64 hashes[2] = { 0, 0 };

		disagreements(trial, one, 1, &hashes[0]);
		disagreements(trial, other, 1, &hashes[1]);
		if (hashes[0] != hashes[1] && !differ++)
			print("displaced: %s differs\n", trial->name);
	}
	check_equal(what, differ, 0);
}

/* `changing`. */
extern u64 changing[], changing_end[];

enum { ROUNDS = 1000 };

/* `adds r1=imm14,r0` (A4): imm7b in bits 19:13, imm6d in 32:27. `value` below 0x2000. */
static u64 immediate(u64 value)
{
	return (value & 0x7f) << 13 | (value >> 7 & 0x3f) << 27;
}

/* Slot 2 is bits 63:23 of the bundle's high word, slot 1 the bits on both sides of the words' boundary (SDM 2:533). */
static void write_slot_2(volatile u64 *bundle, u64 value)
{
	bundle[1] = (bundle[1] & ~(immediate(0x1fff) << 23)) | immediate(value) << 23;
}

static void write_slot_1(volatile u64 *bundle, u64 value)
{
	u64 all = immediate(0x1fff), bits = immediate(value);

	bundle[0] = (bundle[0] & ~(all << 46)) | bits << 46;
	bundle[1] = (bundle[1] & ~(all >> 18)) | bits >> 18;
}

static u64 sum(u64 i)
{
	return (i & 0xff) + ((~i & 0x1fff) << 4);
}

static void write_both(u64 i)
{
	write_slot_1(changing, i & 0xff);
	write_slot_2(changing, ~i & 0x1fff);
	flush_code(changing, 16);
}

static void change_own(void)
{
	u64 wrong = 0;

	for (u64 i = 0; i < ROUNDS; i++) {
		write_both(i);
		wrong += call_code(changing) != sum(i);
		wrong += call_code(changing) != sum(i);
	}
	check_equal("neighbours changed by the processor itself", wrong, 0);
}

static volatile u64 round __attribute__((aligned(128))), answered __attribute__((aligned(128))), answer, ready;

void processor_main(u64 index)
{
	if (index != 1)
		return;
	ready = 1;
	for (u64 last = 0;;) {
		u64 now = round;

		if (now == last)
			continue;
		__asm__ volatile("srlz.i;;" : : : "memory");
		answer = call_code(changing);
		last = now;
		__asm__ volatile("mf;;" : : : "memory");
		answered = now;
	}
}

static void change_of_another(void)
{
	u64 wrong = 0;

	while (!ready)
		pause();
	for (u64 i = 1; i <= ROUNDS; i++) {
		write_both(i);
		__asm__ volatile("mf;;" : : : "memory");
		round = i;
		while (answered != i)
			pause();
		wrong += answer != sum(i);
	}
	check_equal("neighbours changed by another processor", wrong, 0);
}

/* In translation register 1: the image has register 0. */
static void map_elsewhere(u64 address, u64 physical)
{
	const u64 one = 1;

	set_at("rr", address, RR(0x11, ELSEWHERE_SHIFT, 0));
	__asm__ volatile("rsm psr.ic;; srlz.i;; mov cr.ifa=%0;; mov cr.itir=%1;; itr.i itr[%3]=%2;; ssm psr.ic;; srlz.i;;"
			 : : "r"(address), "r"(ITIR(ELSEWHERE_SHIFT, 0)), "r"(PTE(physical)), "r"(one) : "memory");
}

void main(void)
{
	const u64 image = (u64)bundles, elsewhere = REGION(1) + 0x7654320000, copy = 2 * IMAGE_BASE + (image & 0xffff);
	const struct environment environments[] = {
		{ "physical", PSR_PHYSICAL, image },
		{ "virtual", PSR_VIRTUAL, image },
		{ "virtual, elsewhere", PSR_VIRTUAL, elsewhere },
		{ "stepped", PSR_PHYSICAL | PSR_SS, image },
		{ "taken branches trap", PSR_PHYSICAL | PSR_TB, image },
		{ "stepped, taken branches trap, elsewhere", PSR_VIRTUAL | PSR_SS | PSR_TB, elsewhere },
		{ "user", PSR_VIRTUAL | PSR_CPL3, image },
		{ "f32-f127 disabled", PSR_PHYSICAL | PSR_DFH, image },
		{ "copied", PSR_PHYSICAL, copy },
		{ "copied and stepped", PSR_PHYSICAL | PSR_SS, copy },
	};
	const u64 count = sizeof environments / sizeof *environments;

	for (u64 vector = 0; vector < 0x8000; vector += 0x100)
		set_handler(vector, on_interruption);
	map_image();
	map_elsewhere(elsewhere, image);
	for (u64 i = 0; i < (u64)bundles_end - image; i += 8)
		*(u64 *)(copy + i) = *(u64 *)(image + i);
	flush_code((void *)copy, (u64)bundles_end - image);

	try_all(environments, count);
	compare("both mappings do the same", &environments[1], &environments[2]);
	compare("the copy does the same", &environments[0], &environments[8]);
	change_own();
	if (processor_count() > 1) {
		start_processors();
		change_of_another();
	}
	finish();
}
