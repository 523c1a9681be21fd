//! Guest instructions as plugins see them.

macro_rules! mnemonics {
    ($($name:ident = $number:literal $text:literal,)*) => {
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
        }
    };
}

mnemonics! {
    MovToAr = 1 "mov ar=r",
    MovImmToAr = 2 "mov ar=imm",
    MovFromAr = 3 "mov r=ar",
    MovToCr = 4 "mov cr=r",
    MovFromCr = 5 "mov r=cr",
    MovToPsr = 6 "mov psr.l=r",
    MovFromPsr = 7 "mov r=psr",
    ItcD = 8 "itc.d",
    ItcI = 9 "itc.i",
    MovToRr = 10 "mov rr[r]=r",
    MovToDbr = 11 "mov dbr[r]=r",
    MovToIbr = 12 "mov ibr[r]=r",
    MovToPkr = 13 "mov pkr[r]=r",
    MovToPmc = 14 "mov pmc[r]=r",
    MovToPmd = 15 "mov pmd[r]=r",
    ItrD = 16 "itr.d",
    ItrI = 17 "itr.i",
    MovFromRr = 18 "mov r=rr[r]",
    MovFromDbr = 19 "mov r=dbr[r]",
    MovFromIbr = 20 "mov r=ibr[r]",
    MovFromPkr = 21 "mov r=pkr[r]",
    MovFromPmc = 22 "mov r=pmc[r]",
    MovFromCpuid = 23 "mov r=cpuid[r]",
    Ssm = 24 "ssm",
    Rsm = 25 "rsm",
    PtcL = 26 "ptc.l",
    PtcG = 27 "ptc.g",
    PtcGa = 28 "ptc.ga",
    PtrD = 29 "ptr.d",
    PtrI = 30 "ptr.i",
    Thash = 31 "thash",
    Ttag = 32 "ttag",
    Tpa = 33 "tpa",
    Tak = 34 "tak",
    PtcE = 35 "ptc.e",
    Cover = 36 "cover",
    Rfi = 37 "rfi",
    Bsw0 = 38 "bsw.0",
    Bsw1 = 39 "bsw.1",
    Vmsw0 = 40 "vmsw.0",
    ProbeR = 41 "probe.r",
    ProbeW = 42 "probe.w",
    ProbeRImm = 43 "probe.r imm",
    ProbeWImm = 44 "probe.w imm",
    ProbeRwFault = 45 "probe.rw.fault",
    ProbeRFault = 46 "probe.r.fault",
    ProbeWFault = 47 "probe.w.fault",
    Vmsw1 = 48 "vmsw.1",
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
