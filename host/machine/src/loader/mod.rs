//! Puts a guest into memory: its image, its initial RAM disk, its command line.

pub mod elf;
pub mod gzip;
pub mod symbols;

use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use patchbay_cpu::bus::PhysicalAddress;

use crate::firmware::Loaded;
use crate::firmware::boot::COMMAND_LINE_MAX;
use crate::layout::FIRMWARE;
use crate::memory::Memory;

/// What to load.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The image: ELF, or raw bytes for [`Source::load_address`]; gzip allowed.
    pub image: PathBuf,
    /// Where a raw image is put and entered. Without it the image is ELF.
    pub load_address: Option<u64>,
    /// The parts of the initial RAM disk, in order.
    pub initrd: Vec<PathBuf>,
    /// The command line.
    pub command_line: String,
}

/// Why a guest cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// The compressed data is damaged.
    #[error("{0} is not a whole gzip file: {1}")]
    Gzip(PathBuf, std::io::Error),
    /// What is compressed is larger than memory.
    #[error("{0} holds more than {1} bytes when uncompressed, which is more than there is room for")]
    TooLarge(PathBuf, u64),
    /// It is no ELF image that this machine can start.
    #[error("{0}: {1}")]
    Elf(PathBuf, elf::ElfError),
    /// A raw image does not fit at its address.
    #[error("{path}: its {length:#x} bytes at {address:#x} are not in the machine's free memory")]
    Raw {
        /// The image.
        path: PathBuf,
        /// Where it goes.
        address: u64,
        /// Its size in bytes.
        length: u64,
    },
    /// A raw image is empty, or its address is no bundle's.
    #[error("{0}: a raw image has at least one bundle and a load address that is a multiple of 16")]
    NoBundle(PathBuf),
    /// A file is larger than anything in it could be of use for.
    #[error("{0} has more than {1} bytes, and the machine's memory has no use for so many")]
    TooLong(PathBuf, u64),
    /// The initial RAM disk does not fit.
    #[error("the initial RAM disk of {0} bytes does not fit into memory beside the kernel")]
    Initrd(u64),
    /// The command line does not fit.
    #[error("the command line is longer than {COMMAND_LINE_MAX} bytes")]
    CommandLine,
    /// The command line cannot be handed over.
    #[error("the command line holds a zero byte")]
    CommandLineZero,
}

/// The most bytes of an image that is looked at.
const LOOKED_AT_MAX: u64 = 1 << 30;

/// A guest in memory.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The physical address of its first bundle.
    pub entry: u64,
    /// What it occupies.
    pub loaded: Loaded,
    /// Its code.
    pub code: Vec<CodeRange>,
}

/// Code in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRange {
    /// Where it is, by guest-physical addresses.
    pub physical: Range<u64>,
    /// The address at which its first byte is executed.
    pub address: u64,
}

/// What an image may have beside what is loaded, such as for debuggers, in bytes.
const DEBUG_MAX: u64 = 4 << 30;

/// Initial RAM disks begin at a multiple of this, in bytes.
const INITRD_ALIGNMENT: u64 = 64 << 10;

/// Loads a guest.
///
/// # Errors
/// If a file is unreadable or damaged, or something does not fit; memory may hold a part then.
pub fn load(memory: &Memory, source: &Source) -> Result<Guest, LoadError> {
    if source.command_line.len() > COMMAND_LINE_MAX {
        return Err(LoadError::CommandLine);
    }
    if source.command_line.contains('\0') {
        return Err(LoadError::CommandLineZero);
    }
    let image =
        gzip::expand(&source.image, read(&source.image, memory.size().saturating_add(DEBUG_MAX))?, memory.size())?;
    let code = match source.load_address {
        Some(address) => vec![CodeRange { physical: address..address.saturating_add(image.len() as u64), address }],
        None => code(&source.image, &image)?,
    };
    let (entry, mut ranges) = match source.load_address {
        Some(address) => load_raw(memory, &source.image, &image, address)?,
        None => elf::load(memory, &image).map_err(|error| LoadError::Elf(source.image.clone(), error))?,
    };
    let initrd = load_initrd(memory, &source.initrd, &ranges)?;
    ranges.extend(initrd.clone());
    Ok(Guest { entry, loaded: Loaded { ranges, initrd, command_line: source.command_line.clone() }, code })
}

/// The code of an ELF image.
fn code(path: &Path, image: &[u8]) -> Result<Vec<CodeRange>, LoadError> {
    let code = elf::code(image).map_err(|error| LoadError::Elf(path.to_owned(), error))?;
    let range = |code: elf::Code<'_>| CodeRange {
        physical: code.physical..code.physical.saturating_add(code.bytes.len() as u64),
        address: code.address,
    };
    Ok(code.into_iter().map(range).collect())
}

/// The bytes of an image that is to be looked at, not loaded: plain or compressed with gzip.
///
/// # Errors
/// If it is unreadable, too long, or damaged gzip.
pub fn image(path: &Path) -> Result<Vec<u8>, LoadError> {
    gzip::expand(path, read(path, LOOKED_AT_MAX)?, LOOKED_AT_MAX)
}

/// Reads a file of at most `limit` bytes: what is too long is refused before it is read, or else as soon as it shows.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let failed = |error| LoadError::Read(path.to_owned(), error);
    let too_long = || LoadError::TooLong(path.to_owned(), limit);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.len() > limit {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(metadata.len() as usize).map_err(|error| failed(error.into()))?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit { Err(too_long()) } else { Ok(bytes) }
}

fn load_raw(memory: &Memory, path: &Path, image: &[u8], address: u64) -> Result<(u64, Vec<Range<u64>>), LoadError> {
    if !address.is_multiple_of(16) || image.len() < 16 {
        return Err(LoadError::NoBundle(path.to_owned()));
    }
    let length = image.len() as u64;
    let outside = || LoadError::Raw { path: path.to_owned(), address, length };
    let range = address..address.checked_add(length).ok_or_else(outside)?;
    if !memory.is_free(&range) {
        return Err(outside());
    }
    memory.write(PhysicalAddress(address), image).map_err(|_| outside())?;
    Ok((address, vec![range]))
}

/// Puts the parts, one behind the other, as high as possible below 4 GiB.
fn load_initrd(memory: &Memory, paths: &[PathBuf], used: &[Range<u64>]) -> Result<Option<Range<u64>>, LoadError> {
    let lengths = paths.iter().filter_map(|path| Some(fs::metadata(path).ok()?.len()));
    let together = lengths.fold(0, u64::saturating_add);
    let most = memory.low().end;
    if together > most {
        return Err(LoadError::Initrd(together));
    }
    let mut initrd = Vec::new();
    for path in paths {
        // Linux looks for an archive at each multiple of four bytes.
        initrd.resize(initrd.len().next_multiple_of(4), 0);
        initrd.extend(read(path, most)?);
    }
    if initrd.is_empty() {
        return Ok(None);
    }
    let size = initrd.len() as u64;
    let mut end = memory.low().end;
    loop {
        let start = end.checked_sub(size).ok_or(LoadError::Initrd(size))? / INITRD_ALIGNMENT * INITRD_ALIGNMENT;
        let range = start..start + size;
        if start < FIRMWARE.end {
            return Err(LoadError::Initrd(size));
        }
        match used.iter().find(|used| used.start < range.end && range.start < used.end) {
            Some(used) => end = used.start,
            None => {
                memory.write(PhysicalAddress(start), &initrd).map_err(|_| LoadError::Initrd(size))?;
                return Ok(Some(range));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn raw(directory: &Path, address: u64, bytes: &[u8]) -> Source {
        Source { image: file(directory, "raw", bytes), load_address: Some(address), ..Source::default() }
    }

    #[test]
    fn a_raw_image_is_entered_where_it_is_put() {
        let directory = tempfile::tempdir().unwrap();
        let memory = Memory::new(64 << 20).unwrap();
        let guest = load(&memory, &raw(directory.path(), 0x20_0000, &[1; 32])).unwrap();
        let range = 0x20_0000..0x20_0020;
        assert_eq!((guest.entry, guest.loaded.ranges.as_slice()), (0x20_0000, [range].as_slice()));
        let mut bytes = [0; 33];
        memory.read(PhysicalAddress(0x20_0000), &mut bytes).unwrap();
        assert_eq!((bytes[31], bytes[32]), (1, 0));
    }

    #[test]
    fn a_raw_image_must_fit() {
        let directory = tempfile::tempdir().unwrap();
        let memory = Memory::new(64 << 20).unwrap();
        for address in [0, 0xf_fff0, (64 << 20) - 16, u64::MAX - 15] {
            let error = load(&memory, &raw(directory.path(), address, &[1; 32])).unwrap_err();
            assert!(matches!(error, LoadError::Raw { .. }), "{error}");
        }
        assert!(matches!(load(&memory, &raw(directory.path(), 0x20_0008, &[1; 32])), Err(LoadError::NoBundle(_))));
    }

    #[test]
    fn the_parts_of_an_initial_ram_disk_follow_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let memory = Memory::new(64 << 20).unwrap();
        let mut source = raw(directory.path(), (64 << 20) - 32, &[1; 32]);
        source.initrd = vec![file(directory.path(), "a", b"first"), file(directory.path(), "b", b"second")];
        let range = load(&memory, &source).unwrap().loaded.initrd.unwrap();
        assert_eq!((range.start % INITRD_ALIGNMENT, range.end - range.start), (0, 14));
        assert!(range.end <= (64 << 20) - 32);
        let mut bytes = [0; 14];
        memory.read(PhysicalAddress(range.start), &mut bytes).unwrap();
        assert_eq!(&bytes, b"first\0\0\0second");
    }

    #[test]
    fn an_initial_ram_disk_must_fit_beside_the_image() {
        let directory = tempfile::tempdir().unwrap();
        let memory = Memory::new(64 << 20).unwrap();
        let mut source = raw(directory.path(), 32 << 20, &[1; 32]);
        source.initrd = vec![file(directory.path(), "a", &vec![0; 40 << 20])];
        assert!(matches!(load(&memory, &source), Err(LoadError::Initrd(_))));
    }

    /// A terabyte that is not there cannot be read.
    #[test]
    fn what_is_too_long_is_refused_before_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let memory = Memory::new(64 << 20).unwrap();
        let long = directory.path().join("long");
        File::create(&long).unwrap().set_len(1 << 40).unwrap();
        let mut source = raw(directory.path(), 32 << 20, &[1; 32]);
        source.initrd = vec![long.clone()];
        assert!(matches!(load(&memory, &source), Err(LoadError::Initrd(length)) if length == 1 << 40));
        source.initrd = vec!["/dev/zero".into()];
        assert!(matches!(load(&memory, &source), Err(LoadError::TooLong(path, _)) if path == Path::new("/dev/zero")));
        source = Source { image: long.clone(), ..Source::default() };
        assert!(matches!(load(&memory, &source), Err(LoadError::TooLong(path, _)) if path == long));
    }

    #[test]
    fn missing_files_and_bad_command_lines_are_named() {
        let memory = Memory::new(64 << 20).unwrap();
        let missing = Source { image: "/nonexistent/vmlinux".into(), ..Source::default() };
        assert!(load(&memory, &missing).unwrap_err().to_string().contains("/nonexistent/vmlinux"));
        let long = Source { command_line: "x".repeat(COMMAND_LINE_MAX + 1), ..Source::default() };
        assert!(matches!(load(&memory, &long), Err(LoadError::CommandLine)));
        let zero = Source { command_line: "a\0b".into(), ..Source::default() };
        assert!(matches!(load(&memory, &zero), Err(LoadError::CommandLineZero)));
    }
}
