//! One IA-64 processor: registers, register stack engine, MMU, interruptions, instruction semantics and the
//! engine that executes them. It knows nothing of machines and virtual machines: memory and devices are a
//! [`bus::Bus`], and an [`exit::Exit`] says why it stopped.
//!
//! Read [`registers`], [`processor`] and [`outcome`] first, then [`engine`]. To add an instruction, add its row to
//! `patchbay_isa` and its function to the file of its family in [`semantics`].

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "registers are cut into fields, and extended by zeros or the sign, by casts that mean just that; usize has 64 bits on every host"
)]

pub mod alat;
pub mod bus;
pub mod code_view;
pub mod coherence_domain;
pub mod data;
pub mod engine;
pub mod exit;
pub mod flat_machine;
pub mod fp;
pub mod hook;
pub mod mmu;
pub mod model;
pub mod outcome;
pub mod processor;
pub mod psr;
pub mod registers;
pub mod rse;
pub mod semantics;

pub use processor::interruption;
