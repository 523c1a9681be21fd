//! Memory for host code: one piece of memory, mapped twice, so that no page is writable and executable at the same
//! address. It is filled from one end to the other and then emptied as a whole.

use std::fs::File;

use memmap2::{Mmap, MmapMut, MmapOptions};
use rustix::fs::{MemfdFlags, memfd_create};

/// Memory for the host code of one processor.
#[derive(Debug)]
pub(super) struct CodeMemory {
    writable: MmapMut,
    executable: Mmap,
    used: usize,
}

/// Host code starts at multiples of this many bytes.
const ALIGNMENT: usize = 16;

impl CodeMemory {
    /// Room for `size` bytes; pages of the host are taken as they are filled. `None` if the host does not allow it.
    pub(super) fn new(size: usize) -> Option<CodeMemory> {
        let file = File::from(memfd_create("patchbay-code", MemfdFlags::CLOEXEC).ok()?);
        file.set_len(size as u64).ok()?;
        // SAFETY: nothing else has the file, so nothing truncates it. What is written through one mapping is only
        // executed through the other, after it was written, and not changed until nothing can execute it.
        let (writable, executable) =
            unsafe { (MmapOptions::new().len(size).map_mut(&file), MmapOptions::new().len(size).map_exec(&file)) };
        Some(CodeMemory { writable: writable.ok()?, executable: executable.ok()?, used: 0 })
    }

    /// The address that the next code will have.
    pub(super) fn next(&self) -> usize {
        self.executable.as_ptr().addr() + self.used
    }

    /// Adds code that was assembled for the address [`CodeMemory::next`]; `None` if there is no room.
    pub(super) fn add(&mut self, code: &[u8]) -> Option<()> {
        let end = self.used.checked_add(code.len())?;
        self.writable.get_mut(self.used..end)?.copy_from_slice(code);
        self.used = end.next_multiple_of(ALIGNMENT);
        Some(())
    }

    /// The bytes in use.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Forgets all code after the first `used` bytes. The caller sees to it that nothing executes it any more.
    pub(super) fn truncate(&mut self, used: usize) {
        self.used = used;
    }
}
