//! What a machine counted.

use std::fmt::{self, Display};
use std::time::Duration;

use patchbay_cpu::engine;
use patchbay_cpu::interruption::Vector;
use patchbay_cpu::processor::Processor;
use serde::Serialize;

/// The vectors in the order of the table.
const VECTORS: [Vector; 31] = [
    Vector::VhptTranslation,
    Vector::InstructionTlb,
    Vector::DataTlb,
    Vector::AlternateInstructionTlb,
    Vector::AlternateDataTlb,
    Vector::DataNestedTlb,
    Vector::InstructionKeyMiss,
    Vector::DataKeyMiss,
    Vector::DirtyBit,
    Vector::InstructionAccessBit,
    Vector::DataAccessBit,
    Vector::BreakInstruction,
    Vector::ExternalInterrupt,
    Vector::VirtualExternalInterrupt,
    Vector::PageNotPresent,
    Vector::KeyPermission,
    Vector::InstructionAccessRights,
    Vector::DataAccessRights,
    Vector::GeneralException,
    Vector::DisabledFpRegister,
    Vector::NatConsumption,
    Vector::Speculation,
    Vector::Debug,
    Vector::UnalignedReference,
    Vector::UnsupportedDataReference,
    Vector::FloatingPointFault,
    Vector::FloatingPointTrap,
    Vector::LowerPrivilegeTransferTrap,
    Vector::TakenBranchTrap,
    Vector::SingleStepTrap,
    Vector::Virtualization,
];

/// Interruptions of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// The kind, as in `data-tlb`.
    pub vector: String,
    /// How many were delivered to the guest.
    pub count: u64,
}

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Host time, in seconds.
    pub seconds: f64,
    /// Processor time that the host gave the threads which run the processors, in seconds; `None` while they run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_seconds: Option<f64>,
    /// Instructions completed by all processors.
    pub instructions: u64,
    /// Instructions completed by each.
    pub processors: Vec<u64>,
    /// Millions of instructions a second of host time.
    pub mips: f64,
    /// Interruptions delivered to the guest, those that happened.
    pub interruptions: Vec<Delivered>,
    /// What the translators of the processors did, if they translated anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated: Option<Translated>,
}

/// What translators did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Translated {
    /// Guest instructions executed in translated code.
    pub instructions: u64,
    /// Those of them that translated code called a function for.
    pub called: u64,
    /// Pieces of code translated together.
    pub regions: u64,
    /// Guest instructions in them, nops left out.
    pub region_instructions: u64,
    /// Bytes of host code made.
    pub bytes: u64,
    /// Time spent translating, in seconds.
    pub seconds: f64,
    /// How often all translated code was thrown away because there was no room.
    pub flushes: u64,
    /// Entries into translated code from the run loop.
    pub entries: u64,
    /// Entries refused because the state was not one that the code was translated for.
    pub refused: u64,
    /// Exits in the middle of a block, before an instruction that is then interpreted.
    pub interpreted: u64,
    /// Exits because an instruction did not simply complete.
    pub left: u64,
}

impl Translated {
    /// The sum of what engines did; `None` if none of them translated anything.
    #[must_use]
    pub fn of(engines: impl Iterator<Item = engine::statistics::Statistics>) -> Option<Translated> {
        let mut sum = engine::statistics::Statistics::default();
        engines.for_each(|engine| sum += engine);
        (sum.regions > 0).then_some(Translated {
            instructions: sum.instructions,
            called: sum.helped,
            regions: sum.regions,
            region_instructions: sum.steps,
            bytes: sum.bytes,
            seconds: sum.compiling.as_secs_f64(),
            flushes: sum.flushes,
            entries: sum.entries,
            refused: sum.refusals,
            interpreted: sum.rests,
            left: sum.leaves,
        })
    }

    fn add(&mut self, other: &Translated) {
        self.instructions += other.instructions;
        self.called += other.called;
        self.regions += other.regions;
        self.region_instructions += other.region_instructions;
        self.bytes += other.bytes;
        self.seconds += other.seconds;
        self.flushes += other.flushes;
        self.entries += other.entries;
        self.refused += other.refused;
        self.interpreted += other.interpreted;
        self.left += other.left;
    }
}

/// What one processor counted.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    instructions: u64,
    delivered: [u64; VECTORS.len()],
}

impl Sample {
    /// What it has counted until now.
    #[must_use]
    pub fn of(processor: &Processor) -> Sample {
        let delivered = VECTORS.map(|vector| processor.delivered[usize::from(vector as u16 >> 8)]);
        Sample { instructions: processor.instructions, delivered }
    }
}

impl Statistics {
    /// The counts of processors that have run for `wall`.
    #[must_use]
    pub fn new(processors: impl Iterator<Item = Sample>, wall: Duration) -> Statistics {
        let mut statistics = Statistics { seconds: wall.as_secs_f64(), ..Statistics::default() };
        let mut counts = [0_u64; VECTORS.len()];
        for processor in processors {
            statistics.processors.push(processor.instructions);
            for (count, delivered) in counts.iter_mut().zip(processor.delivered) {
                *count += delivered;
            }
        }
        statistics.interruptions = counts
            .into_iter()
            .zip(VECTORS)
            .filter(|(count, _)| *count > 0)
            .map(|(count, vector)| Delivered { vector: name(vector), count })
            .collect();
        statistics.total();
        statistics
    }

    /// Adds the counts of another run of the same machine.
    pub fn add(&mut self, other: &Statistics) {
        self.seconds += other.seconds;
        self.processor_seconds = match (self.processor_seconds, other.processor_seconds) {
            (Some(own), Some(other)) => Some(own + other),
            (own, other) => own.or(other),
        };
        self.processors.resize(self.processors.len().max(other.processors.len()), 0);
        for (sum, count) in self.processors.iter_mut().zip(&other.processors) {
            *sum += count;
        }
        for delivered in &other.interruptions {
            match self.interruptions.iter_mut().find(|own| own.vector == delivered.vector) {
                Some(own) => own.count += delivered.count,
                None => self.interruptions.push(delivered.clone()),
            }
        }
        if let Some(translated) = &other.translated {
            self.translated.get_or_insert_default().add(translated);
        }
        self.total();
    }

    fn total(&mut self) {
        self.instructions = self.processors.iter().sum();
        self.mips = if self.seconds > 0.0 { self.instructions as f64 / self.seconds / 1e6 } else { 0.0 };
    }
}

/// `DataTlb` as `data-tlb`.
pub(crate) fn name(vector: Vector) -> String {
    let mut name = String::new();
    for letter in format!("{vector:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

impl Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.processor_seconds {
            Some(busy) => writeln!(f, "time           {:.3} s, {busy:.3} s of processor time", self.seconds)?,
            None => writeln!(f, "time           {:.3} s", self.seconds)?,
        }
        writeln!(f, "instructions   {} ({:.1} MIPS)", self.instructions, self.mips)?;
        if self.processors.len() > 1 {
            for (index, count) in self.processors.iter().enumerate() {
                writeln!(f, "  processor {index:<3} {count}")?;
            }
        }
        writeln!(f, "interruptions  {}", self.interruptions.iter().map(|delivered| delivered.count).sum::<u64>())?;
        for delivered in &self.interruptions {
            writeln!(f, "  {:<29} {}", delivered.vector, delivered.count)?;
        }
        if let Some(t) = &self.translated {
            let part = |count: u64| 100.0 * count as f64 / self.instructions.max(1) as f64;
            let (all, called) = (part(t.instructions), part(t.called));
            writeln!(f, "translated     {all:.1} % of the instructions, {called:.1} % by a call")?;
            let (bytes, milliseconds) = (t.bytes, t.seconds * 1e3);
            let made = format!("{} instructions, {bytes} bytes, {milliseconds:.1} ms", t.region_instructions);
            writeln!(f, "  {:<29} {} ({made})", "regions", t.regions)?;
            writeln!(f, "  {:<29} {}", "flushes", t.flushes)?;
            writeln!(f, "  {:<29} {} ({} refused)", "entries", t.entries, t.refused)?;
            writeln!(f, "  {:<29} {}", "left before an instruction", t.interpreted)?;
            writeln!(f, "  {:<29} {}", "left after an instruction", t.left)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seconds: f64, processors: &[u64], vector: &str, count: u64) -> Statistics {
        let interruptions = vec![Delivered { vector: vector.into(), count }];
        let mut run = Statistics { seconds, processors: processors.to_vec(), interruptions, ..Statistics::default() };
        run.total();
        run
    }

    #[test]
    fn runs_add_up() {
        let mut sum = run(1.0, &[3_000_000, 1_000_000], "data-tlb", 5);
        sum.add(&run(1.0, &[1_000_000, 1_000_000], "data-tlb", 2));
        sum.add(&run(0.0, &[0, 0], "break-instruction", 1));
        assert_eq!((sum.instructions, sum.mips), (6_000_000, 3.0));
        let counts: Vec<u64> = sum.interruptions.iter().map(|delivered| delivered.count).collect();
        assert_eq!(counts, [7, 1]);
    }

    #[test]
    fn vectors_have_readable_names_and_are_in_order() {
        assert_eq!(name(Vector::AlternateDataTlb), "alternate-data-tlb");
        assert!(VECTORS.is_sorted_by_key(|vector| *vector as u16));
    }
}
