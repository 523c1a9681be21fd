//! Pseudo-ops: other names of instructions with certain operands, as disassemblers prefer them (SDM 3:11 ff., in
//! the entries of the instructions).

use crate::decode::Instruction;
use crate::field::Field::{self, *};
use crate::row::Token;
use crate::rows::{A, B, F, I, Opcode, X};

struct Alias {
    opcode: Opcode,
    /// Whether it stands for an instruction with these values of fields.
    when: fn(&dyn Fn(Field) -> i64) -> bool,
    syntax: &'static [Token],
}

macro_rules! aliases {
    ($($unit:ident::$name:ident if $when:expr => $syntax:literal;)*) => {
        const ALIASES: &[Alias] = &[$(Alias {
            opcode: Opcode::$unit($unit::$name),
            when: $when,
            syntax: const { &Token::parse::<{ Token::count($syntax) }>($syntax) },
        },)*];
    };
}

aliases! {
    A::Adds if |v| v(Imm14) == 0 => "mov {r1}={r3}";
    A::Addl if |v| v(R3Short) == 0 => "mov {r1}={imm22}";
    I::ExtrU if |v| v(Pos6) + v(Len6) == 64 => "shr.u {r1}={r3},{pos6}";
    I::Extr if |v| v(Pos6) + v(Len6) == 64 => "shr {r1}={r3},{pos6}";
    I::DepZ if |v| v(Cpos6) + v(Len6) == 64 => "shl {r1}={r2},{cpos6}";
    I::MovToBr if |v| v(MoveWhether) == 1 && v(MoveImportance) == 0 => "mov {b1}={r2}";
    B::Cond if |v| v(Qp) == 0 && v(Whether) == 0 => "br{ph}{dh} {target25}";
    B::CondIndirect if |v| v(Qp) == 0 && v(Whether) == 0 => "br{ph}{dh} {b2}";
    X::Brl if |v| v(Qp) == 0 && v(Whether) == 0 => "brl{ph}{dh} {target64}";
    F::Fma if |v| v(F4) == 1 && v(F2) == 0 => "fnorm{sf} {f1}={f3}";
    F::Fma if |v| v(F4) == 1 => "fadd{sf} {f1}={f3},{f2}";
    F::Fma if |v| v(F2) == 0 => "fmpy{sf} {f1}={f3},{f4}";
    F::FmaS if |v| v(F4) == 1 && v(F2) == 0 => "fnorm.s{sf} {f1}={f3}";
    F::FmaS if |v| v(F4) == 1 => "fadd.s{sf} {f1}={f3},{f2}";
    F::FmaS if |v| v(F2) == 0 => "fmpy.s{sf} {f1}={f3},{f4}";
    F::FmaD if |v| v(F4) == 1 && v(F2) == 0 => "fnorm.d{sf} {f1}={f3}";
    F::FmaD if |v| v(F4) == 1 => "fadd.d{sf} {f1}={f3},{f2}";
    F::FmaD if |v| v(F2) == 0 => "fmpy.d{sf} {f1}={f3},{f4}";
    F::Fms if |v| v(F4) == 1 => "fsub{sf} {f1}={f3},{f2}";
    F::FmsS if |v| v(F4) == 1 => "fsub.s{sf} {f1}={f3},{f2}";
    F::FmsD if |v| v(F4) == 1 => "fsub.d{sf} {f1}={f3},{f2}";
    F::Fnma if |v| v(F2) == 0 => "fnmpy{sf} {f1}={f3},{f4}";
    F::FnmaS if |v| v(F2) == 0 => "fnmpy.s{sf} {f1}={f3},{f4}";
    F::FnmaD if |v| v(F2) == 0 => "fnmpy.d{sf} {f1}={f3},{f4}";
    F::Fpma if |v| v(F2) == 0 => "fpmpy{sf} {f1}={f3},{f4}";
    F::Fpnma if |v| v(F2) == 0 => "fpnmpy{sf} {f1}={f3},{f4}";
    F::XmaL if |v| v(F2) == 0 => "xmpy.l {f1}={f3},{f4}";
    F::XmaH if |v| v(F2) == 0 => "xmpy.h {f1}={f3},{f4}";
    F::XmaHu if |v| v(F2) == 0 => "xmpy.hu {f1}={f3},{f4}";
    F::FmergeS if |v| v(F2) == v(F3) => "mov {f1}={f3}";
    F::FmergeS if |v| v(F2) == 0 => "fabs {f1}={f3}";
    F::FmergeNs if |v| v(F2) == v(F3) => "fneg {f1}={f3}";
    F::FmergeNs if |v| v(F2) == 0 => "fnegabs {f1}={f3}";
    F::FpmergeS if |v| v(F2) == 0 => "fpabs {f1}={f3}";
    F::FpmergeNs if |v| v(F2) == v(F3) => "fpneg {f1}={f3}";
    F::FpmergeNs if |v| v(F2) == 0 => "fpnegabs {f1}={f3}";
}

/// The syntax of an instruction: that of its first alias, otherwise of its row.
pub(crate) fn syntax(instruction: &Instruction) -> &'static [Token] {
    let holds = |alias: &&Alias| alias.opcode == instruction.opcode && (alias.when)(&|field| instruction.field(field));
    ALIASES.iter().find(holds).map_or(instruction.row().syntax, |alias| alias.syntax)
}
