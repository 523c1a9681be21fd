//! A model of the register stack that knows no physical registers: an endless array, of which the current frame is
//! a part, and memory in which each of its elements has its place.

use std::sync::Arc;

use patchbay_isa::rows::{B, M};
use patchbay_isa::{Instruction, Opcode};
use proptest::prelude::*;

use super::skip;
use crate::engine::interpreter::lower;
use crate::flat_machine::{self, FlatMemory};
use crate::interruption::{Interruption, Vector};
use crate::mmu::Side;
use crate::outcome::{Leave, Outcome};
use crate::processor::Processor;
use crate::psr::{Cfm, Psr};
use crate::registers::{ar, cr};

pub(super) const USER: u64 = 0x1_0000;
const KERNEL: u64 = 0x4_0000;

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Sizes of frame, locals and rotating part, each scaled to what is left.
    Alloc(u8, u8, u8),
    Call,
    Return,
    Write {
        r: u8,
        value: u64,
        nat: bool,
    },
    Rotate,
    ClearRotation,
    Flush,
    /// `cover`, `rfi`.
    Interrupt,
    Resume,
    /// An interruption that moves to a backing store of its own, as operating systems do.
    EnterKernel,
    LeaveKernel,
    /// `flushrs`, `loadrs` of nothing.
    Invalidate,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let write = (any::<u8>(), any::<u64>(), prop::bool::weighted(0.2)).prop_map(|(r, value, nat)| Step::Write {
        r,
        value,
        nat,
    });
    let step = prop_oneof![
        6 => (0u8..97, any::<u8>(), any::<u8>()).prop_map(|(sof, sol, sor)| Step::Alloc(sof, sol, sor)),
        8 => Just(Step::Call),
        5 => Just(Step::Return),
        10 => write,
        3 => Just(Step::Rotate),
        1 => Just(Step::ClearRotation),
        1 => Just(Step::Flush),
        1 => Just(Step::Interrupt),
        1 => Just(Step::Resume),
        1 => Just(Step::EnterKernel),
        1 => Just(Step::LeaveKernel),
        1 => Just(Step::Invalidate),
    ];
    prop::collection::vec(step, 1..300)
}

/// The backing store word by word, each either a register's or a collection's.
pub(super) fn address_of(base: u64, registers: u64) -> u64 {
    let is_collection = |address: u64| address & 0x1f8 == 0x1f8;
    let mut address = base;
    for _ in 0..registers {
        address += if is_collection(address) { 16 } else { 8 };
    }
    if is_collection(address) { address + 8 } else { address }
}

/// How to undo what made a frame.
enum Frame {
    Called { pfs: u64 },
    Interrupted { ifs: u64 },
    Entered { ifs: u64, bspstore: u64, rnat: u64, base: (u64, usize) },
}

pub(super) struct Machine {
    pub(super) p: Processor,
    /// Decides where accesses fault, if they do: the state of a generator of random numbers.
    faults: Option<u64>,
    memory: Arc<FlatMemory>,
    /// The stack: values and NaT bits; undefined ones are `None`.
    stack: Vec<Option<(u64, bool)>>,
    /// Where the current frame begins.
    bottom: usize,
    /// The registers below are on the backing store.
    stored: usize,
    /// An address, and the register that belongs there.
    base: (u64, usize),
    cfm: Cfm,
    frames: Vec<Frame>,
}

pub(super) fn execute(p: &mut Processor, opcode: impl Into<Opcode>, operands: &[i64]) -> Outcome {
    let instruction = Instruction::encode(opcode.into(), 0, operands).expect("operands fit");
    let mut op = lower::instruction(&instruction);
    op.slot = 2;
    (op.execute)(p, &op)
}

impl Machine {
    pub(super) fn new() -> Machine {
        Machine::with_faults(None)
    }

    pub(super) fn with_faults(faults: Option<u64>) -> Machine {
        let memory = Arc::new(FlatMemory::new(0x8_0000));
        let mut p = flat_machine::processor(memory.clone());
        p.set_bspstore(USER);
        Machine {
            p,
            faults,
            memory,
            stack: vec![None; 96],
            bottom: 0,
            stored: 0,
            base: (USER, 0),
            cfm: Cfm::new(),
            frames: vec![],
        }
    }

    pub(super) fn word(&self, address: u64) -> u64 {
        let mut bytes = [0; 8];
        self.memory.read_bytes(address, &mut bytes).expect("RAM");
        u64::from_le_bytes(bytes)
    }

    fn address(&self, register: usize) -> u64 {
        address_of(self.base.0, (register - self.base.1) as u64)
    }

    /// The element that the current frame calls r(32 + `offset`).
    fn element(&mut self, offset: usize) -> &mut Option<(u64, bool)> {
        let rotating = usize::from(self.cfm.sor()) * 8;
        let offset = if offset < rotating { (offset + usize::from(self.cfm.rrb_gr())) % rotating } else { offset };
        &mut self.stack[self.bottom + offset]
    }

    fn random(&mut self, below: u64) -> u64 {
        let Some(state) = &mut self.faults else { return 0 };
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }

    /// Takes translations away and sets a breakpoint near the end of the backing store.
    fn spoil(&mut self) {
        if self.faults.is_none() {
            return;
        }
        self.p.set_psr(Psr::new().with_ic(true).with_dt(true).with_rt(true).with_db(true));
        if self.random(4) == 0 {
            self.p.purge_all();
        }
        let address = self.p.bspstore().wrapping_sub(64 * 8).wrapping_add(self.random(160) * 8);
        self.p.write_dbr(0, address);
        self.p.write_dbr(1, u64::MAX >> 8 | 0xc1 << 56);
    }

    /// What a handler does about a fault of the register stack engine.
    fn mend(&mut self) {
        let raised = self.p.raised;
        assert!(raised.isr.rs() && raised.isr.r() != raised.isr.w());
        match raised.vector {
            Vector::Debug => self.p.write_dbr(1, 0),
            Vector::AlternateDataTlb => {
                let address = raised.ifa.expect("the address");
                self.p.registers.cr[cr::IFA] = address;
                self.p.registers.cr[cr::ITIR] = 12 << 2;
                let present_dirty_accessed = 0x61;
                let pte = address & !0xfff | present_dirty_accessed | 3 << 9;
                assert_eq!(self.p.insert_tc(Side::Data, pte), Ok(()));
            }
            other => panic!("{other:?}"),
        }
    }

    /// Executes an instruction, again after each of its faults; what is missing of a frame is loaded when the handler
    /// returns, which may have covered it.
    fn execute(&mut self, opcode: Opcode, operands: &[i64]) -> Outcome {
        self.spoil();
        loop {
            match execute(&mut self.p, opcode, operands) {
                Err(Leave::Fault) if self.p.raised.isr.rs() => self.mend(),
                Err(Leave::IncompleteFrame) => {
                    self.complete_frame();
                    return Err(Leave::Branch);
                }
                Err(Leave::Return) => {
                    if self.p.complete_frame() == Err(Leave::IncompleteFrame) {
                        self.complete_frame();
                    }
                    return Err(Leave::Return);
                }
                outcome => return outcome,
            }
        }
    }

    fn complete_frame(&mut self) {
        let bsp = self.p.bsp();
        loop {
            assert!(self.p.rse.is_incomplete() && self.p.raised.isr.r());
            self.mend();
            self.p.rse.suspend();
            assert_eq!(self.p.complete_frame(), Ok(()));
            assert!(self.p.rse.is_incomplete());
            if self.random(2) == 0 {
                let cfm = self.p.cover_frame();
                assert!(!self.p.rse.is_incomplete());
                assert_eq!(self.p.bsp(), skip(bsp, cfm.sof().into()));
                self.p.uncover_frame(cfm);
                assert_eq!(self.p.registers.cfm, cfm);
            }
            assert_eq!(self.p.bsp(), bsp);
            self.p.enable_frame_load();
            match self.p.complete_frame() {
                Ok(()) => return,
                leave => assert_eq!(leave, Err(Leave::IncompleteFrame)),
            }
        }
    }

    pub(super) fn b(&mut self, b: B, operands: &[i64]) -> Outcome {
        self.execute(Opcode::B(b), operands)
    }

    pub(super) fn m(&mut self, m: M, operands: &[i64]) {
        assert_eq!(self.execute(Opcode::M(m), operands), Ok(()), "{m:?}");
    }

    fn move_bottom(&mut self, bottom: usize, cfm: Cfm) {
        self.bottom = bottom;
        self.cfm = cfm;
        self.stored = self.stored.min(bottom);
        self.stack.resize((bottom + 96).max(self.stack.len()), None);
    }

    fn alloc(&mut self, sof: u8, sol: u8, sor: u8) {
        let target = if sof > 0 { 31 + i64::from(sof) } else { 31 };
        let outcome = self.execute(Opcode::M(M::Alloc), &[target, sof.into(), sol.into(), i64::from(sor) * 8]);
        let rotated = self.cfm.rrb_gr() != 0 || self.cfm.rrb_fr() != 0 || self.cfm.rrb_pr() != 0;
        if sor != self.cfm.sor() && rotated {
            assert_eq!(outcome, Err(Leave::Fault));
            assert_eq!(self.p.raised, Interruption::RESERVED_REGISTER_FIELD);
            return;
        }
        assert_eq!(outcome, Ok(()));
        // What a larger frame uncovers is undefined.
        for register in self.bottom + usize::from(self.cfm.sof())..self.stack.len() {
            self.stack[register] = None;
        }
        self.cfm = self.cfm.with_sof(sof).with_sol(sol).with_sor(sor);
        self.stored = self.stored.max((self.bottom + usize::from(sof)).saturating_sub(96));
        if sof > 0 {
            *self.element(usize::from(sof) - 1) = Some((self.p.registers.ar[ar::PFS], false));
        }
    }

    fn cover(&mut self) -> u64 {
        let before = self.cfm;
        self.p.set_psr(self.p.registers.psr.with_ic(false));
        assert_eq!(execute(&mut self.p, Opcode::B(B::Cover), &[]), Err(Leave::Serialize));
        self.move_bottom(self.bottom + usize::from(before.sof()), Cfm::new());
        let ifs = self.p.registers.cr[cr::IFS];
        assert_eq!(ifs, 1 << 63 | u64::from(before));
        ifs
    }

    fn rfi(&mut self, ifs: u64) {
        let marker = Cfm::from(ifs & Cfm::MASK);
        self.spoil();
        self.p.registers.cr[cr::IPSR] = self.p.registers.psr.into();
        self.p.registers.cr[cr::IFS] = ifs;
        self.p.registers.cr[cr::IIP] = 0x2000;
        assert_eq!(self.b(B::Rfi, &[]), Err(Leave::Return));
        assert_eq!(self.p.registers.ip, 0x2000);
        self.move_bottom(self.bottom - usize::from(marker.sof()), marker);
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Alloc(sof, sol, sor) => {
                let sor = sor % 16 % (sof / 8 + 1);
                self.alloc(sof, sol % (sof + 1), sor);
            }
            Step::Call => {
                self.p.registers.ip = 0x1000;
                assert_eq!(self.b(B::Call, &[0, 0, 0, 1, 0x100]), Err(Leave::Branch));
                assert_eq!((self.p.registers.ip, self.p.registers.br[1]), (0x1100, 0x1010));
                let pfs = self.p.registers.ar[ar::PFS];
                assert_eq!(pfs & Cfm::MASK, u64::from(self.cfm));
                self.frames.push(Frame::Called { pfs });
                let sol = self.cfm.sol();
                self.move_bottom(self.bottom + usize::from(sol), Cfm::new().with_sof(self.cfm.sof() - sol));
            }
            Step::Return => {
                let Some(Frame::Called { pfs }) = self.frames.pop_if(|frame| matches!(frame, Frame::Called { .. }))
                else {
                    return;
                };
                let marker = Cfm::from(pfs & Cfm::MASK);
                // What the callee's frame did not reach is undefined to the caller.
                for register in self.bottom + usize::from(self.cfm.sof())..self.stack.len() {
                    self.stack[register] = None;
                }
                let outputs = usize::from(marker.sof() - marker.sol());
                let lost = outputs + self.bottom - self.stored > 96;
                self.p.registers.ar[ar::PFS] = pfs;
                self.p.registers.br[1] = 0x3000;
                assert_eq!(self.b(B::Ret, &[0, 0, 0, 1]), Err(Leave::Branch));
                self.move_bottom(self.bottom - usize::from(marker.sol()), if lost { Cfm::new() } else { marker });
            }
            Step::Write { r, value, nat } => {
                if self.cfm.sof() > 0 {
                    let offset = r % self.cfm.sof();
                    self.p.set_gr(32 + offset, value, nat);
                    *self.element(offset.into()) = Some((value, nat));
                }
            }
            Step::Rotate => {
                self.p.registers.ar[ar::LC] = 1;
                assert_eq!(self.b(B::Ctop, &[0, 0, 0, 0]), Err(Leave::Branch));
                let turn = |base: u8, size: u8| if size == 0 { 0 } else { (base + size - 1) % size };
                let cfm = self.cfm;
                self.cfm = cfm
                    .with_rrb_gr(turn(cfm.rrb_gr(), cfm.sor() * 8))
                    .with_rrb_fr(turn(cfm.rrb_fr(), 96))
                    .with_rrb_pr(turn(cfm.rrb_pr(), 48));
            }
            Step::ClearRotation => {
                assert_eq!(self.b(B::Clrrrb, &[]), Ok(()));
                self.cfm = self.cfm.with_rrb_gr(0).with_rrb_fr(0).with_rrb_pr(0);
            }
            Step::Flush => self.flush(),
            Step::Interrupt => {
                let ifs = self.cover();
                self.frames.push(Frame::Interrupted { ifs });
            }
            Step::Resume => {
                let interrupted = |frame: &mut Frame| matches!(frame, Frame::Interrupted { .. });
                if let Some(Frame::Interrupted { ifs }) = self.frames.pop_if(interrupted) {
                    self.rfi(ifs);
                }
            }
            Step::EnterKernel => {
                if self.base.0 != USER {
                    return;
                }
                let ifs = self.cover();
                let (bspstore, rnat) = (self.p.ar(ar::BSPSTORE), self.p.ar(ar::RNAT));
                self.p.set_ar(ar::BSPSTORE, KERNEL + 0x1a8);
                self.frames.push(Frame::Entered { ifs, bspstore, rnat, base: self.base });
                self.base = (KERNEL + 0x1a8, self.stored);
            }
            Step::LeaveKernel => {
                let entered = |frame: &mut Frame| matches!(frame, Frame::Entered { .. });
                let Some(Frame::Entered { ifs, bspstore, rnat, base }) = self.frames.pop_if(entered) else { return };
                self.alloc_nothing();
                let stored = self.base.1;
                let bytes = self.p.bsp() - (KERNEL + 0x1a8);
                self.p.set_ar(ar::RSC, bytes << 16);
                self.m(M::Loadrs, &[]);
                assert_eq!(self.p.bspstore(), KERNEL + 0x1a8);
                self.p.set_ar(ar::RSC, 0);
                self.p.set_ar(ar::BSPSTORE, bspstore);
                self.p.set_ar(ar::RNAT, rnat);
                (self.base, self.stored) = (base, stored);
                self.rfi(ifs);
            }
            Step::Invalidate => {
                self.flush();
                self.p.set_ar(ar::RSC, 0);
                self.m(M::Loadrs, &[]);
            }
        }
    }

    fn alloc_nothing(&mut self) {
        if self.cfm.rrb_gr() != 0 || self.cfm.rrb_fr() != 0 || self.cfm.rrb_pr() != 0 {
            self.step(Step::ClearRotation);
        }
        self.alloc(0, 0, 0);
    }

    fn flush(&mut self) {
        self.m(M::Flushrs, &[]);
        self.stored = self.bottom;
        assert_eq!(self.p.bspstore(), self.p.bsp());
        let mut rnat = self.p.ar(ar::RNAT);
        let mut top = self.p.bsp();
        for register in (self.base.1..self.bottom).rev() {
            let address = self.address(register);
            // The collection above the register is in memory, unless it is the one that is not full.
            if address | 0x1f8 != top | 0x1f8 {
                rnat = self.word(address | 0x1f8);
                assert_eq!(rnat >> 63, 0);
                top = address;
            }
            if let Some((value, nat)) = self.stack[register] {
                assert_eq!(self.word(address), value);
                assert_eq!(rnat >> (address >> 3 & 0x3f) & 1 != 0, nat);
            }
        }
    }

    pub(super) fn check(&mut self) {
        assert_eq!(self.p.registers.cfm, self.cfm);
        assert_eq!(self.p.bsp(), self.address(self.bottom));
        assert_eq!(skip(self.p.bspstore(), 0), self.address(self.stored));
        for offset in 0..usize::from(self.cfm.sof()) {
            if let Some(expected) = *self.element(offset) {
                let r = 32 + offset as u8;
                assert_eq!((self.p.gr(r), self.p.nat(r)), expected, "r{r}");
            }
        }
    }
}
