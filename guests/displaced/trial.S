/* How a trial is entered and left. It may do what it likes with the registers of C's scratch, and with the frame. */
#include "machine.h"
#include "trial.h"

	.text
	.global	run_trial, trial_end

	.proc	run_trial
run_trial:
	alloc	r33 = ar.pfs, 1, 7, 0, 0
	flushrs					// the caller's frame is in memory now
	movl	r2 = context
	;;
	mov	ar.rsc = 0			// the RSE rests while PSR.cpl and PSR.rt change
	adds	r3 = 8, r2
	mov	r8 = rp
	;;
	st8	[r2] = r8, 16
	st8	[r3] = r33, 16
	mov	r8 = pr
	mov	r9 = ar.fpsr
	;;
	st8	[r2] = r8, 16
	st8	[r3] = r9, 16
	mov	r8 = ar.unat
	mov.i	r9 = ar.lc
	;;
	st8	[r2] = r8, 16
	st8	[r3] = r9, 16
	mov	r8 = ar.bspstore
	mov	r9 = ar.rnat
	;;
	st8	[r2] = r8
	st8	[r3] = r9
	adds	r2 = SETUP_PSR, r32
	mov	r3 = r32
	rsm	psr.ic | psr.i
	;;
	srlz.i
	ld8	r8 = [r3], SETUP_TARGET - SETUP_IP
	ld8	r9 = [r2], SETUP_R14 - SETUP_PSR
	;;
	mov	cr.iip = r8
	mov	cr.ipsr = r9
	mov	cr.ifs = r0
	;;
	ld8	r8 = [r3], SETUP_R15 - SETUP_TARGET
	ld8	r14 = [r2], SETUP_R16 - SETUP_R14
	;;
	ld8	r15 = [r3], SETUP_R20 - SETUP_R15
	ld8	r16 = [r2], SETUP_R21 - SETUP_R16
	;;
	ld8	r20 = [r3], SETUP_NAT - SETUP_R20
	ld8	r21 = [r2]
	mov	r9 = -1
	;;
	mov	ar.unat = r9
	;;
	ld8.fill r30 = [r3]			// NaT
	mov	ar.unat = r0
	mov	b0 = r8
	mov	b6 = r8
	mov	b7 = r8
	;;
	mov	r9 = 2
	;;
	mov.i	ar.lc = r9
	mov.i	ar.ec = r9
	;;
	mov	ar.pfs = r0
	mov	ar.ccv = r0
	movl	r9 = 0x1555555555555541		// even predicates from 6 on
	;;
	mov	pr = r9, -1
	invala
	mov	r8 = 0
	mov	r9 = 0
	mov	r10 = 0
	mov	r11 = 0
	mov	r17 = 0x17
	mov	r18 = 0x18
	mov	r19 = 0x19
	mov	r22 = 0x22
	mov	r23 = 0x23
	mov	r24 = 0
	mov	r25 = 0
	mov	r26 = 0
	mov	r27 = 0
	mov	r28 = 0
	mov	r29 = 0
	mov	r31 = 0
	mov	f6 = f0
	mov	f7 = f0
	;;
	rfi
	;;
trial_end:					// with PSR_PHYSICAL, an empty frame and this processor's sp
	loadrs					// RSC.loadrs = 0: what the trial left on the register stack goes
	movl	r2 = context
	;;
	adds	r3 = 8, r2
	ld8	r8 = [r2], 16
	;;
	ld8	r9 = [r3], 16
	mov	rp = r8
	;;
	mov	ar.pfs = r9
	ld8	r8 = [r2], 16
	ld8	r9 = [r3], 16
	;;
	mov	pr = r8, -1
	mov	ar.fpsr = r9
	ld8	r8 = [r2], 16
	ld8	r9 = [r3], 16
	;;
	mov	ar.unat = r8
	mov.i	ar.lc = r9
	ld8	r8 = [r2]
	ld8	r9 = [r3]
	;;
	mov	ar.bspstore = r8
	;;
	mov	ar.rnat = r9
	;;
	mov	ar.rsc = 3
	br.ret.sptk.many rp
	;;
	.endp	run_trial

	.section .bss
	.align	16
context:
	.skip	64
