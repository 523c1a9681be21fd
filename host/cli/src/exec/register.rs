//! Registers by their assembler names.

use std::fmt;

use patchbay_cpu::fp::Fr;
use patchbay_cpu::model::CPUID;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::psr::{Cfm, Psr};
use patchbay_cpu::registers::ar;
use patchbay_isa::register;

/// A register. General, floating-point and predicate registers are those of the current frame and rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after what they are")]
pub enum Register {
    Psr,
    Cfm,
    Ip,
    Gr(u8),
    GrNat(u8),
    Fr(u8),
    Predicates,
    Pr(u8),
    Br(u8),
    Ar(u8),
    Cr(u8),
    Rr(u8),
    Pkr(u8),
    Ibr(u8),
    Dbr(u8),
    Cpuid(u8),
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "named after what they are")]
pub enum Value {
    Number(u64),
    Fr(Fr),
}

type Numbered = (&'static str, u8, fn(u8) -> Register);

const NUMBERED: [Numbered; 9] = [
    ("r", 128, Register::Gr),
    ("f", 128, Register::Fr),
    ("p", 64, Register::Pr),
    ("b", 8, Register::Br),
    ("rr", 8, Register::Rr),
    ("pkr", 16, Register::Pkr),
    ("ibr", 8, Register::Ibr),
    ("dbr", 8, Register::Dbr),
    ("cpuid", 5, Register::Cpuid),
];

impl Register {
    /// The register of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Register> {
        match name {
            "psr" => return Some(Register::Psr),
            "cfm" => return Some(Register::Cfm),
            "ip" => return Some(Register::Ip),
            "pr" => return Some(Register::Predicates),
            _ => {}
        }
        let find = |names: fn(u8) -> Option<&'static str>| (0..128).find(|&number| names(number) == Some(name));
        if let Some(number) = find(register::application) {
            return Some(Register::Ar(number));
        }
        if let Some(number) = find(register::control) {
            return Some(Register::Cr(number));
        }
        if let Some(gr) = name.strip_suffix(".nat") {
            return match Register::named(gr)? {
                Register::Gr(number) => Some(Register::GrNat(number)),
                _ => None,
            };
        }
        let digits = name.find(|c: char| c.is_ascii_digit())?;
        let (prefix, number) = name.split_at(digits);
        let plain = number.bytes().all(|b| b.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
        let number: u8 = number.parse().ok().filter(|_| plain)?;
        let (_, _, make) = NUMBERED.iter().find(|(name, count, _)| *name == prefix && number < *count)?;
        Some(make(number))
    }

    /// Whether the architecture lets it be set.
    #[must_use]
    pub fn is_settable(self) -> bool {
        match self {
            Register::Gr(number) | Register::GrNat(number) | Register::Pr(number) => number != 0,
            Register::Fr(number) => number > 1,
            Register::Ar(number) => usize::from(number) != ar::BSP && usize::from(number) != ar::RUC,
            Register::Cr(number) => !register::control_is_read_only(number),
            Register::Cpuid(_) => false,
            _ => true,
        }
    }

    /// The largest number it holds.
    #[must_use]
    pub fn most(self) -> u64 {
        match self {
            Register::GrNat(_) | Register::Pr(_) => 1,
            Register::Cfm => Cfm::MASK,
            _ => u64::MAX,
        }
    }

    /// In which order registers are set: those that rename others first.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Register::Psr => 0,
            Register::Cfm => 1,
            Register::Predicates => 2,
            _ => 3,
        }
    }

    /// What it holds.
    pub fn read(self, p: &mut Processor) -> Value {
        let registers = &p.registers;
        Value::Number(match self {
            Register::Psr => registers.psr.into(),
            Register::Cfm => registers.cfm.into(),
            Register::Ip => registers.ip,
            Register::Gr(number) => p.gr(number),
            Register::GrNat(number) => p.nat(number).into(),
            Register::Fr(number) => return Value::Fr(registers.fr[registers.fr_index(number)]),
            Register::Predicates => registers.physical_predicates(),
            Register::Pr(number) => p.pr(number).into(),
            Register::Br(number) => registers.br[usize::from(number)],
            Register::Ar(number) => p.ar(usize::from(number)),
            Register::Cr(number) => p.read_cr(usize::from(number)),
            Register::Rr(number) => registers.rr[usize::from(number)],
            Register::Pkr(number) => registers.pkr[usize::from(number)],
            Register::Ibr(number) => registers.ibr[usize::from(number)],
            Register::Dbr(number) => registers.dbr[usize::from(number)],
            Register::Cpuid(number) => CPUID[usize::from(number)],
        })
    }

    /// Sets it, if it is settable and the value is one of its kind.
    pub fn write(self, p: &mut Processor, value: Value) {
        match (self, value) {
            (Register::Fr(number), Value::Fr(value)) => {
                let index = p.registers.fr_index(number);
                p.registers.fr[index] = value;
            }
            (register, Value::Number(value)) => register.write_number(p, value),
            _ => {}
        }
    }

    fn write_number(self, p: &mut Processor, value: u64) {
        match self {
            Register::Psr => p.set_psr(Psr::from(value)),
            Register::Cfm => {
                p.set_cfm(Cfm::from(value));
            }
            Register::Ip => p.registers.ip = value & !0xf,
            Register::Gr(number) => p.registers.gr[usize::from(number)] = value,
            Register::GrNat(number) => p.registers.set_gr_nat(number, value != 0),
            Register::Predicates => p.registers.set_physical_predicates(value),
            Register::Pr(number) => p.set_pr(number, value != 0),
            Register::Br(number) => p.registers.br[usize::from(number)] = value,
            Register::Ar(number) => p.set_ar(usize::from(number), value),
            Register::Cr(number) => p.write_cr(usize::from(number), value),
            Register::Rr(number) => p.write_rr(usize::from(number), value),
            Register::Pkr(number) => p.write_pkr(usize::from(number), value),
            Register::Ibr(number) => p.registers.ibr[usize::from(number)] = value,
            Register::Dbr(number) => p.write_dbr(usize::from(number), value),
            Register::Fr(_) | Register::Cpuid(_) => {}
        }
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = |name: Option<&'static str>| name.unwrap_or("?");
        match self {
            Register::Psr => write!(f, "psr"),
            Register::Cfm => write!(f, "cfm"),
            Register::Ip => write!(f, "ip"),
            Register::Gr(number) => write!(f, "r{number}"),
            Register::GrNat(number) => write!(f, "r{number}.nat"),
            Register::Fr(number) => write!(f, "f{number}"),
            Register::Predicates => write!(f, "pr"),
            Register::Pr(number) => write!(f, "p{number}"),
            Register::Br(number) => write!(f, "b{number}"),
            Register::Ar(number) => write!(f, "{}", text(register::application(*number))),
            Register::Cr(number) => write!(f, "{}", text(register::control(*number))),
            Register::Rr(number) => write!(f, "rr{number}"),
            Register::Pkr(number) => write!(f, "pkr{number}"),
            Register::Ibr(number) => write!(f, "ibr{number}"),
            Register::Dbr(number) => write!(f, "dbr{number}"),
            Register::Cpuid(number) => write!(f, "cpuid{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_registers_correspond() {
        let names = "psr cfm ip pr r0 r127 r14.nat f127 p63 b7 rr7 pkr15 ibr7 dbr0 cpuid4 ar.k0 ar.ec cr.iva cr.lrr1";
        for name in names.split(' ') {
            assert_eq!(Register::named(name).expect(name).to_string(), name);
        }
        for name in
            ["r128", "r", "r01", "r-1", "r+1", "f6.nat", "p64", "b8", "ar", "ar.x", "q1", "", "r1.nat.nat", "é1"]
        {
            assert_eq!(Register::named(name), None, "{name}");
        }
        assert_eq!(Register::named("cr.iva"), Some(Register::Cr(2)));
        assert_eq!(Register::named("ar.ec"), Some(Register::Ar(66)));
    }
}
