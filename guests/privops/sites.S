/*
 * Sites that are executed for the first time, and sites that get in each other's way. With PSR.ic = i = 0, as in operations.S.
 *
 * u64 NAME(void): the interval-timer ticks of 144 different instructions, once each.
 */
#include "machine.h"

	.macro	once name
	.global	\name
	.align	32
	.proc	\name
\name:
	mov	r11 = psr
	;;
	rsm	psr.ic | psr.i
	;;
	srlz.i
	;;
	mov	r9 = ar.itc
	;;
	.endm

	.macro	ends name
	srlz.d
	;;
	mov	r8 = ar.itc
	;;
	mov	psr.l = r11
	;;
	srlz.d
	;;
	srlz.i
	sub	r8 = r8, r9
	br.ret.sptk.many b0
	;;
	.endp	\name
	.endm

	.text
	// One instruction in 144 places.
	once	sites_of_one_class
	.rept	144
	mov	r14 = cr.tpr
	;;
	.endr
	ends	sites_of_one_class

	// 144 instructions that differ in their operands.
	once	sites_of_many_classes
	.irp	from, cr.dcr, cr.itm, cr.iva, cr.pta, cr.ipsr, cr.isr, cr.iip, cr.ifa, cr.itir, cr.iipa, cr.ifs, cr.iim, cr.iha, cr.lid, cr.tpr, cr.irr0, cr.irr1, cr.irr2, cr.irr3, cr.itv, cr.pmv, cr.cmcv, cr.lrr0, cr.lrr1
	mov	r2 = \from
	;;
	mov	r3 = \from
	;;
	mov	r8 = \from
	;;
	mov	r10 = \from
	;;
	mov	r14 = \from
	;;
	mov	r15 = \from
	;;
	.endr
	ends	sites_of_many_classes

/* u64 NAME(void): the ticks of 4000 rounds of two sites that are so many bytes apart. */
	.macro	pair name, distance
	.global	\name
	.align	64
	.proc	\name
\name:
	mov	r11 = psr
	mov	r10 = ar.lc
	mov	r14 = 3999
	;;
	rsm	psr.ic | psr.i
	mov	ar.lc = r14
	;;
	srlz.i
	;;
	mov	r9 = ar.itc
	br.sptk.few 1f
	;;
	.align	64
1:
	{ .mib
	mov	r14 = cr.tpr
	nop.i	0
	br.sptk.few 3f
	;; }
2:
	{ .mib
	nop.m	0
	nop.i	0
	br.cloop.sptk.few 1b
	;; }
	mov	r8 = ar.itc
	;;
	mov	psr.l = r11
	mov	ar.lc = r10
	;;
	srlz.d
	;;
	srlz.i
	sub	r8 = r8, r9
	br.ret.sptk.many b0
	;;
	.skip	\distance - (. - 1b)
3:
	{ .mib
	mov	r15 = cr.tpr
	nop.i	0
	br.sptk.few 2b
	;; }
	.endp	\name
	.endm

	pair	sites_that_collide, 0x4000
	pair	sites_that_do_not, 0x4040
