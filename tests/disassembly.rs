//! The listing of code against GNU objdump.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what a test casts is small"
)]

use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use object::{Object, ObjectSection, SectionFlags, elf};
use patchbay_isa::disassemble::listing;
use patchbay_isa::rows;
use patchbay_isa::{Bundle, Row, Slot, Template, Unit};

const OBJDUMP: &str = "ia64-linux-gnu-objdump";

/// Instructions that objdump prints although their encoding is reserved, so that we print its bits: mnemonic, and
/// what the operands contain (SDM 3:368: mbtype4 and count2 have values that are reserved if PR[qp] is 1).
const RESERVED_BUT_PRINTED: &[(&str, &str)] = &[("mux1", ",0x"), ("pshladd2", ",4,"), ("pshradd2", ",4,")];

fn objdump_is_missing() -> bool {
    let missing = Command::new(OBJDUMP).arg("--version").stdout(Stdio::null()).status().is_err();
    if missing {
        eprintln!("skipped: {OBJDUMP} is not installed");
    }
    missing
}

/// What objdump prints for this file, without the annotations `<symbol>` of addresses and the lines of symbols.
fn objdump(arguments: &[&str], file: &Path) -> String {
    let printed = Command::new(OBJDUMP).args(arguments).arg(file).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let mut listed = String::new();
    for mut line in String::from_utf8(printed.stdout).unwrap().lines().filter(|line| line.contains(":\t")) {
        while let Some((before, symbol)) = line.split_once(" <") {
            listed.push_str(before);
            line = symbol.split_once('>').unwrap().1;
        }
        listed.push_str(line);
        listed.push('\n');
    }
    listed
}

/// Whether the two lines say the same, or differ where they may.
fn agree(ours: &str, theirs: &str) -> bool {
    let excused = |(mnemonic, operand): &(&str, &str)| {
        let words = theirs.split_once(&format!(" {mnemonic} "));
        ours.contains(" data8 0x") && words.is_some_and(|(_, operands)| operands.contains(operand))
    };
    ours == theirs || RESERVED_BUT_PRINTED.iter().any(excused)
}

fn assert_agree(ours: &str, theirs: &str) {
    let mut differences = String::new();
    let mut count = 0;
    for (ours, theirs) in ours.lines().zip(theirs.lines()).filter(|(ours, theirs)| !agree(ours, theirs)) {
        count += 1;
        if count <= 20 {
            writeln!(differences, "ours:   {ours}\ntheirs: {theirs}").unwrap();
        }
    }
    assert_eq!(count, 0, "lines differ, among them\n{differences}");
    assert_eq!(ours.lines().count(), theirs.lines().count());
}

fn assert_listed_alike(bundles: &[Bundle]) {
    let code: Vec<u8> = bundles.iter().flat_map(|bundle| bundle.to_bytes()).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &code).unwrap();
    let theirs = objdump(&["-D", "-z", "-b", "binary", "-m", "ia64"], file.path());
    assert_agree(&listing(0, &code).to_string(), &theirs);
}

#[test]
fn the_linux_kernel() {
    if objdump_is_missing() {
        return;
    }
    let image = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../guests/linux/vmlinux.gz")).unwrap();
    let mut kernel = Vec::new();
    flate2::read::GzDecoder::new(image).read_to_end(&mut kernel).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &kernel).unwrap();
    let sections = object::File::parse(&*kernel).unwrap();
    let code = sections.sections().filter(|section| {
        matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.0 & elf::SHF_EXECINSTR.0 != 0)
    });
    let mut ours = String::new();
    for section in code {
        write!(ours, "{}", listing(section.address(), section.data().unwrap())).unwrap();
    }
    assert!(ours.lines().count() > 1_000_000);
    assert_agree(&ours, &objdump(&["-d", "-z"], file.path()));
}

/// Numbers that look random (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A slot, in half of the cases with registers that pseudo-ops are made of.
    fn slot(&mut self) -> u64 {
        let mut slot = self.next();
        if self.next().is_multiple_of(2) {
            let place = [6, 13, 20, 27][self.below(4)];
            let register = [0, 1, 0x7f, slot >> 13 & 0x7f][self.below(4)];
            slot = slot & !(0x7f << place) | register << place;
        }
        if self.next().is_multiple_of(4) { slot & !0x3f } else { slot }
    }

    /// A template and one of its slots that belongs to this unit.
    fn place(&mut self, unit: Unit) -> (Template, Slot) {
        loop {
            let template = Template::new(self.next() as u8);
            let slot = Slot::ALL[self.below(3)];
            if template.units().is_some_and(|units| units[slot as usize] == unit) {
                return (template, slot);
            }
        }
    }

    /// A bundle with this slot among random ones.
    fn bundle(&mut self, unit: Unit, bits: u64) -> Bundle {
        let (template, slot) = self.place(unit);
        Bundle::new(template, [(); 3].map(|()| self.slot())).with_slot(slot, bits)
    }

    /// A slot of a unit whose opcode bits are those of one of its rows as often as not, so that rare ones are met.
    fn instruction(&mut self, rows: &[&Row]) -> u64 {
        let slot = self.slot();
        if self.next().is_multiple_of(2) {
            return slot;
        }
        let fixed = rows[self.below(rows.len())].fixed;
        slot & !fixed.mask | fixed.value
    }
}

fn assert_random_slots_are_listed_alike(per_unit: usize) {
    if objdump_is_missing() {
        return;
    }
    let mut random = Random(1);
    let units = [Unit::M, Unit::I, Unit::F, Unit::B, Unit::X];
    let units = units.map(|unit| (unit, rows::all().filter(|row| row.units.contains(&unit)).collect::<Vec<_>>()));
    let mut left = per_unit;
    while left > 0 {
        let now = left.min(20_000);
        let mut bundles: Vec<_> =
            (0..32).map(|number| Bundle::new(Template::new(number), [random.next(); 3])).collect();
        for (unit, rows) in &units {
            bundles.extend((0..now).map(|_| {
                let bits = random.instruction(rows);
                random.bundle(*unit, bits)
            }));
        }
        assert_listed_alike(&bundles);
        left -= now;
    }
}

#[test]
fn random_slots() {
    assert_random_slots_are_listed_alike(20_000);
}

#[test]
#[ignore = "takes a quarter of a minute"]
fn many_random_slots() {
    assert_random_slots_are_listed_alike(500_000);
}

#[test]
fn every_row() {
    if objdump_is_missing() {
        return;
    }
    let mut random = Random(2);
    let mut bundles = Vec::new();
    for row in rows::all() {
        for _ in 0..32 {
            let unit = row.units[random.below(row.units.len())];
            let bits = random.slot() & !row.fixed.mask | row.fixed.value;
            bundles.push(random.bundle(unit, bits));
        }
    }
    assert_listed_alike(&bundles);
}
