//! The processor status register (SDM 2:23) and the current frame marker (SDM 1:27).

use bitfield_struct::bitfield;

/// The processor status register.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Psr {
    __: bool,
    /// Big-endian data accesses.
    pub be: bool,
    /// User performance monitors run.
    pub up: bool,
    /// Unaligned data accesses fault.
    pub ac: bool,
    /// f2-f31 were written.
    pub mfl: bool,
    /// f32-f127 were written.
    pub mfh: bool,
    #[bits(7)]
    __: u8,
    /// Interruptions save state in the interruption control registers.
    pub ic: bool,
    /// External interrupts are delivered.
    pub i: bool,
    /// Protection keys are checked.
    pub pk: bool,
    __: bool,
    /// Data accesses are translated.
    pub dt: bool,
    /// f2-f31 are disabled.
    pub dfl: bool,
    /// f32-f127 are disabled.
    pub dfh: bool,
    /// Performance monitors are secure.
    pub sp: bool,
    /// Privileged performance monitors run.
    pub pp: bool,
    /// Instruction set transitions are disabled.
    pub di: bool,
    /// The interval time counter is readable at privilege level 0 only.
    pub si: bool,
    /// Debug breakpoints fault.
    pub db: bool,
    /// Transfers to a lower privilege trap.
    pub lp: bool,
    /// Taken branches trap.
    pub tb: bool,
    /// Register stack accesses are translated.
    pub rt: bool,
    #[bits(4)]
    __: u8,
    /// The current privilege level.
    #[bits(2)]
    pub cpl: u8,
    /// The IA-32 instruction set.
    pub is: bool,
    /// Machine checks are masked.
    pub mc: bool,
    /// Instruction accesses are translated.
    pub it: bool,
    /// Instruction debug faults are disabled for one instruction.
    pub id: bool,
    /// Data access and dirty bit faults are disabled for one instruction.
    pub da: bool,
    /// Data debug faults are disabled for one instruction.
    pub dd: bool,
    /// Each instruction traps.
    pub ss: bool,
    /// The slot at which execution starts.
    #[bits(2)]
    pub ri: u8,
    /// A speculative load that would fault is deferred, for one instruction.
    pub ed: bool,
    /// r16-r31 are those of bank 1.
    pub bn: bool,
    /// Instruction access bit faults are disabled for one instruction.
    pub ia: bool,
    /// A virtual machine executes: privileged instructions raise virtualization faults.
    pub vm: bool,
    #[bits(17)]
    __: u32,
}

impl Psr {
    /// The user mask, which any code may change: be, up, ac, mfl, mfh.
    pub const USER_MASK: u64 = 0x3e;
    /// What `mov psr.l=` may change: bits 1-5, 13-15, 17-27.
    pub const SYSTEM_MASK: u64 = 0x0ffe_e03e;
    /// What `ssm` and `rsm` may name: the user mask and ic, i, pk, dt, dfl, dfh, sp, pp, di, si.
    pub const IMMEDIATE_MASK: u64 = 0x00fe_e03e;
    /// What `mov =psr` reads: bits 0-31 and it, mc (SDM 3:193).
    pub const READABLE: u64 = 0x18_ffff_ffff;
    /// The bits that a completed instruction clears (SDM 2:26).
    pub const ONE_INSTRUCTION: u64 = 1 << 37 | 1 << 38 | 1 << 39 | 1 << 43 | 1 << 45;
}

/// The current frame marker, and the frame marker of ar.pfs and cr.ifs.
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Cfm {
    /// The size of the frame, in registers.
    #[bits(7)]
    pub sof: u8,
    /// The size of its local part.
    #[bits(7)]
    pub sol: u8,
    /// The size of its rotating part, in units of 8 registers.
    #[bits(4)]
    pub sor: u8,
    /// The rotation base of general registers.
    #[bits(7)]
    pub rrb_gr: u8,
    /// The rotation base of floating-point registers.
    #[bits(7)]
    pub rrb_fr: u8,
    /// The rotation base of predicate registers.
    #[bits(6)]
    pub rrb_pr: u8,
    #[bits(26)]
    __: u32,
}

impl Cfm {
    /// The bits of a frame marker.
    pub const MASK: u64 = (1 << 38) - 1;

    /// Whether instructions can make such a frame.
    #[must_use]
    pub const fn is_legal(self) -> bool {
        let rotating = self.rotating();
        let rotation = (self.rrb_gr() as usize) < if rotating == 0 { 1 } else { rotating }
            && self.rrb_fr() < 96
            && self.rrb_pr() < 48;
        self.sof() <= 96 && self.sol() <= self.sof() && rotating <= self.sof() as usize && rotation
    }

    /// The same frame with all rotation bases zero.
    #[must_use]
    pub const fn unrotated(self) -> Cfm {
        Cfm(self.0 & !(0xf_ffff << 18))
    }

    /// Whether a rotation base is not zero.
    #[must_use]
    pub const fn rotated(self) -> bool {
        self.0 >> 18 & 0xf_ffff != 0
    }

    /// The number of rotating general registers.
    #[must_use]
    pub const fn rotating(self) -> usize {
        self.sor() as usize * 8
    }
}
