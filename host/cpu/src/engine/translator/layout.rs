//! What compiled code relies on: where the processor's state is, and which host registers hold what.
//!
//! | host register | holds |
//! |---|---|
//! | rbp | the processor, biased so that r0 to r31 are within a byte's displacement |
//! | r15 | the instructions left until the run loop looks at the budget and the timer |
//! | r14 | the predicates |
//! | rbx, rsi, rdi, r8-r13 | the general registers that a region uses most |
//! | rax, rcx, rdx | values of the moment |

use std::mem::offset_of;

use crate::alat::Alat;
use crate::mmu::Mmu;
use crate::processor::Processor;
use crate::registers::{Registers, ar};

/// A host register, by its number.
pub(super) type Host = u8;

pub(super) const RAX: Host = 0;
pub(super) const RCX: Host = 1;
pub(super) const RDX: Host = 2;

/// The host registers that hold general registers.
pub(super) const POOL: [Host; 9] = [3, 6, 7, 8, 9, 10, 11, 12, 13];

/// Pages of which compiled code knows where they are in the host.
pub(super) const PAGES: usize = 64;

/// A page that an access found: whatever has this tag is at the address plus `addend`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Page {
    /// The address of the page. Bits of an address below the size of the access are part of its tag.
    tag: u64,
    addend: u64,
}

impl Page {
    /// The tag of no access: it is not in a page and yet aligned.
    const NOTHING: Page = Page { tag: 1 << 11, addend: 0 };
}

/// What compiled code and its helpers keep in the processor.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Compiled {
    /// The instruction count at which nothing is left.
    pub(super) look: u64,
    /// What was left when compiled code was left.
    pub(super) left: i64,
    /// The address of the block whose instruction a helper executes.
    pub(super) block_ip: u64,
    /// The address of the mailbox's attention flag.
    pub(super) attention: u64,
    /// The address of the entries of the software TLB.
    pub(super) soft: u64,
    /// The epoch of the software TLB from which `pages` are.
    pub(super) epoch: u64,
    /// Instructions that helpers executed.
    pub(super) helped: u64,
    pub(super) pages: [Page; PAGES],
}

impl Compiled {
    /// With nothing known.
    pub(crate) const fn new() -> Compiled {
        Compiled {
            look: 0,
            left: 0,
            block_ip: 0,
            attention: 0,
            soft: 0,
            epoch: u64::MAX,
            helped: 0,
            pages: [Page::NOTHING; PAGES],
        }
    }

    /// Forgets the pages if the software TLB has changed since they were entered.
    #[inline]
    pub(super) fn follow(&mut self, epoch: u64) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.pages = [Page::NOTHING; PAGES];
        }
    }
}

const BIAS: usize = offset_of!(Processor, registers) + offset_of!(Registers, gr) + 16 * 8;

/// The displacement of a field of the processor.
const fn at(offset: usize) -> i32 {
    offset as i32 - BIAS as i32
}

const fn register(offset: usize) -> i32 {
    at(offset_of!(Processor, registers) + offset)
}

const fn compiled(offset: usize) -> i32 {
    at(offset_of!(Processor, compiled) + offset)
}

/// From rbp to the processor.
pub(super) const PROCESSOR: i32 = at(0);
pub(super) const NAT: i32 = register(offset_of!(Registers, nat));
pub(super) const PR: i32 = register(offset_of!(Registers, pr));
pub(super) const IP: i32 = register(offset_of!(Registers, ip));
pub(super) const PSR: i32 = register(offset_of!(Registers, psr));
pub(super) const CFM: i32 = register(offset_of!(Registers, cfm));
pub(super) const LC: i32 = application(ar::LC);
pub(super) const INSTRUCTIONS: i32 = at(offset_of!(Processor, instructions));
pub(super) const LAST_IP: i32 = at(offset_of!(Processor, last_ip));
pub(super) const GUEST_IC: i32 = at(offset_of!(Processor, guest_ic));
pub(super) const ALAT_USED: i32 = at(offset_of!(Processor, alat) + offset_of!(Alat, used));
pub(super) const PLAIN: i32 = at(offset_of!(Processor, mmu) + offset_of!(Mmu, plain));
pub(super) const CODE: i32 = at(offset_of!(Processor, mmu) + offset_of!(Mmu, code));
pub(super) const LOOK: i32 = compiled(offset_of!(Compiled, look));
pub(super) const LEFT: i32 = compiled(offset_of!(Compiled, left));
pub(super) const BLOCK_IP: i32 = compiled(offset_of!(Compiled, block_ip));
pub(super) const ATTENTION: i32 = compiled(offset_of!(Compiled, attention));
pub(super) const SOFT: i32 = compiled(offset_of!(Compiled, soft));

/// A general register.
pub(super) const fn general(r: u8) -> i32 {
    register(offset_of!(Registers, gr) + 8 * (r & 127) as usize)
}

/// A branch register.
pub(super) const fn branch(b: u8) -> i32 {
    register(offset_of!(Registers, br) + 8 * (b & 7) as usize)
}

/// An application register that stands in [`Registers::ar`].
pub(super) const fn application(number: usize) -> i32 {
    register(offset_of!(Registers, ar) + 8 * (number & 127))
}

/// A page.
pub(super) const fn page(slot: u8) -> i32 {
    compiled(offset_of!(Compiled, pages) + size_of::<Page>() * slot as usize)
}

const _: () = {
    assert!(general(0) == -128 && general(31) == 120);
    assert!(size_of::<Page>() == 16);
    assert!(size_of::<crate::mmu::soft::Context>() == 8);
    assert!(size_of::<crate::mmu::soft::Entry>() == 32);
};
