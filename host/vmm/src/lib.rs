//! The virtual machine monitor: guests run at PSR.vm = 1, and their privileged instructions are emulated.
//!
//! | read | for |
//! |---|---|
//! | [`vm`] | virtual machines, and what they share |
//! | [`vp`] | virtual processors: what happens at each exit, at a virtualization fault, at a trigger |
//! | [`patch`] | sites and the triggers that stand in them |
//! | [`routines`] | class ids, the emulation routine map, what routines can ask the host for |
//! | [`conventional`] | the conventional path: trap frame, fetch, decode, emulate |
//! | [`guest`] | what of a guest is in the processor and what is in its VPD; its interruptions, local SAPIC and timer |
//! | [`emulate`] | the emulation of each instruction, a file a family |
//! | [`policy`], [`plugins`] | which plugins a virtual machine runs under; finding, loading, calling them |
//! | [`swap`] | exchanging a plugin while the guest runs |
//! | [`statistics`] | what is counted, and what is reported of it |
//! | [`equivalence`] | whether routines do what the conventional path does |
//! | [`control`] | the control protocol of a virtual machine that runs |
//!
//! To emulate another instruction: its row in `patchbay_isa` gets a cause, its mnemonic is appended in
//! `patchbay_plugin_api`, and the file of its family in [`emulate`] gets a function.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "fields of registers are cut out by casts, as in the processor; usize has 64 bits on every host"
)]

pub mod control;
pub mod conventional;
pub mod emulate;
pub mod equivalence;
pub mod fast_path;
pub mod guest;
pub mod patch;
pub mod plugins;
pub mod policy;
pub mod routines;
pub mod statistics;
pub mod swap;
pub mod vm;
pub mod vp;
