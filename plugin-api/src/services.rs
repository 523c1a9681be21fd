//! What the host does for routines.
//!
//! All services run on the thread of the virtual processor, wait for nobody, allocate nothing, and may be called by
//! routines only.

use core::ffi::c_void;

use abi_stable::StableAbi;
use abi_stable::prefix_type::PrefixTypeTrait;

use crate::instruction::Instruction;
use crate::vp::{Emulated, Fault, File, Outcome, Vp};

/// The services. The first argument of each is [`RawVp::host`](crate::vp::RawVp::host). Those that return an
/// [`Outcome`] return what the routine is to return; what they read is written to the last argument if that is
/// [`Outcome::NEXT`].
#[derive(StableAbi)]
#[repr(C)]
#[sabi(kind(Prefix(prefix_ref = ServicesRef)))]
pub struct Services {
    /// [`Vp::emulate`].
    pub emulate: unsafe extern "C" fn(*mut c_void, *const Instruction) -> Outcome,
    /// [`Vp::raise`].
    pub raise: unsafe extern "C" fn(*mut c_void, Fault) -> Outcome,
    /// [`Vp::redirect`].
    pub redirect: unsafe extern "C" fn(*mut c_void, u64, u32) -> Outcome,
    /// [`Vp::itc`].
    pub itc: unsafe extern "C" fn(*mut c_void) -> u64,
    /// [`Vp::set_psr`].
    pub set_psr: unsafe extern "C" fn(*mut c_void, u64) -> Outcome,
    /// [`Vp::read_cr`].
    pub read_cr: unsafe extern "C" fn(*mut c_void, u32) -> u64,
    /// [`Vp::write_cr`].
    pub write_cr: unsafe extern "C" fn(*mut c_void, u32, u64) -> Outcome,
    /// [`Vp::read_ar`].
    pub read_ar: unsafe extern "C" fn(*mut c_void, u32) -> u64,
    /// [`Vp::write_ar`].
    pub write_ar: unsafe extern "C" fn(*mut c_void, u32, u64) -> Outcome,
    /// [`Vp::read_indexed`].
    pub read_indexed: unsafe extern "C" fn(*mut c_void, File, u64, *mut u64) -> Outcome,
    /// [`Vp::write_indexed`].
    pub write_indexed: unsafe extern "C" fn(*mut c_void, File, u64, u64) -> Outcome,
    /// [`Vp::thash`].
    pub thash: unsafe extern "C" fn(*mut c_void, u64) -> u64,
    /// [`Vp::ttag`].
    pub ttag: unsafe extern "C" fn(*mut c_void, u64) -> u64,
    /// [`Vp::cover`].
    pub cover: unsafe extern "C" fn(*mut c_void) -> Outcome,
    /// [`Vp::rfi`].
    pub rfi: unsafe extern "C" fn(*mut c_void) -> Outcome,
    /// [`Vp::read_memory`].
    pub read_memory: unsafe extern "C" fn(*mut c_void, u64, *mut u8, usize) -> bool,
    /// [`Vp::write_memory`].
    #[sabi(last_prefix_field)]
    pub write_memory: unsafe extern "C" fn(*mut c_void, u64, *const u8, usize) -> bool,
}

impl Services {
    /// The services as routines get them. They stay for ever: a host makes one table and no more.
    #[must_use]
    pub fn publish(self) -> ServicesRef {
        self.leak_into_prefix()
    }
}

#[inline]
fn emulated(outcome: Outcome) -> Emulated {
    if outcome == Outcome::NEXT { Ok(()) } else { Err(outcome) }
}

/// The services as methods.
impl Vp<'_> {
    /// Emulates a decoded instruction, with all its checks, as the conventional path would once it has decoded it.
    ///
    /// # Errors
    /// Whatever the instruction does but go on with the next.
    #[inline]
    pub fn emulate(&mut self, instruction: &Instruction) -> Emulated {
        let (services, host) = self.services();
        // SAFETY: the services are valid for the length of the call, and `host` is theirs.
        emulated(unsafe { services.emulate()(host, instruction) })
    }

    /// Raises a fault in the guest, at the instruction being emulated: `return Err(vp.raise(…))`.
    #[inline]
    pub fn raise(&mut self, fault: Fault) -> Outcome {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        unsafe { services.raise()(host, fault) }
    }

    /// Makes the guest go on at an address and slot: `return Err(vp.redirect(…))`.
    #[inline]
    pub fn redirect(&mut self, ip: u64, slot: u8) -> Outcome {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        unsafe { services.redirect()(host, ip, u32::from(slot)) }
    }

    /// The guest's ar.itc.
    #[inline]
    #[must_use]
    pub fn itc(&mut self) -> u64 {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        unsafe { services.itc()(host) }
    }

    /// Sets the guest's PSR: the bits of vpsr but bn, and the machine's bits 0-31 but ic and i. No reserved bit is 1.
    ///
    /// # Errors
    /// [`Outcome::SERIALIZE`] if that changes what follows.
    #[inline]
    pub fn set_psr(&mut self, psr: u64) -> Emulated {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        emulated(unsafe { services.set_psr()(host, psr) })
    }

    /// Reads a control register of the guest that exists; cr.ivr takes an interrupt into service. vpsr.ic is not
    /// checked.
    #[inline]
    pub fn read_cr(&mut self, number: u8) -> u64 {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        unsafe { services.read_cr()(host, u32::from(number)) }
    }

    /// Writes a control register of the guest, or raises Reserved Register/Field if it does not take the value, Illegal
    /// Operation if it does not exist, cannot be written, or is of those that PSR.ic = 1 protects.
    ///
    /// # Errors
    /// The fault, or [`Outcome::SERIALIZE`].
    #[inline]
    pub fn write_cr(&mut self, number: u8, value: u64) -> Emulated {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        emulated(unsafe { services.write_cr()(host, u32::from(number), value) })
    }

    /// Reads an application register of the guest; 0 if it does not exist.
    #[inline]
    #[must_use]
    pub fn read_ar(&mut self, number: u8) -> u64 {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        unsafe { services.read_ar()(host, u32::from(number)) }
    }

    /// Writes an application register of the guest, or raises Illegal Operation if it does not exist or cannot be
    /// written, Reserved Register/Field if it does not take the value.
    ///
    /// # Errors
    /// The fault, or [`Outcome::SERIALIZE`].
    #[inline]
    pub fn write_ar(&mut self, number: u8, value: u64) -> Emulated {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        emulated(unsafe { services.write_ar()(host, u32::from(number), value) })
    }

    /// Reads an indexed register, or raises Reserved Register/Field if it does not exist.
    ///
    /// # Errors
    /// The fault.
    #[inline]
    pub fn read_indexed(&mut self, file: File, index: u64) -> Emulated<u64> {
        let (services, host) = self.services();
        let mut value = 0;
        // SAFETY: as for `emulate`; `value` is valid.
        emulated(unsafe { services.read_indexed()(host, file, index, &raw mut value) })?;
        Ok(value)
    }

    /// Writes an indexed register, or raises Reserved Register/Field if it does not exist or does not take the value.
    ///
    /// # Errors
    /// The fault, or [`Outcome::SERIALIZE`].
    #[inline]
    pub fn write_indexed(&mut self, file: File, index: u64, value: u64) -> Emulated {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        emulated(unsafe { services.write_indexed()(host, file, index, value) })
    }

    /// The value of `thash` for an address.
    #[inline]
    #[must_use]
    pub fn thash(&mut self, address: u64) -> u64 {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        unsafe { services.thash()(host, address) }
    }

    /// The value of `ttag` for an address.
    #[inline]
    #[must_use]
    pub fn ttag(&mut self, address: u64) -> u64 {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        unsafe { services.ttag()(host, address) }
    }

    /// Performs `cover`: a new, empty frame; at vpsr.ic = 0 the guest's cr.ifs gets the old one.
    ///
    /// # Errors
    /// [`Outcome::SERIALIZE`] if that changes what follows.
    #[inline]
    pub fn cover(&mut self) -> Emulated {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        emulated(unsafe { services.cover()(host) })
    }

    /// Performs `rfi` with the guest's cr.ipsr, iip and ifs.
    ///
    /// # Errors
    /// [`Outcome::REDIRECTED`], always.
    #[inline]
    pub fn rfi(&mut self) -> Emulated {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`.
        emulated(unsafe { services.rfi()(host) })
    }

    /// Reads guest memory at an address as the guest would at privilege level 0, without raising anything; false if
    /// some of it is not mapped or not memory.
    pub fn read_memory(&mut self, address: u64, bytes: &mut [u8]) -> bool {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`; the slice is valid.
        unsafe { services.read_memory()(host, address, bytes.as_mut_ptr(), bytes.len()) }
    }

    /// Writes guest memory likewise.
    pub fn write_memory(&mut self, address: u64, bytes: &[u8]) -> bool {
        let (services, host) = self.services();
        // SAFETY: as for `emulate`; the slice is valid.
        unsafe { services.write_memory()(host, address, bytes.as_ptr(), bytes.len()) }
    }
}
