/*
 * The bundles on trial, and their table. In a trial: r8, r10 are for results, r14 = 0, r15 = an odd address, r16 = a word of data,
 * r17-r19, r22, r23 constants, r20 and r21 = PSR and address of a return, r30 = NaT, even predicates from 6 on are 1, ar.lc = ar.ec
 * = 2, b0, b6 and b7 = label 1. r11 counts where it went: 1 for the bundle after it, 16 for label 1. Label 0 is the bundle itself.
 */
#include "machine.h"
#include "trial.h"

	.section .rodata.trials, "a"
	.align	8
	.global	trials, trials_end
trials:
	.text
	.align	65536				// all of them in one page
	.global	bundles, bundles_end
bundles:

	.macro	row number, flags, name:vararg
	.section .rodata.names, "a"
.Lname\number:
	.asciz	\name
	.section .rodata.trials, "a"
	data8	.Lname\number, .Lstart\number, .Ltarget\number, \flags
	.text
	.align	32
.Lstart\number:
	.endm

	// The ways on: to the next bundle, and to label 1.
	.macro	on number
{ .mii
	adds	r11 = 1, r11
	nop.i	0
	nop.i	0
	;;
}
{ .mii
	break.m	TRIAL_END
	nop.i	0
	nop.i	0
	;;
}
.Ltarget\number:
1:
{ .mii
	adds	r11 = 16, r11
	nop.i	0
	nop.i	0
	;;
}
{ .mii
	break.m	TRIAL_END
	nop.i	0
	nop.i	0
	;;
}
	.endm

	.macro	trial template, s0, s1, s2, flags=0
	row	\@, \flags, "\template, \s0, \s1, \s2"
0:
{ .\template
	\s0
	\s1
	\s2
	;;
}
	on	\@
	.endm

	// With a stop behind slot 0, or 1.
	.macro	trial_stop0 template, s0, s1, s2
	row	\@, 0, "\template, \s0 ;; \s1, \s2"
0:
{ .\template
	\s0
	;;
	\s1
	\s2
	;;
}
	on	\@
	.endm

	.macro	trial_stop1 template, s0, s1, s2
	row	\@, 0, "\template, \s0, \s1 ;; \s2"
0:
{ .\template
	\s0
	\s1
	;;
	\s2
	;;
}
	on	\@
	.endm

	// Without a stop at the end.
	.macro	trial_open template, s0, s1, s2
	row	\@, 0, "\template, \s0, \s1, \s2 (no stop)"
0:
{ .\template
	\s0
	\s1
	\s2
}
	on	\@
	.endm

	// A long instruction in slots 1 and 2.
	.macro	trial_long s0, s1
	row	\@, 0, "mlx, \s0, \s1"
0:
{ .mlx
	\s0
	\s1
	;;
}
	on	\@
	.endm

	// A return: PSR.ic is 0 from the first bundle on.
	.macro	trial_return template, s0, s1
	row	\@, TRIAL_UNSTEPPED | TRIAL_AT_START, "\template, \s0, \s1, rfi"
{ .mii
	rsm	psr.ic
	nop.i	0
	nop.i	0
	;;
}
{ .mii
	srlz.i
	nop.i	0
	nop.i	0
	;;
}
{ .mmi
	mov	cr.ipsr = r20
	mov	cr.iip = r21
	nop.i	0
	;;
}
{ .mii
	mov	cr.ifs = r0
	nop.i	0
	nop.i	0
	;;
}
0:
{ .\template
	\s0
	\s1
	rfi
	;;
}
	on	\@
	.endm

	// A frame of its own: what a bundle does with it is seen by its caller.
	.macro	trial_frame template, s0, s1, s2
	row	\@, TRIAL_AT_START, "\template, \s0, \s1, \s2 in a frame"
{ .mii
	alloc	r32 = ar.pfs, 0, 6, 2, 0
	nop.i	0
	nop.i	0
	;;
}
{ .mmi
	adds	r33 = 0x33, r0
	adds	r37 = 0x37, r0
	adds	r39 = 0x39, r0
	;;
}
0:
{ .\template
	\s0
	\s1
	\s2
	;;
}
{ .mmi
	adds	r24 = 0, r33
	adds	r25 = 0, r37
	adds	r26 = 0, r39
	;;
}
	on	\@
	.endm

	// What neighbours do in the slots after a site in slot 0.
	.macro	after site:vararg
	trial	mii, "\site", "adds r9 = 1, r9", "mov r10 = ip"
	trial	mii, "\site", "mov r10 = ip", "break.i 0x222"
	trial	mii, "\site", "chk.s.i r30, 1f", "adds r9 = 1, r9"
	trial	mii, "\site", "adds r9 = 1, r9", "chk.s.i r30, 1f"
	trial	mii, "\site", "chk.s.i r17, 1f", "(p7) adds r9 = 1, r9"
	trial	mii, "\site", "break.i 0x222", "chk.s.i r30, 1f"
	trial	mii, "\site", "mov.i r10 = ar.lc", "mov r9 = b6"
	trial	mii, "\site", "(p6) mov r9 = ip", "(p7) break.i 0x223"
	trial_stop1 mii, "\site", "adds r9 = 1, r9", "adds r10 = 1, r9"
	trial_open mii, "\site", "adds r9 = 1, r9", "mov r10 = ip"
	trial_long "\site", "movl r10 = 0x123456789abcdef"
	trial_long "\site", "brl.cond.sptk 1f"
	trial_long "\site", "(p7) brl.cond.sptk 1f"
	trial_long "\site", "brl.call.sptk b7 = 1f"
	trial_long "\site", "break.x 0x123456789abcde"
	trial_long "\site", "nop.x 5"
	trial	mmi, "\site", "ld8 r10 = [r16]", "adds r9 = 1, r9"
	trial	mmi, "\site", "ld8 r10 = [r15]", "mov r9 = ip"
	trial	mmi, "\site", "st8 [r15] = r17", "(p7) adds r9 = 1, r9"
	trial	mmi, "\site", "(p7) ld8 r10 = [r15]", "adds r9 = 1, r9"
	trial	mmi, "\site", "break.m 0x111", "adds r9 = 1, r9"
	trial	mmi, "\site", "chk.s.m r30, 1f", "adds r9 = 1, r9"
	trial	mmi, "\site", "chk.a.nc r10, 1f", "adds r9 = 1, r9"
	trial	mmi, "\site", "adds r10 = 0, r30", "chk.s.i r31, 1f"
	trial	mmi, "\site", "mov r60 = r0", "adds r9 = 1, r9"
	trial	mmi, "\site", "fetchadd8.acq r10 = [r16], 1", "mov r9 = ip"
	trial	mmi, "\site", "ssm 0x4", "adds r9 = 1, r9"
	trial_stop0 mmi, "\site", "alloc r10 = ar.pfs, 0, 3, 0, 0", "adds r9 = 1, r9"
	trial_stop0 mmi, "\site", "flushrs", "mov r9 = ip"
	trial	mfi, "\site", "fma f7 = f1, f1, f1", "adds r9 = 1, r9"
	trial	mfi, "\site", "fma f33 = f1, f1, f1", "mov r9 = ip"
	trial	mfi, "\site", "break.f 0x333", "break.i 0x334"
	trial	mfi, "\site", "fchkf.s0 1f", "adds r9 = 1, r9"
	trial	mmf, "\site", "ld8 r10 = [r15]", "fma f33 = f1, f1, f1"
	trial	mmf, "\site", "adds r9 = 1, r9", "break.f 0x335"
	trial	mib, "\site", "adds r9 = 1, r9", "br.cond.sptk 1f"
	trial	mib, "\site", "mov r10 = ip", "(p7) br.cond.sptk 1f"
	trial	mib, "\site", "mov r10 = ip", "(p6) br.cond.sptk 1f"
	trial	mib, "\site", "adds r9 = 1, r9", "br.cloop.sptk 0b"
	trial	mib, "\site", "mov r10 = ip", "br.ret.sptk b0"
	trial	mib, "\site", "adds r9 = 1, r9", "br.cond.sptk b6"
	trial	mib, "\site", "adds r9 = 1, r9", "br.call.sptk b7 = 1f"
	trial	mib, "\site", "adds r9 = 1, r9", "br.call.sptk b7 = b6"
	trial	mib, "\site", "break.i 0x224", "br.ctop.sptk 0b"
	trial	mib, "\site", "adds r9 = 1, r9", "br.cexit.sptk 1f"
	trial	mib, "\site", "adds r9 = 1, r9", "(p7) br.wtop.sptk 0b"
	trial	mib, "\site", "adds r9 = 1, r9", "(p6) br.wexit.sptk 1f"
	trial	mib, "\site", "adds r9 = 1, r9", "brp.sptk 1f, 0b"
	trial	mib, "\site", "adds r9 = 1, r9", "break.b 0x444"
	trial	mib, "\site", "adds r9 = 1, r9", "epc"
	trial	mib, "\site", "adds r9 = 1, r9", "clrrrb"
	trial	mib, "\site", "mov r10 = ip", "cover"
	trial	mib, "\site", "mov r10 = ip", "bsw.1"
	trial	mib, "\site", "mov r10 = ip", "bsw.0"
	trial	mbb, "\site", "(p7) br.cond.sptk 1f", "br.cond.sptk 0b+16"
	trial	mbb, "\site", "(p6) br.cond.sptk 1f", "break.b 0x445"
	trial	mbb, "\site", "brp.sptk 1f, 0b", "br.ret.sptk b0"
	trial	mbb, "\site", "nop.b 1", "cover"
	trial	mbb, "\site", "(p7) br.cond.sptk b6", "(p7) br.ret.sptk b0"
	trial	mfb, "\site", "fma f7 = f1, f1, f1", "br.cond.sptk 1f"
	trial	mfb, "\site", "fma f33 = f1, f1, f1", "(p7) br.cond.sptk 1f"
	trial	mmb, "\site", "ld8 r10 = [r15]", "br.cond.sptk 1f"
	trial	mmb, "\site", "break.m 0x112", "br.cloop.sptk 0b"
	.endm

	after	mov r8 = psr
	after	(p6) mov r8 = cr.iva
	after	(p7) mov r8 = psr
	after	ssm 0x4

	// Before a site in slot 1, and after it.
	.macro	around site:vararg
	trial	mmi, "adds r9 = 1, r9", "\site", "mov r10 = ip"
	trial	mmi, "ld8 r9 = [r16]", "\site", "break.i 0x225"
	trial	mmi, "ld8 r9 = [r15]", "\site", "(p7) adds r10 = 1, r10"
	trial	mmi, "break.m 0x113", "\site", "chk.s.i r30, 1f"
	trial	mmi, "chk.s.m r30, 1f", "\site", "mov r10 = ip"
	trial	mmi, "(p7) break.m 0x114", "\site", "(p6) mov r10 = ip"
	trial	mmi, "chk.a.nc r10, 1f", "\site", "mov r10 = ip"
	trial_stop0 mmi, "adds r9 = 1, r9", "\site", "mov r10 = ip"
	trial_stop0 mmi, "srlz.d", "\site", "break.i 0x226"
	trial	mmf, "st8 [r15] = r17", "\site", "fma f33 = f1, f1, f1"
	trial	mmf, "adds r9 = 1, r9", "\site", "break.f 0x336"
	trial	mmb, "ld8 r9 = [r15]", "\site", "br.cond.sptk 1f"
	trial	mmb, "adds r9 = 1, r9", "\site", "br.cloop.sptk 0b"
	trial	mmb, "adds r9 = 1, r9", "\site", "(p7) br.cond.sptk 1f"
	trial	mmb, "adds r9 = 1, r9", "\site", "br.call.sptk b7 = 1f"
	trial	mmb, "adds r9 = 1, r9", "\site", "br.ret.sptk b0"
	trial	mmb, "adds r9 = 1, r9", "\site", "cover"
	trial	mmb, "adds r9 = 1, r9", "\site", "bsw.1"
	// Two sites in a bundle.
	trial	mmi, "mov r10 = cr.iva", "\site", "mov r9 = ip"
	trial	mmi, "(p7) mov r10 = cr.iva", "\site", "break.i 0x227"
	trial	mmi, "(p6) mov r10 = cr.iva", "\site", "chk.s.i r30, 1f"
	trial_stop0 mmi, "ssm 0x4", "\site", "adds r9 = 1, r9"
	trial	mmf, "thash r10 = r14", "\site", "fma f33 = f1, f1, f1"
	trial	mmb, "mov r10 = cr.iva", "\site", "br.cloop.sptk 0b"
	trial	mmb, "thash r10 = r30", "\site", "(p6) br.cond.sptk 1f"
	// Three.
	trial	mmb, "mov r10 = cr.iva", "\site", "cover"
	trial	mmb, "(p7) mov r10 = cr.iva", "\site", "bsw.0"
	trial	mmb, "ssm 0x4", "\site", "bsw.1"
	.endm

	around	mov r8 = psr
	around	(p6) thash r8 = r14
	around	(p7) mov r8 = cr.iva
	around	ssm 0x4
	around	mov r60 = psr
	around	mov cr.tpr = r30

	// Sites in slot 2.
	.macro	before site
	trial	mib, "adds r9 = 1, r9", "mov r10 = ip", "\site"
	trial	mib, "ld8 r9 = [r15]", "break.i 0x228", "\site"
	trial	mib, "break.m 0x115", "chk.s.i r30, 1f", "\site"
	trial	mmb, "chk.s.m r30, 1f", "ld8 r10 = [r15]", "\site"
	trial	mfb, "adds r9 = 1, r9", "fma f33 = f1, f1, f1", "\site"
	trial	mbb, "ld8 r9 = [r15]", "(p7) br.cond.sptk 1f", "\site"
	trial	mbb, "adds r9 = 1, r9", "(p6) br.cond.sptk 1f", "\site"
	trial	bbb, "(p7) br.cond.sptk 1f", "break.b 0x446", "\site"
	trial	bbb, "nop.b 0", "(p6) br.cond.sptk 1f", "\site"
	trial	bbb, "brp.sptk 1f, 0b", "(p7) br.ret.sptk b0", "\site"
	trial	bbb, "(p7) br.call.sptk b7 = 1f", "nop.b 0", "\site"
	trial_open mib, "adds r9 = 1, r9", "mov r10 = ip", "\site"
	.endm

	before	cover
	before	bsw.0
	before	bsw.1

	// vmsw takes any B slot, and is no instruction of this guest's.
	trial	mbb, "adds r9 = 1, r9", "vmsw.0", "br.cond.sptk 1f"
	trial	bbb, "vmsw.0", "break.b 0x447", "(p7) br.cond.sptk 1f"
	trial	bbb, "nop.b 0", "vmsw.0", "cover"

	trial_return mib, "adds r9 = 1, r9", "mov r10 = ip"
	trial_return mib, "mov r8 = cr.iip", "mov r10 = ip"
	trial_return mmb, "mov r8 = cr.iip", "mov r10 = psr"
	trial_return mmb, "(p7) mov r8 = cr.iip", "mov r10 = cr.ipsr"
	trial_return bbb, "(p7) br.cond.sptk 1f", "nop.b 0"
	trial_return mbb, "mov r8 = cr.iip", "(p7) br.cond.sptk 1f"

	trial_frame mmb, "mov r33 = psr", "mov r37 = cr.iva", "(p7) br.cond.sptk 1f"
	trial_frame mib, "mov r39 = psr", "adds r33 = 1, r33", "bsw.1"
	trial_frame mmb, "mov r40 = psr", "mov r39 = psr", "nop.b 0"
	trial_frame mib, "mov r39 = cr.iva", "adds r33 = 1, r33", "br.call.sptk b7 = 1f"
	trial_frame mmb, "(p7) mov r40 = psr", "mov r39 = psr", "br.ret.sptk b0"

bundles_end:
	.section .rodata.trials, "a"
trials_end:
