//! What a row of the instruction table says.

use crate::bundle::Unit;
use crate::cause::Cause;
use crate::field::Field;
use crate::rows::Opcode;

/// Bits of a slot that must have one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The bits that are fixed.
    pub mask: u64,
    /// Their value; zero outside `mask`.
    pub value: u64,
}

impl Fixed {
    /// The field from bit `high` down to bit `low` holds `value`.
    #[must_use]
    pub const fn field(high: u32, low: u32, value: u64) -> Fixed {
        let width = high - low + 1;
        assert!(value < 1 << width, "a fixed value does not fit its field");
        Fixed { mask: ((1 << width) - 1) << low, value: value << low }
    }

    /// All of these fields.
    #[must_use]
    pub const fn all(fields: &[Fixed]) -> Fixed {
        let mut all = Fixed { mask: 0, value: 0 };
        let mut index = 0;
        while index < fields.len() {
            assert!(all.mask & fields[index].mask == 0, "two fixed fields overlap");
            all.mask |= fields[index].mask;
            all.value |= fields[index].value;
            index += 1;
        }
        all
    }

    /// Whether a slot has these bits.
    #[must_use]
    pub const fn matches(self, slot: u64) -> bool {
        slot & self.mask == self.value
    }
}

bitflags::bitflags! {
    /// Facts about an instruction that hold whatever its operands.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// Executes at privilege level 0 only.
        const PRIVILEGED = 1 << 0;
        /// Must be the first instruction of its group (SDM 1:44).
        const FIRST_IN_GROUP = 1 << 1;
        /// Must be the last instruction of its group.
        const LAST_IN_GROUP = 1 << 2;
        /// Has no qualifying predicate: bits 0-5 are something else or ignored.
        const UNPREDICATED = 1 << 3;
        /// Clears its predicate targets when its qualifying predicate is 0 (SDM 3:39: the `unc` forms, and the
        /// approximations of reciprocals). Two targets that are the same register are then illegal too.
        const UNCONDITIONAL = 1 << 4;
        /// Illegal where the address register is also the target, because both are written.
        const TARGETS_DIFFER = 1 << 5;
        /// Exists only in disassemblies: no processor modelled here executes it.
        const PRINT_ONLY = 1 << 6;
        /// Executes only in slot 2 (the branches that the SDM confines to it).
        const SLOT_TWO = 1 << 7;
    }
}

/// Optional parts of the instruction set, reported in CPUID register 4 (SDM 1:34).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the bits")]
pub enum Feature {
    Ao,
    Clz,
    Mpy4,
}

/// The facts of a row.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// See [`Flags`].
    pub flags: Flags,
    /// Why it raises a virtualization fault at PSR.vm = 1, where it does.
    pub cause: Option<Cause>,
    /// The optional part of the instruction set that it belongs to.
    pub feature: Option<Feature>,
}

macro_rules! flag_setters {
    ($($name:ident $flag:ident,)*) => {
        impl Facts {
            $(
                #[doc = concat!("Adds [`Flags::", stringify!($flag), "`].")]
                #[must_use]
                pub const fn $name(mut self) -> Facts {
                    self.flags = self.flags.union(Flags::$flag);
                    self
                }
            )*
        }
    };
}

flag_setters! {
    privileged PRIVILEGED,
    first FIRST_IN_GROUP,
    last LAST_IN_GROUP,
    unpredicated UNPREDICATED,
    unconditional UNCONDITIONAL,
    targets_differ TARGETS_DIFFER,
    print_only PRINT_ONLY,
    slot_two SLOT_TWO,
}

impl Facts {
    /// No facts.
    pub const NONE: Facts = Facts { flags: Flags::empty(), cause: None, feature: None };

    /// Raises a virtualization fault with this cause at PSR.vm = 1.
    #[must_use]
    pub const fn virtualized(mut self, cause: Cause) -> Facts {
        self.cause = Some(cause);
        self
    }

    /// Exists only on processors with this feature.
    #[must_use]
    pub const fn feature(mut self, feature: Feature) -> Facts {
        self.feature = Some(feature);
        self
    }
}

/// A piece of a row's syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// Text as it stands.
    Text(&'static str),
    /// The value of a field.
    Field(Field),
}

impl Token {
    /// The number of pieces of a syntax.
    #[must_use]
    pub const fn count(syntax: &str) -> usize {
        let (mut rest, mut count) = (syntax, 0);
        while !rest.is_empty() {
            rest = Token::first(rest).1;
            count += 1;
        }
        count
    }

    /// The pieces of a syntax, in order.
    ///
    /// # Panics
    /// If a brace is not closed, no field has the name in it, or there are not `N` pieces.
    #[must_use]
    pub const fn parse<const N: usize>(syntax: &'static str) -> [Token; N] {
        let (mut rest, mut tokens, mut index) = (syntax, [Token::Text(""); N], 0);
        while index < N {
            let (piece, behind) = Token::first(rest);
            tokens[index] = if piece.as_bytes()[0] == b'{' {
                match Field::named(piece.split_at(1).1.split_at(piece.len() - 2).0) {
                    Some(field) => Token::Field(field),
                    None => panic!("no field has this name"),
                }
            } else {
                Token::Text(piece)
            };
            rest = behind;
            index += 1;
        }
        assert!(rest.is_empty(), "more pieces than counted");
        tokens
    }

    /// A syntax that is not empty, split behind its first piece.
    const fn first(syntax: &str) -> (&str, &str) {
        let bytes = syntax.as_bytes();
        let in_braces = bytes[0] == b'{';
        let mut end = 1;
        while end < bytes.len() && bytes[end] != if in_braces { b'}' } else { b'{' } {
            end += 1;
        }
        assert!(!in_braces || end < bytes.len(), "a brace is not closed");
        syntax.split_at(end + in_braces as usize)
    }
}

/// One instruction: how it is encoded and written, and its facts.
#[derive(Debug)]
pub struct Row {
    /// Its name in the code.
    pub opcode: Opcode,
    /// The units that decode it: `I` and `M` for A-type instructions.
    pub units: &'static [Unit],
    /// The bits that tell it from all others.
    pub fixed: Fixed,
    /// Its assembly syntax. In a row's source, the names of [`Field`]s stand in braces: `add {r1}={r2},{r3}`,
    /// completers within the mnemonic: `ld8{ldhint} {r1}=[{r3}]`.
    pub syntax: &'static [Token],
    /// See [`Facts`].
    pub facts: Facts,
}

impl Row {
    /// The fields of the syntax, in order, the qualifying predicate not among them.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.syntax.iter().filter_map(|token| match token {
            Token::Field(field) => Some(*field),
            Token::Text(_) => None,
        })
    }

    /// Whether it has a qualifying predicate in bits 0-5.
    #[must_use]
    pub const fn predicated(&self) -> bool {
        !self.facts.flags.contains(Flags::UNPREDICATED)
    }
}
