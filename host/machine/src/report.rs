//! What is told of a guest that cannot go on.

use std::fmt::{self, Display};

use patchbay_cpu::bus::PhysicalAddress;
use patchbay_cpu::interruption::Recent;
use patchbay_cpu::processor::Processor;
use patchbay_cpu::registers::{Registers, ar, cr};
use patchbay_isa::disassemble::listing;

use crate::loader::symbols::Symbols;
use crate::statistics::name;

/// The state of a processor when its guest could not go on.
#[derive(Clone, Debug)]
pub struct Report {
    /// Why.
    pub reason: String,
    /// The processor.
    pub processor: usize,
    /// The instructions that it had completed.
    pub instructions: u64,
    /// Its registers.
    pub registers: Box<Registers>,
    /// The bundle at its IP, if that is memory.
    pub bundle: Option<[u8; 16]>,
    /// The interruptions delivered last, the latest first.
    pub recent: Vec<Recent>,
    /// The symbols before IP and b0, and the distances to them in bytes.
    pub symbols: [Option<(String, u64)>; 2],
}

impl Report {
    /// The report of a processor.
    #[must_use]
    pub fn new(reason: String, index: usize, processor: &Processor, symbols: &Symbols) -> Report {
        let registers = &processor.registers;
        let mut bytes = [0; 16];
        let address = if registers.psr.it() {
            processor.debug_translate(registers.ip)
        } else {
            Some(PhysicalAddress(registers.ip & !(1 << 63)))
        };
        let bundle = address.filter(|address| processor.read_physical(*address, &mut bytes).is_ok()).map(|_| bytes);
        let name = |address| symbols.name(address).map(|(name, offset)| (name.to_owned(), offset));
        Report {
            reason,
            processor: index,
            instructions: processor.instructions,
            registers: Box::new(registers.clone()),
            bundle,
            recent: processor.recent.iter().filter(|recent| recent.vector.is_some()).copied().collect(),
            symbols: [name(registers.ip), name(registers.br[0])],
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let registers = &self.registers;
        writeln!(f, "{}", self.reason)?;
        let slot = registers.psr.ri();
        write!(f, "processor {}, after {} instructions, ", self.processor, self.instructions)?;
        write!(f, "ip {:#x} slot {slot}", registers.ip)?;
        symbol(f, self.symbols[0].as_ref())?;
        write!(f, ", called from {:#x}", registers.br[0])?;
        symbol(f, self.symbols[1].as_ref())?;
        writeln!(f)?;
        match &self.bundle {
            Some(bundle) => write!(f, "{}", listing(registers.ip, bundle))?,
            None => writeln!(f, "the bundle is not in memory")?,
        }
        self.general(f)?;
        writeln!(
            f,
            "psr {:#018x}  cfm {:#018x}  pr {:#018x}",
            u64::from(registers.psr),
            u64::from(registers.cfm),
            registers.pr
        )?;
        for (index, value) in registers.br.iter().enumerate() {
            write!(f, "b{index} {value:#018x}{}", if index % 4 == 3 { "\n" } else { "  " })?;
        }
        writeln!(f, "ar.rsc {:#x}  ar.pfs {:#x}", registers.ar[ar::RSC], registers.ar[ar::PFS])?;
        writeln!(f, "cr.iva {:#x}  cr.iip {:#x}", registers.cr[cr::IVA], registers.cr[cr::IIP])?;
        writeln!(f, "the last interruptions:")?;
        for recent in &self.recent {
            let vector = recent.vector.map(name).unwrap_or_default();
            write!(
                f,
                "  after {} instructions: {vector} at {:#x} slot {}",
                recent.instructions, recent.ip, recent.slot
            )?;
            writeln!(f, ", isr {:#x}, ifa {:#x}", recent.isr, recent.ifa)?;
        }
        Ok(())
    }
}

impl Report {
    /// r1-r31 and the current frame.
    fn general(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let registers = &self.registers;
        let last = 32 + usize::from(registers.cfm.sof()).min(96);
        for register in 1..last {
            let nat = if registers.gr_nat(register as u8) { " NaT" } else { "" };
            let end = if register % 4 == 0 || register + 1 == last { "\n" } else { "  " };
            write!(f, "r{register:<3} {:#018x}{nat}{end}", registers.gr[register])?;
        }
        Ok(())
    }
}

fn symbol(f: &mut fmt::Formatter, symbol: Option<&(String, u64)>) -> fmt::Result {
    match symbol {
        Some((name, offset)) => write!(f, " <{name}+{offset:#x}>"),
        None => Ok(()),
    }
}
