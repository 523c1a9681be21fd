/*
 * Entry in physical mode, on any stack, in any frame: r8 = n (0 means 1). Leaves kernel(n) in r8 and stays at `stop`.
 */
	.explicit
	.section .text.start, "ax"
	.global _start, stop
	.proc _start
_start:
	.prologue
	.save rp, r0
	.body
	// PSR.ac alone: no interruption collection, no interrupts, physical data and RSE, both FP halves enabled.
{ .mii
	mov	r9 = 1 << 3
	mov	r14 = r8
	nop	0
	;;
}
{ .mmi
	mov	psr.l = r9
	;;
	srlz.i
	nop	0
	;;
}
	mov	ar.rsc = 0			// SDM 2:139: enforced lazy before BSPSTORE is written
	movl	r9 = backing_store
	movl	r12 = stack_top - 16		// 16 bytes of scratch
	movl	gp = __gp
	;;
	loadrs					// RSC.loadrs = 0: forget the frames of whoever came before
	;;
	mov	ar.bspstore = r9
	movl	r9 = 0x0009804c0270033f		// all FP traps masked, sf0 double-extended, round to nearest
	;;
	mov	ar.fpsr = r9
	mov	ar.rsc = 3			// eager, little-endian
	cmp.eq	p6, p0 = 0, r14
	;;
	alloc	r32 = ar.pfs, 0, 1, 1, 0
(p6)	mov	r14 = 1
	;;
	mov	ar.unat = r0
	mov	out0 = r14
	br.call.sptk.many rp = kernel
	;;
stop:
	br.few	stop
	;;
	.endp _start

	.section .bss
	.align	16
backing_store:
	.skip	65536
stack:
	.skip	65536
stack_top:
