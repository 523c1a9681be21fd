//! What one access loads or stores, and how the host does that. Every access to guest memory is atomic for the host, so
//! that a race in the guest is none in the host.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use portable_atomic::AtomicU128;

/// Something that one access loads or stores: `u8` to `u64`, pairs of `u32` and `u64` (`ldfp`; the element at the lower
/// address first), [`Spill`], [`Extended`], [`Sixteen`].
pub trait Datum: Copy + Default {
    /// Bytes accessed.
    const SIZE: u8;
    /// The alignment that lets them be accessed at once, a power of two.
    const ALIGN: u64 = Self::SIZE as u64;
    /// Not being so aligned is a fault whatever PSR.ac.
    const STRICT: bool = false;
    /// Only cacheable pages with write-back policy let it be accessed.
    const WRITE_BACK: bool = false;

    /// Loads it.
    ///
    /// # Safety
    /// `host` points to [`Datum::ALIGN`] aligned bytes of guest memory. `order` is `Relaxed` or `Acquire`.
    unsafe fn load(host: *mut u8, order: Ordering) -> Self;

    /// Stores it.
    ///
    /// # Safety
    /// `host` points to [`Datum::ALIGN`] aligned bytes of guest memory that may be written. `order` is `Relaxed` or
    /// `Release`.
    unsafe fn store(self, host: *mut u8, order: Ordering);

    /// It in the other byte order.
    #[must_use]
    fn swapped(self) -> Self;

    /// It from its bytes in little-endian memory, [`Datum::SIZE`] of them.
    fn from_bytes(bytes: [u8; 16]) -> Self;

    /// Its bytes in little-endian memory.
    fn to_bytes(self) -> [u8; 16];
}

/// An integer that a semaphore instruction can work on: `u8` to `u64`.
pub trait Integer: Datum + Eq + Into<u64> {
    /// The low bits of a register.
    fn low_bits(value: u64) -> Self;

    /// Exchanges it.
    ///
    /// # Safety
    /// As for [`Datum::store`]; any `order`.
    unsafe fn exchange(host: *mut u8, value: Self, order: Ordering) -> Self;

    /// Exchanges it if it is `expected`; the old value.
    ///
    /// # Safety
    /// As for [`Datum::store`]; any `order`.
    unsafe fn compare_exchange(host: *mut u8, expected: Self, value: Self, order: Ordering) -> Self;

    /// Adds to it, in the host's byte order.
    ///
    /// # Safety
    /// As for [`Datum::store`]; any `order`.
    unsafe fn fetch_add(host: *mut u8, increment: Self, order: Ordering) -> Self;
}

/// The order of a failed compare-exchange.
fn failure(order: Ordering) -> Ordering {
    if order == Ordering::Acquire { Ordering::Acquire } else { Ordering::Relaxed }
}

macro_rules! integer {
    ($type:ty, $atomic:ty) => {
        impl Datum for $type {
            const SIZE: u8 = size_of::<$type>() as u8;

            #[inline(always)]
            unsafe fn load(host: *mut u8, order: Ordering) -> $type {
                // SAFETY: the caller's.
                <$type>::from_le(unsafe { <$atomic>::from_ptr(host.cast()) }.load(order))
            }

            #[inline(always)]
            unsafe fn store(self, host: *mut u8, order: Ordering) {
                // SAFETY: the caller's.
                unsafe { <$atomic>::from_ptr(host.cast()) }.store(self.to_le(), order);
            }

            #[inline(always)]
            fn swapped(self) -> $type {
                self.swap_bytes()
            }

            fn from_bytes(bytes: [u8; 16]) -> $type {
                u128::from_le_bytes(bytes) as $type
            }

            fn to_bytes(self) -> [u8; 16] {
                u128::from(self).to_le_bytes()
            }
        }

        impl Integer for $type {
            fn low_bits(value: u64) -> $type {
                value as $type
            }

            #[inline(always)]
            unsafe fn exchange(host: *mut u8, value: $type, order: Ordering) -> $type {
                // SAFETY: the caller's.
                <$type>::from_le(unsafe { <$atomic>::from_ptr(host.cast()) }.swap(value.to_le(), order))
            }

            #[inline(always)]
            unsafe fn compare_exchange(host: *mut u8, expected: $type, value: $type, order: Ordering) -> $type {
                // SAFETY: the caller's.
                let atomic = unsafe { <$atomic>::from_ptr(host.cast()) };
                let (Ok(old) | Err(old)) =
                    atomic.compare_exchange(expected.to_le(), value.to_le(), order, failure(order));
                <$type>::from_le(old)
            }

            #[inline(always)]
            unsafe fn fetch_add(host: *mut u8, increment: $type, order: Ordering) -> $type {
                const { assert!(cfg!(target_endian = "little")) };
                // SAFETY: the caller's.
                unsafe { <$atomic>::from_ptr(host.cast()) }.fetch_add(increment, order)
            }
        }
    };
}

integer!(u8, AtomicU8);
integer!(u16, AtomicU16);
integer!(u32, AtomicU32);
integer!(u64, AtomicU64);

/// 16 bytes as one number: `ldf.fill`, `stf.spill`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spill(pub u128);

/// 10 bytes as one number: `ldfe`, `stfe`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extended(pub u128);

/// 16 bytes accessed at once, the 8 bytes at the lower address first: `ld16`, `st16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sixteen(pub [u64; 2]);

impl Datum for [u32; 2] {
    const SIZE: u8 = 8;

    #[inline(always)]
    unsafe fn load(host: *mut u8, order: Ordering) -> [u32; 2] {
        // SAFETY: the caller's.
        let word = unsafe { <u64 as Datum>::load(host, order) };
        [word as u32, (word >> 32) as u32]
    }

    #[inline(always)]
    unsafe fn store(self, host: *mut u8, order: Ordering) {
        // SAFETY: the caller's.
        unsafe { (u64::from(self[0]) | u64::from(self[1]) << 32).store(host, order) }
    }

    fn swapped(self) -> [u32; 2] {
        self.map(u32::swap_bytes)
    }

    fn from_bytes(bytes: [u8; 16]) -> [u32; 2] {
        let word = u64::from_bytes(bytes);
        [word as u32, (word >> 32) as u32]
    }

    fn to_bytes(self) -> [u8; 16] {
        (u64::from(self[0]) | u64::from(self[1]) << 32).to_bytes()
    }
}

/// Two words from 16 aligned bytes.
///
/// # Safety
/// As for [`Datum::load`].
#[inline(always)]
unsafe fn load_words(host: *mut u8, order: Ordering) -> [u64; 2] {
    // SAFETY: the caller's; the second word follows the first.
    unsafe { [<u64 as Datum>::load(host, order), <u64 as Datum>::load(host.add(8), order)] }
}

fn join(words: [u64; 2]) -> u128 {
    u128::from(words[0]) | u128::from(words[1]) << 64
}

fn split(value: u128) -> [u64; 2] {
    [value as u64, (value >> 64) as u64]
}

impl Datum for [u64; 2] {
    const SIZE: u8 = 16;

    #[inline(always)]
    unsafe fn load(host: *mut u8, order: Ordering) -> [u64; 2] {
        // SAFETY: the caller's.
        unsafe { load_words(host, order) }
    }

    #[inline(always)]
    unsafe fn store(self, host: *mut u8, order: Ordering) {
        // SAFETY: the caller's; the second word follows the first.
        unsafe {
            self[0].store(host, order);
            self[1].store(host.add(8), order);
        }
    }

    fn swapped(self) -> [u64; 2] {
        self.map(u64::swap_bytes)
    }

    fn from_bytes(bytes: [u8; 16]) -> [u64; 2] {
        split(u128::from_le_bytes(bytes))
    }

    fn to_bytes(self) -> [u8; 16] {
        join(self).to_le_bytes()
    }
}

impl Datum for Spill {
    const SIZE: u8 = 16;

    #[inline(always)]
    unsafe fn load(host: *mut u8, order: Ordering) -> Spill {
        // SAFETY: the caller's.
        Spill(join(unsafe { load_words(host, order) }))
    }

    #[inline(always)]
    unsafe fn store(self, host: *mut u8, order: Ordering) {
        // SAFETY: the caller's.
        unsafe { split(self.0).store(host, order) }
    }

    fn swapped(self) -> Spill {
        Spill(self.0.swap_bytes())
    }

    fn from_bytes(bytes: [u8; 16]) -> Spill {
        Spill(u128::from_le_bytes(bytes))
    }

    fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

impl Extended {
    const MASK: u128 = (1 << 80) - 1;
}

impl Datum for Extended {
    const SIZE: u8 = 10;
    const ALIGN: u64 = 16;
    const WRITE_BACK: bool = true;

    #[inline(always)]
    unsafe fn load(host: *mut u8, order: Ordering) -> Extended {
        // SAFETY: the caller's.
        Extended(join(unsafe { load_words(host, order) }) & Extended::MASK)
    }

    #[inline(always)]
    unsafe fn store(self, host: *mut u8, order: Ordering) {
        let [low, high] = split(self.0);
        // SAFETY: the caller's.
        unsafe {
            low.store(host, order);
            (high as u16).store(host.add(8), order);
        }
    }

    fn swapped(self) -> Extended {
        Extended(self.0.swap_bytes() >> 48)
    }

    fn from_bytes(bytes: [u8; 16]) -> Extended {
        Extended(u128::from_le_bytes(bytes) & Extended::MASK)
    }

    fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

impl Datum for Sixteen {
    const SIZE: u8 = 16;
    const STRICT: bool = true;
    const WRITE_BACK: bool = true;

    #[inline(always)]
    unsafe fn load(host: *mut u8, order: Ordering) -> Sixteen {
        // SAFETY: the caller's.
        Sixteen(split(u128::from_le(unsafe { AtomicU128::from_ptr(host.cast()) }.load(order))))
    }

    #[inline(always)]
    unsafe fn store(self, host: *mut u8, order: Ordering) {
        // SAFETY: the caller's.
        unsafe { AtomicU128::from_ptr(host.cast()) }.store(join(self.0).to_le(), order);
    }

    fn swapped(self) -> Sixteen {
        Sixteen(self.0.swapped())
    }

    fn from_bytes(bytes: [u8; 16]) -> Sixteen {
        Sixteen(<[u64; 2]>::from_bytes(bytes))
    }

    fn to_bytes(self) -> [u8; 16] {
        self.0.to_bytes()
    }
}

impl Sixteen {
    /// Exchanges 16 bytes if the word at index `at` is `expected`; the old word.
    ///
    /// # Safety
    /// `host` points to 16 aligned bytes of guest memory that may be written.
    pub(super) unsafe fn compare_exchange(
        host: *mut u8,
        at: usize,
        expected: u64,
        value: [u64; 2],
        order: Ordering,
    ) -> u64 {
        // SAFETY: the caller's.
        let atomic = unsafe { AtomicU128::from_ptr(host.cast()) };
        let mut old = atomic.load(failure(order));
        loop {
            let word = split(u128::from_le(old))[at];
            if word != expected {
                return word;
            }
            match atomic.compare_exchange(old, join(value).to_le(), order, failure(order)) {
                Ok(_) => return word,
                Err(changed) => old = changed,
            }
        }
    }
}
