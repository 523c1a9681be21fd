//! A virtual processor as emulation routines see it.

use core::ffi::c_void;
use core::marker::PhantomData;

use abi_stable::StableAbi;

use crate::services::ServicesRef;
use crate::vpd::{Vpd, vpsr};

/// What a routine did. The set is open: a host that meets another value stops the virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
#[repr(transparent)]
pub struct Outcome(pub u32);

impl Outcome {
    /// The instruction is emulated; the guest goes on after it.
    pub const NEXT: Outcome = Outcome(0);
    /// The same, but something changed that decides how instructions are fetched or executed, or whether an interrupt
    /// is to be delivered. A service said so.
    pub const SERIALIZE: Outcome = Outcome(1);
    /// The guest goes on at an address that a service has set: a branch, `rfi` or a fault was emulated.
    pub const REDIRECTED: Outcome = Outcome(2);
    /// The routine changed nothing; the conventional path is to emulate the instruction.
    pub const CONVENTIONAL: Outcome = Outcome(3);
    /// The routine panicked. Only the export macro makes this value.
    pub const PANICKED: Outcome = Outcome(4);
}

/// `Ok` if the guest goes on after the instruction, else any other [`Outcome`], as `?` passes it on.
pub type Emulated<T = ()> = Result<T, Outcome>;

/// A fault that emulation raises in the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
#[repr(transparent)]
pub struct Fault(pub u32);

#[expect(missing_docs, reason = "the SDM's names")]
impl Fault {
    pub const ILLEGAL_OPERATION: Fault = Fault(0);
    pub const PRIVILEGED_OPERATION: Fault = Fault(1);
    pub const PRIVILEGED_REGISTER: Fault = Fault(2);
    pub const RESERVED_REGISTER_FIELD: Fault = Fault(3);
    pub const REGISTER_NAT_CONSUMPTION: Fault = Fault(4);
}

/// A file of registers that a general register indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, StableAbi)]
#[repr(transparent)]
pub struct File(pub u32);

#[expect(missing_docs, reason = "the SDM's names")]
impl File {
    pub const RR: File = File(0);
    pub const PKR: File = File(1);
    pub const DBR: File = File(2);
    pub const IBR: File = File(3);
    pub const PMC: File = File(4);
    pub const PMD: File = File(5);
    pub const CPUID: File = File(6);
}

/// What the host hands to a routine. The pointers are valid, exclusive and properly aligned for the length of the
/// call; nothing of it may be kept.
#[derive(StableAbi)]
#[repr(C)]
pub struct RawVp {
    /// The 128 general registers, as the current frame names them, in the bank that the guest uses.
    pub gr: *mut u64,
    /// Their NaT bits, two words.
    pub nat: *mut u64,
    /// The predicates, as the current frame names them.
    pub pr: *mut u64,
    /// The 8 branch registers.
    pub br: *mut u64,
    /// The machine's PSR; to be read only.
    pub psr: *const u64,
    /// The current frame marker; to be read only.
    pub cfm: *const u64,
    /// The virtual processor descriptor.
    pub vpd: *mut Vpd,
    /// What the host does for the routine.
    pub services: ServicesRef,
    /// What the services work on.
    pub host: *mut c_void,
    /// The address of the bundle being emulated.
    pub ip: u64,
    /// Keeps the size of the structure fixed. The first word is 0 in API 1.0; since API 1.1 it holds the numbers of the
    /// virtual machine (bits 0 to 31) and of its virtual processor (32 to 63). The second is 0.
    pub reserved: [u64; 2],
}

impl RawVp {
    /// What [`RawVp::reserved`] holds for a virtual processor.
    #[must_use]
    pub const fn identity(vm: u32, vp: u32) -> [u64; 2] {
        [vm as u64 | (vp as u64) << 32, 0]
    }
}

/// A virtual processor: the safe view of [`RawVp`].
///
/// What a routine may change through [`Vp::vpd_mut`]: vpsr.ic, vpsr.i from 1 to 0, and the control registers that have
/// no effect of their own until something reads them (iva, ipsr, isr, iip, ifa, itir, ifs, iim, iha, lid, pmv, cmcv,
/// lrr). All else goes through a method. The host looks at vpsr again after each routine.
#[repr(transparent)]
pub struct Vp<'a> {
    raw: RawVp,
    lifetime: PhantomData<&'a mut Vpd>,
}

impl Vp<'_> {
    /// The view of a raw virtual processor.
    ///
    /// # Safety
    /// What [`RawVp`] says of its pointers must hold for as long as the view lives.
    #[inline]
    pub unsafe fn new<'a>(raw: *mut RawVp) -> &'a mut Vp<'a> {
        // SAFETY: `Vp` is transparent over `RawVp`, and the caller vouches for the pointers.
        unsafe { &mut *raw.cast::<Vp<'_>>() }
    }

    #[inline]
    pub(crate) fn raw(&mut self) -> *mut RawVp {
        &raw mut self.raw
    }

    #[inline]
    pub(crate) fn services(&self) -> (ServicesRef, *mut c_void) {
        (self.raw.services, self.raw.host)
    }

    /// The value of a general register.
    #[inline]
    #[must_use]
    pub fn gr(&self, r: u8) -> u64 {
        // SAFETY: `gr` points to 128 registers.
        unsafe { *self.raw.gr.add(usize::from(r & 127)) }
    }

    /// Whether a general register is NaT.
    #[inline]
    #[must_use]
    pub fn nat(&self, r: u8) -> bool {
        // SAFETY: `nat` points to two words.
        let word = unsafe { *self.raw.nat.add(usize::from(r >> 6 & 1)) };
        word >> (r & 63) & 1 != 0
    }

    /// Sets a general register that is not r0, and clears its NaT bit.
    #[inline]
    pub fn set_gr(&mut self, r: u8, value: u64) {
        // SAFETY: as for `gr` and `nat`.
        unsafe {
            *self.raw.gr.add(usize::from(r & 127)) = value;
            *self.raw.nat.add(usize::from(r >> 6 & 1)) &= !(1 << (r & 63));
        }
    }

    /// Makes a general register that is not r0 NaT.
    #[inline]
    pub fn set_nat(&mut self, r: u8) {
        // SAFETY: as for `gr` and `nat`.
        unsafe {
            *self.raw.gr.add(usize::from(r & 127)) = 0;
            *self.raw.nat.add(usize::from(r >> 6 & 1)) |= 1 << (r & 63);
        }
    }

    /// A predicate.
    #[inline]
    #[must_use]
    pub fn pr(&self, p: u8) -> bool {
        // SAFETY: `pr` points to the predicates.
        unsafe { *self.raw.pr >> (p & 63) & 1 != 0 }
    }

    /// Sets a predicate that is not p0.
    #[inline]
    pub fn set_pr(&mut self, p: u8, value: bool) {
        // SAFETY: `pr` points to the predicates.
        let predicates = unsafe { &mut *self.raw.pr };
        *predicates = *predicates & !(1 << (p & 63)) | u64::from(value) << (p & 63);
    }

    /// A branch register.
    #[inline]
    #[must_use]
    pub fn br(&self, b: u8) -> u64 {
        // SAFETY: `br` points to 8 registers.
        unsafe { *self.raw.br.add(usize::from(b & 7)) }
    }

    /// Sets a branch register.
    #[inline]
    pub fn set_br(&mut self, b: u8, value: u64) {
        // SAFETY: `br` points to 8 registers.
        unsafe { *self.raw.br.add(usize::from(b & 7)) = value }
    }

    /// The number of the virtual machine. Since API 1.1.
    #[inline]
    #[must_use]
    pub fn vm(&self) -> u32 {
        self.raw.reserved[0] as u32
    }

    /// The number of the virtual processor in its virtual machine. Since API 1.1.
    #[inline]
    #[must_use]
    pub fn number(&self) -> u32 {
        (self.raw.reserved[0] >> 32) as u32
    }

    /// The address of the bundle being emulated.
    #[inline]
    #[must_use]
    pub fn ip(&self) -> u64 {
        self.raw.ip
    }

    /// The machine's PSR; its ic, i, bn and vm are the monitor's.
    #[inline]
    #[must_use]
    pub fn machine_psr(&self) -> u64 {
        // SAFETY: `psr` points to the machine's PSR.
        unsafe { *self.raw.psr }
    }

    /// The guest's PSR: the bits of vpsr from there, all others from the machine's.
    #[inline]
    #[must_use]
    pub fn psr(&self) -> u64 {
        self.machine_psr() & !vpsr::ALL | self.vpd().vpsr
    }

    /// The current privilege level.
    #[inline]
    #[must_use]
    pub fn cpl(&self) -> u8 {
        (self.machine_psr() >> 32 & 3) as u8
    }

    /// The current frame marker.
    #[inline]
    #[must_use]
    pub fn cfm(&self) -> u64 {
        // SAFETY: `cfm` points to the current frame marker.
        unsafe { *self.raw.cfm }
    }

    /// The virtual processor descriptor.
    #[inline]
    #[must_use]
    pub fn vpd(&self) -> &Vpd {
        // SAFETY: `vpd` is valid and exclusive for the length of the call.
        unsafe { &*self.raw.vpd }
    }

    /// The virtual processor descriptor.
    #[inline]
    #[must_use]
    pub fn vpd_mut(&mut self) -> &mut Vpd {
        // SAFETY: `vpd` is valid and exclusive for the length of the call.
        unsafe { &mut *self.raw.vpd }
    }

    /// Exchanges the banks of r16-r31 if `bank` is not the one in use, and sets vpsr.bn (`bsw`).
    pub fn select_bank(&mut self, bank: bool) {
        if (self.vpd().vpsr & vpsr::BN != 0) == bank {
            return;
        }
        // SAFETY: `gr` points to 128 registers, `nat` to two words, `vpd` to neither of them.
        unsafe {
            let vpd = &mut *self.raw.vpd;
            vpd.vpsr ^= vpsr::BN;
            core::ptr::swap_nonoverlapping(self.raw.gr.add(16), vpd.vbank.as_mut_ptr(), 16);
            let nat = &mut *self.raw.nat;
            let bank_nat = *nat >> 16 & 0xffff;
            *nat = *nat & !0xffff_0000 | (vpd.vbank_nat & 0xffff) << 16;
            vpd.vbank_nat = bank_nat;
        }
    }
}

/// The checks that instructions make before they do anything. Each raises its fault in the guest.
impl Vp<'_> {
    /// Raises Privileged Operation at any privilege level but 0.
    ///
    /// # Errors
    /// The fault.
    #[inline]
    pub fn check_privilege(&mut self) -> Emulated {
        if self.cpl() == 0 { Ok(()) } else { Err(self.raise(Fault::PRIVILEGED_OPERATION)) }
    }

    /// Raises Illegal Operation if a general register cannot be written: r0, or one that the frame does not have.
    ///
    /// # Errors
    /// The fault.
    #[inline]
    pub fn check_target(&mut self, r: u8) -> Emulated {
        let frame_end = 32 + (self.cfm() & 127);
        if r != 0 && u64::from(r) < frame_end { Ok(()) } else { Err(self.raise(Fault::ILLEGAL_OPERATION)) }
    }

    /// The value of a general register, or Register NaT Consumption.
    ///
    /// # Errors
    /// The fault.
    #[inline]
    pub fn source(&mut self, r: u8) -> Emulated<u64> {
        if self.nat(r) { Err(self.raise(Fault::REGISTER_NAT_CONSUMPTION)) } else { Ok(self.gr(r)) }
    }
}
