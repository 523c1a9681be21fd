/*
 * The instructions on trial. A trial starts at its name with r14 and r15 as given and a PSR of its own; the instruction that is
 * to be interrupted is in the bundle NAME_at. It ends by `break.m END`, if it gets so far.
 */
#include "machine.h"
#include "trial.h"

	.macro	trial name
	.global	\name
	.align	16
\name:
	.endm

	.macro	at name
	.global	\name\()_at
	.align	16
\name\()_at:
	.endm

	.macro	end
{ .mii
	break.m	TRIAL_END
	nop.i	0
	nop.i	0
	;;
}
	.endm

	// One instruction in slot 0 (M), 1 (I) or 2 (F, B).
	.macro	m name, instruction
	trial	\name
	at	\name
{ .mii
	\instruction
	nop.i	0
	nop.i	0
	;;
}
	end
	.endm

	.macro	i name, instruction
	trial	\name
	at	\name
{ .mii
	nop.m	0
	\instruction
	nop.i	0
	;;
}
	end
	.endm

	.macro	f name, instruction
	trial	\name
	at	\name
{ .mmf
	nop.m	0
	nop.m	0
	\instruction
	;;
}
	end
	.endm

	.macro	b name, instruction
	trial	\name
	at	\name
{ .mib
	nop.m	0
	nop.i	0
	\instruction
	;;
}
	end
	.endm

	// NaT in r14: a fill with its UNAT bit set.
	.macro	nat name, instruction
	trial	\name
	mov	r2 = -1
	;;
	mov	ar.unat = r2
	;;
	ld8.fill r14 = [r15]
	;;
	at	\name
{ .mii
	\instruction
	nop.i	0
	nop.i	0
	;;
}
	end
	.endm

	.text
	.align	4096				// all trials in one page
	.global	run_trial, trial_end

/* void run_trial(const void *code, u64 psr, u64 r14, u64 r15) */
	.proc	run_trial
run_trial:
	alloc	r36 = ar.pfs, 4, 8, 0, 0
	mov	r37 = rp
	mov	r38 = pr
	mov	r39 = ar.fpsr
	mov	r40 = ar.unat
	mov	r41 = sp
	;;
	rsm	psr.ic | psr.i
	mov	ar.rsc = 0			// the RSE rests while PSR.cpl and PSR.rt change
	;;
	srlz.i
	mov	r14 = r34
	mov	r15 = r35
	;;
	mov	cr.iip = r32
	mov	cr.ipsr = r33
	mov	cr.ifs = r0
	;;
	rfi
	;;
trial_end:					// with PSR_PHYSICAL
	mov	ar.rsc = 3
	mov	ar.fpsr = r39
	mov	ar.unat = r40
	mov	sp = r41
	mov	pr = r38, -1
	mov	rp = r37
	mov	ar.pfs = r36
	;;
	br.ret.sptk.many rp
	;;
	.endp	run_trial

	// General exceptions.
	m	t_out_of_frame, "mov r100 = r0"
	trial	t_reserved_template
	at	t_reserved_template
	data8	0x06, 0
	end
	trial	t_itc_collecting
	at	t_itc_collecting
{ .mmi
	itc.d	r14
	;;
	nop.m	0
	nop.i	0
	;;
}
	end
	m	t_mov_from_psr, "mov r8 = psr"
	m	t_rsm, "rsm psr.i"
	b	t_rfi, "rfi"
	m	t_mov_to_cr, "mov cr.tpr = r0"
	trial	t_ptc_e
	at	t_ptc_e
{ .mmi
	ptc.e	r14
	;;
	srlz.i
	nop.i	0
	;;
}
	end
	m	t_mov_to_kr, "mov ar.k0 = r14"
	m	t_mov_from_itc, "mov r8 = ar.itc"
	m	t_rsc, "mov.m ar.rsc = r14"
	m	t_load, "ld8 r8 = [r14]"
	m	t_store, "st8 [r14] = r15"
	trial	t_br_ia
	flushrs
	;;
	mov	b6 = r14
	;;
	at	t_br_ia
{ .mib
	nop.m	0
	nop.i	0
	br.ia.sptk.many b6
	;;
}
	end

	// NaT consumption.
	nat	t_nat_load, "ld8 r8 = [r14]"
	nat	t_nat_store, "st8 [r14] = r0"
	nat	t_nat_stored, "st8 [r15] = r14"
	nat	t_nat_to_ar, "mov.m ar.ccv = r14"
	nat	t_nat_to_cr, "mov cr.tpr = r14"

	// Data references.
	m	t_load4, "ld4 r8 = [r14]"
	m	t_store4, "st4 [r14] = r15"
	m	t_exchange, "xchg8 r8 = [r14], r15"
	m	t_fetchadd, "fetchadd8.acq r8 = [r14], 1"
	m	t_fc, "fc r14"
	m	t_tpa, "tpa r8 = r14"
	m	t_probe_read, "probe.r.fault r14, 0"
	m	t_probe_write, "probe.w.fault r14, 0"
	m	t_lfetch, "lfetch.fault [r14]"
	trial	t_speculative
	mov	r9 = r0
	;;
	at	t_speculative
{ .mii
	ld8.s	r8 = [r14]
	nop.i	0
	nop.i	0
	;;
}
	tnat.nz	p6, p7 = r8
	;;
(p6)	mov	r9 = 1
(p6)	mov	r8 = r0
	;;
	end

	// Break in each unit; the B unit's immediate goes nowhere (SDM 3:29).
	m	t_break_m, "break.m 0x12345"
	i	t_break_i, "break.i 0x1fff00"
	f	t_break_f, "break.f 0x54321"
	b	t_break_b, "break.b 0x777"
	trial	t_break_x
	at	t_break_x
{ .mlx
	nop.m	0
	break.x	0x123456789abcdef
	;;
}
	end

	// Floating point: r14 = FPSR, r15 = the significand of a small integer.
	.macro	fp name, instruction
	trial	\name
	mov	ar.fpsr = r14
	setf.sig f6 = r15
	;;
	fcvt.xf	f6 = f6
	;;
	at	\name
{ .mfi
	nop.m	0
	\instruction
	nop.i	0
	;;
}
	end
	.endm
	fp	t_fp_divide, "frcpa.s0 f7, p6 = f6, f0"
	fp	t_fp_invalid, "frcpa.s0 f7, p6 = f0, f0"
	fp	t_fp_inexact, "fma.s.s0 f7 = f6, f1, f1"
	trial	t_fp_overflow
	mov	ar.fpsr = r14
	setf.exp f6 = r15
	;;
	at	t_fp_overflow
{ .mfi
	nop.m	0
	fma.s.s0 f7 = f6, f6, f0
	nop.i	0
	;;
}
	end
	f	t_fp_low, "fma f7 = f1, f1, f1"
	f	t_fp_high, "fma f33 = f1, f1, f1"

	// Speculation checks: r9 = 1 on the way straight on, 2 at the target.
	trial	t_chk_s
	mov	r2 = -1
	;;
	mov	ar.unat = r2
	;;
	ld8.fill r14 = [r15]
	mov	r9 = 1
	;;
	at	t_chk_s
{ .mii
	chk.s.m	r14, 1f
	nop.i	0
	nop.i	0
	;;
}
	end
	.global	t_chk_s_target
	.align	16
t_chk_s_target:
1:	mov	r9 = 2
	;;
	end
	trial	t_chk_a
	ld8.a	r8 = [r15]
	;;
	invala
	mov	r9 = 1
	;;
	at	t_chk_a
{ .mii
	chk.a.nc r8, 1f
	nop.i	0
	nop.i	0
	;;
}
	end
	.global	t_chk_a_target
	.align	16
t_chk_a_target:
1:	mov	r9 = 2
	;;
	end

	// Traps and debug faults.
	trial	t_nops
	at	t_nops
{ .mii
	nop.m	0
	nop.i	0
	nop.i	0
	;;
}
	end
	trial	t_branch
	at	t_branch
{ .mib
	nop.m	0
	nop.i	0
	br.many	1f
	;;
}
	end
	.global	t_branch_target
	.align	16
t_branch_target:
1:	end
	trial	t_return			// to r14, at privilege level 3
	br.call.sptk.many b7 = 1f
	;;
1:	mov	r2 = ar.pfs
	movl	r3 = 3 << 62
	mov	b6 = r14
	;;
	or	r2 = r2, r3
	;;
	mov	ar.pfs = r2
	;;
	at	t_return
{ .mib
	nop.m	0
	nop.i	0
	br.ret.sptk.many b6
	;;
}
	end
	trial	t_branch_to
	mov	b6 = r14
	;;
	at	t_branch_to
{ .mib
	nop.m	0
	nop.i	0
	br.cond.sptk.many b6
	;;
}
	end

	// A backing store in an unmapped page, r14: flushrs spills the caller's frame into it. Then the RSE forgets the frame, the
	// page goes again (r15 = its size) and the return fills the frame.
	trial	t_rse
	flushrs
	;;
	mov	r2 = ar.bspstore
	mov	r3 = ar.rnat
	;;
	mov	ar.bspstore = r14
	;;
	br.call.sptk.many b7 = 1f
	;;
1:	movl	r8 = t_rse_filled
	;;
	mov	b7 = r8
	;;
	at	t_rse
{ .mii
	flushrs
	nop.i	0
	nop.i	0
	;;
}
	loadrs					// RSC.loadrs = 0
	;;
	ptc.l	r14, r15
	;;
	srlz.d
	br.ret.sptk.many b7
	;;
	.global	t_rse_filled
	.align	16
t_rse_filled:
	mov	ar.bspstore = r2
	;;
	mov	ar.rnat = r3
	mov	r8 = 1
	;;
	end

	trial	t_end
	end
