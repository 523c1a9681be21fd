//! The virtual machine monitor: guests run at PSR.vm = 1, and their privileged instructions are emulated.
//!
//! | read | for |
//! |---|---|
//! | [`guest`] | what of a guest is in the processor and what is in its VPD |
//! | [`supervisor`] | what happens at each exit of a processor |
//! | [`emulate`] | the emulation of each instruction, a file a family |
//! | [`conventional`] | the conventional path: trap frame, fetch, decode, emulate |
//! | [`plugins`], [`policy`] | plugins: finding, loading; which of them a virtual machine runs under |
//! | [`reflect`], [`interrupts`] | interruptions of the guest, its local SAPIC and timer |
//!
//! To emulate another instruction: its row in `patchbay_isa` gets a cause, its mnemonic is appended in
//! `patchbay_plugin_api`, and the file of its family in [`emulate`] gets a function.

pub mod code;
pub mod conventional;
pub mod emulate;
pub mod fetch;
pub mod frame;
pub mod guest;
pub mod instruction;
pub mod interrupts;
pub mod plugins;
pub mod policy;
pub mod reflect;
pub mod supervisor;
pub mod vp;
