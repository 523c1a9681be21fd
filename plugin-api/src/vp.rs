//! A virtual processor as emulation routines see it.

use core::ffi::c_void;
use core::marker::PhantomData;

use crate::instruction::Instruction;
use crate::vpd::Vpd;

/// What a routine did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Outcome {
    /// The instruction is emulated; the guest goes on behind it.
    Next = 0,
    /// The same, but something changed that decides how instructions are fetched or executed (a service said so).
    Serialize = 1,
    /// The guest goes on at an address that a service has set: `rfi` or a fault was emulated.
    Redirected = 2,
    /// The routine did nothing; the conventional path is to emulate the instruction.
    Conventional = 3,
    /// The routine panicked. Only the export macro makes this value.
    Panicked = 4,
}

/// A fault that emulation raises in the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[expect(missing_docs, reason = "the SDM's names")]
pub enum Fault {
    IllegalOperation = 0,
    PrivilegedOperation = 1,
    PrivilegedRegister = 2,
    ReservedRegisterField = 3,
    RegisterNatConsumption = 4,
}

/// A file of registers that a general register indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[expect(missing_docs, reason = "the SDM's names")]
pub enum File {
    Rr = 0,
    Pkr = 1,
    Dbr = 2,
    Ibr = 3,
    Pmc = 4,
    Pmd = 5,
    Cpuid = 6,
}

/// What the host does for routines. All functions run on the VP's thread, take no lock that another thread holds for
/// long, and allocate nothing; `host` is [`RawVp::host`].
#[repr(C)]
#[derive(Debug)]
pub struct Services {
    /// Emulates a decoded instruction as the conventional path would, without fetching it.
    pub emulate: unsafe extern "C" fn(host: *mut c_void, instruction: *const Instruction) -> Outcome,
    /// Raises a fault in the guest at the instruction being emulated. Gives [`Outcome::Redirected`].
    pub raise: unsafe extern "C" fn(host: *mut c_void, fault: Fault) -> Outcome,
    /// The guest's ar.itc.
    pub itc: unsafe extern "C" fn(host: *mut c_void) -> u64,
    /// Sets the guest's PSR: the bits of vpsr and, of the machine's PSR, bits 0-31.
    pub set_psr: unsafe extern "C" fn(host: *mut c_void, psr: u64) -> Outcome,
    /// Reads a control register of the guest, with the side effects of reading cr.ivr.
    pub read_cr: unsafe extern "C" fn(host: *mut c_void, number: u32) -> u64,
    /// Writes a control register of the guest, with its side effects. The value has no reserved bit set.
    pub write_cr: unsafe extern "C" fn(host: *mut c_void, number: u32, value: u64) -> Outcome,
    /// Whether a value may be written to a control register: whether no reserved bit is set.
    pub cr_accepts: unsafe extern "C" fn(host: *mut c_void, number: u32, value: u64) -> bool,
    /// Reads an indexed register; the index exists.
    pub read_indexed: unsafe extern "C" fn(host: *mut c_void, file: File, index: u64) -> u64,
    /// Writes an indexed register; raises Reserved Register/Field if index or value are not allowed.
    pub write_indexed: unsafe extern "C" fn(host: *mut c_void, file: File, index: u64, value: u64) -> Outcome,
    /// The value of `thash`.
    pub thash: unsafe extern "C" fn(host: *mut c_void, address: u64) -> u64,
    /// The value of `ttag`.
    pub ttag: unsafe extern "C" fn(host: *mut c_void, address: u64) -> u64,
    /// Selects the guest's register bank (`bsw`).
    pub select_bank: unsafe extern "C" fn(host: *mut c_void, bank: u32) -> Outcome,
    /// Performs `cover`.
    pub cover: unsafe extern "C" fn(host: *mut c_void) -> Outcome,
    /// Performs `rfi`.
    pub rfi: unsafe extern "C" fn(host: *mut c_void) -> Outcome,
    /// Reads guest memory at a guest virtual address as the guest would at privilege level 0, without raising
    /// anything; false if it is not mapped.
    pub read_memory: unsafe extern "C" fn(host: *mut c_void, address: u64, bytes: *mut u8, length: usize) -> bool,
    /// Writes guest memory likewise.
    pub write_memory: unsafe extern "C" fn(host: *mut c_void, address: u64, bytes: *const u8, length: usize) -> bool,
}

/// What the host hands to a routine. The pointers are valid, exclusive and properly aligned for the length of the
/// call; nothing of it may be kept.
#[repr(C)]
#[derive(Debug)]
pub struct RawVp {
    /// The 128 general registers, as the current frame names them.
    pub gr: *mut u64,
    /// Their NaT bits, two words.
    pub nat: *mut u64,
    /// The predicates.
    pub pr: *mut u64,
    /// The 8 branch registers.
    pub br: *mut u64,
    /// The machine's PSR; to be read only.
    pub psr: *const u64,
    /// The address of the bundle being emulated.
    pub ip: u64,
    /// The virtual processor descriptor.
    pub vpd: *mut Vpd,
    /// What the host does for the routine.
    pub services: *const Services,
    /// What the services work on.
    pub host: *mut c_void,
}

/// A virtual processor: the safe view of [`RawVp`].
#[derive(Debug)]
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
        unsafe { &mut *raw.cast::<Vp>() }
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

    /// Sets the NaT bit of a general register that is not r0.
    #[inline]
    pub fn set_nat(&mut self, r: u8, nat: bool) {
        // SAFETY: as for `nat`.
        let word = unsafe { &mut *self.raw.nat.add(usize::from(r >> 6 & 1)) };
        *word = *word & !(1 << (r & 63)) | u64::from(nat) << (r & 63);
    }

    /// A predicate.
    #[inline]
    #[must_use]
    pub fn pr(&self, p: u8) -> bool {
        // SAFETY: `pr` points to the predicates.
        unsafe { *self.raw.pr >> (p & 63) & 1 != 0 }
    }

    /// A branch register.
    #[inline]
    #[must_use]
    pub fn br(&self, b: u8) -> u64 {
        // SAFETY: `br` points to 8 registers.
        unsafe { *self.raw.br.add(usize::from(b & 7)) }
    }

    /// The address of the bundle being emulated.
    #[inline]
    #[must_use]
    pub fn ip(&self) -> u64 {
        self.raw.ip
    }

    /// The guest's PSR: the bits of vpsr from there, all others from the machine's.
    #[inline]
    #[must_use]
    pub fn psr(&self) -> u64 {
        // SAFETY: `psr` points to the machine's PSR.
        let machine = unsafe { *self.raw.psr };
        machine & !crate::vpd::vpsr::ALL | self.vpd().vpsr
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
}

macro_rules! services {
    ($($(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        /// What the host does for the routine; see [`Services`].
        impl Vp<'_> {
            $(
                $(#[$meta])*
                #[inline]
                pub fn $name(&mut self, $($argument: $type),*) -> $result {
                    // SAFETY: the services are valid for the length of the call, and `host` is theirs.
                    unsafe { ((*self.raw.services).$name)(self.raw.host, $($argument),*) }
                }
            )*
        }
    };
}

services! {
    /// Raises a fault in the guest: `return vp.raise(Fault::IllegalOperation)`.
    fn raise(fault: Fault) -> Outcome;
    /// The guest's ar.itc.
    fn itc() -> u64;
    /// Sets the guest's PSR: the bits of vpsr and bits 0-31.
    fn set_psr(psr: u64) -> Outcome;
    /// Reads a control register of the guest; cr.ivr takes an interrupt into service.
    fn read_cr(number: u32) -> u64;
    /// Writes a control register of the guest with a value that it accepts.
    fn write_cr(number: u32, value: u64) -> Outcome;
    /// Whether a control register accepts a value.
    fn cr_accepts(number: u32, value: u64) -> bool;
    /// Reads an indexed register.
    fn read_indexed(file: File, index: u64) -> u64;
    /// Writes an indexed register, or raises Reserved Register/Field.
    fn write_indexed(file: File, index: u64, value: u64) -> Outcome;
    /// The value of `thash`.
    fn thash(address: u64) -> u64;
    /// The value of `ttag`.
    fn ttag(address: u64) -> u64;
    /// Selects the guest's register bank.
    fn select_bank(bank: u32) -> Outcome;
    /// Performs `cover`.
    fn cover() -> Outcome;
    /// Performs `rfi`.
    fn rfi() -> Outcome;
}

impl Vp<'_> {
    /// Emulates a decoded instruction as the conventional path would.
    #[inline]
    pub fn emulate(&mut self, instruction: &Instruction) -> Outcome {
        // SAFETY: the services are valid for the length of the call, and `host` is theirs.
        unsafe { ((*self.raw.services).emulate)(self.raw.host, instruction) }
    }

    /// Reads guest memory at a virtual address; false if it is not mapped.
    pub fn read_memory(&mut self, address: u64, bytes: &mut [u8]) -> bool {
        // SAFETY: as for `emulate`; the slice is valid.
        unsafe { ((*self.raw.services).read_memory)(self.raw.host, address, bytes.as_mut_ptr(), bytes.len()) }
    }

    /// Writes guest memory at a virtual address; false if it is not mapped.
    pub fn write_memory(&mut self, address: u64, bytes: &[u8]) -> bool {
        // SAFETY: as for `emulate`; the slice is valid.
        unsafe { ((*self.raw.services).write_memory)(self.raw.host, address, bytes.as_ptr(), bytes.len()) }
    }
}
