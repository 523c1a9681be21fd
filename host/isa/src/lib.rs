//! The IA-64 instruction set.
