//! A machine around IA-64 processors: memory, devices, firmware, guests, and the threads that run it.
//!
//! | read | for |
//! |---|---|
//! | [`machine`] | putting a machine together and running it |
//! | [`supervisor`] | what happens at a processor's exits |
//! | [`handle`] | a machine that runs, from outside: pause, errands, end |
//! | [`layout`] | the physical address space |
//! | [`firmware`] | EFI, SAL, PAL, ACPI |
//! | [`devices`] | devices |
//! | [`loader`], [`guest`] | images and their descriptions |
//! | [`text`] | what of guests and plugins may reach a terminal |
//!
//! To add a device: a file in `devices/`, and a line in `platform.rs`. To add a firmware procedure: its number and a
//! line in [`firmware::pal`] or [`firmware::sal`].

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "devices take the low bytes of what is written to them; usize has 64 bits on every host"
)]

pub mod bus;
pub mod clock;
pub mod devices;
pub mod firmware;
pub mod guest;
pub mod handle;
pub mod interrupts;
pub mod layout;
pub mod loader;
pub mod machine;
pub mod memory;
pub mod outcome;
pub mod platform;
pub mod report;
mod runner;
mod start;
pub mod statistics;
pub mod supervisor;
pub mod text;
