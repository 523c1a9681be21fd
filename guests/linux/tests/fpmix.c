/*
 * Floating point in several processes at once. Each result is known bit for bit: exact sums, and chaotic sequences where one
 * wrong bit in any step changes the last value. The known values were computed on x86-64 (SSE2 double, x87 long double);
 * IA-64 must give the same bits as long as no multiply and add are fused (-ffp-contract=off).
 */
#include "check.h"
#include "known.h"

#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { STEPS = 40000, YIELD = 4096 };

/* x = r x (1 - x): the last value after STEPS steps. */
static double logistic(double x, double r)
{
	for (int i = 0; i < STEPS; i++) {
		x = r * x * (1 - x);
		if (i % YIELD == 0)
			sched_yield();
	}
	return x;
}

static long double logistic_extended(long double x, long double r)
{
	for (int i = 0; i < STEPS; i++) {
		x = r * x * (1 - x);
		if (i % YIELD == 0)
			sched_yield();
	}
	return x;
}

/* Sum of k^2 for k = 1..STEPS: exactly n(n+1)(2n+1)/6, below 2^53. */
static double squares(void)
{
	double sum = 0;

	for (int k = 1; k <= STEPS; k++)
		sum += (double)k * k;
	return sum;
}

/* Divisions and square roots: sum of sqrt(k)/(k+1). */
static double quotients(void)
{
	double sum = 0;

	for (int k = 1; k <= STEPS; k++)
		sum += sqrt(k) / (k + 1);
	return sum;
}

static long double quotients_extended(void)
{
	long double sum = 0;

	for (int k = 1; k <= STEPS; k++)
		sum += 1.0L / k;
	return sum;
}

static void check_double(double value, uint64_t bits)
{
	uint64_t got;

	memcpy(&got, &value, 8);
	CHECK(got == bits);
}

/* The 80 bits of the format: significand, then sign and exponent. */
static void check_extended(long double value, uint64_t significand, uint16_t exponent)
{
	struct {
		uint64_t significand;
		uint16_t exponent;
	} got;

	memcpy(&got, &value, 10);
	CHECK(got.significand == significand && got.exponent == exponent);
}

static volatile sig_atomic_t ticks;

/* Disturbs the FP registers from a signal handler. */
static void tick(int signal, siginfo_t *info, void *context)
{
	volatile double x = signal;

	(void)info, (void)context;
	for (int i = 0; i < 8; i++)
		x = x * 1.5 - 1;
	ticks++;
}

#ifdef __ia64__
#define UPPER(x) \
	x(32) x(33) x(34) x(35) x(36) x(37) x(38) x(39) x(40) x(41) x(42) x(43) x(44) x(45) x(46) x(47) \
	x(48) x(49) x(50) x(51) x(52) x(53) x(54) x(55) x(56) x(57) x(58) x(59) x(60) x(61) x(62) x(63) \
	x(64) x(65) x(66) x(67) x(68) x(69) x(70) x(71) x(72) x(73) x(74) x(75) x(76) x(77) x(78) x(79) \
	x(80) x(81) x(82) x(83) x(84) x(85) x(86) x(87) x(88) x(89) x(90) x(91) x(92) x(93) x(94) x(95) \
	x(96) x(97) x(98) x(99) x(100) x(101) x(102) x(103) x(104) x(105) x(106) x(107) x(108) x(109) x(110) x(111) \
	x(112) x(113) x(114) x(115) x(116) x(117) x(118) x(119) x(120) x(121) x(122) x(123) x(124) x(125) x(126) x(127)
#define FILL(n) "ldf.fill f" #n "=[%0],16\n;;\n"
#define SPILL(n) "stf.spill [%1]=f" #n ",16\n;;\n"
#define NAME(n) , "f" #n

/* f32-f127, which the kernel switches lazily, keep 96 values across a stretch of user-mode spinning. */
static void upper_registers(int process, int rounds)
{
	static uint64_t values[96][2] __attribute__((aligned(16))), kept[96][2] __attribute__((aligned(16)));

	for (int i = 0; i < 96; i++) {
		values[i][0] = (uint64_t)(process + 1) << 56 | (uint64_t)i << 32 | 0x80000001;
		values[i][1] = 0x1003e;	/* the integer format's exponent: any significand is kept */
	}
	for (int round = 0; round < rounds * 20; round++) {
		uint64_t *from = values[0], *to = kept[0], count = 50000;

		memset(kept, 0, sizeof kept);
		__asm__ volatile(UPPER(FILL)
				 "1: adds %2=-1,%2\n;;\ncmp.ne p6,p7=0,%2\n(p6) br.cond.dptk.few 1b\n;;\n" UPPER(SPILL)
				 : "+r"(from), "+r"(to), "+r"(count)
				 :
				 : "memory", "p6", "p7" UPPER(NAME));
		CHECK(memcmp(values, kept, sizeof values) == 0);
	}
}
#else
static void upper_registers(int process, int rounds)
{
	(void)process, (void)rounds;
}
#endif

static int rounds_of_each;

static void mix(int process)
{
	struct itimerval every = { { 0, 4000 }, { 0, 4000 } };

	handle(SIGALRM, tick);
	CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
	for (int round = 0; round < rounds_of_each * 5; round++) {
		check_double(squares(), SQUARES);
		check_double(logistic(0.3, 3.9), LOGISTIC);
		check_extended(logistic_extended(0.3L, 3.9L), LOGISTIC_EXTENDED);
		check_double(quotients(), QUOTIENTS);
		check_extended(quotients_extended(), QUOTIENTS_EXTENDED);
	}
	upper_registers(process, rounds_of_each);
	while (ticks == 0)
		sched_yield();
}

void floating_point(int rounds)
{
	enum { PROCESSES = 8 };

	rounds_of_each = rounds;
	for (int process = 0; process < PROCESSES; process++)
		spawn(mix, process);
	join(PROCESSES);
	passed("floating point in 8 processes");
}
