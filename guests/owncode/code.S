/* Privileged instructions that are read, copied and called. Those of a pair differ in no more than is said. */
	.text
	.global	variants, target, pair_a, pair_b, pair_c, blank, break_page, call_pair, call_pair_code

	// Each returns another value.
	.align	128
target:
{ .mib
	mov	r8 = cr.iva
	nop.i	0
	br.ret.sptk.many b0
	;;
}
	.align	128
variants:
{ .mib
	mov	r8 = cr.iva
	nop.i	0
	br.ret.sptk.many b0
	;;
}
{ .mib
	mov	r8 = cr.lid
	nop.i	0
	br.ret.sptk.many b0
	;;
}
{ .mib
	mov	r8 = cr.itv
	nop.i	0
	br.ret.sptk.many b0
	;;
}
{ .mib
	adds	r8 = 77, r0
	nop.i	0
	br.ret.sptk.many b0
	;;
}
{ .mib
	mov	r8 = cr.tpr
	nop.i	0
	br.ret.sptk.many b0
	;;
}
{ .mib
	mov	r8 = cr.lrr0
	nop.i	0
	br.ret.sptk.many b0
	;;
}

	// The target register alone: r14 or r15. In pair_c another slot differs, too.
	.align	128
pair_a:
{ .mib
	mov	r14 = cr.iva
	nop.i	1
	br.ret.sptk.many b0
	;;
}
	.align	128
pair_b:
{ .mib
	mov	r15 = cr.iva
	nop.i	1
	br.ret.sptk.many b0
	;;
}
	.align	128
pair_c:
{ .mib
	mov	r15 = cr.iva
	nop.i	2
	br.ret.sptk.many b0
	;;
}
	// Nothing in slot 0 yet.
	.align	128
blank:
{ .mib
	nop.m	0
	nop.i	3
	br.ret.sptk.many b0
	;;
}

/* u64 call_pair(const void *code): 1 if it writes r14, 2 if r15. */
	.align	128
	.proc	call_pair
call_pair_code:
call_pair:
	alloc	r34 = ar.pfs, 1, 3, 0, 0
	mov	r33 = b0
	mov	b6 = r32
	mov	r14 = 0x11
	mov	r15 = 0x22
	;;
	br.call.sptk.many b0 = b6
	;;
	cmp.ne	p6, p7 = 0x11, r14
	cmp.ne	p8, p9 = 0x22, r15
	mov	r8 = 0
	;;
(p6)	adds	r8 = 1, r8
	;;
(p8)	adds	r8 = 2, r8
	mov	ar.pfs = r34
	mov	b0 = r33
	;;
	br.ret.sptk.many b0
	;;
	.endp	call_pair

/* A `break` of each unit with this immediate; the handler goes on at the next bundle. */
	.macro	breaks immediate
{ .mii
	break.m	\immediate
	nop.i	0
	nop.i	0
	;;
}
{ .mii
	nop.m	0
	break.i	\immediate
	nop.i	0
	;;
}
{ .mfi
	nop.m	0
	break.f	\immediate
	nop.i	0
	;;
}
{ .mib
	nop.m	0
	nop.i	0
	break.b	\immediate
	;;
}
{ .mlx
	nop.m	0
	break.x	\immediate
	;;
}
	.endm
	.align	128
	.proc	break_page
break_page:
	.irp	immediate, 0x180000, 0x180001, 0x18003b, 0x181fff, 0x1bffff
	breaks	\immediate
	.endr
{ .mib
	nop.m	0
	nop.i	0
	br.ret.sptk.many b0
	;;
}
	.endp	break_page
