//! Guest programs run by the interpreter.

mod random;
