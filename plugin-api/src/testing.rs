//! A virtual processor without a host, for the tests of routines: it holds registers and a VPD, and notes what a routine
//! asks of the host.
//!
//! ```
//! use patchbay_plugin_api::prelude::*;
//! use patchbay_plugin_api::testing::{self, TestVp};
//!
//! let routine = Routine::new(
//!     |vp, _, instruction| {
//!         vp.check_target(instruction.r1)?;
//!         vp.set_gr(instruction.r1, 42);
//!         Ok(())
//!     },
//!     Fixups::default(),
//! )
//! .with_site();
//! let mut instruction = testing::instruction(Mnemonic::MovFromPsr);
//! let mut vp = TestVp::new();
//! assert_eq!(vp.run(&routine, &instruction), Outcome::NEXT);
//! assert_eq!(vp.gr[10], 42);
//! instruction.r1 = 0;
//! assert_eq!(vp.run(&routine, &instruction), Outcome::REDIRECTED);
//! assert_eq!(vp.asked, Asked::Raise(Fault::ILLEGAL_OPERATION));
//! # use patchbay_plugin_api::testing::Asked;
//! ```

use core::ffi::c_void;
use std::sync::OnceLock;

use crate::class::Attributes;
use crate::host::Host;
use crate::instruction::{Instruction, Mnemonic};
use crate::routines::Routine;
use crate::services::{Services, ServicesRef};
use crate::vp::{Fault, File, Outcome, RawVp};
use crate::vpd::{Vpd, vpsr};

/// What a routine asked of the host last, but for reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the methods of `Vp`")]
pub enum Asked {
    Nothing,
    Emulate(Instruction),
    Raise(Fault),
    Redirect(u64, u8),
    SetPsr(u64),
    WriteCr(u8, u64),
    WriteAr(u8, u64),
    WriteIndexed(File, u64, u64),
    Cover,
    Rfi,
}

/// A virtual processor. What its host reads is made up: ar.itc is 0x17c, a control register 0xcc00 and an application
/// register 0xaa00 more than its number, an indexed register 0x100 times its file's number and its own, of which there
/// are 16; `thash` flips the bits 0xa5a5 of an address, and `ttag` 0x7a6. It has no memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestVp {
    /// The general registers.
    pub gr: [u64; 128],
    /// Their NaT bits.
    pub nat: [u64; 2],
    /// The predicates.
    pub pr: u64,
    /// The branch registers.
    pub br: [u64; 8],
    /// The machine's PSR.
    pub psr: u64,
    /// The current frame marker.
    pub cfm: u64,
    /// The address of the bundle.
    pub ip: u64,
    /// The virtual processor descriptor.
    pub vpd: Box<Vpd>,
    /// The number of its virtual machine.
    pub vm: u32,
    /// Its own number.
    pub number: u32,
    /// What the routine asked of the host.
    pub asked: Asked,
}

impl TestVp {
    /// The machine's PSR of a guest kernel with address translation: ic, i, bn and vm, which are 1 while a guest runs,
    /// and dt, rt and it.
    pub const PSR: u64 = vpsr::IC | vpsr::I | vpsr::BN | vpsr::VM | 1 << 17 | 1 << 27 | 1 << 36;

    /// A guest kernel in bank 1, with vpsr.ic and i 0 and a frame of 8 registers, r32 to r39. General registers hold 0x100
    /// more than their number, control registers 0xc00 and the other bank's 0xb00.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is not the only useful one")]
    pub fn new() -> TestVp {
        let vpd = Vpd {
            vpsr: vpsr::BN,
            vcr: core::array::from_fn(|number| 0xc00 + number as u64),
            vbank: core::array::from_fn(|number| 0xb10 + number as u64),
            vbank_nat: 0,
            vcpuid: [1, 2, 3, 4, 5],
            vitc_offset: 0,
            virr: [0; 4],
            vin_service: [0; 4],
        };
        TestVp {
            gr: core::array::from_fn(|number| if number == 0 { 0 } else { 0x100 + number as u64 }),
            nat: [0; 2],
            pr: 1,
            br: [0; 8],
            psr: Self::PSR,
            cfm: 8,
            ip: 0x4000,
            vpd: Box::new(vpd),
            vm: 0,
            number: 0,
            asked: Asked::Nothing,
        }
    }

    /// Runs a routine.
    pub fn run(&mut self, routine: &Routine, instruction: &Instruction) -> Outcome {
        let mut vp = RawVp {
            gr: self.gr.as_mut_ptr(),
            nat: self.nat.as_mut_ptr(),
            pr: &raw mut self.pr,
            br: self.br.as_mut_ptr(),
            psr: &raw const self.psr,
            cfm: &raw const self.cfm,
            vpd: &raw mut *self.vpd,
            services: services(),
            host: (&raw mut self.asked).cast(),
            ip: self.ip,
            reserved: RawVp::identity(self.vm, self.number),
        };
        // SAFETY: all pointers are to this processor, which nothing else uses.
        unsafe { routine.call(&raw mut vp, routine.fixups(), instruction) }
    }
}

/// An instruction with r1 = r10, r2 = r11, r3 = r12 where its mnemonic has them; all else is 0.
#[must_use]
pub fn instruction(mnemonic: Mnemonic) -> Instruction {
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

/// A host for `create` that keeps no log.
#[must_use]
pub fn host() -> Host {
    Host::new(0, |_, _, _| ())
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

/// # Safety
/// `host` is what [`TestVp::run`] made it.
unsafe fn ask(host: *mut c_void, asked: Asked, outcome: Outcome) -> Outcome {
    // SAFETY: the caller vouches for it.
    unsafe { *host.cast::<Asked>() = asked };
    outcome
}

/// The number of a slot or a register, which has 8 bits.
fn low_byte(number: u32) -> u8 {
    number.to_le_bytes()[0]
}

unsafe extern "C" fn emulate(host: *mut c_void, instruction: *const Instruction) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::Emulate(*instruction), Outcome::SERIALIZE) }
}

unsafe extern "C" fn raise(host: *mut c_void, fault: Fault) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::Raise(fault), Outcome::REDIRECTED) }
}

unsafe extern "C" fn redirect(host: *mut c_void, ip: u64, slot: u32) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::Redirect(ip, low_byte(slot)), Outcome::REDIRECTED) }
}

unsafe extern "C" fn itc(_: *mut c_void) -> u64 {
    0x17c
}

unsafe extern "C" fn set_psr(host: *mut c_void, psr: u64) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::SetPsr(psr), Outcome::SERIALIZE) }
}

unsafe extern "C" fn read_cr(_: *mut c_void, number: u32) -> u64 {
    0xcc00 + u64::from(number)
}

unsafe extern "C" fn write_cr(host: *mut c_void, number: u32, value: u64) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::WriteCr(low_byte(number), value), Outcome::NEXT) }
}

unsafe extern "C" fn read_ar(_: *mut c_void, number: u32) -> u64 {
    0xaa00 + u64::from(number)
}

unsafe extern "C" fn write_ar(host: *mut c_void, number: u32, value: u64) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::WriteAr(low_byte(number), value), Outcome::NEXT) }
}

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
    unsafe { ask(host, Asked::WriteIndexed(file, index, value), Outcome::SERIALIZE) }
}

unsafe extern "C" fn thash(_: *mut c_void, address: u64) -> u64 {
    address ^ 0xa5a5
}

unsafe extern "C" fn ttag(_: *mut c_void, address: u64) -> u64 {
    address ^ 0x7a6
}

unsafe extern "C" fn cover(host: *mut c_void) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::Cover, Outcome::SERIALIZE) }
}

unsafe extern "C" fn rfi(host: *mut c_void) -> Outcome {
    // SAFETY: the routine's arguments are valid.
    unsafe { ask(host, Asked::Rfi, Outcome::REDIRECTED) }
}

unsafe extern "C" fn read_memory(_: *mut c_void, _: u64, _: *mut u8, _: usize) -> bool {
    false
}

unsafe extern "C" fn write_memory(_: *mut c_void, _: u64, _: *const u8, _: usize) -> bool {
    false
}
