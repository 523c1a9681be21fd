//! F-unit instructions.

use patchbay_isa::rows::F;

use super::floating_point::{
    approximate, bits1, bits2, bits3, class, class_unc, compare, compare_unc, compute1, compute2, multiply_add,
    multiply_add_pair,
};
use super::{mov, status_field};
use crate::engine::interpreter::Execute;
use crate::fp::bits::{
    fand, fandcm, fmerge_ns, fmerge_s, fmerge_se, fmix_l, fmix_lr, fmix_r, for_, fpack, fpmerge_ns, fpmerge_s,
    fpmerge_se, fselect, fswap, fswap_nl, fswap_nr, fsxt_l, fsxt_r, fxor, xma_h, xma_hu, xma_l,
};
use crate::fp::compare::{famax, famin, fmax, fmin};
use crate::fp::convert::{fcvt_fx, fcvt_xf};
use crate::fp::parallel::{fpamax, fpamin, fpcmp, fpcvt_fx, fpma, fpmax, fpmin, fpms, fpnma, fprcpa, fprsqrta};
use crate::fp::reciprocal::{frcpa, frsqrta};
use crate::fp::{Completer, Integer, Relation};

/// The semantics of an F-unit instruction.
#[must_use]
pub fn of(instruction: F) -> Execute {
    use Completer::{Double, Dynamic, Parallel, Single};
    use Integer::{Signed, Unsigned};
    use Relation::{Eq, Le, Lt, Unord};
    match instruction {
        F::Fma => |p, op| multiply_add(p, op, Dynamic, false, false),
        F::FmaS => |p, op| multiply_add(p, op, Single, false, false),
        F::FmaD => |p, op| multiply_add(p, op, Double, false, false),
        F::Fpma => |p, op| multiply_add_pair(p, op, fpma),
        F::Fms => |p, op| multiply_add(p, op, Dynamic, false, true),
        F::FmsS => |p, op| multiply_add(p, op, Single, false, true),
        F::FmsD => |p, op| multiply_add(p, op, Double, false, true),
        F::Fpms => |p, op| multiply_add_pair(p, op, fpms),
        F::Fnma => |p, op| multiply_add(p, op, Dynamic, true, false),
        F::FnmaS => |p, op| multiply_add(p, op, Single, true, false),
        F::FnmaD => |p, op| multiply_add(p, op, Double, true, false),
        F::Fpnma => |p, op| multiply_add_pair(p, op, fpnma),
        F::XmaL => |p, op| bits3(p, op, xma_l),
        F::XmaH => |p, op| bits3(p, op, xma_h),
        F::XmaHu => |p, op| bits3(p, op, xma_hu),
        F::Fselect => |p, op| bits3(p, op, fselect),
        F::FcmpEq => |p, op| compare(p, op, Eq),
        F::FcmpLt => |p, op| compare(p, op, Lt),
        F::FcmpLe => |p, op| compare(p, op, Le),
        F::FcmpUnord => |p, op| compare(p, op, Unord),
        F::FcmpEqUnc => |p, op| compare_unc(p, op, Eq),
        F::FcmpLtUnc => |p, op| compare_unc(p, op, Lt),
        F::FcmpLeUnc => |p, op| compare_unc(p, op, Le),
        F::FcmpUnordUnc => |p, op| compare_unc(p, op, Unord),
        F::FclassM => class,
        F::FclassMUnc => class_unc,
        F::Frcpa => |p, op| approximate(p, op, Dynamic, frcpa),
        F::Fprcpa => |p, op| approximate(p, op, Parallel, fprcpa),
        F::Frsqrta => |p, op| approximate(p, op, Dynamic, |_, f3, control| frsqrta(f3, control)),
        F::Fprsqrta => |p, op| approximate(p, op, Parallel, |_, f3, control| fprsqrta(f3, control)),
        F::Fmin => |p, op| compute2(p, op, Dynamic, fmin),
        F::Fmax => |p, op| compute2(p, op, Dynamic, fmax),
        F::Famin => |p, op| compute2(p, op, Dynamic, famin),
        F::Famax => |p, op| compute2(p, op, Dynamic, famax),
        F::Fpmin => |p, op| compute2(p, op, Parallel, fpmin),
        F::Fpmax => |p, op| compute2(p, op, Parallel, fpmax),
        F::Fpamin => |p, op| compute2(p, op, Parallel, fpamin),
        F::Fpamax => |p, op| compute2(p, op, Parallel, fpamax),
        F::FpcmpEq => |p, op| compute2(p, op, Parallel, |f2, f3, control| fpcmp(f2, f3, Eq, false, control)),
        F::FpcmpLt => |p, op| compute2(p, op, Parallel, |f2, f3, control| fpcmp(f2, f3, Lt, false, control)),
        F::FpcmpLe => |p, op| compute2(p, op, Parallel, |f2, f3, control| fpcmp(f2, f3, Le, false, control)),
        F::FpcmpUnord => |p, op| compute2(p, op, Parallel, |f2, f3, control| fpcmp(f2, f3, Unord, false, control)),
        F::FpcmpNeq => |p, op| compute2(p, op, Parallel, |f2, f3, control| fpcmp(f2, f3, Eq, true, control)),
        F::FpcmpNlt => |p, op| compute2(p, op, Parallel, |f2, f3, control| fpcmp(f2, f3, Lt, true, control)),
        F::FpcmpNle => |p, op| compute2(p, op, Parallel, |f2, f3, control| fpcmp(f2, f3, Le, true, control)),
        F::FpcmpOrd => |p, op| compute2(p, op, Parallel, |f2, f3, control| fpcmp(f2, f3, Unord, true, control)),
        F::FmergeS => |p, op| bits2(p, op, fmerge_s),
        F::FmergeNs => |p, op| bits2(p, op, fmerge_ns),
        F::FmergeSe => |p, op| bits2(p, op, fmerge_se),
        F::FmixLr => |p, op| bits2(p, op, fmix_lr),
        F::FmixR => |p, op| bits2(p, op, fmix_r),
        F::FmixL => |p, op| bits2(p, op, fmix_l),
        F::FsxtR => |p, op| bits2(p, op, fsxt_r),
        F::FsxtL => |p, op| bits2(p, op, fsxt_l),
        F::Fpack => |p, op| bits2(p, op, fpack),
        F::Fswap => |p, op| bits2(p, op, fswap),
        F::FswapNl => |p, op| bits2(p, op, fswap_nl),
        F::FswapNr => |p, op| bits2(p, op, fswap_nr),
        F::Fand => |p, op| bits2(p, op, fand),
        F::Fandcm => |p, op| bits2(p, op, fandcm),
        F::For => |p, op| bits2(p, op, for_),
        F::Fxor => |p, op| bits2(p, op, fxor),
        F::FpmergeS => |p, op| bits2(p, op, fpmerge_s),
        F::FpmergeNs => |p, op| bits2(p, op, fpmerge_ns),
        F::FpmergeSe => |p, op| bits2(p, op, fpmerge_se),
        F::FcvtFx => |p, op| compute1(p, op, Dynamic, |f2, control| fcvt_fx(f2, Signed, false, control)),
        F::FcvtFxu => |p, op| compute1(p, op, Dynamic, |f2, control| fcvt_fx(f2, Unsigned, false, control)),
        F::FcvtFxTrunc => |p, op| compute1(p, op, Dynamic, |f2, control| fcvt_fx(f2, Signed, true, control)),
        F::FcvtFxuTrunc => |p, op| compute1(p, op, Dynamic, |f2, control| fcvt_fx(f2, Unsigned, true, control)),
        F::FpcvtFx => |p, op| compute1(p, op, Parallel, |f2, control| fpcvt_fx(f2, Signed, false, control)),
        F::FpcvtFxu => |p, op| compute1(p, op, Parallel, |f2, control| fpcvt_fx(f2, Unsigned, false, control)),
        F::FpcvtFxTrunc => |p, op| compute1(p, op, Parallel, |f2, control| fpcvt_fx(f2, Signed, true, control)),
        F::FpcvtFxuTrunc => |p, op| compute1(p, op, Parallel, |f2, control| fpcvt_fx(f2, Unsigned, true, control)),
        F::FcvtXf => |p, op| bits1(p, op, fcvt_xf),
        F::Fsetc => status_field::fsetc,
        F::Fclrf => status_field::fclrf,
        F::Fchkf => status_field::fchkf,
        F::Break => mov::break_instruction,
        F::Nop => mov::nop,
        F::Hint => mov::pause,
    }
}
