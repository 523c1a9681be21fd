#ifndef TRIAL_H
#define TRIAL_H

#define TRIAL_END 0x155555	/* the break immediate that ends a trial */

/* What a trial begins with: offsets for trial.S, fields for C. */
#define SETUP_IP 0
#define SETUP_PSR 8
#define SETUP_TARGET 16
#define SETUP_R14 24
#define SETUP_R15 32
#define SETUP_R16 40
#define SETUP_R20 48
#define SETUP_R21 56
#define SETUP_NAT 64

/* A row of the table of trials. */
#define TRIAL_UNSTEPPED 1	/* at PSR.ic = 0 for some instructions, so that no trap may be taken in it */
#define TRIAL_AT_START 2	/* entered at its first bundle only: instructions before the bundle on trial prepare it */

#ifndef __ASSEMBLER__
#include "guest.h"
#include "tlb.h"

struct setup {
	u64 ip, psr, target, r14, r15, r16, r20, r21;
	u64 nat;	/* any word: it is filled with its NaT bit set */
};

_Static_assert(__builtin_offsetof(struct setup, nat) == SETUP_NAT, "SETUP_NAT");

struct trial {
	const char *name;
	u64 start, target, flags;
};

extern const struct trial trials[], trials_end[];

/* Runs a trial until it ends by `break TRIAL_END`, whose handler goes on at `trial_end`. */
void run_trial(const struct setup *setup);
extern char trial_end[];
#endif
#endif
