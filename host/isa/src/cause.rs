//! Virtualization causes (SDM 2, table 11-22).

macro_rules! causes {
    ($($name:ident = $number:literal $text:literal,)*) => {
        /// Why a virtualization fault is raised: the number that reaches the VMM in GR24.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "the SDM's names")]
        pub enum Cause { $($name = $number,)* }

        impl Cause {
            /// All causes in the order of their numbers.
            pub const ALL: &[Cause] = &[$(Cause::$name,)*];

            /// The SDM's name of the cause.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Cause::$name => $text,)* }
            }
        }
    };
}

causes! {
    MovToAr = 1 "mov_to_ar",
    MovToArImm = 2 "mov_to_ar_imm",
    MovFromAr = 3 "mov_from_ar",
    MovToCr = 4 "mov_to_cr",
    MovFromCr = 5 "mov_from_cr",
    MovToPsr = 6 "mov_to_psr",
    MovFromPsr = 7 "mov_from_psr",
    ItcD = 8 "itc_d",
    ItcI = 9 "itc_i",
    MovToRr = 10 "mov_to_rr",
    MovToDbr = 11 "mov_to_dbr",
    MovToIbr = 12 "mov_to_ibr",
    MovToPkr = 13 "mov_to_pkr",
    MovToPmc = 14 "mov_to_pmc",
    MovToPmd = 15 "mov_to_pmd",
    ItrD = 16 "itr_d",
    ItrI = 17 "itr_i",
    MovFromRr = 18 "mov_from_rr",
    MovFromDbr = 19 "mov_from_dbr",
    MovFromIbr = 20 "mov_from_ibr",
    MovFromPkr = 21 "mov_from_pkr",
    MovFromPmc = 22 "mov_from_pmc",
    MovFromCpuid = 23 "mov_from_cpuid",
    Ssm = 24 "ssm",
    Rsm = 25 "rsm",
    PtcL = 26 "ptc_l",
    PtcG = 27 "ptc_g",
    PtcGa = 28 "ptc_ga",
    PtrD = 29 "ptr_d",
    PtrI = 30 "ptr_i",
    Thash = 31 "thash",
    Ttag = 32 "ttag",
    Tpa = 33 "tpa",
    Tak = 34 "tak",
    PtcE = 35 "ptc_e",
    Cover = 36 "cover",
    Rfi = 37 "rfi",
    Bsw0 = 38 "bsw_0",
    Bsw1 = 39 "bsw_1",
    Vmsw = 40 "vmsw",
    Probe = 41 "probe",
}
