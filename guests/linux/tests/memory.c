/* Mapping, protection, copy on write, shared memory and unaligned access. */
#define _GNU_SOURCE
#include "check.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MIB = 1 << 20, WORDS = MIB / 8 };

static sigjmp_buf back;
static void *volatile fault_address;
static volatile int fault_code;

static void fault(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	fault_address = info->si_addr;
	fault_code = info->si_code;
	siglongjmp(back, 1);
}

/* Whether a load (or a store of 0) at `address` faults; then with that address and `code`. */
static int faults(volatile uint64_t *address, int store, int code)
{
	if (sigsetjmp(back, 1) == 0) {
		if (store)
			*address = 0;
		else
			(void)*address;
		return 0;
	}
	CHECK(fault_address == address);
	CHECK(fault_code == code);
	return 1;
}

static uint64_t pattern(uint64_t seed, uint64_t index)
{
	return (seed + index) * 0x9e3779b97f4a7c15u;
}

static void fill(uint64_t *words, uint64_t seed)
{
	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = pattern(seed, i);
}

static void verify(const uint64_t *words, uint64_t seed)
{
	for (uint64_t i = 0; i < WORDS; i++)
		CHECK(words[i] == pattern(seed, i));
}

static uint64_t *map(int flags)
{
	void *area = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	CHECK(area != MAP_FAILED);
	return area;
}

static void protection(void)
{
	long page = sysconf(_SC_PAGESIZE);
	uint64_t *area = map(MAP_PRIVATE), *moved, *last = area + (MIB - page) / 8;

	for (int i = 0; i < WORDS; i += page / 8)
		CHECK(area[i] == 0);
	fill(area, 1);
	CHECK(!faults(last, 0, 0));
	CHECK(mprotect(last, page, PROT_READ) == 0);
	CHECK(!faults(last, 0, 0));
	CHECK(faults(last, 1, SEGV_ACCERR));
	CHECK(mprotect(last, page, PROT_NONE) == 0);
	CHECK(faults(last, 0, SEGV_ACCERR));
	CHECK(mprotect(last, page, PROT_READ | PROT_WRITE) == 0);
	verify(area, 1);
	moved = mremap(area, MIB, 2 * MIB, MREMAP_MAYMOVE);
	CHECK(moved != MAP_FAILED);
	verify(moved, 1);
	CHECK(moved[WORDS] == 0);
	CHECK(munmap(moved, 2 * MIB) == 0);
	CHECK(faults(moved, 0, SEGV_MAPERR));
	CHECK(faults(moved + WORDS, 1, SEGV_MAPERR));
}

/* Past the end of a mapped file. */
static void file(void)
{
	char name[] = "/tmp/fpmix-XXXXXX";
	long page = sysconf(_SC_PAGESIZE);
	int descriptor = mkstemp(name);
	uint64_t *area;

	CHECK(descriptor >= 0);
	CHECK(ftruncate(descriptor, page) == 0);
	area = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	CHECK(area != MAP_FAILED);
	area[1] = pattern(2, 1);
	CHECK(pread(descriptor, &area[2], 8, 8) == 8);
	CHECK(area[2] == area[1]);
	CHECK(faults(area + page / 8, 0, BUS_ADRERR));
	CHECK(munmap(area, 2 * page) == 0);
	CHECK(close(descriptor) == 0 && unlink(name) == 0);
}

static uint64_t *copied;

static void write_copy(int process)
{
	verify(copied, 3);
	fill(copied, 100 + process);
	verify(copied, 100 + process);
}

static void copy_on_write(void)
{
	copied = map(MAP_PRIVATE);
	fill(copied, 3);
	for (int process = 0; process < 4; process++)
		spawn(write_copy, process);
	verify(copied, 3);
	join(4);
	verify(copied, 3);
	CHECK(munmap(copied, MIB) == 0);
}

enum { ADDS = 20000 };

static struct {
	uint64_t added;		/* fetchadd */
	uint64_t exchanged;	/* compare-exchange */
	uint64_t locked;	/* plain, under `lock` */
	uint32_t lock;
} *shared;

static void add(int process)
{
	(void)process;
	for (int i = 0; i < ADDS; i++) {
		uint64_t old = __atomic_load_n(&shared->exchanged, __ATOMIC_RELAXED);

		__atomic_fetch_add(&shared->added, 1, __ATOMIC_ACQ_REL);
		while (!__atomic_compare_exchange_n(&shared->exchanged, &old, old + 3, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		while (__atomic_exchange_n(&shared->lock, 1, __ATOMIC_ACQUIRE))
			usleep(0);
		shared->locked += 5;
		__atomic_store_n(&shared->lock, 0, __ATOMIC_RELEASE);
	}
}

static void atomics(void)
{
	shared = (void *)map(MAP_SHARED);
	for (int process = 0; process < 4; process++)
		spawn(add, process);
	join(4);
	CHECK(shared->added == 4 * ADDS);
	CHECK(shared->exchanged == 3 * 4 * ADDS);
	CHECK(shared->locked == 5 * 4 * ADDS);
	CHECK(munmap(shared, MIB) == 0);
}

/* Linux on IA-64 emulates unaligned user accesses from the unaligned reference fault. */
static void unaligned(void)
{
	static unsigned char bytes[64];
	volatile unsigned char *start = bytes;

	prctl(PR_SET_UNALIGN, PR_UNALIGN_NOPRINT);
	for (int i = 0; i < 64; i++)
		start[i] = i;
	CHECK(*(volatile uint64_t *)(start + 3) == 0x0a09080706050403);
	CHECK(*(volatile uint32_t *)(start + 17) == 0x14131211);
	*(volatile uint64_t *)(start + 33) = 0x1122334455667788;
	CHECK(start[32] == 32 && start[33] == 0x88 && start[40] == 0x11 && start[41] == 41);
	*(volatile double *)(start + 49) = 1.5;
	CHECK(*(volatile double *)(start + 49) == 1.5);
}

void memory(int rounds)
{
	handle(SIGSEGV, fault);
	handle(SIGBUS, fault);
	for (int round = 0; round < rounds * 3; round++)
		protection();
	passed("mmap, mprotect, mremap, munmap");
	for (int round = 0; round < rounds * 10; round++)
		file();
	passed("file mapping");
	for (int round = 0; round < rounds * 3; round++)
		copy_on_write();
	passed("copy on write");
	for (int round = 0; round < rounds; round++)
		atomics();
	passed("shared memory");
	unaligned();
	passed("unaligned access");
}
