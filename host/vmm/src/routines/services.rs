//! What the host does for emulation routines, and how they are called.

use std::ffi::c_void;
use std::sync::LazyLock;

use patchbay_cpu::bus::{PAGE_SIZE, PhysicalAddress};
use patchbay_cpu::interruption::Interruption;
use patchbay_cpu::outcome::{Leave, Outcome as Done};
use patchbay_cpu::processor::Processor;
use patchbay_cpu::processor::application_registers;
use patchbay_cpu::processor::control_registers::{accepts, is_interruption_register, is_read_only, is_reserved};
use patchbay_cpu::psr::Psr;
use patchbay_cpu::registers::ar;
use patchbay_cpu::semantics::indexed::{is_pkr, is_rr};
use patchbay_isa::{Unit, register};
use patchbay_plugin_api::instruction::Instruction;
use patchbay_plugin_api::routines::Routine;
use patchbay_plugin_api::services::{Services, ServicesRef};
use patchbay_plugin_api::vp::{Fault, File, Outcome, RawVp};
use patchbay_plugin_api::vpd::{Vpd, vpsr};

use crate::emulate::emulate;
use crate::fast_path;
use crate::guest::Guest;

/// The services of this host.
#[must_use]
pub fn services() -> ServicesRef {
    *SERVICES
}

static SERVICES: LazyLock<ServicesRef> = LazyLock::new(|| {
    Services {
        emulate: emulate_instruction,
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
});

/// What a routine did that is not one of the processor's outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It leaves the instruction to the host.
    Conventional,
    /// It panicked.
    Panicked,
    /// It returned something else.
    Unknown(Outcome),
}

/// What the services work on.
struct Host {
    p: *mut Processor,
    vpd: *mut Vpd,
    /// What the last service did that went elsewhere than to the next instruction.
    stop: Option<Leave>,
}

/// Where a routine runs.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The guest's address of the bundle.
    pub ip: u64,
    /// The numbers of the virtual machine and the virtual processor: see [`RawVp::identity`].
    pub identity: [u64; 2],
}

/// Runs a routine.
///
/// # Errors
/// Whatever it did but emulate the instruction.
#[inline]
pub fn run(
    routine: &Routine,
    services: ServicesRef,
    p: &mut Processor,
    vpd: &mut Vpd,
    at: At,
    instruction: &Instruction,
) -> Result<Done, Refused> {
    let ic_before = p.guest_ic;
    let p: *mut Processor = p;
    let mut host = Host { p, vpd, stop: None };
    // SAFETY: `p` is valid; no reference to what it points to is used while the routine runs.
    let registers = unsafe { &raw mut (*p).registers };
    // SAFETY: as above.
    let mut vp = unsafe {
        RawVp {
            gr: (&raw mut (*registers).gr).cast(),
            nat: (&raw mut (*registers).nat).cast(),
            pr: &raw mut (*registers).pr,
            br: (&raw mut (*registers).br).cast(),
            psr: (&raw const (*registers).psr).cast(),
            cfm: (&raw const (*registers).cfm).cast(),
            vpd: host.vpd,
            services,
            host: (&raw mut host).cast(),
            ip: at.ip,
            reserved: at.identity,
        }
    };
    // SAFETY: the pointers are valid and used by nobody else; the table that the routine is of keeps the instance.
    let outcome = unsafe { routine.call(&raw mut vp, routine.fixups(), instruction) };
    // SAFETY: the routine has returned.
    let ic_changed = unsafe {
        let ic = (*host.vpd).vpsr & vpsr::IC != 0;
        (*p).guest_ic = ic;
        ic != ic_before
    };
    match outcome {
        // An instruction that changes PSR.ic is the last of its block.
        Outcome::NEXT if ic_changed => Ok(Err(Leave::Serialize)),
        Outcome::NEXT => Ok(Ok(())),
        Outcome::SERIALIZE => Ok(Err(Leave::Serialize)),
        Outcome::REDIRECTED => host.stop.map(Err).ok_or(Refused::Unknown(outcome)),
        Outcome::CONVENTIONAL => Err(Refused::Conventional),
        Outcome::PANICKED => Err(Refused::Panicked),
        other => Err(Refused::Unknown(other)),
    }
}

/// Does something to the guest, and notes what that leads to.
///
/// # Safety
/// `host` is the [`Host`] of a routine that runs.
unsafe fn on_guest(host: *mut c_void, work: impl FnOnce(&mut Guest) -> Done) -> Outcome {
    // SAFETY: the caller vouches for it; the routine has no references to processor and VPD while it calls a service.
    let (host, mut guest) = unsafe {
        let host = &mut *host.cast::<Host>();
        let guest = Guest { p: &mut *host.p, vpd: &mut *host.vpd, frame: None };
        (host, guest)
    };
    guest.p.guest_ic = guest.ic();
    match work(&mut guest) {
        Ok(()) => Outcome::NEXT,
        Err(Leave::Serialize) => Outcome::SERIALIZE,
        Err(stop) => {
            host.stop = Some(stop);
            Outcome::REDIRECTED
        }
    }
}

/// Reads something of the guest.
///
/// # Safety
/// As for [`on_guest`].
unsafe fn of_guest<T>(host: *mut c_void, read: impl FnOnce(&mut Guest) -> T) -> T {
    // SAFETY: as for `on_guest`.
    let mut guest = unsafe {
        let host = &mut *host.cast::<Host>();
        Guest { p: &mut *host.p, vpd: &mut *host.vpd, frame: None }
    };
    read(&mut guest)
}

unsafe extern "C" fn emulate_instruction(host: *mut c_void, instruction: *const Instruction) -> Outcome {
    // SAFETY: the routine vouches for both.
    unsafe { on_guest(host, |guest| emulate(guest, &*instruction)) }
}

unsafe extern "C" fn raise(host: *mut c_void, fault: Fault) -> Outcome {
    let interruption = match fault {
        Fault::PRIVILEGED_OPERATION => Interruption::PRIVILEGED_OPERATION,
        Fault::PRIVILEGED_REGISTER => Interruption::PRIVILEGED_REGISTER,
        Fault::RESERVED_REGISTER_FIELD => Interruption::RESERVED_REGISTER_FIELD,
        Fault::REGISTER_NAT_CONSUMPTION => Interruption::REGISTER_NAT_CONSUMPTION,
        _ => Interruption::ILLEGAL_OPERATION,
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { on_guest(host, |guest| Err(guest.p.raise(interruption))) }
}

unsafe extern "C" fn redirect(host: *mut c_void, ip: u64, slot: u32) -> Outcome {
    let go_on = |guest: &mut Guest| {
        guest.p.registers.ip = ip & !0xf;
        guest.p.registers.psr.set_ri(slot as u8 & 3);
        Err(Leave::Return)
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { on_guest(host, go_on) }
}

unsafe extern "C" fn itc(host: *mut c_void) -> u64 {
    // SAFETY: the routine vouches for `host`.
    unsafe { of_guest(host, |guest| guest.itc()) }
}

unsafe extern "C" fn set_psr(host: *mut c_void, psr: u64) -> Outcome {
    let set = |guest: &mut Guest| {
        let kept = u64::from(guest.psr()) & (!0xffff_ffff & !vpsr::MC | vpsr::BN);
        let written = psr & (0xffff_ffff | vpsr::MC) & !vpsr::BN;
        guest.set_psr(Psr::from(kept | written))
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { on_guest(host, set) }
}

unsafe extern "C" fn read_cr(host: *mut c_void, number: u32) -> u64 {
    // SAFETY: the routine vouches for `host`.
    unsafe { of_guest(host, |guest| guest.read_cr(number as usize & 127)) }
}

unsafe extern "C" fn write_cr(host: *mut c_void, number: u32, value: u64) -> Outcome {
    let number = number as usize & 127;
    let write = |guest: &mut Guest| {
        let collecting = is_interruption_register(number) && guest.ic();
        guest.illegal_if(is_reserved(number) || is_read_only(number) || collecting)?;
        guest.reserved_if(!accepts(number, value))?;
        guest.write_cr(number, value)
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { on_guest(host, write) }
}

/// An application register that no unit may name.
fn is_absent(number: usize) -> bool {
    let illegal = |unit| register::application_is_illegal(number as u8, unit);
    illegal(Unit::M) && illegal(Unit::I) || number == ar::RUC
}

unsafe extern "C" fn read_ar(host: *mut c_void, number: u32) -> u64 {
    let number = number as usize & 127;
    let read = |guest: &mut Guest| match number {
        ar::ITC => guest.itc(),
        number if is_absent(number) => 0,
        number => guest.p.ar(number),
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { of_guest(host, read) }
}

unsafe extern "C" fn write_ar(host: *mut c_void, number: u32, value: u64) -> Outcome {
    let number = number as usize & 127;
    let write = |guest: &mut Guest| {
        guest.illegal_if(is_absent(number) || register::application_is_read_only(number as u8))?;
        guest.reserved_if(application_registers::is_reserved(number, value))?;
        match number {
            ar::ITC => guest.set_itc(value),
            number => guest.p.set_ar(number, value),
        }
        Ok(())
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { on_guest(host, write) }
}

unsafe extern "C" fn read_indexed(host: *mut c_void, file: File, index: u64, value: *mut u64) -> Outcome {
    let read = |guest: &mut Guest| {
        let r = &guest.p.registers;
        let registers: &[u64] = match file {
            File::RR => &r.rr,
            File::PKR => &r.pkr,
            File::DBR => &r.dbr,
            File::IBR => &r.ibr,
            File::PMC => &r.pmc,
            File::PMD => &r.pmd,
            File::CPUID => &guest.vpd.vcpuid,
            _ => &[],
        };
        let found = registers.get(index as usize).copied();
        guest.reserved_if(found.is_none())?;
        // SAFETY: the routine vouches for `value`.
        unsafe { *value = found.unwrap_or_default() };
        Ok(())
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { on_guest(host, read) }
}

unsafe extern "C" fn write_indexed(host: *mut c_void, file: File, index: u64, value: u64) -> Outcome {
    let write = |guest: &mut Guest| {
        let r = &guest.p.registers;
        let (count, taken) = match file {
            File::RR => (r.rr.len(), is_rr(value)),
            File::PKR => (r.pkr.len(), is_pkr(value)),
            File::DBR => (r.dbr.len(), true),
            File::IBR => (r.ibr.len(), true),
            File::PMC => (r.pmc.len(), true),
            File::PMD => (r.pmd.len(), true),
            _ => (0, false),
        };
        guest.reserved_if(index >= count as u64 || !taken)?;
        let index = index as usize;
        match file {
            File::RR => guest.p.write_rr(index, value),
            File::PKR => guest.p.write_pkr(index, value),
            File::DBR => guest.p.write_dbr(index, value),
            File::IBR => guest.p.registers.ibr[index] = value,
            File::PMC => guest.p.registers.pmc[index] = value,
            _ => guest.p.registers.pmd[index] = value,
        }
        if matches!(file, File::PMC | File::PMD) { Ok(()) } else { Err(Leave::Serialize) }
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { on_guest(host, write) }
}

unsafe extern "C" fn thash(host: *mut c_void, address: u64) -> u64 {
    // SAFETY: the routine vouches for `host`.
    unsafe { of_guest(host, |guest| guest.p.thash(address)) }
}

unsafe extern "C" fn ttag(host: *mut c_void, address: u64) -> u64 {
    // SAFETY: the routine vouches for `host`.
    unsafe { of_guest(host, |guest| guest.p.ttag(address)) }
}

unsafe extern "C" fn cover(host: *mut c_void) -> Outcome {
    // SAFETY: the routine vouches for `host`.
    unsafe { on_guest(host, crate::emulate::cover) }
}

unsafe extern "C" fn rfi(host: *mut c_void) -> Outcome {
    // SAFETY: the routine vouches for `host`.
    unsafe { on_guest(host, crate::emulate::rfi) }
}

/// The parts of a range of guest memory, by page: offset, length and physical address; `None` for one that is not mapped
/// RAM.
fn parts(
    p: &Processor,
    address: u64,
    length: usize,
) -> impl Iterator<Item = Option<(usize, usize, PhysicalAddress)>> + '_ {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let at = address.wrapping_add(offset as u64);
        let size = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(length - offset);
        let start = offset;
        offset += size;
        (size > 0).then(|| {
            let physical = p.debug_translate(at).filter(|physical| p.bus().ram(*physical).is_some())?;
            Some((start, size, physical))
        })
    })
}

unsafe extern "C" fn read_memory(host: *mut c_void, address: u64, bytes: *mut u8, length: usize) -> bool {
    let read = |guest: &mut Guest| {
        // SAFETY: the routine vouches for the bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(bytes, length) };
        if parts(guest.p, address, length).any(|part| part.is_none()) {
            return false;
        }
        for (offset, size, physical) in parts(guest.p, address, length).flatten() {
            let _it_is_ram = guest.p.read_physical(physical, &mut bytes[offset..offset + size]);
        }
        true
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { of_guest(host, read) }
}

unsafe extern "C" fn write_memory(host: *mut c_void, address: u64, bytes: *const u8, length: usize) -> bool {
    let write = |guest: &mut Guest| {
        // SAFETY: the routine vouches for the bytes.
        let bytes = unsafe { std::slice::from_raw_parts(bytes, length) };
        if parts(guest.p, address, length).any(|part| part.is_none()) {
            return false;
        }
        // Sites are compared with what they hold now.
        fast_path::leave(|| {
            for (offset, size, physical) in parts(guest.p, address, length).flatten() {
                let _it_is_ram = guest.p.write_physical(physical, &bytes[offset..offset + size]);
            }
        });
        true
    };
    // SAFETY: the routine vouches for `host`.
    unsafe { of_guest(host, write) }
}
