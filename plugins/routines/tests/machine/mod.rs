//! A virtual processor whose host only notes what routines ask of it.

use std::ffi::c_void;
use std::sync::OnceLock;

use patchbay_plugin_api::prelude::*;
use patchbay_plugin_api::services::{Services, ServicesRef};
use patchbay_plugin_api::vp::RawVp;
use patchbay_plugin_api::vpd::Vpd;

/// What a routine asked of the host last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Asked {
    Nothing,
    Emulate(Instruction),
    Raise(Fault),
    SetPsr(u64),
    WriteCr(u32, u64),
    WriteIndexed(File, u64, u64),
    Cover,
    Rfi,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Machine {
    pub(crate) gr: [u64; 128],
    pub(crate) nat: [u64; 2],
    pub(crate) pr: u64,
    pub(crate) br: [u64; 8],
    pub(crate) psr: u64,
    pub(crate) cfm: u64,
    pub(crate) vpd: Box<Vpd>,
    pub(crate) asked: Asked,
}

/// PSR.ic, i, bn and vm, which are 1 while a guest runs, and dt, rt, it.
pub(crate) const GUEST: u64 = 1 << 13 | 1 << 14 | 1 << 44 | 1 << 46 | 1 << 17 | 1 << 27 | 1 << 36;

impl Machine {
    /// A guest kernel with a frame of 8 registers. Each register holds 0x100 and its number.
    pub(crate) fn new() -> Machine {
        let vpd = Vpd {
            vpsr: 1 << 44,
            vcr: std::array::from_fn(|number| 0xc00 + number as u64),
            vbank: std::array::from_fn(|number| 0xb00 + number as u64),
            vbank_nat: 0,
            vcpuid: [1, 2, 3, 4, 5],
            vitc_offset: 0,
            virr: [0; 4],
            vin_service: [0; 4],
        };
        Machine {
            gr: std::array::from_fn(|number| if number == 0 { 0 } else { 0x100 + number as u64 }),
            nat: [0; 2],
            pr: 1,
            br: [0; 8],
            psr: GUEST,
            cfm: 8,
            vpd: Box::new(vpd),
            asked: Asked::Nothing,
        }
    }

    /// Runs a routine.
    pub(crate) fn run(&mut self, routine: &Routine, instruction: &Instruction) -> Outcome {
        let host = (&raw mut self.asked).cast::<c_void>();
        let mut vp = RawVp {
            gr: self.gr.as_mut_ptr(),
            nat: self.nat.as_mut_ptr(),
            pr: &raw mut self.pr,
            br: self.br.as_mut_ptr(),
            psr: &raw const self.psr,
            cfm: &raw const self.cfm,
            vpd: &raw mut *self.vpd,
            services: services(),
            host,
            ip: 0x4000,
            reserved: [0; 2],
        };
        // SAFETY: all pointers are to this machine, which nothing else uses.
        unsafe { routine.call(&raw mut vp, routine.fixups(), instruction) }
    }
}

/// An instruction of a mnemonic, with r1 = r10, r2 = r11, r3 = r12.
pub(crate) fn instruction(mnemonic: Mnemonic) -> Instruction {
    let has = |attribute, value| if mnemonic.operands().contains(attribute) { value } else { 0 };
    Instruction {
        bits: 0,
        immediate: 0,
        mnemonic: mnemonic as u16,
        cause: 0,
        unit: 0,
        slot: 0,
        template: 0,
        qp: 0,
        r1: has(Attributes::R1, 10),
        r2: has(Attributes::R2, 11),
        r3: has(Attributes::R3, 12),
        register: 0,
        reserved: 0,
    }
}

/// The routine that is specialised to an instruction.
pub(crate) fn specialised(instruction: &Instruction) -> Routine {
    let operands = instruction.mnemonic().unwrap().operands();
    patchbay_routines::build(&ClassKey::new(instruction, operands)).unwrap()
}

/// The routine for all instructions of the mnemonic.
pub(crate) fn general(instruction: &Instruction) -> Routine {
    patchbay_routines::build(&ClassKey::new(instruction, Attributes::NONE)).unwrap()
}

fn services() -> ServicesRef {
    static SERVICES: OnceLock<ServicesRef> = OnceLock::new();
    *SERVICES.get_or_init(|| {
        Services {
            emulate,
            raise,
            redirect,
            itc,
            set_psr,
            read_cr,
            write_cr,
            read_ar,
            write_ar,
            read_indexed,
            write_indexed,
            thash,
            ttag,
            cover,
            rfi,
            read_memory,
            write_memory,
        }
        .publish()
    })
}

unsafe fn ask(host: *mut c_void, asked: Asked) {
    // SAFETY: `host` is what `run` made it.
    unsafe { *host.cast::<Asked>() = asked }
}

unsafe extern "C" fn emulate(host: *mut c_void, instruction: *const Instruction) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::Emulate(*instruction)) };
    Outcome::SERIALIZE
}

unsafe extern "C" fn raise(host: *mut c_void, fault: Fault) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::Raise(fault)) };
    Outcome::REDIRECTED
}

unsafe extern "C" fn redirect(_: *mut c_void, _: u64, _: u32) -> Outcome {
    Outcome::REDIRECTED
}

unsafe extern "C" fn itc(_: *mut c_void) -> u64 {
    0x17c
}

unsafe extern "C" fn set_psr(host: *mut c_void, psr: u64) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::SetPsr(psr)) };
    Outcome::SERIALIZE
}

unsafe extern "C" fn read_cr(_: *mut c_void, number: u32) -> u64 {
    0xcc00 + u64::from(number)
}

unsafe extern "C" fn write_cr(host: *mut c_void, number: u32, value: u64) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::WriteCr(number, value)) };
    Outcome::NEXT
}

unsafe extern "C" fn read_ar(_: *mut c_void, _: u32) -> u64 {
    0
}

unsafe extern "C" fn write_ar(_: *mut c_void, _: u32, _: u64) -> Outcome {
    Outcome::NEXT
}

/// A file has 16 registers.
unsafe extern "C" fn read_indexed(host: *mut c_void, file: File, index: u64, value: *mut u64) -> Outcome {
    if index >= 16 {
        // SAFETY: the routine's arguments are valid.
        return unsafe { raise(host, Fault::RESERVED_REGISTER_FIELD) };
    }
    // SAFETY: the routine's arguments are valid.
    unsafe { *value = u64::from(file.0) << 8 | index };
    Outcome::NEXT
}

unsafe extern "C" fn write_indexed(host: *mut c_void, file: File, index: u64, value: u64) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::WriteIndexed(file, index, value)) };
    Outcome::SERIALIZE
}

unsafe extern "C" fn thash(_: *mut c_void, address: u64) -> u64 {
    address ^ 0xa5a5
}

unsafe extern "C" fn ttag(_: *mut c_void, address: u64) -> u64 {
    address ^ 0x7a6
}

unsafe extern "C" fn cover(host: *mut c_void) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::Cover) };
    Outcome::SERIALIZE
}

unsafe extern "C" fn rfi(host: *mut c_void) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::Rfi) };
    Outcome::REDIRECTED
}

unsafe extern "C" fn read_memory(_: *mut c_void, _: u64, _: *mut u8, _: usize) -> bool {
    false
}

unsafe extern "C" fn write_memory(_: *mut c_void, _: u64, _: *const u8, _: usize) -> bool {
    false
}
