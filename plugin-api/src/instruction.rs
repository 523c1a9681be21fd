//! Guest instructions as plugins see them.

use abi_stable::StableAbi;

use crate::class::Attributes;

macro_rules! mnemonics {
    ($($name:ident = $number:literal $text:literal [$($attribute:ident)*],)*) => {
        /// A virtualized instruction. Numbers never change; new ones are appended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        #[expect(missing_docs, reason = "the assembler's names, as `name` gives them")]
        pub enum Mnemonic { $($name = $number,)* }

        impl Mnemonic {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Mnemonic] = &[$(Mnemonic::$name,)*];

            /// The mnemonic with this number.
            #[must_use]
            pub const fn new(number: u16) -> Option<Mnemonic> {
                match number { $($number => Some(Mnemonic::$name),)* _ => None }
            }

            /// As the assembler writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Mnemonic::$name => $text,)* }
            }

            /// The operands that instructions with this mnemonic have.
            #[must_use]
            pub const fn operands(self) -> Attributes {
                match self { $(Mnemonic::$name => Attributes::NONE$(.and(Attributes::$attribute))*,)* }
            }
        }
    };
}

mnemonics! {
    MovToAr = 1 "mov ar=r" [R2 REGISTER],
    MovImmToAr = 2 "mov ar=imm" [REGISTER IMMEDIATE],
    MovFromAr = 3 "mov r=ar" [R1 REGISTER],
    MovToCr = 4 "mov cr=r" [R2 REGISTER],
    MovFromCr = 5 "mov r=cr" [R1 REGISTER],
    MovToPsr = 6 "mov psr.l=r" [R2],
    MovFromPsr = 7 "mov r=psr" [R1],
    ItcD = 8 "itc.d" [R2],
    ItcI = 9 "itc.i" [R2],
    MovToRr = 10 "mov rr[r]=r" [R2 R3],
    MovToDbr = 11 "mov dbr[r]=r" [R2 R3],
    MovToIbr = 12 "mov ibr[r]=r" [R2 R3],
    MovToPkr = 13 "mov pkr[r]=r" [R2 R3],
    MovToPmc = 14 "mov pmc[r]=r" [R2 R3],
    MovToPmd = 15 "mov pmd[r]=r" [R2 R3],
    ItrD = 16 "itr.d" [R2 R3],
    ItrI = 17 "itr.i" [R2 R3],
    MovFromRr = 18 "mov r=rr[r]" [R1 R3],
    MovFromDbr = 19 "mov r=dbr[r]" [R1 R3],
    MovFromIbr = 20 "mov r=ibr[r]" [R1 R3],
    MovFromPkr = 21 "mov r=pkr[r]" [R1 R3],
    MovFromPmc = 22 "mov r=pmc[r]" [R1 R3],
    MovFromCpuid = 23 "mov r=cpuid[r]" [R1 R3],
    Ssm = 24 "ssm" [IMMEDIATE],
    Rsm = 25 "rsm" [IMMEDIATE],
    PtcL = 26 "ptc.l" [R2 R3],
    PtcG = 27 "ptc.g" [R2 R3],
    PtcGa = 28 "ptc.ga" [R2 R3],
    PtrD = 29 "ptr.d" [R2 R3],
    PtrI = 30 "ptr.i" [R2 R3],
    Thash = 31 "thash" [R1 R3],
    Ttag = 32 "ttag" [R1 R3],
    Tpa = 33 "tpa" [R1 R3],
    Tak = 34 "tak" [R1 R3],
    PtcE = 35 "ptc.e" [R3],
    Cover = 36 "cover" [],
    Rfi = 37 "rfi" [],
    Bsw0 = 38 "bsw.0" [],
    Bsw1 = 39 "bsw.1" [],
    Vmsw0 = 40 "vmsw.0" [],
    ProbeR = 41 "probe.r" [R1 R2 R3],
    ProbeW = 42 "probe.w" [R1 R2 R3],
    ProbeRImm = 43 "probe.r imm" [R1 R3 IMMEDIATE],
    ProbeWImm = 44 "probe.w imm" [R1 R3 IMMEDIATE],
    ProbeRwFault = 45 "probe.rw.fault" [R3 IMMEDIATE],
    ProbeRFault = 46 "probe.r.fault" [R3 IMMEDIATE],
    ProbeWFault = 47 "probe.w.fault" [R3 IMMEDIATE],
    Vmsw1 = 48 "vmsw.1" [],
}

/// The unit of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the SDM's names")]
pub enum Unit {
    M = 0,
    I = 1,
    F = 2,
    B = 3,
    X = 4,
}

/// One privileged or sensitive guest instruction. Operands that it does not have are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, StableAbi)]
#[repr(C)]
pub struct Instruction {
    /// The 41 bits of its slot.
    pub bits: u64,
    /// Its immediate: `ssm`, `rsm`, `mov ar=imm`, the privilege level of `probe`.
    pub immediate: u64,
    /// Its [`Mnemonic`]'s number.
    pub mnemonic: u16,
    /// The virtualization cause, 1 to 41 (SDM 2, table 11-22).
    pub cause: u8,
    /// The [`Unit`]'s number.
    pub unit: u8,
    /// The slot, 0 to 2.
    pub slot: u8,
    /// The template of its bundle.
    pub template: u8,
    /// The qualifying predicate.
    pub qp: u8,
    /// The general register it writes.
    pub r1: u8,
    /// The general register that holds its value.
    pub r2: u8,
    /// The general register that holds its address or index.
    pub r3: u8,
    /// The number of its application or control register.
    pub register: u8,
    /// Keeps the size of the structure fixed; 0.
    pub reserved: u8,
}

impl Instruction {
    /// Whether a general register is one of r16 to r31, which are banked.
    #[must_use]
    pub const fn is_banked(register: u8) -> bool {
        register >= 16 && register < 32
    }

    /// Its mnemonic.
    #[must_use]
    pub const fn mnemonic(&self) -> Option<Mnemonic> {
        Mnemonic::new(self.mnemonic)
    }
}
