//! What gdb sees at an address: what the guest would load there, but stacked registers that have not been stored yet are
//! seen where they belong on the backing store, because gdb looks for them there. Devices are not touched.

use patchbay_cpu::bus::{PAGE_SIZE, PhysicalAddress, RamPage};
use patchbay_cpu::processor::Processor;

/// The memory at an address, as data or, if it has no translation as such, as code.
fn page(p: &Processor, address: u64) -> Option<(PhysicalAddress, RamPage<'_>)> {
    let of = |physical: PhysicalAddress| Some((physical, p.bus().ram(physical)?));
    p.debug_translate(address).and_then(of).or_else(|| p.debug_translate_code(address).and_then(of))
}

/// The bytes from an address on that are in the same 8-byte word, at most `length`.
fn in_word(address: u64, length: usize) -> usize {
    length.min(8 - (address % 8) as usize)
}

/// Reads bytes from an address on; returns how many there are.
pub(super) fn read(p: &Processor, address: u64, bytes: &mut [u8]) -> usize {
    let mut done = 0;
    while done < bytes.len() {
        let at = address.wrapping_add(done as u64);
        let length = in_word(at, bytes.len() - done);
        let part = &mut bytes[done..done + length];
        if let Some(word) = p.stacked_word(at & !7) {
            let first = (at % 8) as usize;
            part.copy_from_slice(&word.to_le_bytes()[first..first + length]);
        } else if let Some((physical, page)) = page(p, at) {
            // No word crosses a page.
            const { assert!(PAGE_SIZE.is_multiple_of(8)) };
            page.read(physical, part);
        } else {
            break;
        }
        done += length;
    }
    done
}

/// Writes bytes from an address on; `false` if not all of them can be written.
pub(super) fn write(p: &mut Processor, address: u64, bytes: &[u8]) -> bool {
    let mut done = 0;
    while done < bytes.len() {
        let at = address.wrapping_add(done as u64);
        let length = in_word(at, bytes.len() - done);
        let part = &bytes[done..done + length];
        if let Some(word) = p.stacked_word(at & !7) {
            let mut word = word.to_le_bytes();
            let first = (at % 8) as usize;
            word[first..first + length].copy_from_slice(part);
            if !p.set_stacked_word(at & !7, u64::from_le_bytes(word)) {
                return false;
            }
        } else {
            match page(p, at) {
                Some((physical, page)) if page.is_writable() => page.write(physical, part),
                _ => return false,
            }
        }
        done += length;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use patchbay_cpu::flat_machine::{self, FlatMemory};
    use patchbay_cpu::psr::Cfm;

    use super::*;

    #[test]
    fn stacked_registers_are_where_they_belong() {
        let memory = Arc::new(FlatMemory::new(0x1_0000));
        memory.write_bytes(0x7ff8, &[7; 24]).expect("RAM");
        let mut p = flat_machine::processor(memory.clone());
        p.set_bspstore(0x8000);
        assert!(p.set_cfm(Cfm::new().with_sof(2).with_sol(2)));
        p.set_gr(32, 0x1111, false);
        p.set_gr(33, 0x2222, false);
        let mut bytes = [0; 32];
        assert_eq!(read(&p, 0x7ff8, &mut bytes), 32);
        let words: Vec<u64> =
            bytes.chunks(8).map(|word| u64::from_le_bytes(word.try_into().expect("8 bytes"))).collect();
        assert_eq!(words, [0x0707_0707_0707_0707, 0x1111, 0x2222, 0]);
        assert!(write(&mut p, 0x800a, &[0x33]));
        assert_eq!((p.gr(33), memory.read_bytes(0x800a, &mut bytes[..1]).map(|()| bytes[0])), (0x33_2222, Ok(7)));
        assert!(write(&mut p, 0x7ffc, &[1, 2, 3, 4, 5]));
        assert_eq!(p.gr(32), 0x1105);
    }

    #[test]
    fn what_is_no_memory_ends_a_read() {
        let mut p = flat_machine::processor(Arc::new(FlatMemory::new(0x1_0000)));
        assert_eq!(read(&p, 0xfffc, &mut [0; 16]), 4);
        assert_eq!(read(&p, 0x10_0000, &mut [0; 16]), 0);
        assert!(!write(&mut p, 0xfffc, &[0; 16]));
    }
}
