/* Reads time stamps, which a monitor emulates, in code that files hold; with an argument, breaks as debuggers do. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static sigjmp_buf after;
static volatile int received;
static int failed;

static void on_signal(int number, siginfo_t *information, void *context)
{
	(void)information;
	(void)context;
	received = number;
	siglongjmp(after, 1);
}

static unsigned long stamp(void)
{
	unsigned long value;

	__asm__ volatile("mov %0=ar.itc;;" : "=r"(value));
	return value;
}

#define BREAK(immediate) \
	if (!sigsetjmp(after, 1)) { \
		received = 0; \
		__asm__ volatile("break.m " #immediate ";;"); \
	} \
	if (received != SIGTRAP) { \
		printf("break " #immediate ": signal %d\n", received); \
		failed = 1; \
	}

int main(int count, char **arguments)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER };

	(void)arguments;
	for (int i = 0; i < 1000; i++)
		failed |= stamp() == 0;
	if (count > 1) {
		for (int number = 1; number < 32; number++)
			sigaction(number, &action, 0);
		BREAK(0x180000)
		BREAK(0x180001)
		BREAK(0x18003b)
		BREAK(0x1bffff)
	}
	return failed;
}
