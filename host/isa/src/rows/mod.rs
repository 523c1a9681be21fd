//! The instruction table, a file a unit. Encodings are those of SDM 3, chapter 4; each group of rows names
//! its format there.

pub mod a;
pub mod b;
pub mod f;
pub mod i;
pub mod m;
pub mod x;

pub use a::A;
pub use b::B;
pub use f::F;
pub use i::I;
pub use m::M;
pub use x::X;

use crate::row::Row;

/// An instruction, by unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named after the units")]
pub enum Opcode {
    A(A),
    I(I),
    M(M),
    F(F),
    B(B),
    X(X),
}

impl Opcode {
    /// Its row.
    #[must_use]
    pub fn row(self) -> &'static Row {
        match self {
            Opcode::A(a) => &a::ROWS[a as usize],
            Opcode::I(i) => &i::ROWS[i as usize],
            Opcode::M(m) => &m::ROWS[m as usize],
            Opcode::F(f) => &f::ROWS[f as usize],
            Opcode::B(b) => &b::ROWS[b as usize],
            Opcode::X(x) => &x::ROWS[x as usize],
        }
    }
}

/// Every row of the table.
pub fn all() -> impl Iterator<Item = &'static Row> {
    [a::ROWS, i::ROWS, m::ROWS, f::ROWS, b::ROWS, x::ROWS].into_iter().flatten()
}

/// Declares where the named opcode fields of a unit stand: `op = 40:37`.
macro_rules! bit_fields {
    ($($name:ident = $high:literal : $low:literal,)*) => {
        $(
            const fn $name(value: u64) -> $crate::row::Fixed {
                $crate::row::Fixed::field($high, $low, value)
            }
        )*
    };
}

/// Declares the rows of a unit and the enum of their names. A row reads
/// `Name [fixed fields] "syntax", facts;`.
macro_rules! rows {
    (
        $(#[$meta:meta])*
        $enum:ident decoded by $units:expr;
        $($name:ident [$($field:ident = $value:expr),* $(,)?] $syntax:literal $(, $fact:ident $(($argument:expr))?)*;)*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        #[expect(missing_docs, reason = "each is documented by the syntax of its row")]
        pub enum $enum { $($name,)* }

        /// The rows, in the order of the enum.
        pub const ROWS: &[$crate::row::Row] = &[$(
            $crate::row::Row {
                opcode: $crate::rows::Opcode::$enum($enum::$name),
                units: $units,
                fixed: $crate::row::Fixed::all(&[$($field($value)),*]),
                syntax: const { &$crate::row::Token::parse::<{ $crate::row::Token::count($syntax) }>($syntax) },
                facts: $crate::row::Facts::NONE$(.$fact($($argument)?))*,
            },
        )*];

        impl $enum {
            /// Every instruction of the unit.
            pub const ALL: &[$enum] = &[$($enum::$name,)*];
        }
    };
}

use {bit_fields, rows};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Unit;

    #[test]
    fn no_two_rows_of_a_unit_overlap() {
        for unit in [Unit::M, Unit::I, Unit::F, Unit::B, Unit::X] {
            let rows: Vec<_> = all().filter(|row| row.units.contains(&unit)).collect();
            for (index, a) in rows.iter().enumerate() {
                for b in &rows[index + 1..] {
                    let common = a.fixed.mask & b.fixed.mask;
                    assert_ne!(a.fixed.value & common, b.fixed.value & common, "{:?} and {:?}", a.opcode, b.opcode);
                }
            }
        }
    }

    #[test]
    fn no_field_of_a_row_overlaps_another_or_the_fixed_bits() {
        for row in all() {
            let mut used = u128::from(row.fixed.mask) | if row.predicated() { 0x3f } else { 0 };
            for field in row.fields() {
                for bits in field.bits() {
                    let mask = (!0u128 >> (127 - (bits.high - bits.low))) << bits.low;
                    assert_eq!(used & mask, 0, "{:?}: {}", row.opcode, field.name());
                    used |= mask;
                }
            }
        }
    }
}
