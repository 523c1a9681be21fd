//! Assembly text of instructions and listings of code, in the notation of GNU `objdump -d`.

use std::fmt::{self, Display, Write};

use crate::alias;
use crate::bundle::{Bundle, Slot, Unit};
use crate::decode::{Decoded, Instruction};
use crate::field::{Field, Kind};
use crate::register;
use crate::row::Token;

/// An instruction as assembly, without its predicate: a pseudo-op where one says it shorter. Branch targets are
/// absolute.
#[derive(Clone, Copy, Debug)]
pub struct Assembly<'a> {
    /// The instruction.
    pub instruction: &'a Instruction,
    /// The address of its bundle.
    pub ip: u64,
    /// Whether targets are written without `0x`.
    pub bare_targets: bool,
}

impl Display for Assembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        alias::syntax(self.instruction).iter().try_for_each(|token| match *token {
            Token::Text(text) => f.write_str(text),
            Token::Field(field) => self.operand(field, f),
        })
    }
}

impl Assembly<'_> {
    fn operand(&self, field: Field, f: &mut fmt::Formatter) -> fmt::Result {
        let value = self.instruction.field(field);
        match field.kind() {
            Kind::Gr => write!(f, "r{value}"),
            Kind::Fr => write!(f, "f{value}"),
            Kind::Pr => write!(f, "p{value}"),
            Kind::Br => write!(f, "b{value}"),
            Kind::Ar => named(register::application(value as u8), "ar", value, f),
            Kind::Cr => named(register::control(value as u8), "cr", value, f),
            Kind::Dahr => write!(f, "dahr{value}"),
            Kind::Decimal => write!(f, "{value}"),
            Kind::Hexadecimal => write!(f, "{value:#x}"),
            Kind::Target => {
                let prefix = if self.bare_targets { "" } else { "0x" };
                write!(f, "{prefix}{:x}", self.ip.wrapping_add_signed(value))
            }
            Kind::Completer(texts) => f.write_str(texts[value as usize].unwrap_or("")),
        }
    }

    /// Whether every completer has a syntax.
    fn exists(&self) -> bool {
        self.instruction.row().fields().all(|field| match field.kind() {
            Kind::Completer(texts) => texts[self.instruction.field(field) as usize].is_some(),
            _ => true,
        })
    }
}

fn named(name: Option<&str>, file: &str, number: i64, f: &mut fmt::Formatter) -> fmt::Result {
    match name {
        Some(name) => f.write_str(name),
        None => write!(f, "{file}{number}"),
    }
}

/// The instructions of a bundle as assembly, with predicates and stops, one for each slot; a long one stands in slot 1 and
/// slot 2 is left out. What no instruction has is written as `data8`.
#[must_use]
pub fn slots(bundle: Bundle, ip: u64) -> Vec<String> {
    let template = bundle.template();
    let Some(units) = template.units() else { return vec![format!("reserved template {:#x}", template.number())] };
    let long = units[1] == Unit::L;
    let decoded = bundle.decode().unwrap_or_default();
    let shown = Slot::ALL.into_iter().filter(|slot| !long || *slot != Slot::Two);
    let text = |slot: Slot| {
        let bits = if long && slot == Slot::One { Slot::Two } else { slot };
        let stop = if template.stop_after(bits) { ";;" } else { "" };
        match decoded[slot as usize] {
            Some(Ok(instruction)) => {
                let predicate = if instruction.qp() == 0 { String::new() } else { format!("(p{}) ", instruction.qp()) };
                let assembly = Assembly { instruction: &instruction, ip, bare_targets: false };
                format!("{predicate}{assembly}{stop}")
            }
            _ => format!("data8 {:#x}{stop}", bundle.slot(bits)),
        }
    };
    let name = |unit: Unit| format!("{unit:?}");
    let mut lines: Vec<String> = shown.map(text).collect();
    lines[0] = format!("[{}] {}", units.map(name).concat(), lines[0]);
    lines
}

/// A listing of code, a line an instruction, as `objdump -d -z` prints it without symbols.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    address: u64,
    code: &'a [u8],
    bare_targets: bool,
}

/// Lists the bundles in `code`, which stands at `address`.
#[must_use]
pub const fn listing(address: u64, code: &[u8]) -> Listing<'_> {
    Listing { address, code, bare_targets: false }
}

/// Every slot but the last has a line of six bytes.
const BYTES_PER_LINE: usize = 6;

impl Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if !self.address.is_multiple_of(16) {
            return self.out_of_bounds(self.address, f);
        }
        let (bundles, rest) = self.code.as_chunks::<16>();
        let mut address = self.address;
        for bytes in bundles {
            self.bundle(address, bytes, f)?;
            address = address.wrapping_add(16);
        }
        if rest.is_empty() { Ok(()) } else { self.out_of_bounds(address, f) }
    }
}

impl<'a> Listing<'a> {
    /// Writes targets without `0x`, as objdump does in files that have symbols.
    #[must_use]
    pub const fn with_bare_targets(self, bare_targets: bool) -> Listing<'a> {
        Listing { bare_targets, ..self }
    }

    /// The digits of an address that are written: as many as the end of the code needs, in steps of four.
    fn digits(&self) -> usize {
        let end = self.address.wrapping_add(self.code.len() as u64);
        let zeros = end.leading_zeros() as usize / 4;
        16 - zeros.saturating_sub(1).min(12) / 4 * 4
    }

    fn label(&self, address: u64, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{address:width$x}:\t", width = self.digits())
    }

    fn out_of_bounds(&self, address: u64, f: &mut fmt::Formatter) -> fmt::Result {
        self.label(address, f)?;
        writeln!(f, "Address {:#x} is out of bounds.\n", address & !15)
    }

    fn bundle(&self, address: u64, bytes: &[u8; 16], f: &mut fmt::Formatter) -> fmt::Result {
        let bundle = Bundle::from_bytes(*bytes);
        let template = bundle.template();
        let units = template.units();
        let instructions = bundle.decode();
        let long = units.is_some_and(|units| units[1] == Unit::L);
        for slot in Slot::ALL {
            let start = slot as usize * BYTES_PER_LINE;
            let end = (start + BYTES_PER_LINE).min(16);
            self.label(address + start as u64, f)?;
            bytes[start..end].iter().try_for_each(|byte| write!(f, "{byte:02x} "))?;
            if long && slot == Slot::Two {
                f.write_char('\n')?;
                continue;
            }
            (end..start + BYTES_PER_LINE).try_for_each(|_| f.write_str("   "))?;
            f.write_char('\t')?;
            match (slot, units) {
                (Slot::Zero, Some(units)) => write!(f, "[{:?}{:?}{:?}] ", units[0], units[1], units[2])?,
                (Slot::Zero, None) => write!(f, "[-{:x}-] ", template.number() >> 1)?,
                _ => f.write_str("      ")?,
            }
            // The line of an L slot shows the X slot, whose upper part it is.
            let shown = if long && slot == Slot::One { Slot::Two } else { slot };
            let decoded = instructions.and_then(|instructions| instructions[slot as usize]);
            if self.instruction(decoded, address, bundle.slot(shown), f)? && template.stop_after(shown) {
                f.write_str(";;")?;
            }
            f.write_char('\n')?;
        }
        Ok(())
    }

    /// Writes predicate and instruction, or the bits where there is none. Returns whether there was one.
    fn instruction(
        &self,
        decoded: Option<Decoded>,
        ip: u64,
        slot: u64,
        f: &mut fmt::Formatter,
    ) -> Result<bool, fmt::Error> {
        if let Some(Ok(instruction)) = decoded {
            let assembly = Assembly { instruction: &instruction, ip, bare_targets: self.bare_targets };
            if assembly.exists() {
                match instruction.qp() {
                    0 => f.write_str("      ")?,
                    qp => write!(f, "(p{qp:02}) ")?,
                }
                return write!(f, "{assembly}").map(|()| true);
            }
        }
        // As C writes it: no prefix for zero.
        let bits = if slot == 0 { format!("{slot:011}") } else { format!("{slot:#011x}") };
        write!(f, "      data8 {bits}").map(|()| false)
    }
}
