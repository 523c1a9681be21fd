/* Arithmetic signals, signals between processes, signals over deep register stacks. */
#define _GNU_SOURCE
#include "check.h"
#include "known.h"

#include <fenv.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int arithmetic_code;

static void arithmetic(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	arithmetic_code = info->si_code;
	siglongjmp(back, 1);
}

static volatile int dividend = 7, divisor;
static volatile double numerator = 7, zero, huge = 1e300, quotient;

static void exceptions(void)
{
	handle(SIGFPE, arithmetic);
	if (sigsetjmp(back, 1) == 0) {
		dividend = dividend / divisor;
		CHECK(!"integer division by zero must not return");
	}
	CHECK(arithmetic_code == FPE_INTDIV);

	CHECK(feclearexcept(FE_ALL_EXCEPT) == 0);
	quotient = numerator / zero;
	CHECK(fetestexcept(FE_DIVBYZERO) && !fetestexcept(FE_INVALID));
	quotient = huge * huge;
	CHECK(fetestexcept(FE_OVERFLOW) && fetestexcept(FE_INEXACT));
	quotient = zero / zero;
	CHECK(fetestexcept(FE_INVALID));

	/*
	 * Each enabled exception is taken: divide and invalid as faults, overflow as a trap. Linux on a machine without the FPSWA
	 * driver says FPE_FLTINV for all.
	 */
	CHECK(feclearexcept(FE_ALL_EXCEPT) == 0);
	CHECK(feenableexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_INVALID) >= 0);
	if (sigsetjmp(back, 1) == 0) {
		quotient = numerator / zero;
		CHECK(!"division by zero must not return");
	}
	CHECK(arithmetic_code == FPE_FLTDIV || arithmetic_code == FPE_FLTINV);
	CHECK(feclearexcept(FE_ALL_EXCEPT) == 0);
	CHECK(feenableexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_INVALID) >= 0);
	if (sigsetjmp(back, 1) == 0) {
		quotient = zero / zero;
		CHECK(!"0/0 must not return");
	}
	CHECK(arithmetic_code == FPE_FLTINV);
	CHECK(feclearexcept(FE_ALL_EXCEPT) == 0);
	CHECK(feenableexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_INVALID) >= 0);
	if (sigsetjmp(back, 1) == 0) {
		quotient = huge * huge;
		quotient = numerator;
		CHECK(!"overflow must not return");
	}
	CHECK(arithmetic_code == FPE_FLTOVF || arithmetic_code == FPE_FLTINV);
	CHECK(fedisableexcept(FE_ALL_EXCEPT) >= 0);
	CHECK(feclearexcept(FE_ALL_EXCEPT) == 0);
}

enum { PINGS = 500 };

static volatile int pings;

static void ping(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
	pings++;
}

/* A child answers each of PINGS signals over a pipe. */
static void between_processes(void)
{
	int ready[2], child;
	sigset_t usr1, old;
	char byte = 0;

	handle(SIGUSR1, ping);
	pings = 0;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &usr1, &old) == 0);
	CHECK(pipe(ready) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		while (pings < PINGS) {
			sigsuspend(&old);
			CHECK(write(ready[1], &byte, 1) == 1);
		}
		_exit(0);
	}
	for (int i = 0; i < PINGS; i++) {
		CHECK(kill(child, SIGUSR1) == 0);
		CHECK(read(ready[0], &byte, 1) == 1);
	}
	join(1);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(close(ready[0]) == 0 && close(ready[1]) == 0);
}

/* Many live values a frame and thousands of frames: the register stack goes to memory and back. */
static __attribute__((noinline)) uint64_t deep(uint64_t depth, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	uint64_t below, f = a ^ b, g = b + c, h = c ^ d, i = d + e;

	if (depth == 0)
		return a + b + c + d + e;
	below = deep(depth - 1, b, c, d, e, a + depth);
	CHECK(f == (a ^ b) && g == b + c && h == (c ^ d) && i == d + e);
	return below ^ (f + g * 3 + h * 5 + i * 7) ^ depth;
}

static void stack_tick(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
	pings += deep(20, 1, 2, 3, 4, 5) != 0;
}

static void register_stack(int rounds)
{
	struct itimerval every = { { 0, 4000 }, { 0, 4000 } }, never = { { 0, 0 }, { 0, 0 } };
	uint64_t first = deep(2000, 1, 2, 3, 4, 5);

	handle(SIGALRM, stack_tick);
	CHECK(first == DEEP);
	CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
	for (int round = 0; round < rounds * 200; round++)
		CHECK(deep(2000, 1, 2, 3, 4, 5) == first);
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

/* An uncaught signal ends a process with its number. */
static void fatal(void)
{
	int status, child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile int *)(uintptr_t)(divisor + 8) = 1;
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

void signals(int rounds)
{
	for (int round = 0; round < rounds * 20; round++)
		exceptions();
	passed("arithmetic signals");
	for (int round = 0; round < rounds; round++)
		between_processes();
	passed("signals between processes");
	register_stack(rounds);
	passed("register stack under signals");
	fatal();
	passed("fatal signal");
}
