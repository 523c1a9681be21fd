/* The interruption vector table and the one path behind it: save, call `interruption(frame)`, restore, rfi. */
#include "machine.h"

	.macro vector offset
	.org	ivt + \offset
	mov	r31 = pr
	mov	r30 = \offset
	br.sptk.many interruption_entry
	;;
	.endm

	.section .text.ivt, "ax"
	.align	32768
	.global	ivt
ivt:
	.irp	offset, 0x0000, 0x0400, 0x0800, 0x0c00, 0x1000, 0x1400, 0x1800, 0x1c00, 0x2000, 0x2400, 0x2800, 0x2c00, 0x3000, 0x3400
	vector	\offset
	.endr
	.irp	offset, 0x5000, 0x5100, 0x5200, 0x5300, 0x5400, 0x5500, 0x5600, 0x5700, 0x5900, 0x5a00, 0x5b00, 0x5c00, 0x5d00
	vector	\offset
	.endr
	.irp	offset, 0x5e00, 0x5f00, 0x6000, 0x6100, 0x6900, 0x6a00, 0x6b00
	vector	\offset
	.endr
	.org	ivt + 0x8000

/*
 * PSR.ic = 0, bank 0; r30 = vector, r31 = pr. The frame goes below sp, the register stack stays where it is: whatever was
 * interrupted runs on this processor's stacks.
 */
	.text
	.proc	interruption_entry
interruption_entry:
	rsm	psr.dfl | psr.dfh		// an interruption leaves them
	adds	r29 = -FRAME_SIZE, sp
	mov	r28 = ar.unat
	;;
	srlz.d
	adds	r16 = FRAME_VECTOR, r29
	adds	r17 = FRAME_VECTOR + 8, r29
	mov	r18 = cr.iip
	;;
	cover
	;;
	st8	[r16] = r30, 16
	st8	[r17] = r18, 16
	mov	r18 = cr.ipsr
	mov	r19 = cr.ifs
	;;
	st8	[r16] = r18, 16
	st8	[r17] = r19, 16
	mov	r18 = cr.isr
	mov	r19 = cr.ifa
	;;
	st8	[r16] = r18, 16
	st8	[r17] = r19, 16
	mov	r18 = cr.itir
	mov	r19 = cr.iha
	;;
	st8	[r16] = r18, 16
	st8	[r17] = r19, 16
	mov	r18 = cr.iim
	mov	r19 = cr.iipa
	;;
	st8	[r16] = r18, 16
	st8	[r17] = r19, 16
	mov	r19 = b0
	;;
	st8	[r16] = r31, 16
	st8	[r17] = r19, 16
	mov	r18 = b6
	mov	r19 = b7
	;;
	st8	[r16] = r18, 16
	st8	[r17] = r19, 16
	mov	r18 = ar.pfs
	mov	r19 = ar.ccv
	;;
	st8	[r16] = r18, 16
	st8	[r17] = r19, 16
	;;
	st8	[r16] = r28, 16			// ar.unat; then gr3
	st8.spill [r17] = r2, 16		// then gr8
	;;
	st8.spill [r16] = r3, 16
	;;
	st8.spill [r17] = r8, 16
	;;
	st8.spill [r16] = r9, 16
	;;
	st8.spill [r17] = r10, 16
	;;
	st8.spill [r16] = r11, 16
	;;
	st8.spill [r17] = r14, 16
	;;
	st8.spill [r16] = r15, 16		// then gr17
	mov	r2 = r17			// gr16
	mov	r14 = r29
	;;
	mov	r3 = r16
	bsw.1
	;;
	st8.spill [r2] = r16, 16
	;;
	st8.spill [r3] = r17, 16
	;;
	st8.spill [r2] = r18, 16
	;;
	st8.spill [r3] = r19, 16
	;;
	st8.spill [r2] = r20, 16
	;;
	st8.spill [r3] = r21, 16
	;;
	st8.spill [r2] = r22, 16
	;;
	st8.spill [r3] = r23, 16
	;;
	st8.spill [r2] = r24, 16
	;;
	st8.spill [r3] = r25, 16
	;;
	st8.spill [r2] = r26, 16
	;;
	st8.spill [r3] = r27, 16
	;;
	st8.spill [r2] = r28, 16
	;;
	st8.spill [r3] = r29, 16
	;;
	st8.spill [r2] = r30, 16
	;;
	st8.spill [r3] = r31
	;;
	mov	r15 = ar.unat
	;;
	st8	[r2] = r15, 8			// spilled
	;;
	st8	[r2] = gp, 16			// firmware has another
	movl	gp = __gp
	;;
	adds	r3 = 16, r2
	stf.spill [r2] = f6, 32
	;;
	stf.spill [r3] = f7, 32
	stf.spill [r2] = f8, 32
	;;
	stf.spill [r3] = f9, 32
	stf.spill [r2] = f10
	;;
	stf.spill [r3] = f11
	;;
	ssm	psr.ic
	mov	sp = r14
	;;
	srlz.i
	;;
	alloc	r15 = ar.pfs, 0, 0, 1, 0
	;;
	mov	out0 = r14
	br.call.sptk.many rp = interruption
	;;
	rsm	psr.ic | psr.i
	adds	r2 = FRAME_F6, sp
	adds	r3 = FRAME_F6 + 16, sp
	;;
	srlz.i
	ldf.fill f6 = [r2], 32
	ldf.fill f7 = [r3], 32
	;;
	ldf.fill f8 = [r2], 32
	ldf.fill f9 = [r3], 32
	;;
	ldf.fill f10 = [r2]
	ldf.fill f11 = [r3]
	adds	r2 = FRAME_SPILLED, sp
	;;
	ld8	r15 = [r2], -16			// spilled, then gr30
	adds	r3 = FRAME_SPILLED - 8, sp	// gr31
	;;
	mov	ar.unat = r15
	;;
	ld8.fill r31 = [r3], -16
	ld8.fill r30 = [r2], -16
	;;
	ld8.fill r29 = [r3], -16
	ld8.fill r28 = [r2], -16
	;;
	ld8.fill r27 = [r3], -16
	ld8.fill r26 = [r2], -16
	;;
	ld8.fill r25 = [r3], -16
	ld8.fill r24 = [r2], -16
	;;
	ld8.fill r23 = [r3], -16
	ld8.fill r22 = [r2], -16
	;;
	ld8.fill r21 = [r3], -16
	ld8.fill r20 = [r2], -16
	;;
	ld8.fill r19 = [r3], -16
	ld8.fill r18 = [r2], -16
	;;
	ld8.fill r17 = [r3]
	ld8.fill r16 = [r2]
	;;
	bsw.0
	;;
	adds	r16 = FRAME_GR2, sp
	adds	r17 = FRAME_GR2 + 8, sp
	;;
	ld8.fill r2 = [r16], 16
	ld8.fill r3 = [r17], 16
	;;
	ld8.fill r8 = [r16], 16
	ld8.fill r9 = [r17], 16
	;;
	ld8.fill r10 = [r16], 16
	ld8.fill r11 = [r17], 16
	;;
	ld8.fill r14 = [r16], 16
	ld8.fill r15 = [r17]
	;;
	adds	r16 = FRAME_GR1, sp
	;;
	ld8	gp = [r16]
	adds	r16 = FRAME_PR, sp
	adds	r17 = FRAME_PR + 8, sp
	;;
	ld8	r31 = [r16], 16
	ld8	r18 = [r17], 16
	;;
	mov	b0 = r18
	ld8	r18 = [r16], 16
	ld8	r19 = [r17], 16
	;;
	mov	b6 = r18
	mov	b7 = r19
	ld8	r18 = [r16], 16
	ld8	r19 = [r17], 16
	;;
	mov	ar.pfs = r18
	mov	ar.ccv = r19
	ld8	r18 = [r16]
	adds	r16 = FRAME_VECTOR + 8, sp
	adds	r17 = FRAME_VECTOR + 16, sp
	;;
	mov	ar.unat = r18
	ld8	r18 = [r16], 16
	ld8	r19 = [r17]
	;;
	mov	cr.iip = r18
	mov	cr.ipsr = r19
	ld8	r18 = [r16]
	;;
	mov	cr.ifs = r18
	adds	sp = FRAME_SIZE, sp
	mov	pr = r31, -1
	;;
	rfi
	;;
	.endp	interruption_entry
