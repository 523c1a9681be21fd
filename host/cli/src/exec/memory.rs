//! The memory of a program: RAM at every physical address, there when it is touched.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use patchbay_cpu::bus::{Bus, BusError, PhysicalAddress, RamPage};
use patchbay_cpu::flat_machine::FlatMemory;

/// The size of the physical address space, in bytes.
pub const SIZE: u64 = 1 << 50;
/// How much of it a program can touch, in bytes.
pub const MOST: u64 = 256 << 20;

/// Memory comes in pieces of this many bytes.
const PIECE: u64 = 64 << 10;
/// The pieces are the leaves of a tree of three levels, each of which takes so many bits of their number.
const BITS: [u32; 3] = [12, 11, 11];

const _: () = assert!(PIECE << (BITS[0] + BITS[1] + BITS[2]) == SIZE);

/// What can be found by a number below a power of two, and is made when it is first looked for. It never goes.
struct Level<T>(Box<[OnceLock<T>]>);

impl<T> Level<T> {
    fn new(bits: u32) -> Level<T> {
        Level((0..1u64 << bits).map(|_| OnceLock::new()).collect())
    }
}

/// RAM at every physical address, zero where nothing was written. Nothing answers at a piece of it that would be more
/// than [`MOST`].
pub struct SparseMemory {
    root: Level<Level<Level<FlatMemory>>>,
    touched: AtomicU64,
}

impl Default for SparseMemory {
    fn default() -> SparseMemory {
        SparseMemory { root: Level::new(BITS[0]), touched: AtomicU64::new(0) }
    }
}

impl SparseMemory {
    /// The piece that holds an address.
    fn piece(&self, address: u64) -> Option<&FlatMemory> {
        let number = address / PIECE;
        let first = usize::try_from(number >> (BITS[1] + BITS[2])).ok()?;
        let second = usize::try_from(number >> BITS[2]).ok()? % (1 << BITS[1]);
        let third = usize::try_from(number).ok()? % (1 << BITS[2]);
        let middle = self.root.0.get(first)?.get_or_init(|| Level::new(BITS[1]));
        let piece = &middle.0[second].get_or_init(|| Level::new(BITS[2])).0[third];
        if piece.get().is_none() && self.touched.fetch_add(PIECE, Ordering::Relaxed) >= MOST {
            return None;
        }
        Some(piece.get_or_init(|| FlatMemory::new(PIECE)))
    }

    /// Reads bytes from an address on.
    ///
    /// # Errors
    /// If some of them do not exist.
    pub fn read_bytes(&self, address: u64, bytes: &mut [u8]) -> Result<(), BusError> {
        let mut at = address;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_mut(to_end_of_piece(at, rest.len()));
            self.piece(at).ok_or(BusError)?.read_bytes(at % PIECE, now)?;
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }

    /// Writes bytes from an address on.
    ///
    /// # Errors
    /// If some of them do not exist.
    pub fn write_bytes(&self, address: u64, bytes: &[u8]) -> Result<(), BusError> {
        let mut at = address;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(to_end_of_piece(at, rest.len()));
            self.piece(at).ok_or(BusError)?.write_bytes(at % PIECE, now)?;
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }
}

/// How much memory these bytes, each at an address, touch.
#[must_use]
pub fn size_of(contents: &[(u64, Vec<u8>)]) -> u64 {
    let pieces =
        contents.iter().flat_map(|(address, bytes)| address / PIECE..(address + bytes.len() as u64).div_ceil(PIECE));
    pieces.collect::<BTreeSet<u64>>().len() as u64 * PIECE
}

/// How many of `length` bytes from an address on are in the same piece.
fn to_end_of_piece(address: u64, length: usize) -> usize {
    usize::try_from(PIECE - address % PIECE).map_or(length, |left| left.min(length))
}

impl Bus for SparseMemory {
    fn ram(&self, address: PhysicalAddress) -> Option<RamPage<'_>> {
        // Bit 63 is an attribute.
        let address = address.0 & !(1 << 63);
        self.piece(address)?.ram(PhysicalAddress(address % PIECE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_ram() {
        let memory = SparseMemory::default();
        for address in [0, PIECE - 3, (4 << 30) - 5, SIZE - 8] {
            memory.write_bytes(address, &[1, 2, 3, 4, 5, 6, 7, 8]).expect("RAM");
            let mut bytes = [0; 8];
            memory.read_bytes(address, &mut bytes).expect("RAM");
            assert_eq!(bytes, [1, 2, 3, 4, 5, 6, 7, 8]);
            assert!(memory.ram(PhysicalAddress(address | 1 << 63)).is_some());
        }
        assert!(memory.ram(PhysicalAddress(SIZE)).is_none());
        assert_eq!(memory.write_bytes(SIZE - 4, &[0; 8]), Err(BusError));
    }

    #[test]
    fn a_program_touches_so_much_and_no_more() {
        let memory = SparseMemory::default();
        let pieces = MOST / PIECE;
        assert!((0..pieces).all(|piece| memory.ram(PhysicalAddress(piece * PIECE * 16)).is_some()));
        assert!(memory.ram(PhysicalAddress(SIZE - 1)).is_none());
        assert!(memory.ram(PhysicalAddress(0)).is_some());
    }
}
