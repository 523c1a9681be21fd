/*
 * u64 NAME(void): the interval-timer ticks of 1000 rounds of eight times an operation, with PSR.ic = i = 0. r14 and r15 hold
 * what `before` puts there; r2, r3, r8-r11, r14, r15 are the only registers an operation may use: bsw swaps the others.
 */
#include "machine.h"

	PAGE_ADDRESS = 0x2000000000040000
	PAGE = 0x1000661			// 0x1000000, everything allowed at level 0

	.macro	operation name, before, body
	.global	\name
	.align	32
	.proc	\name
\name:
	alloc	r32 = ar.pfs, 0, 4, 0, 0
	mov	r33 = ar.lc
	mov	r34 = psr
	mov	r11 = 999
	;;
	rsm	psr.ic | psr.i
	mov	ar.lc = r11
	;;
	srlz.i
	;;
	\before
	;;
	mov	r9 = ar.itc
	;;
1:	.rept	8
	\body
	;;
	.endr
	srlz.d
	;;
	br.cloop.sptk.few 1b
	;;
	mov	r8 = ar.itc
	;;
	mov	psr.l = r34
	;;
	srlz.d
	;;
	srlz.i
	sub	r8 = r8, r9
	mov	ar.lc = r33
	br.ret.sptk.many b0
	;;
	.endp	\name
	.endm

	.text
	operation op_none, "", ""
	operation op_mov_to_itc, "", "mov r14 = ar.itc ;; mov ar.itc = r14"
	operation op_mov_from_itc, "", "mov r14 = ar.itc"
	operation op_mov_to_tpr, "", "mov cr.tpr = r0"
	operation op_mov_to_ifa, "mov r14 = 0", "mov cr.ifa = r14"
	operation op_mov_to_itir, "mov r14 = 14 << 2", "mov cr.itir = r14"
	operation op_mov_to_iip, "mov r14 = 0", "mov cr.iip = r14"
	operation op_mov_to_ipsr, "mov r14 = 0", "mov cr.ipsr = r14"
	operation op_mov_to_itm, "", "mov cr.itm = r0"
	operation op_mov_to_eoi, "", "mov cr.eoi = r0 ;; srlz.d"
	operation op_mov_from_ivr, "", "mov r14 = cr.ivr ;; srlz.d"
	operation op_mov_from_tpr, "", "mov r14 = cr.tpr"
	operation op_mov_from_ifa, "", "mov r14 = cr.ifa"
	operation op_mov_from_isr, "", "mov r14 = cr.isr"
	operation op_mov_from_iip, "", "mov r14 = cr.iip"
	operation op_mov_from_ipsr, "", "mov r14 = cr.ipsr"
	operation op_mov_from_itm, "", "mov r14 = cr.itm"
	operation op_mov_to_psr, "mov r14 = psr", "mov psr.l = r14"
	operation op_mov_from_psr, "", "mov r14 = psr"
	operation op_ssm, "", "ssm psr.ac"
	operation op_rsm, "", "rsm psr.i"
	operation op_ssm_rsm_ic, "", "ssm psr.ic ;; srlz.d ;; rsm psr.ic ;; srlz.d"
	operation op_itc_d, "movl r14 = PAGE ;; movl r15 = PAGE_ADDRESS ;; mov r2 = 14 << 2 ;; mov cr.ifa = r15 ;; mov cr.itir = r2", "itc.d r14"
	operation op_itc_i, "movl r14 = PAGE ;; movl r15 = PAGE_ADDRESS ;; mov r2 = 14 << 2 ;; mov cr.ifa = r15 ;; mov cr.itir = r2", "itc.i r14"
	operation op_itr_d, "movl r14 = PAGE ;; movl r15 = PAGE_ADDRESS ;; mov r2 = 14 << 2 ;; mov r3 = 1 ;; mov cr.ifa = r15 ;; mov cr.itir = r2", "itr.d dtr[r3] = r14"
	operation op_itr_i, "movl r14 = PAGE ;; movl r15 = PAGE_ADDRESS ;; mov r2 = 14 << 2 ;; mov r3 = 1 ;; mov cr.ifa = r15 ;; mov cr.itir = r2", "itr.i itr[r3] = r14"
	operation op_ptr_d, "movl r15 = PAGE_ADDRESS ;; mov r2 = 14 << 2", "ptr.d r15, r2"
	operation op_ptr_i, "movl r15 = PAGE_ADDRESS ;; mov r2 = 14 << 2", "ptr.i r15, r2"
	operation op_ptc_l, "movl r15 = PAGE_ADDRESS ;; mov r2 = 14 << 2", "ptc.l r15, r2"
	operation op_ptc_g, "movl r15 = PAGE_ADDRESS ;; mov r2 = 14 << 2", "ptc.g r15, r2 ;; srlz.i"
	operation op_ptc_ga, "movl r15 = PAGE_ADDRESS ;; mov r2 = 14 << 2", "ptc.ga r15, r2 ;; srlz.i"
	operation op_ptc_e, "mov r14 = 0", "ptc.e r14"
	operation op_mov_to_rr, "movl r15 = PAGE_ADDRESS ;; mov r14 = rr[r15]", "mov rr[r15] = r14"
	operation op_mov_from_rr, "movl r15 = PAGE_ADDRESS", "mov r14 = rr[r15]"
	operation op_mov_to_dbr, "mov r15 = 1", "mov dbr[r15] = r0"
	operation op_mov_from_dbr, "mov r15 = 1", "mov r14 = dbr[r15]"
	operation op_mov_to_ibr, "mov r15 = 1", "mov ibr[r15] = r0"
	operation op_mov_from_ibr, "mov r15 = 1", "mov r14 = ibr[r15]"
	operation op_mov_to_pkr, "mov r15 = 1", "mov pkr[r15] = r0"
	operation op_mov_from_pkr, "mov r15 = 1", "mov r14 = pkr[r15]"
	operation op_mov_to_pmc, "mov r15 = 4 ;; mov r14 = pmc[r15]", "mov pmc[r15] = r14"
	operation op_mov_from_pmc, "mov r15 = 4", "mov r14 = pmc[r15]"
	operation op_mov_to_pmd, "mov r15 = 4", "mov pmd[r15] = r0"
	operation op_mov_from_pmd, "mov r15 = 4", "mov r14 = pmd[r15]"
	operation op_mov_from_cpuid, "mov r15 = 3", "mov r14 = cpuid[r15]"
	operation op_thash, "movl r15 = PAGE_ADDRESS", "thash r14 = r15"
	operation op_ttag, "movl r15 = PAGE_ADDRESS", "ttag r14 = r15"
	operation op_tpa, "movl r15 = PAGE_ADDRESS", "tpa r14 = r15"
	operation op_tak, "movl r15 = PAGE_ADDRESS", "tak r14 = r15"
	operation op_probe, "movl r15 = PAGE_ADDRESS", "probe.r r14 = r15, 0"
	operation op_bsw, "", "bsw.0 ;; bsw.1"
	operation op_rfi, "mov r14 = psr ;; dep r14 = -1, r14, 44, 1 ;; mov cr.ipsr = r14 ;; mov cr.ifs = r0", "movl r15 = 2f ;; mov cr.iip = r15 ;; rfi ;; 2:"

	// The first cover saves the frame in cr.ifs, the others find an empty one; rfi brings the frame back.
	.global	op_cover
	.align	32
	.proc	op_cover
op_cover:
	mov	r10 = ar.lc
	mov	r11 = psr
	mov	r14 = 999
	;;
	rsm	psr.ic | psr.i
	mov	ar.lc = r14
	;;
	srlz.i
	;;
	mov	r14 = psr
	cover
	;;
	mov	r15 = cr.ifs
	dep	r14 = -1, r14, 44, 1		// PSR.bn
	;;
	mov	cr.ipsr = r14
	mov	r9 = ar.itc
	;;
1:	.rept	8
	cover
	;;
	.endr
	br.cloop.sptk.few 1b
	;;
	mov	r8 = ar.itc
	mov	cr.ifs = r15
	movl	r14 = 2f
	;;
	mov	cr.iip = r14
	;;
	rfi
	;;
2:	mov	psr.l = r11
	;;
	srlz.d
	;;
	srlz.i
	sub	r8 = r8, r9
	mov	ar.lc = r10
	br.ret.sptk.many b0
	;;
	.endp	op_cover
