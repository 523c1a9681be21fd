//! Floating point in the 82-bit register format.
