//! Whose code is at work when the process dies: what a program's signal handler can ask.
//!
//! Two things are known: what function of which plugin the host has called on this thread (`note`), and where the
//! libraries are mapped (`mapped`), which also tells of routines and of threads that a plugin has started itself.
//! Whatever a handler may call neither allocates nor waits.

use std::cell::Cell;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::{self, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

use object::elf::{FileHeader64, PT_LOAD, SHT_DYNSYM};
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use object::{Endianness, read};
use patchbay_plugin_api::loading::ROOT_MODULE;

/// A call under way.
#[derive(Clone, Copy)]
struct Call {
    function: &'static str,
    /// The plugin: it lives as long as its [`Noted`].
    plugin: *const str,
}

thread_local! {
    static CALL: Cell<Option<Call>> = const { Cell::new(None) };
}

/// A call that is noted as long as this exists.
pub(super) struct Noted<'a> {
    before: Option<Call>,
    plugin: PhantomData<(&'a str, *const ())>,
}

/// Notes that this thread calls a function of a plugin.
pub(super) fn note<'a>(function: &'static str, plugin: &'a str) -> Noted<'a> {
    Noted { before: CALL.replace(Some(Call { function, plugin })), plugin: PhantomData }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        CALL.set(self.before);
    }
}

/// A library that is mapped, for ever.
struct Mapped {
    start: u64,
    end: u64,
    file: String,
    next: *const Mapped,
}

/// The latest.
static MAPPED: AtomicPtr<Mapped> = AtomicPtr::new(null_mut());

/// Notes where a library is whose root module is at this address.
pub(super) fn mapped(file: &Path, data: &[u8], root_module: *const c_void) {
    let Ok(Some((root, size))) = extent(data) else { return };
    let start = (root_module as u64).wrapping_sub(root);
    let new = Box::leak(Box::new(Mapped {
        start,
        end: start.wrapping_add(size),
        file: file.display().to_string(),
        next: ptr::null(),
    }));
    let mut latest = MAPPED.load(Ordering::Acquire);
    loop {
        new.next = latest;
        match MAPPED.compare_exchange(latest, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return,
            Err(other) => latest = other,
        }
    }
}

/// Where a library has its root module, and how long it is in memory.
fn extent(data: &[u8]) -> Result<Option<(u64, u64)>, read::Error> {
    let header = FileHeader64::<Endianness>::parse(data)?;
    let endian = header.endian()?;
    let ends = header.program_headers(endian, data)?.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
    let size = ends.map(|segment| segment.p_vaddr(endian).saturating_add(segment.p_memsz(endian))).max();
    let symbols = header.sections(endian, data)?.symbols(endian, data, SHT_DYNSYM)?;
    let mut names = symbols.iter().filter(|symbol| symbols.symbol_name(endian, symbol) == Ok(ROOT_MODULE.to_bytes()));
    Ok(names.next().map(|symbol| symbol.st_value(endian)).zip(size))
}

/// The library that has this address.
fn library(address: u64) -> Option<&'static Mapped> {
    let mut next: *const Mapped = MAPPED.load(Ordering::Acquire);
    // SAFETY: what is noted is never freed, and is complete before it can be found.
    while let Some(mapped) = unsafe { next.as_ref() } {
        if (mapped.start..mapped.end).contains(&address) {
            return Some(mapped);
        }
        next = mapped.next;
    }
    None
}

/// What is at work on this thread, piece by piece: `create of classifier mine (libmine.so)`, or `code of libmine.so` if one
/// of these addresses is in it, the most telling first. Nothing if no plugin is known to be. A signal handler may call
/// this.
pub fn at_work(addresses: impl Iterator<Item = u64>, write: &mut dyn FnMut(&[u8])) -> bool {
    if let Some(Call { function, plugin }) = CALL.get() {
        // SAFETY: the call is under way on this thread, so whoever noted it has not returned.
        let plugin = unsafe { &*plugin };
        [function, " of ", plugin].iter().for_each(|piece| write(piece.as_bytes()));
        return true;
    }
    let Some(mapped) = addresses.filter_map(library).next() else { return false };
    ["code of ", &mapped.file].iter().for_each(|piece| write(piece.as_bytes()));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(addresses: &[u64]) -> String {
        let mut said = Vec::new();
        at_work(addresses.iter().copied(), &mut |piece| said.extend_from_slice(piece));
        String::from_utf8(said).expect("text")
    }

    #[test]
    fn the_innermost_call_is_at_work_until_it_returns() {
        assert_eq!(said(&[0]), "");
        let outer = note("build", "routines first");
        {
            let _inner = note("create", "classifier second");
            assert_eq!(said(&[]), "create of classifier second");
        }
        assert_eq!(said(&[]), "build of routines first");
        drop(outer);
        assert_eq!(said(&[]), "");
    }

    #[test]
    fn code_is_that_of_the_library_it_is_in() {
        let file = std::env::current_exe().expect("a path").with_file_name("libpatchbay_patch_never.so");
        let data = std::fs::read(&file).expect("a library");
        let (root, size) = extent(&data).expect("an ELF file").expect("a plugin");
        assert!(0 < root && root < size);
        mapped(&file, &data, (0x7000_0000_0000 + root) as *const c_void);
        assert_eq!(said(&[1, 0x7000_0000_0000 + size - 1]), format!("code of {}", file.display()));
        assert_eq!(said(&[0x7000_0000_0000 + size]), "");
    }
}
