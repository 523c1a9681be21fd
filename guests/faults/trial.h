#ifndef TRIAL_H
#define TRIAL_H

#define TRIAL_END 0x155555	/* the break immediate that ends a trial */

#ifndef __ASSEMBLER__
#include "guest.h"
#include "tlb.h"

#define TRIAL(name) extern char name[], name##_at[]

/* What the first and the last interruption of the last trial left, how many there were, and r8 and r9 at its end. */
extern struct frame event, last_event;
extern u64 events, result8, result9;

/* Runs a trial to its end. `fix` sees each interruption and may repair its cause; without it, or when it does not help, the trial is
   over. */
void try(const char *code, u64 psr, u64 r14, u64 r15, void (*fix)(struct frame *));

/* Whether the values are equal; prints them if not. */
int same(const char *what, const char *field, u64 value, u64 expected);

/* Whether the first interruption is a fault of the instruction in this slot of the bundle. `isr` comes without ei. */
int faulted(const char *what, u64 vector, u64 isr, const char *bundle, u64 slot);

/* Checks that. */
void expect_fault(const char *what, u64 vector, u64 isr, const char *bundle, u64 slot);

/* A trap: taken after the instruction in `slot` of `bundle`; execution is to go on at `next`, `next_slot`. */
void expect_trap(const char *what, u64 vector, u64 isr, const char *bundle, u64 slot, const char *next, u64 next_slot);

/* Checks that the trial went on after the one interruption and ended with this in r8. */
void expect_return(const char *what, u64 r8);

#define ISR_X BIT(32)
#define ISR_W BIT(33)
#define ISR_R BIT(34)
#define ISR_NA BIT(35)
#define ISR_SP BIT(36)
#define ISR_RS BIT(37)
#define ISR_IR BIT(38)

/* Groups of trials. */
void general_exceptions(void);
void data_references(void);
void translations(void);
void floating_point(void);
void traps(void);

/* An aligned page of data and one that holds a copy of `t_end`, by their physical addresses. */
extern u64 data_page[], code_page[];
#endif
#endif
