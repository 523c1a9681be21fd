/* What every bare-metal guest is written with. */
#ifndef GUEST_H
#define GUEST_H

#include "machine.h"

/* Every guest defines its name and `main`; one that starts processors also `processor_main`. */
extern const char guest_name[];
void main(void);
void processor_main(u64 index);

/* %s, %u and %x (64-bit values; %x prefixes 0x). */
void print(const char *format, ...);

/* Prints `name: <what> ok`, or FAILED, and counts. */
void check(const char *what, int holds);

/* The same for two values that must be equal. */
void check_equal(const char *what, u64 value, u64 expected);

/* Prints the counts and powers the machine off with status 0 if no check failed, else 1. */
void finish(void) __attribute__((noreturn));

/* Powers the machine off. */
void power_off(u64 status) __attribute__((noreturn));

/* PAL_HALT_LIGHT: waits for an interrupt. */
void halt(void);

/* Processors in the MADT, at most MAX_PROCESSORS. */
u64 processor_count(void);

/* Wakes all others, one after the other: each runs processor_main with its index from 1, in the MADT's order. */
void start_processors(void);

/* The local id and eid of a started processor, as in bits 31:16 of cr.lid. */
u64 processor_id(u64 index);

/* Sends an external interrupt to the processor with index `to`. */
void send_interrupt(u64 to, u8 vector);

#endif
