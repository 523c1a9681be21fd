//! What a processor sees of the rest of the machine: memory, devices, time.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use patchbay_isa::Bundle;
use portable_atomic::AtomicU128;

/// A physical address. Bit 63 is the uncacheable attribute and not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhysicalAddress(pub u64);

/// The granule in which RAM is handed out and code changes are noticed, in bytes.
pub const PAGE_SIZE: u64 = 4096;

/// One page of RAM or ROM: [`PAGE_SIZE`] bytes, and a generation word that whatever changes code bumps. All accesses are
/// atomic, because other processors may access the page at any time.
#[derive(Clone, Copy, Debug)]
pub struct RamPage<'a> {
    bytes: NonNull<u8>,
    generation: &'a AtomicU32,
    writable: bool,
}

impl<'a> RamPage<'a> {
    /// A page that processors may write if it is `writable`.
    ///
    /// # Safety
    /// `bytes` is the first of [`PAGE_SIZE`] bytes, aligned to that, which stay mapped and writable for `'a` and are
    /// only accessed atomically. What hands out pages keeps both them and the generation words until it is dropped.
    #[must_use]
    pub const unsafe fn new(bytes: NonNull<u8>, generation: &'a AtomicU32, writable: bool) -> RamPage<'a> {
        RamPage { bytes, generation, writable }
    }

    /// The same page, which processors must not write.
    #[must_use]
    pub const fn read_only(self) -> RamPage<'a> {
        RamPage { writable: false, ..self }
    }

    /// Whether processors may write it.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        self.writable
    }

    /// The host's address of the byte that has this physical address.
    pub(crate) fn host(&self, address: PhysicalAddress) -> *mut u8 {
        // SAFETY: the offset is inside the page.
        unsafe { self.bytes.as_ptr().add(offset(address)) }
    }

    /// Copies bytes out, from `address` on; all of them are in the page.
    ///
    /// # Panics
    /// If they are not.
    pub fn read(&self, address: PhysicalAddress, bytes: &mut [u8]) {
        assert!(offset(address) + bytes.len() <= PAGE_SIZE as usize, "inside the page");
        for (index, byte) in bytes.iter_mut().enumerate() {
            // SAFETY: inside the page, as asserted.
            *byte = unsafe { AtomicU8::from_ptr(self.host(address).add(index)) }.load(Ordering::Relaxed);
        }
    }

    /// Copies bytes in, from `address` on, whether or not processors may write them; all of them are in the page.
    /// Decoded copies of the page's code become stale.
    ///
    /// # Panics
    /// If they are not.
    pub fn write(&self, address: PhysicalAddress, bytes: &[u8]) {
        let start = offset(address);
        assert!(start + bytes.len() <= PAGE_SIZE as usize, "inside the page");
        let store = |at: usize, byte: u8| {
            // SAFETY: inside the page, as asserted.
            unsafe { AtomicU8::from_ptr(self.bytes.as_ptr().add(at)) }.store(byte, Ordering::Relaxed);
        };
        let head = bytes.len().min(start.wrapping_neg() % 8);
        for (index, byte) in bytes[..head].iter().enumerate() {
            store(start + index, *byte);
        }
        let (words, tail) = bytes[head..].as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            // SAFETY: inside the page, as asserted, and aligned: the page is, and `start + head` is a multiple of 8.
            let target = unsafe { AtomicU64::from_ptr(self.bytes.as_ptr().add(start + head + index * 8).cast()) };
            target.store(u64::from_ne_bytes(*word), Ordering::Relaxed);
        }
        for (index, byte) in tail.iter().enumerate() {
            store(start + head + words.len() * 8 + index, *byte);
        }
        self.invalidate();
    }

    /// The bundle around an address, never half of a change of it.
    #[must_use]
    pub fn bundle(&self, address: PhysicalAddress) -> Bundle {
        Bundle(u128::from_le(self.bundle_word(address).load(portable_atomic::Ordering::Acquire)))
    }

    /// Replaces the bundle around an address, if it is `old`; decoded copies of the page's code become stale then.
    ///
    /// # Errors
    /// The bundle that is there instead.
    pub fn exchange_bundle(&self, address: PhysicalAddress, old: Bundle, new: Bundle) -> Result<(), Bundle> {
        use portable_atomic::Ordering::{AcqRel, Acquire};
        let exchanged = self.bundle_word(address).compare_exchange(old.0.to_le(), new.0.to_le(), AcqRel, Acquire);
        exchanged.map_err(|found| Bundle(u128::from_le(found)))?;
        self.invalidate();
        Ok(())
    }

    /// A bundle is aligned to 16 bytes, so that it can be accessed at once.
    fn bundle_word(&self, address: PhysicalAddress) -> &AtomicU128 {
        // SAFETY: 16 aligned bytes inside the page, accessed atomically for as long as `self` says.
        unsafe { &*self.host(PhysicalAddress(address.0 & !0xf)).cast::<AtomicU128>() }
    }

    /// Words in the byte order of the host, from the 8-byte aligned `address` on; all of them are in the page.
    pub(crate) fn words<const N: usize>(&self, address: PhysicalAddress) -> [u64; N] {
        let start = offset(address);
        assert!(start.is_multiple_of(8) && start + 8 * N <= PAGE_SIZE as usize, "inside the page");
        std::array::from_fn(|index| {
            // SAFETY: inside the page, as asserted, and aligned.
            let word = unsafe { AtomicU64::from_ptr(self.bytes.as_ptr().add(start + index * 8).cast()) };
            u64::from_le(word.load(Ordering::Acquire))
        })
    }

    /// Makes decoded copies of the page's code stale. Whoever changes code by other means than this type's calls it
    /// after the change, which whoever then finds the new generation sees.
    pub fn invalidate(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The word that [`RamPage::invalidate`] bumps.
    #[must_use]
    pub const fn generation(&self) -> &'a AtomicU32 {
        self.generation
    }
}

/// The offset of an address in its page.
fn offset(address: PhysicalAddress) -> usize {
    (address.0 % PAGE_SIZE) as usize
}

/// No memory and no device answers at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusError;

/// Physical memory and devices, shared by all processors of a machine. Without more than its RAM, nothing else answers.
pub trait Bus: Send + Sync {
    /// The page of RAM (or ROM) that holds `address`, if it is RAM.
    fn ram(&self, address: PhysicalAddress) -> Option<RamPage<'_>>;

    /// Reads `size` bytes (1, 2, 4 or 8, aligned) that are not RAM, as a little-endian number.
    ///
    /// # Errors
    /// If nothing answers.
    fn read(&self, _address: PhysicalAddress, _size: u8) -> Result<u64, BusError> {
        Err(BusError)
    }

    /// Writes `size` bytes (1, 2, 4 or 8, aligned) that are not RAM.
    ///
    /// # Errors
    /// If nothing answers.
    fn write(&self, _address: PhysicalAddress, _size: u8, _value: u64) -> Result<(), BusError> {
        Err(BusError)
    }

    /// Whether the bundle at this address is a portal: executed at privilege level 0 it leaves the processor with
    /// [`Exit::Portal`](crate::exit::Exit::Portal). Asked once when the bundle is decoded.
    fn portal(&self, _bundle: PhysicalAddress) -> bool {
        false
    }
}

/// The machine's time.
pub trait Clock: Send + Sync {
    /// Interval time counter ticks since the machine started.
    fn ticks(&self) -> u64;
}
