/* The code that is modified. */
	.text
	.global	modified, modified_end

/* r8 = immediate of slot 0 + (immediate of slot 2 << 14); with a second bundle to return. */
	.align	64
modified:
{ .mii
	mov	r8 = 0
	nop.i	0
	mov	r9 = 0
	;;
}
{ .mib
	shladd	r8 = r9, 4, r8
	nop.i	0
	br.ret.sptk.many b0
	;;
}
modified_end:
