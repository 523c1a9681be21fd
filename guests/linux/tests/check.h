/* What the parts of `fpmix` share. A failed check ends its process with status 1. */
#ifndef CHECK_H
#define CHECK_H

#include <signal.h>

/* Ends the process with a message if `condition` does not hold. */
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
void check(int condition, const char *text, const char *file, int line);

/* Prints `GUEST: longer: <name> ok`. */
void passed(const char *name);

/* Installs `handler` for `signal` with its information; it may be left by siglongjmp. */
void handle(int signal, void (*handler)(int, siginfo_t *, void *));

/* Forks; the child runs `body(argument)` and exits with 0. Returns the child's id. */
int spawn(void (*body)(int), int argument);

/* Waits for `count` children; each must have exited with 0. */
void join(int count);

/* The parts, each in its own file. */
void floating_point(int rounds);
void memory(int rounds);
void signals(int rounds);
void storm(int rounds);

#endif
