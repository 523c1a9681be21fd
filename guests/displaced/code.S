/* Code whose neighbours of a privileged instruction are changed while it executes. */
	.text
	.global	changing, changing_end

/* r8 = the immediates of slots 1 and 2, which come together. */
	.align	64
changing:
{ .mii
	mov	r14 = cr.iva
	adds	r8 = 0, r0
	adds	r9 = 0, r0
	;;
}
{ .mmi
	mov	r15 = cr.lid
	shladd	r8 = r9, 4, r8
	nop.i	0
	;;
}
{ .mib
	nop.m	0
	nop.i	0
	br.ret.sptk.many b0
	;;
}
changing_end:
