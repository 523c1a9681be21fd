//! What is common to the operand checks of all arithmetic instructions (SDM 1, 5.4).

use super::control::Flags;
use super::register::Fr;

/// The result and flags of an operation that has an unsupported or NaN operand; `operands` in the
/// order in which their NaNs are propagated. None is NaTVal.
#[inline]
pub(super) fn nan_result(operands: &[Fr]) -> Option<(Fr, Flags)> {
    if operands.iter().any(|f| f.is_unsupported()) {
        return Some((Fr::INDEFINITE, Flags::V));
    }
    let nan = operands.iter().find(|f| f.is_nan())?;
    let signalling = operands.iter().any(|f| f.is_snan());
    Some((nan.quieted(), if signalling { Flags::V } else { Flags::empty() }))
}

/// D if any operand is unnormalized.
#[inline]
pub(super) fn denormal_flag(operands: &[Fr]) -> Flags {
    if operands.iter().any(|f| f.is_unnormal()) { Flags::D } else { Flags::empty() }
}
