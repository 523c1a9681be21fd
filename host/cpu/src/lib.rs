//! One IA-64 processor: registers, register stack engine, MMU, interruptions, instruction semantics and the
//! engine that executes them. It knows nothing of machines and virtual machines: memory and devices are a
//! [`bus::Bus`], and an [`exit::Exit`] says why it stopped.

pub mod bus;
pub mod domain;
pub mod fp;
pub mod psr;
