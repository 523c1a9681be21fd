//! The virtual machine monitor: guests run at PSR.vm = 1, and their privileged instructions are emulated.
//!
//! | read | for |
//! |---|---|
//! | [`guest`] | what of a guest is in the processor and what is in its VPD |
//! | [`supervisor`] | what happens at each exit of a processor |
//! | [`emulate`] | the emulation of each instruction, a file a family |
//! | [`patch_manager`] | what happens at a virtualization fault: classify, build, patch |
//! | [`emulation_manager`] | what happens at a trigger |
//! | [`counters`], [`statistics`] | what is counted, and what is reported of it |
//! | [`sites`], [`ids`], [`table`] | where triggers stand, what they carry, what that leads to |
//! | [`services`] | what routines can ask the host for |
//! | [`conventional`] | the conventional path: trap frame, fetch, decode, emulate |
//! | [`equivalence`] | whether routines do what the conventional path does |
//! | [`plugins`], [`policy`] | plugins: finding, loading; which of them a virtual machine runs under |
//! | [`swap`] | exchanging a plugin while the guest runs |
//! | [`control`] | the control protocol of a virtual machine that runs |
//! | [`reflect`], [`interrupts`] | interruptions of the guest, its local SAPIC and timer |
//!
//! To emulate another instruction: its row in `patchbay_isa` gets a cause, its mnemonic is appended in
//! `patchbay_plugin_api`, and the file of its family in [`emulate`] gets a function.

mod apart;
pub mod cache;
pub mod code;
pub mod control;
pub mod conventional;
pub mod counters;
pub mod emulate;
pub mod emulation_manager;
pub mod equivalence;
pub mod fast;
pub mod fetch;
pub mod frame;
pub mod guest;
pub mod ids;
pub mod instruction;
pub mod interrupts;
mod overlay;
pub mod patch_manager;
pub mod plugins;
pub mod policy;
pub mod reflect;
pub mod report;
pub mod review;
pub mod services;
pub mod sites;
pub mod statistics;
pub mod supervisor;
pub mod swap;
pub mod table;
pub mod trigger;
pub mod vm;
pub mod vp;
