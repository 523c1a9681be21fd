//! What each instruction does: one function an instruction, named in the table of its unit.
//!
//! A function reads like the Operation box of the instruction's page in SDM 3, in the vocabulary of
//! [`Processor`](crate::processor::Processor). The engine has tested the qualifying predicate, and the decoder that
//! targets are legal.

pub mod a;
pub mod application_registers;
pub mod b;
mod cache;
mod compare;
pub mod control_registers;
pub mod f;
mod floating_point;
mod fp_memory;
mod fp_transfer;
pub mod i;
pub mod indexed;
mod integer;
mod load;
pub mod m;
mod memory;
mod mov;
mod multimedia;
mod rse;
mod semaphore;
mod shift;
mod speculation;
pub mod status;
mod status_field;
mod store;
#[cfg(test)]
mod tests;
pub mod translation;
pub mod x;

use patchbay_isa::Opcode;

use crate::engine::interpreter::Execute;

/// The semantics of an instruction.
#[must_use]
pub fn of(opcode: Opcode) -> Execute {
    match opcode {
        Opcode::A(instruction) => a::of(instruction),
        Opcode::I(instruction) => i::of(instruction),
        Opcode::F(instruction) => f::of(instruction),
        Opcode::M(instruction) => m::of(instruction),
        Opcode::B(instruction) => b::of(instruction),
        Opcode::X(instruction) => x::of(instruction),
    }
}
