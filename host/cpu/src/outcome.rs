//! How the execution of an instruction ends.

/// `Ok` when execution goes on with the next instruction of the block.
pub type Outcome = Result<(), Leave>;

/// Why execution does not simply go on with the next instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The instruction has completed and set IP; PSR.ri is 0.
    Branch,
    /// The instruction has completed and set IP and PSR, PSR.ri among it (`rfi`); the frame may have to be completed.
    Return,
    /// The instruction has completed, and what follows must be decoded or looked up again.
    Serialize,
    /// The instruction raises the fault `Processor::raised` and has not completed.
    Fault,
    /// The instruction has completed and raises the trap `Processor::raised`.
    Trap,
    /// The instruction has completed, set IP, and raises the trap `Processor::raised`.
    BranchTrap,
    /// The instruction has completed and set IP and PSR.ri, and a mandatory load of the frame it returned to raises the
    /// fault `Processor::raised` (SDM 2:146).
    IncompleteFrame,
    /// The instruction is virtualized, and has not completed.
    Virtualized,
    /// The instruction leaves with `Processor::exit`.
    Exit,
}
