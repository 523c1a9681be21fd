/* The little of EFI, SAL and ACPI that the guests need: power-off, the processors, waking them. */
#include "guest.h"

struct boot_parameters {
	u64 command_line, efi_system_table;
};

struct guid {
	u64 low, high;
};

struct efi_system_table {
	u64 header[3], vendor;
	u64 revision, consoles[6];
	u64 runtime, boot, table_count, tables;
};

struct efi_table {
	struct guid guid;
	u64 address;
};

struct sal_entry_point {
	u8 type, reserved[7];
	u64 pal, sal, gp;
};

struct sal_wakeup {
	u8 type, mechanism, reserved[6];
	u64 vector;
};

enum {
	PAL_HALT_LIGHT = 29,
	SAL_HEADER = 96,
	SAL_SET_VECTORS = 0x01000000,
	OS_BOOT_RENDEZ = 2,
	RESET_SYSTEM = 104,	/* offset in the runtime services */
	RESET_SHUTDOWN = 2,
};

static const struct guid sal_guid = { 0x11d32d88eb9d2d32, 0x4dc13f279000169a };
static const struct guid acpi_guid = { 0x11d3e4f18868e871, 0x81883cc7800022bc };

u64 firmware_call(u64 entry, u64 gp, const u64 arguments[8]);
u64 pal_call(u64 entry, u64 index);
extern char application_processor[];

static struct efi_system_table *efi;
static struct sal_entry_point *sal;
static u64 wakeup_vector;
static u64 madt_ids[MAX_PROCESSORS], madt_count;
static u64 ids[MAX_PROCESSORS];
volatile u64 processors_started = 1;

static void *efi_table(struct guid guid)
{
	struct efi_table *table = (struct efi_table *)efi->tables;

	for (u64 i = 0; i < efi->table_count; i++)
		if (table[i].guid.low == guid.low && table[i].guid.high == guid.high)
			return (void *)table[i].address;
	return 0;
}

static void read_sal(void)
{
	static const u8 sizes[] = { 48, 32, 16, 32, 16, 16 };
	u8 *table = efi_table(sal_guid), *entry;
	u16 count;

	if (!table)
		return;
	count = *(u16 *)(table + 10);
	entry = table + SAL_HEADER;
	while (count--) {
		u8 type = *entry;

		if (type >= sizeof sizes)
			break;
		if (type == 0)
			sal = (struct sal_entry_point *)entry;
		if (type == 5)
			wakeup_vector = ((struct sal_wakeup *)entry)->vector;
		entry += sizes[type];
	}
}

static u64 unaligned(const u8 *p, int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

/* Local SAPIC entries (type 7) of the MADT, the enabled ones. */
static void read_madt(const u8 *madt)
{
	const u8 *end = madt + unaligned(madt + 4, 4);

	for (const u8 *entry = madt + 44; entry + 2 <= end && entry[1]; entry += entry[1])
		if (entry[0] == 7 && entry[8] & 1 && madt_count < MAX_PROCESSORS)
			madt_ids[madt_count++] = (u64)entry[3] << 8 | entry[4];
}

static void read_acpi(void)
{
	const u8 *rsdp = efi_table(acpi_guid), *xsdt;
	u64 length;

	if (!rsdp)
		return;
	xsdt = (const u8 *)unaligned(rsdp + 24, 8);
	length = unaligned(xsdt + 4, 4);
	for (u64 at = 36; at + 8 <= length; at += 8) {
		const u8 *table = (const u8 *)unaligned(xsdt + at, 8);

		if (unaligned(table, 4) == 0x43495041)	/* "APIC" */
			read_madt(table);
	}
}

/* For guests that start no other processor. */
__attribute__((weak)) void processor_main(u64 index)
{
	(void)index;
}

/* First C code on processor 0. */
void boot(struct boot_parameters *parameters)
{
	efi = (struct efi_system_table *)parameters->efi_system_table;
	ids[0] = get("cr.lid") >> 16 & 0xffff;
	read_sal();
	read_acpi();
	main();
	finish();
}

void power_off(u64 status)
{
	u64 *descriptor = *(u64 **)(efi->runtime + RESET_SYSTEM);
	const u64 arguments[8] = { RESET_SHUTDOWN, status };

	firmware_call(descriptor[0], descriptor[1], arguments);
	for (;;)
		pause();
}

void halt(void)
{
	if (sal)
		pal_call(sal->pal, PAL_HALT_LIGHT);
}

u64 processor_count(void)
{
	return madt_count;
}

u64 processor_id(u64 index)
{
	return ids[index];
}

static void send(u64 id, u8 vector)
{
	__asm__ volatile("mf;;" : : : "memory");
	*(volatile u64 *)(UNCACHED | INTERRUPT_BLOCK | id << 4) = vector;
}

void send_interrupt(u64 to, u8 vector)
{
	send(ids[to], vector);
}

void start_processors(void)
{
	extern char __gp[];
	const u64 arguments[8] = { SAL_SET_VECTORS, OS_BOOT_RENDEZ, (u64)application_processor, (u64)__gp };

	if (!sal || firmware_call(sal->sal, sal->gp, arguments) != 0)
		return;
	for (u64 i = 0; i < madt_count; i++) {
		u64 started = processors_started;

		if (madt_ids[i] == ids[0])
			continue;
		ids[started] = madt_ids[i];
		send(madt_ids[i], wakeup_vector);
		while (processors_started == started)
			pause();
	}
}
