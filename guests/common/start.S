/* Entry of the boot processor and of the others, and calls that leave the compiler's world. */
#include "machine.h"

	.section .text.start, "ax"
	.global	_start, application_processor, call_with_psr, firmware_call, pal_call

	// rfi to the next bundle with PSR = `psr` (a register) and the frame as it is. Changes r14.
	.macro	set_psr psr
	rsm	psr.ic | psr.i
	;;
	srlz.i
	;;
	movl	r14 = .Lhere\@
	;;
	mov	cr.ipsr = \psr
	mov	cr.iip = r14
	mov	cr.ifs = r0
	;;
	rfi
	;;
.Lhere\@:
	.endm

/* Firmware enters processor 0 here with r28 = ia64_boot_param. */
	.proc	_start
_start:
	mov	r8 = r28
	mov	r9 = 0
	mov	r10 = 0				// not an application processor
	br.sptk.many enter
	;;
	.endp	_start

/* OS_BOOT_RENDEZ: the others enter here, one after the other. */
	.proc	application_processor
application_processor:
	movl	r14 = processors_started
	;;
	fetchadd8.acq r8 = [r14], 1
	mov	r10 = 1
	;;
	mov	r9 = r8
	;;
enter:						// r8 = argument, r9 = index, r10 = which main
	movl	r11 = PSR_PHYSICAL
	;;
	set_psr	r11
	mov	ar.rsc = 0
	movl	r14 = stacks
	shl	r9 = r9, STACK_SHIFT
	movl	r15 = FPSR
	;;
	loadrs
	add	r14 = r14, r9
	movl	r16 = 1 << STACK_SHIFT
	;;
	mov	ar.bspstore = r14
	add	sp = r14, r16
	movl	gp = __gp
	;;
	adds	sp = -16, sp
	mov	ar.fpsr = r15
	mov	ar.rsc = 3
	movl	r14 = ivt
	;;
	mov	ar.unat = r0
	mov	cr.iva = r14
	mov	cr.dcr = r0
	mov	cr.tpr = r0
	movl	r15 = 1 << 16			// masked
	;;
	mov	cr.itv = r15
	mov	cr.pmv = r15
	mov	cr.cmcv = r15
	;;
	srlz.i
	cmp.eq	p6, p7 = 0, r10
	;;
	alloc	r32 = ar.pfs, 0, 1, 1, 0
	;;
	mov	out0 = r8
	;;
(p6)	br.call.sptk.many rp = boot
	;;
(p7)	br.call.sptk.many rp = processor_main
	;;
1:	hint	@pause
	br.few	1b
	;;
	.endp	application_processor

/* u64 call_with_psr(u64 (*function)(u64), u64 argument, u64 psr) */
	.proc	call_with_psr
call_with_psr:
	alloc	r35 = ar.pfs, 3, 3, 1, 0
	mov	r36 = rp
	ld8	r15 = [r32]			// function descriptor
	;;
	mov	b6 = r15
	mov	r38 = r33
	set_psr	r34
	br.call.sptk.many rp = b6
	;;
	movl	r37 = PSR_PHYSICAL
	;;
	set_psr	r37
	mov	ar.pfs = r35
	mov	rp = r36
	br.ret.sptk.many rp
	;;
	.endp	call_with_psr

/* u64 firmware_call(u64 entry, u64 gp, const u64 arguments[8]) */
	.proc	firmware_call
firmware_call:
	alloc	r35 = ar.pfs, 3, 3, 8, 0
	mov	r36 = rp
	mov	r37 = gp
	adds	r14 = 8, r34
	;;
	ld8	r38 = [r34], 16
	ld8	r39 = [r14], 16
	mov	b6 = r32
	;;
	ld8	r40 = [r34], 16
	ld8	r41 = [r14], 16
	mov	gp = r33
	;;
	ld8	r42 = [r34], 16
	ld8	r43 = [r14], 16
	;;
	ld8	r44 = [r34]
	ld8	r45 = [r14]
	br.call.sptk.many rp = b6
	;;
	mov	gp = r37
	mov	ar.pfs = r35
	mov	rp = r36
	br.ret.sptk.many rp
	;;
	.endp	firmware_call

/* u64 pal_call(u64 entry, u64 index): a static procedure without arguments. It has no frame: it is branched to. */
	.proc	pal_call
pal_call:
	alloc	r34 = ar.pfs, 2, 2, 0, 0
	mov	r35 = rp
	movl	r14 = .Lback
	mov	b6 = r32
	mov	r28 = r33
	mov	r29 = r0
	mov	r30 = r0
	mov	r31 = r0
	;;
	mov	rp = r14
	br.cond.sptk.many b6
	;;
.Lback:
	mov	ar.pfs = r34
	mov	rp = r35
	br.ret.sptk.many rp
	;;
	.endp	pal_call

	.section .bss
	.align	16
stacks:
	.skip	MAX_PROCESSORS << STACK_SHIFT
