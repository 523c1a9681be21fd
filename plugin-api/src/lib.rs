//! What a Patchbay plugin is: everything that crosses the boundary between the host and a plugin, and the macro that
//! exports one.
//!
//! A plugin takes one of three parts in emulating the privileged instructions of a virtual machine:
//!
//! * a [`Classifier`](classifier::Classifier) says which instructions share an emulation routine;
//! * a [`PatchManager`](patch_manager::PatchManager) says which sites are patched, when, and with which trigger;
//! * [`Routines`](routines::Routines) build the emulation routine of a class from a code template.
//!
//! A plugin is one `impl` of one of these traits and one line of [`export_plugins!`]. It sees instructions as plain
//! data ([`instruction::Instruction`]) and works on a virtual processor through [`vp::Vp`].

pub mod instruction;
pub mod vp;
pub mod vpd;
