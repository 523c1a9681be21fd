//! One IA-64 processor.

pub mod fp;
