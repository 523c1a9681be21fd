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
        /// Illegal where both predicate targets are the same register, also when its predicate is false
        /// (SDM 3:39: the `unc` forms); otherwise such targets are illegal only when it executes.
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

/// One instruction: how it is encoded and written, and its facts.
#[derive(Debug)]
pub struct Row {
    /// Its name in the code.
    pub opcode: Opcode,
    /// The units that decode it: `I` and `M` for A-type instructions.
    pub units: &'static [Unit],
    /// The bits that tell it from all others.
    pub fixed: Fixed,
    /// Its assembly syntax, with the names of [`Field`]s in braces: `add {r1}={r2},{r3}`. Completers stand in
    /// braces within the mnemonic: `ld8{ldhint} {r1}=[{r3}]`.
    pub syntax: &'static str,
    /// See [`Facts`].
    pub facts: Facts,
}

/// A piece of a row's syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// Text as it stands.
    Text(&'static str),
    /// The value of a field.
    Field(Field),
}

impl Row {
    /// The pieces of the syntax, in order.
    ///
    /// # Panics
    /// On a field that does not exist; a test reads every row.
    pub fn tokens(&self) -> impl Iterator<Item = Token> {
        let mut rest = self.syntax;
        std::iter::from_fn(move || {
            if let Some(inner) = rest.strip_prefix('{') {
                let (name, behind) = inner.split_once('}').expect("a brace is closed");
                rest = behind;
                let field = Field::named(name);
                return Some(Token::Field(field.unwrap_or_else(|| panic!("no field is named {name}"))));
            }
            if rest.is_empty() {
                return None;
            }
            let (text, behind) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
            rest = behind;
            Some(Token::Text(text))
        })
    }

    /// The fields of the syntax, in order, the qualifying predicate not among them.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.tokens().filter_map(|token| match token {
            Token::Field(field) => Some(field),
            Token::Text(_) => None,
        })
    }

    /// Whether it has a qualifying predicate in bits 0-5.
    #[must_use]
    pub const fn predicated(&self) -> bool {
        !self.facts.flags.contains(Flags::UNPREDICATED)
    }
}
