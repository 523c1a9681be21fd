//! Classes of instructions: what shares an emulation routine.

use core::fmt;

use abi_stable::StableAbi;

use crate::instruction::{Instruction, Mnemonic};

/// A set of attributes of an instruction, besides its mnemonic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, StableAbi)]
#[repr(transparent)]
pub struct Attributes(u16);

impl Attributes {
    /// None: the mnemonic alone.
    pub const NONE: Attributes = Attributes(0);
    /// The general register it writes.
    pub const R1: Attributes = Attributes(1);
    /// The general register that holds its value.
    pub const R2: Attributes = Attributes(1 << 1);
    /// The general register that holds its address or index.
    pub const R3: Attributes = Attributes(1 << 2);
    /// The number of its application or control register.
    pub const REGISTER: Attributes = Attributes(1 << 3);
    /// Its immediate.
    pub const IMMEDIATE: Attributes = Attributes(1 << 4);
    /// The slot.
    pub const SLOT: Attributes = Attributes(1 << 5);
    /// The qualifying predicate.
    pub const QP: Attributes = Attributes(1 << 6);
    /// The unit of its slot.
    pub const UNIT: Attributes = Attributes(1 << 7);
    /// Whether the general register it writes is banked.
    pub const BANKED: Attributes = Attributes(1 << 8);

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Attributes) -> Attributes {
        Attributes(self.0 | other.0)
    }

    /// Whether all of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Attributes) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A class of instructions: a mnemonic and the attributes that its members have in common. Two instructions are of one
/// class if their keys are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, StableAbi)]
#[repr(C)]
pub struct ClassKey {
    mnemonic: u16,
    fixed: Attributes,
    r1: u8,
    r2: u8,
    r3: u8,
    register: u8,
    slot: u8,
    qp: u8,
    unit: u8,
    banked: u8,
    /// What else the classifier tells apart, in its own numbers; 0 if nothing.
    pub tag: u32,
    immediate: u64,
}

macro_rules! attributes {
    ($($name:ident: $type:ty = $attribute:ident $text:literal,)*) => {
        impl ClassKey {
            $(
                #[doc = concat!($text, ", if all instructions of the class have the same.")]
                #[must_use]
                pub const fn $name(&self) -> Option<$type> {
                    if self.fixed.contains(Attributes::$attribute) { Some(self.$name) } else { None }
                }
            )*
        }
    };
}

attributes! {
    r1: u8 = R1 "The general register that is written",
    r2: u8 = R2 "The general register that holds the value",
    r3: u8 = R3 "The general register that holds the address or index",
    register: u8 = REGISTER "The number of the application or control register",
    immediate: u64 = IMMEDIATE "The immediate",
    slot: u8 = SLOT "The slot",
    qp: u8 = QP "The qualifying predicate",
    unit: u8 = UNIT "The number of the unit",
}

impl ClassKey {
    /// The class of the instructions that have the mnemonic of `instruction` and these attributes in common with it.
    #[must_use]
    pub fn new(instruction: &Instruction, fixed: Attributes) -> ClassKey {
        let value = |attribute, value| if fixed.contains(attribute) { value } else { 0 };
        ClassKey {
            mnemonic: instruction.mnemonic,
            fixed,
            r1: value(Attributes::R1, instruction.r1),
            r2: value(Attributes::R2, instruction.r2),
            r3: value(Attributes::R3, instruction.r3),
            register: value(Attributes::REGISTER, instruction.register),
            slot: value(Attributes::SLOT, instruction.slot),
            qp: value(Attributes::QP, instruction.qp),
            unit: value(Attributes::UNIT, instruction.unit),
            banked: value(Attributes::BANKED, Instruction::is_banked(instruction.r1).into()),
            tag: 0,
            immediate: if fixed.contains(Attributes::IMMEDIATE) { instruction.immediate } else { 0 },
        }
    }

    /// Whether an instruction belongs to the class, as far as its attributes say.
    #[must_use]
    pub fn contains(&self, instruction: &Instruction) -> bool {
        ClassKey { tag: self.tag, ..ClassKey::new(instruction, self.fixed) } == *self
    }

    /// The mnemonic; `None` for one that is newer than this version of the plugin API.
    #[must_use]
    pub const fn mnemonic(&self) -> Option<Mnemonic> {
        Mnemonic::new(self.mnemonic)
    }

    /// What the instructions of the class have in common, besides the mnemonic.
    #[must_use]
    pub const fn fixed(&self) -> Attributes {
        self.fixed
    }

    /// Whether the general register that is written is banked, if all instructions of the class agree.
    #[must_use]
    pub const fn banked(&self) -> Option<bool> {
        if self.fixed.contains(Attributes::BANKED) { Some(self.banked != 0) } else { None }
    }
}

/// `mov r=cr r1=14 register=66`
impl fmt::Display for ClassKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(mnemonic) => f.write_str(mnemonic.name())?,
            None => write!(f, "mnemonic {}", self.mnemonic)?,
        }
        let numbers = [
            ("r1", self.r1()),
            ("r2", self.r2()),
            ("r3", self.r3()),
            ("register", self.register()),
            ("slot", self.slot()),
            ("qp", self.qp()),
            ("unit", self.unit()),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                write!(f, " {name}={value}")?;
            }
        }
        if let Some(immediate) = self.immediate() {
            write!(f, " immediate={immediate:#x}")?;
        }
        if let Some(banked) = self.banked() {
            write!(f, " banked={banked}")?;
        }
        if self.tag != 0 {
            write!(f, " tag={}", self.tag)?;
        }
        Ok(())
    }
}
