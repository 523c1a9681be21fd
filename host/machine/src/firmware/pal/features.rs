//! What PAL tells of registers, features and the processor's identity.

use super::{DONE, INVALID_ARGUMENT, OK};
use crate::firmware::call::Call;

/// `PAL_DEBUG_INFO`: pairs of instruction and of data breakpoint registers.
pub(super) const DEBUG: [u64; 4] = [OK, 4, 4, 0];

/// `PAL_RSE_INFO`: physical stacked registers; no eager mode.
pub(super) const RSE: [u64; 4] = [OK, 96, 0, 0];

/// `PAL_VERSION`: minimum and current, PAL_A and PAL_B 1.0.
pub(super) const VERSION: [u64; 4] = [OK, 0x0100_0000_0100, 0x0100_0000_0100, 0];

/// `PAL_VP_ENV_INFO`: the size of the buffer; a virtualization fault tells its opcode and cause.
pub(super) const VIRTUAL_ENVIRONMENT: [u64; 4] = [OK, 0x1_0000, 0b11, 0];

/// `PAL_PROC_GET_FEATURES(reserved, set)`: set 0 has no feature that can be changed.
pub(super) fn processor(set: u64) -> [u64; 4] {
    const NO_SUCH_SET: u64 = -8_i64 as u64;
    if set == 0 { DONE } else { [NO_SUCH_SET, 0, 0, 0] }
}

/// `PAL_REGISTER_INFO(request)`: bit n is register n; requests 1 and 3 leave out those whose reading has an effect.
pub(super) fn registers(request: u64) -> [u64; 4] {
    const APPLICATION: [u64; 2] =
        [0xff | 0xf << 16 | 1 << 21 | 0x7f << 24 | 1 << 32 | 1 << 36 | 1 << 40 | 0b11 << 44, 0b111];
    const CONTROL: [u64; 2] = [0b111 | 1 << 8 | 0b11 << 16 | 0x7f << 19, 0xff | 0b111 << 8 | 0b11 << 16];
    const IVR: u64 = 1 << 1;
    match request {
        0 | 1 => [OK, APPLICATION[0], APPLICATION[1], 0],
        2 => [OK, CONTROL[0], CONTROL[1], 0],
        3 => [OK, CONTROL[0], CONTROL[1] & !IVR, 0],
        _ => [INVALID_ARGUMENT, 0, 0, 0],
    }
}

/// `PAL_PERF_MON_INFO(buffer)`: four masks of 256 registers: those that exist, then the monitors that count cycles
/// and retired instructions.
pub(super) fn performance_monitors(call: &Call, buffer: u64) -> [u64; 4] {
    const GENERIC: u64 = 4;
    const WIDTH: u64 = 47;
    const CYCLES: u64 = 0x12;
    const RETIRED: u64 = 0x08;
    let mut masks = [0; 128];
    for mask in [0, 32, 64, 96] {
        masks[mask] = 0xf0;
    }
    // PMC0-PMC3 tell overflow.
    masks[0] |= 0x0f;
    match call.write(buffer, &masks) {
        Ok(()) => [OK, GENERIC | WIDTH << 8 | CYCLES << 16 | RETIRED << 24, 0, 0],
        Err(_) => [INVALID_ARGUMENT, 0, 0, 0],
    }
}

/// `PAL_BRAND_INFO(request, buffer)`
pub(super) fn brand(call: &Call, request: u64, buffer: u64) -> [u64; 4] {
    const NAME: &[u8; 128] = &{
        let mut name = [0; 128];
        let text = b"Patchbay IA-64 processor";
        let mut index = 0;
        while index < text.len() {
            name[index] = text[index];
            index += 1;
        }
        name
    };
    if request != 0 || call.write(buffer, NAME).is_err() {
        return [INVALID_ARGUMENT, 0, 0, 0];
    }
    DONE
}

/// `PAL_LOGICAL_TO_PHYSICAL(processor)`: one thread of one core a package.
pub(super) fn logical_to_physical(processor: u64, own: usize) -> [u64; 4] {
    if processor != 0 && processor != u64::MAX {
        return [INVALID_ARGUMENT, 0, 0, 0];
    }
    let overview = 1 | 1 << 16 | 1 << 32 | (own as u64) << 48;
    [OK, overview, 0, own as u64]
}

/// `PAL_HALT_INFO(buffer)`: eight states, of which the first, the light halt, keeps caches and TLBs coherent.
pub(super) fn halt(call: &Call, buffer: u64) -> [u64; 4] {
    const IMPLEMENTED: u64 = 1 << 60;
    const COHERENT: u64 = 1 << 61;
    let mut states = [0; 64];
    states[..8].copy_from_slice(&(IMPLEMENTED | COHERENT).to_le_bytes());
    match call.write(buffer, &states) {
        Ok(()) => DONE,
        Err(_) => [INVALID_ARGUMENT, 0, 0, 0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware::call::tests::call as make;
    use crate::memory::Memory;

    const BUFFER: u64 = 0x20_0000;

    /// SDM 1:28, 2:29: ar.k0-k7, rsc-rnat, fcr, eflag-fdr, ccv, unat, fpsr, itc, ruc; pfs, lc, ec. cr.ivr has a read
    /// effect.
    #[test]
    fn register_masks_name_the_architected_registers() {
        let [_, low, high, _] = registers(0);
        let numbers: Vec<u32> = (0..64).filter(|bit| low >> bit & 1 != 0).collect();
        assert_eq!(
            numbers,
            [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 21, 24, 25, 26, 27, 28, 29, 30, 32, 36, 40, 44, 45]
        );
        assert_eq!(high, 0b111);
        let [_, low, high, _] = registers(2);
        let numbers: Vec<u32> = (0..64).filter(|bit| low >> bit & 1 != 0).collect();
        assert_eq!(numbers, [0, 1, 2, 8, 16, 17, 19, 20, 21, 22, 23, 24, 25]);
        let numbers: Vec<u32> = (64..128).filter(|bit| high >> (bit - 64) & 1 != 0).collect();
        assert_eq!(numbers, [64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 80, 81]);
        assert_eq!(registers(3)[2], high & !2);
    }

    #[test]
    fn buffers_are_filled_or_refused() {
        let memory = Memory::new(64 << 20).unwrap();
        let call = make(&memory, &[]);
        assert_eq!(brand(&call, 0, BUFFER)[0], 0);
        let mut text = [0; 8];
        call.read(BUFFER, &mut text).unwrap();
        assert_eq!(&text, b"Patchbay");
        assert_eq!(halt(&call, BUFFER)[0], 0);
        assert_eq!(call.read_u64(BUFFER).unwrap() >> 60, 0b11);
        assert_eq!(performance_monitors(&call, BUFFER)[1] & 0xff, 4);
        for refused in [brand(&call, 0, 1 << 50), halt(&call, 1 << 50), performance_monitors(&call, 1 << 50)] {
            assert_eq!(refused[0] as i64, -2);
        }
    }
}
