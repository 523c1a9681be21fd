#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void check(int condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	printf("GUEST: longer: FAILED %s:%d: %s\n", file, line, text);
	fflush(stdout);
	_exit(1);
}

void passed(const char *name)
{
	printf("GUEST: longer: %s ok\n", name);
	fflush(stdout);
}

void handle(int signal, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO;
	CHECK(sigaction(signal, &action, NULL) == 0);
}

int spawn(void (*body)(int), int argument)
{
	int child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		body(argument);
		_exit(0);
	}
	return child;
}

void join(int count)
{
	int status;

	while (count-- > 0) {
		CHECK(wait(&status) > 0);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

/* fpmix ROUNDS: every part, `rounds` times as long as the shortest; fpmix storm ROUNDS: see storm.c. */
int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;

	if (argc > 2 && strcmp(argv[1], "storm") == 0) {
		storm(atoi(argv[2]));
		return 0;
	}
	floating_point(rounds);
	memory(rounds);
	signals(rounds);
	return 0;
}
