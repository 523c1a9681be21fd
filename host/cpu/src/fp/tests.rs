//! Properties against exact arithmetic in a format wide enough for any sum of a product, rounded
//! to odd, from where one conversion gives the correctly rounded result of any narrower format.

use std::cmp::Ordering;

use proptest::prelude::*;
use rustc_apfloat::ieee::{IeeeFloat, Semantics};
use rustc_apfloat::{Float, FloatConvert, Round, Status, StatusAnd};

use super::compare::{famax, famin, fcmp, fmax, fmin};
use super::convert::{fcvt_fx, fcvt_xf};
use super::fma::{exactly, fma, fms, fnma, multiply_add};
use super::reciprocal::{frcpa, frsqrta};
use super::register::{BIAS, EXPONENT_EXTENDED_MIN, INTEGER_BIT};
use super::*;

macro_rules! formats {
    ($($name:ident $precision:literal $exponent_bits:literal)*) => {
        $(
            struct $name;
            impl Semantics for $name {
                const BITS: usize = $precision + $exponent_bits;
                const EXP_BITS: usize = $exponent_bits;
            }
        )*
    };
}

formats! {
    Wide 104 19
    Unbounded24 24 19
    Unbounded53 53 19
    Unbounded64 64 19
    Single 24 8
    Double 53 11
    Extended24 24 15
    Extended53 53 15
    Extended64 64 15
    Register24 24 17
    Register53 53 17
    Register64 64 17
}

type Exact = IeeeFloat<Wide>;

/// The value of a finite operand.
fn exact(f: Fr) -> Exact {
    let exponent = if f.exponent() == 0 { EXPONENT_EXTENDED_MIN } else { f.exponent() };
    let magnitude = Exact::from_u128(f.significand.into()).value;
    let value = magnitude.scalbn(exponent as i32 - BIAS as i32 - 63);
    if f.sign() { -value } else { value }
}

/// The register encoding of a value whose format has this smallest exponent.
fn register(value: Exact, exponent_min: u32) -> Fr {
    let sign = value.is_negative();
    if value.is_infinite() {
        return Fr::infinity(sign);
    }
    if value.is_zero() {
        return Fr::zero(sign);
    }
    let exponent = value.ilogb() + BIAS as i32;
    let significand = (value.to_bits() << 24 >> 64) as u64 & (INTEGER_BIT - 1) | INTEGER_BIT;
    let below = exponent_min as i32 - exponent;
    if below <= 0 {
        return Fr::new(sign, exponent as u32, significand);
    }
    let exponent = if exponent_min == EXPONENT_EXTENDED_MIN { 0 } else { exponent_min };
    Fr::new(sign, exponent, significand >> below)
}

/// The result of one conversion: value and status.
fn convert<S: Semantics>(value: Exact, round: Round) -> (Exact, Status) {
    let mut lost = false;
    let narrow: StatusAnd<IeeeFloat<S>> = value.convert_r(round, &mut lost);
    let wide: Exact = narrow.value.convert(&mut lost).value;
    (wide, narrow.status)
}

/// One of the formats a computation can have.
#[derive(Clone, Copy, Debug)]
struct Format {
    completer: Completer,
    pc: u64,
    wre: bool,
    convert: fn(Exact, Round) -> (Exact, Status),
    unbounded: fn(Exact, Round) -> (Exact, Status),
}

fn formats() -> impl Strategy<Value = Format> {
    use Completer::{Double as D, Dynamic, Parallel, Single as S};
    type Conversion = fn(Exact, Round) -> (Exact, Status);
    let rows: [(Completer, u64, bool, Conversion, Conversion); 12] = [
        (S, 3, false, convert::<Single>, convert::<Unbounded24>),
        (D, 3, false, convert::<Double>, convert::<Unbounded53>),
        (S, 3, true, convert::<Register24>, convert::<Unbounded24>),
        (D, 3, true, convert::<Register53>, convert::<Unbounded53>),
        (Dynamic, 0, false, convert::<Extended24>, convert::<Unbounded24>),
        (Dynamic, 2, false, convert::<Extended53>, convert::<Unbounded53>),
        (Dynamic, 3, false, convert::<Extended64>, convert::<Unbounded64>),
        (Dynamic, 0, true, convert::<Register24>, convert::<Unbounded24>),
        (Dynamic, 2, true, convert::<Register53>, convert::<Unbounded53>),
        (Dynamic, 3, true, convert::<Register64>, convert::<Unbounded64>),
        (Parallel, 3, false, convert::<Single>, convert::<Unbounded24>),
        (Parallel, 3, true, convert::<Single>, convert::<Unbounded24>),
    ];
    (0..rows.len()).prop_map(move |i| {
        let (completer, pc, wre, convert, unbounded) = rows[i];
        Format { completer, pc, wre, convert, unbounded }
    })
}

const ROUNDS: [Round; 4] = [Round::NearestTiesToEven, Round::TowardNegative, Round::TowardPositive, Round::TowardZero];

/// FPSR whose sf1 has these controls and whose trap disables enable `enabled`.
fn fpsr(format: Format, rc: usize, ftz: bool, enabled: Flags) -> u64 {
    let field = u64::from(ftz) | u64::from(format.wre) << 1 | format.pc << 2 | (rc as u64) << 4;
    u64::from((!enabled & Flags::all()).bits()) | field << StatusField::Sf1.shift()
}

fn significands() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => any::<u64>().prop_map(|s| s | INTEGER_BIT),
        2 => any::<u64>().prop_map(|s| s << 40 | INTEGER_BIT),
        2 => any::<u64>().prop_map(|s| s << 11 | INTEGER_BIT),
        1 => (0..64u32).prop_map(|n| u64::MAX << n),
        1 => (0..64u32).prop_map(|n| INTEGER_BIT | 1 << n),
        1 => (0..64u32).prop_map(|n| u64::MAX >> n),
        1 => Just(INTEGER_BIT),
        1 => Just(0),
    ]
}

fn exponents() -> impl Strategy<Value = u32> {
    let near = |middle: u32| (middle - 70..middle + 70).prop_map(|e| e.clamp(0, 0x1fffe));
    prop_oneof![
        6 => near(BIAS),
        1 => near(BIAS - 63),
        1 => near(BIAS - 126),
        1 => near(BIAS + 127),
        1 => near(BIAS - 1022),
        1 => near(BIAS + 1023),
        1 => near(EXPONENT_EXTENDED_MIN),
        1 => near(BIAS + 16383),
        1 => near(70),
        1 => near(0x1fffe),
        1 => 0..0x1ffff_u32,
        1 => Just(0),
    ]
}

/// Finite operands in any encoding.
fn finite() -> impl Strategy<Value = Fr> {
    (any::<bool>(), exponents(), significands())
        .prop_map(|(sign, exponent, significand)| Fr::new(sign, exponent, significand))
        .prop_filter("NaTVal", |f| !f.is_natval())
}

/// What rounding an exact value gives: `odd` is rounded to odd, and not zero.
fn rounded(odd: Exact, format: Format, rc: usize, ftz: bool, enabled: Flags) -> Outcome {
    let control = Control::new(fpsr(format, rc, ftz, enabled), StatusField::Sf1, format.completer);
    let (unbounded, status) = (format.unbounded)(odd, ROUNDS[rc]);
    let exponent = unbounded.ilogb() + BIAS as i32;
    let tiny = exponent < control.exponent_min() as i32;
    let huge = exponent > control.exponent_max() as i32;
    let mut flags = Flags::empty();
    let mut trap = Trap::empty();
    let (value, delivered, inexact);
    if tiny && enabled.contains(Flags::U) || huge && enabled.contains(Flags::O) {
        let significand = register(unbounded.scalbn(-unbounded.ilogb()), 0).significand;
        value = Fr::new(odd.is_negative(), exponent as u32 & 0x1ffff, significand);
        delivered = unbounded;
        inexact = status.contains(Status::INEXACT);
        flags |= if tiny { Flags::U } else { Flags::O };
        trap |= if tiny { Trap::U } else { Trap::O };
    } else if tiny && ftz {
        value = Fr::zero(odd.is_negative());
        delivered = Exact::ZERO;
        inexact = true;
        flags |= Flags::U;
    } else {
        let (bounded, status) = (format.convert)(odd, ROUNDS[rc]);
        value = register(bounded, control.exponent_min());
        delivered = bounded;
        inexact = status.contains(Status::INEXACT);
        flags.set(Flags::U, tiny && inexact);
        flags.set(Flags::O, huge);
    }
    if inexact {
        flags |= Flags::I;
        // SDM 2:592: an overflow or underflow trap reports the inexact result, too.
        trap.set(Trap::I, !trap.is_empty() || enabled.contains(Flags::I));
    }
    let greater = delivered.abs().partial_cmp(&odd.abs()) == Some(Ordering::Greater);
    if greater && !trap.is_empty() {
        trap |= Trap::FPA;
    }
    Outcome { value, flags, fault: Fault::empty(), trap }
}

/// What `a * b + c` gives for finite operands.
fn expected(a: Exact, b: Exact, c: Exact, format: Format, rc: usize, ftz: bool, enabled: Flags) -> Outcome {
    let sum = a.mul_add_r(b, c, Round::TowardZero);
    if sum.value.is_zero() {
        let value = Fr::zero(a.mul_add_r(b, c, ROUNDS[rc]).value.is_negative());
        return Outcome::exact(value);
    }
    let odd = sum.value.to_bits() | u128::from(sum.status.contains(Status::INEXACT));
    rounded(Exact::from_bits(odd), format, rc, ftz, enabled)
}

/// D for unnormalized operands.
fn denormal(operands: &[Fr]) -> Flags {
    let unnormal = |f: &Fr| {
        f.significand >> 63 == 0 && (f.exponent() | f.significand as u32 | (f.significand >> 32) as u32) != 0
            || f.exponent() == 0 && f.significand != 0
    };
    if operands.iter().any(unnormal) { Flags::D } else { Flags::empty() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn multiply_add_is_rounded_once(
        f3 in finite(), f4 in finite(), mut f2 in finite(), near in any::<bool>(), shift in -70..70i32,
        format in formats(), rc in 0..4usize, ftz in any::<bool>(),
        enabled in (0..8u8).prop_map(|bits| Flags::from_bits_truncate(bits << 3)),
    ) {
        if near {
            // Most of the interest is where product and addend overlap.
            let exponent = f3.exponent() as i32 + f4.exponent() as i32 - BIAS as i32 + shift;
            f2 = Fr::new(f2.sign(), exponent.clamp(0, 0x1fffd) as u32, f2.significand);
        }
        let control = Control::new(fpsr(format, rc, ftz, enabled), StatusField::Sf1, format.completer);
        let (a, b, c) = (exact(f3), exact(f4), exact(f2));
        let flags = denormal(&[f3, f4, f2]);
        let with = |outcome: Outcome| Outcome { flags: outcome.flags | flags, ..outcome };
        prop_assert_eq!(fma(f3, f4, Some(f2), &control), with(expected(a, b, c, format, rc, ftz, enabled)));
        prop_assert_eq!(fms(f3, f4, Some(f2), &control), with(expected(a, b, -c, format, rc, ftz, enabled)));
        prop_assert_eq!(fnma(f3, f4, Some(f2), &control), with(expected(-a, b, c, format, rc, ftz, enabled)));
    }

    #[test]
    fn product_without_addition_keeps_its_sign(
        f3 in finite(), f4 in finite(), format in formats(), rc in 0..4usize,
    ) {
        let control = Control::new(fpsr(format, rc, false, Flags::empty()), StatusField::Sf1, format.completer);
        let (a, b) = (exact(f3), exact(f4));
        let negative = a.is_negative() != b.is_negative();
        let c = if negative { -Exact::ZERO } else { Exact::ZERO };
        let outcome = expected(a, b, c, format, rc, false, Flags::empty());
        let outcome = Outcome { flags: outcome.flags | denormal(&[f3, f4]), ..outcome };
        prop_assert_eq!(fma(f3, f4, None, &control), outcome);
    }

    #[test]
    fn relations_are_those_of_the_values(f2 in finite(), f3 in finite()) {
        let control = Control::new(0x3f, StatusField::Sf0, Completer::Dynamic);
        let flags = denormal(&[f2, f3]);
        let (a, b) = (exact(f2), exact(f3));
        let outcome = |value| Outcome { flags, ..Outcome::exact(value) };
        let holds = |relation| fcmp(f2, f3, relation, &control);
        prop_assert_eq!(holds(Relation::Eq), Outcome { flags, ..Outcome::exact(a == b) });
        prop_assert_eq!(holds(Relation::Lt), Outcome { flags, ..Outcome::exact(a < b) });
        prop_assert_eq!(holds(Relation::Le), Outcome { flags, ..Outcome::exact(a <= b) });
        prop_assert_eq!(holds(Relation::Unord), Outcome { flags, ..Outcome::exact(false) });
        prop_assert_eq!(fmin(f2, f3, &control), outcome(if a < b { f2 } else { f3 }));
        prop_assert_eq!(fmax(f2, f3, &control), outcome(if a > b { f2 } else { f3 }));
        prop_assert_eq!(famin(f2, f3, &control), outcome(if a.abs() < b.abs() { f2 } else { f3 }));
        prop_assert_eq!(famax(f2, f3, &control), outcome(if a.abs() > b.abs() { f2 } else { f3 }));
    }

    #[test]
    fn integers_are_rounded_once(f2 in finite(), rc in 0..4usize, truncate in any::<bool>()) {
        let control = Control::new(0x3f | (rc as u64) << 10, StatusField::Sf0, Completer::Dynamic);
        let round = if truncate { Round::TowardZero } else { ROUNDS[rc] };
        let check = |integer: Integer, status: Status, value: u64| {
            let outcome = fcvt_fx(f2, integer, truncate, &control);
            let wanted = if status.contains(Status::INVALID_OP) {
                (Fr::integer(INTEGER_BIT), Flags::V)
            } else {
                let inexact = if status.contains(Status::INEXACT) { Flags::I } else { Flags::empty() };
                (Fr::integer(value), denormal(&[f2]) | inexact)
            };
            prop_assert_eq!((outcome.value, outcome.flags), wanted);
            Ok(())
        };
        let mut is_exact = false;
        let signed = exact(f2).to_i128_r(64, round, &mut is_exact);
        check(Integer::Signed, signed.status, signed.value as u64)?;
        let unsigned = exact(f2).to_u128_r(64, round, &mut is_exact);
        check(Integer::Unsigned, unsigned.status, unsigned.value as u64)?;
    }

    #[test]
    fn integers_convert_exactly(value in any::<i64>()) {
        let converted = fcvt_xf(Fr::integer(value as u64));
        prop_assert!(exact(converted) == Exact::from_i128(value.into()).value);
        prop_assert!(converted.is_normal() || value == 0);
    }

    #[test]
    fn memory_formats_hold_the_values_of_the_host(bits in any::<u64>(), sign_exponent in any::<u16>()) {
        let single = bits as u32;
        prop_assert_eq!(Fr::from_single(single).to_single(), single);
        prop_assert_eq!(Fr::from_double(bits).to_double(), bits);
        prop_assert_eq!(Fr::from_extended(bits, sign_exponent).to_extended(), (bits, sign_exponent));
        let float = f32::from_bits(single);
        let double = f64::from_bits(bits);
        if float.is_finite() {
            let host = rustc_apfloat::ieee::Single::from_bits(single.into());
            prop_assert!(exact(Fr::from_single(single)) == host.convert(&mut false).value);
        }
        if double.is_finite() {
            let host = rustc_apfloat::ieee::Double::from_bits(bits.into());
            prop_assert!(exact(Fr::from_double(bits)) == host.convert(&mut false).value);
        }
        prop_assert_eq!(Fr::from_single(single).is_nan(), float.is_nan());
        prop_assert_eq!(Fr::from_double(bits).is_nan(), double.is_nan());
    }

    /// The bounds are those of SDM 3, "frcpa" and "frsqrta".
    #[test]
    fn approximations_are_close(fraction in any::<u64>(), exponent in BIAS - 1000..BIAS + 1000) {
        let control = Control::new(0x3f, StatusField::Sf0, Completer::Dynamic);
        let operand = Fr::new(false, exponent, fraction | INTEGER_BIT);
        let value = f64::from_bits(operand.to_double());
        let (reciprocal, iterate) = frcpa(Fr::ONE, operand, &control).value;
        prop_assert!(iterate);
        prop_assert!((1.0 - value * f64::from_bits(reciprocal.to_double())).abs() < 2f64.powf(-8.886));
        let (root, iterate) = frsqrta(operand, &control).value;
        prop_assert!(iterate);
        prop_assert!((1.0 - value.sqrt() * f64::from_bits(root.to_double())).abs() < 2f64.powf(-8.831));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn host_gives_the_exact_bits(
        f3 in finite(), f4 in finite(), mut f2 in finite(), shift in -60..60i32, negative in any::<bool>(),
        completer in prop::sample::select(vec![Completer::Single, Completer::Double]), wre in any::<bool>(),
    ) {
        let exponent = f3.exponent() as i32 + f4.exponent() as i32 - BIAS as i32 + shift;
        f2.sign_exponent = Fr::new(negative, exponent.clamp(0, 0x1fffd) as u32, 0).sign_exponent;
        let fpsr = 0x3f | u64::from(wre) << 7;
        for fpsr in [fpsr, fpsr | 1 << 18] {
            let control = Control::new(fpsr, StatusField::Sf0, completer);
            prop_assert!(control.host());
            let cut = |f: Fr| Fr { significand: f.significand >> (64 - control.precision()) << (64 - control.precision()), ..f };
            // Few bits, so that results are often exact.
            let few = |f: Fr| Fr { significand: f.significand & 0xffff_f000_0000_0000, ..f };
            for operands in [[f3, f4, f2].map(cut), [f3, f4, f2].map(few)] {
                let [f3, f4, f2] = operands;
                for (negate_product, negate_addend) in [(false, false), (false, true), (true, false)] {
                    for f2 in [Some(f2), None] {
                        let host = multiply_add(f3, f4, f2, negate_product, negate_addend, &control);
                        let exact = exactly(f3, f4, f2, negate_product, negate_addend, &control);
                        prop_assert_eq!(host.value, exact.value);
                        let already = if control.is_inexact() { Flags::I } else { Flags::empty() };
                        prop_assert_eq!(host.flags | already, exact.flags | already);
                    }
                }
            }
        }
    }

    #[test]
    fn pairs_are_singles(f3 in any::<(u32, u32)>(), f4 in any::<(u32, u32)>(), f2 in any::<(u32, u32)>()) {
        let control = Control::new(0x3f, StatusField::Sf0, Completer::Parallel);
        let pair = |(high, low)| Fr::pair(high, low);
        let sum = parallel::fpma(pair(f3), pair(f4), Some(pair(f2)), &control).value.halves();
        for (a, b, c, sum) in [(f3.0, f4.0, f2.0, sum.0), (f3.1, f4.1, f2.1, sum.1)] {
            let host = f32::from_bits(a).mul_add(f32::from_bits(b), f32::from_bits(c));
            prop_assert!(host.to_bits() == sum || host.is_nan() && f32::from_bits(sum).is_nan());
        }
    }
}

/// The beginning of the table of SDM 3, "frcpa".
#[test]
fn reciprocals_are_those_of_the_table() {
    let table = [
        0x3fc, 0x3f4, 0x3ec, 0x3e4, 0x3dd, 0x3d5, 0x3cd, 0x3c6, 0x3be, 0x3b7, 0x3af, 0x3a8, 0x3a1, 0x399, 0x392, 0x38b,
        0x384, 0x37d, 0x376, 0x36f, 0x368, 0x361, 0x35b, 0x354, 0x34d, 0x346, 0x340, 0x339, 0x333, 0x32c, 0x326, 0x320,
    ];
    let control = Control::new(0x3f, StatusField::Sf0, Completer::Dynamic);
    for (index, entry) in (0u64..).zip(table) {
        let operand = Fr::new(false, BIAS, INTEGER_BIT | index << 55);
        let expected = Fr::new(false, BIAS - 1, INTEGER_BIT | entry << 53);
        assert_eq!(frcpa(Fr::ONE, operand, &control).value, (expected, true));
    }
}

#[test]
fn multiply_add_of_infinities() {
    let control = Control::new(0x3f, StatusField::Sf0, Completer::Double);
    let infinity = Fr::infinity(false);
    let pseudo_zero = Fr::new(true, BIAS, 0);
    let result = |f3, f4, f2| {
        let outcome = fma(f3, f4, f2, &control);
        (outcome.value, outcome.flags)
    };
    assert_eq!(result(infinity, Fr::ZERO, Some(Fr::ONE)), (Fr::INDEFINITE, Flags::V));
    assert_eq!(result(infinity, Fr::ONE, Some(infinity.negate())), (Fr::INDEFINITE, Flags::V));
    assert_eq!(result(infinity, Fr::ONE, Some(infinity)), (infinity, Flags::empty()));
    assert_eq!(result(Fr::ONE, Fr::ONE, Some(infinity.negate())), (infinity.negate(), Flags::empty()));
    // SDM 1:88.
    assert_eq!(result(infinity, pseudo_zero, None), (infinity.negate(), Flags::D));
}

#[test]
fn nans_are_propagated_quietly() {
    let control = Control::new(0x3f, StatusField::Sf0, Completer::Single);
    let nan = |significand| Fr::new(false, 0x1ffff, INTEGER_BIT | significand);
    let (quiet, other, signalling) = (nan(1 << 62 | 7), nan(1 << 62 | 9), nan(5));
    let unsupported = Fr::new(false, 0x1ffff, 3);
    let result = |f3, f4, f2| {
        let outcome = fma(f3, f4, Some(f2), &control);
        (outcome.value, outcome.flags)
    };
    assert_eq!(result(Fr::ONE, Fr::ONE, quiet), (quiet, Flags::empty()));
    assert_eq!(result(Fr::ZERO, Fr::infinity(false), quiet), (quiet, Flags::empty()));
    assert_eq!(result(other, quiet, Fr::ONE), (quiet, Flags::empty()));
    assert_eq!(result(other, Fr::ONE, quiet), (quiet, Flags::empty()));
    assert_eq!(result(Fr::ONE, signalling, Fr::ONE), (nan(1 << 62 | 5), Flags::V));
    assert_eq!(result(quiet, unsupported, Fr::ONE), (Fr::INDEFINITE, Flags::V));
    assert_eq!(result(quiet, Fr::NATVAL, signalling), (Fr::NATVAL, Flags::empty()));
    let enabled = Control::new(0x3e, StatusField::Sf0, Completer::Single);
    assert_eq!(fma(Fr::ONE, signalling, None, &enabled).fault, Fault::V);
}

/// SDM 1:103, figure 5-11: software assistance is asked for before a denormal operand faults, but after operands that decide
/// the result by themselves.
#[test]
fn software_assistance_precedes_the_denormal_fault() {
    let enabled = Control::new(0x3d, StatusField::Sf0, Completer::Dynamic);
    assert_eq!(enabled.enabled(), Flags::D);
    // 2^-65471, not normalized.
    let unnormal = Fr::new(false, 65, INTEGER_BIT >> 1);
    assert_eq!(frcpa(unnormal, Fr::ONE, &enabled).fault, Fault::SWA);
    assert_eq!(frsqrta(unnormal, &enabled).fault, Fault::SWA);
    assert_eq!(frcpa(unnormal, Fr::infinity(false), &enabled).fault, Fault::D);
    assert_eq!(frcpa(Fr::new(false, BIAS, INTEGER_BIT >> 1), Fr::ONE, &enabled).fault, Fault::D);
}
