/*
 * What an operating system needs privileged instructions for, again and again: `storm ROUNDS` prints for each part a line
 * `linux: <operation> <nanoseconds>`, of the clock on the wall.
 */
#define _GNU_SOURCE
#include "check.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec time;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
	return time.tv_sec * 1000000000ul + time.tv_nsec;
}

/* Prints what one of `count` operations took that began at `start`. */
static void measured(const char *operation, uint64_t start, int count)
{
	uint64_t each = (now() - start) * 10 / count;

	printf("linux: %s %lu.%lu\n", operation, each / 10, each % 10);
	fflush(stdout);
}

static void on_processor(int number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number, &set);
	CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

static int to_child[2], to_parent[2], processor_of_child;

static void answer(int count)
{
	char byte;

	on_processor(processor_of_child);
	while (count-- > 0) {
		CHECK(read(to_child[0], &byte, 1) == 1);
		CHECK(write(to_parent[1], &byte, 1) == 1);
	}
}

/* A byte goes to a child and comes back: two switches of the address space, or two interrupts between processors. */
static void ping_pong(const char *operation, int processor, int count)
{
	uint64_t start;
	char byte = 0;

	processor_of_child = processor;
	CHECK(pipe(to_child) == 0 && pipe(to_parent) == 0);
	on_processor(0);
	spawn(answer, count);
	start = now();
	for (int i = 0; i < count; i++) {
		CHECK(write(to_child[1], &byte, 1) == 1);
		CHECK(read(to_parent[0], &byte, 1) == 1);
	}
	measured(operation, start, count);
	join(1);
	for (int i = 0; i < 2; i++)
		CHECK(close(to_child[i]) == 0 && close(to_parent[i]) == 0);
}

static volatile int caught;

static void count_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
	caught++;
}

static void to_itself(int count)
{
	uint64_t start;

	handle(SIGUSR1, count_signal);
	caught = 0;
	start = now();
	for (int i = 0; i < count; i++)
		CHECK(raise(SIGUSR1) == 0);
	measured("signal", start, count);
	CHECK(caught == count);
}

/* Pages that are met for the first time. */
static void page_faults(int count)
{
	enum { PAGES = 512 };
	long page = sysconf(_SC_PAGESIZE);
	uint64_t start = now();

	for (int i = 0; i < count; i += PAGES) {
		char *area = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(area != MAP_FAILED);
		for (int j = 0; j < PAGES; j++)
			area[j * page] = j;
		CHECK(munmap(area, PAGES * page) == 0);
	}
	measured("page fault", start, count);
}

/* Pages that are there, and whose translations the processor has forgotten. */
static void translations(int count)
{
	enum { PAGES = 2048 };
	long page = sysconf(_SC_PAGESIZE);
	volatile char *area = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t start;

	CHECK(area != MAP_FAILED);
	for (int j = 0; j < PAGES; j++)
		area[j * page] = 1;
	start = now();
	for (int i = 0; i < count; i++)
		area[(i * 513 % PAGES) * page]++;
	measured("touch of one of 2048 pages", start, count);
	CHECK(munmap((void *)area, PAGES * page) == 0);
}

static void mappings(int count)
{
	long page = sysconf(_SC_PAGESIZE);
	uint64_t start = now();

	for (int i = 0; i < count; i++) {
		char *area = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(area != MAP_FAILED);
		area[0] = 1;
		CHECK(mprotect(area, page, PROT_READ) == 0);
		CHECK(munmap(area, 4 * page) == 0);
	}
	measured("mmap, touch, mprotect, munmap", start, count);
}

static void copies(int count)
{
	uint64_t start = now();

	for (int i = 0; i < count; i++) {
		int child = fork();

		CHECK(child >= 0);
		if (child == 0)
			_exit(0);
		join(1);
	}
	measured("fork, exit, wait", start, count);
}

/* Interrupts of the interval timer, with nothing to do in between. */
static void timers(int count)
{
	struct itimerval every = { { 0, 4000 }, { 0, 4000 } }, never = { { 0, 0 }, { 0, 0 } };
	uint64_t start;

	handle(SIGALRM, count_signal);
	caught = 0;
	start = now();
	CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
	while (caught < count)
		pause();
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
	measured("timer of 4 ms", start, count);
}

static void calls(int count)
{
	uint64_t start = now();

	for (int i = 0; i < count; i++)
		CHECK(getppid() > 0);
	measured("getppid", start, count);
}

void storm(int rounds)
{
	ping_pong("switch there and back, one processor", 0, 2000 * rounds);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		ping_pong("switch there and back, two processors", 1, 1000 * rounds);
	to_itself(8000 * rounds);
	page_faults(2048 * rounds);
	translations(600000 * rounds);
	mappings(100 * rounds);
	copies(20 * rounds);
	timers(50 * rounds);
	calls(200000 * rounds);
}
