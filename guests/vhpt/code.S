	.text
	.global	return_number
	.align	64
return_number:					// r8 = the number put into slot 0
{ .mib
	mov	r8 = 0
	nop.i	0
	br.ret.sptk.many b0
	;;
}
