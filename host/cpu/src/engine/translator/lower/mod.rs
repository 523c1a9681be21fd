//! From a region to host code. Each family of instructions has its file; an instruction for which none emits code
//! calls its own function.

mod branch;
mod compare;
mod integer;
mod memory;

use dynasmrt::x64::X64Relocation;
use dynasmrt::{AssemblyOffset, DynamicLabel, DynasmApi, DynasmLabelApi, VecAssembler, dynasm};
use patchbay_isa::field::Kind;
use patchbay_isa::rows::{B, I, M};
use patchbay_isa::{Instruction, Opcode};
use rustc_hash::FxHashMap;

use super::helpers::BRANCH;
use super::layout::{ATTENTION, CFM, Host, IP, LAST_IP, LC, NAT, PAGES, POOL, PR, PSR, RAX, RCX, RDX, general};
use super::region::Region;
use super::stubs::{AFTER, AT_AN_EDGE, BEFORE, NOT_ENTERED, Stubs, asm};
use crate::engine::block::Action;
use crate::engine::interpreter::Op;
use crate::registers::ar;

/// A condition of the host, as its flags say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Equal,
    NotEqual,
    Less,
    GreaterOrEqual,
    Greater,
    LessOrEqual,
    Below,
    AboveOrEqual,
}

impl Condition {
    fn inverse(self) -> Condition {
        match self {
            Condition::Equal => Condition::NotEqual,
            Condition::NotEqual => Condition::Equal,
            Condition::Less => Condition::GreaterOrEqual,
            Condition::GreaterOrEqual => Condition::Less,
            Condition::Greater => Condition::LessOrEqual,
            Condition::LessOrEqual => Condition::Greater,
            Condition::Below => Condition::AboveOrEqual,
            Condition::AboveOrEqual => Condition::Below,
        }
    }
}

/// Where a guest register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    /// r0.
    Zero,
    Host(Host),
    /// At rbp plus this.
    Memory(i32),
}

/// The flags of the host say what a compare has just written to two predicates.
#[derive(Clone, Copy, Debug)]
struct Fused {
    p1: u8,
    p2: u8,
    condition: Condition,
}

/// What stands after the code that is executed often.
#[derive(Clone, Copy)]
enum Cold {
    /// An access that did not find its page.
    Access { at: DynamicLabel, back: DynamicLabel, block: usize, step: usize, access: memory::Access },
    /// A way out of the region, to another block.
    Exit { at: DynamicLabel, ip: u64 },
    /// The same, after so many instructions of a block, the last of which was in bundle `last`.
    Branch { at: DynamicLabel, last: u64, ip: u64, instructions: u8 },
    /// A look at the budget or at what others ask for, before the block at an address.
    Look { at: DynamicLabel, ip: u64 },
    /// The outcome of a step is to be looked at; it is in eax.
    Out { at: DynamicLabel, block: usize, step: usize },
    /// The interpreter executes the rest of a block, from a step on.
    Rest { at: DynamicLabel, block: usize, step: usize },
}

/// Number of the loop count among general registers.
const LOOP_COUNT: usize = 128;
const NONE: Host = 0xff;

/// An entry of a compiled region: its block, and where its code begins.
pub(super) struct Entrance {
    pub(super) block: usize,
    pub(super) offset: AssemblyOffset,
}

/// Assembles a region.
pub(super) struct Emitter<'a> {
    code: VecAssembler<X64Relocation>,
    stubs: &'a Stubs,
    region: &'a Region,
    /// By general register, the host register that holds it. The loop count comes last.
    assigned: [Host; 129],
    /// The general registers that code of the region writes.
    written: u128,
    writes_loop_count: bool,
    labels: Vec<DynamicLabel>,
    flush: DynamicLabel,
    reload: DynamicLabel,
    cold: Vec<Cold>,
    fused: Option<Fused>,
    /// Slots of pages, by base register, binary logarithm of the size and whether it is stored to.
    pages: FxHashMap<(u8, u8, bool), u8>,
    next_page: u8,
    /// Whether there may be ALAT entries, so that stores look for them.
    advanced: bool,
    /// Whether completed instructions are noted for cr.iipa.
    collecting: bool,
}

/// The host code of a region, and where it is entered.
pub(super) struct Emitted {
    pub(super) code: Vec<u8>,
    pub(super) entrances: Vec<Entrance>,
}

/// Assembles a region for an address. `collecting` says whether PSR.ic, or the guest's, is 1, `advanced` whether the ALAT
/// is in use; `page` is the slot of the region's first page.
pub(super) fn emit(
    region: &Region,
    stubs: &Stubs,
    address: usize,
    collecting: bool,
    advanced: bool,
    page: u8,
) -> Option<Emitted> {
    let mut code = VecAssembler::new(address);
    let labels = region.blocks.iter().map(|_| code.new_dynamic_label()).collect();
    let (flush, reload) = (code.new_dynamic_label(), code.new_dynamic_label());
    let mut emitter = Emitter {
        code,
        stubs,
        region,
        assigned: [NONE; 129],
        written: 0,
        writes_loop_count: false,
        labels,
        flush,
        reload,
        cold: Vec::new(),
        fused: None,
        pages: FxHashMap::default(),
        next_page: page,
        advanced,
        collecting,
    };
    emitter.assign();
    emitter.emit()
}

/// Whether code is emitted for an instruction.
fn is_emitted(opcode: Opcode) -> bool {
    match opcode {
        Opcode::A(a) => compare::of_a(a).is_some() || integer::emits_a(a),
        Opcode::I(i) => compare::of_i(i).is_some() || integer::emits_i(i),
        Opcode::M(m) => memory::of(m).is_some(),
        Opcode::B(b) => matches!(b, B::Cond | B::Cloop),
        Opcode::X(x) => x == patchbay_isa::rows::X::Movl,
        Opcode::F(_) => false,
    }
}

/// Whether an instruction without an emitter uses no general registers but those it names, nor the loop count.
fn is_light(opcode: Opcode, op: &Op) -> bool {
    match opcode {
        Opcode::A(_) | Opcode::F(_) => true,
        Opcode::I(I::MovToAr | I::MovImmToAr | I::MovFromAr) => usize::from(op.r3) != ar::LC,
        Opcode::I(_) => true,
        Opcode::M(m) => !matches!(m, M::Alloc | M::Flushrs | M::Loadrs),
        Opcode::B(_) | Opcode::X(_) => false,
    }
}

impl Emitter<'_> {
    /// Gives host registers to the general registers that are used most.
    fn assign(&mut self) {
        let region = self.region;
        let mut loops = Vec::new();
        for block in &region.blocks {
            for to in block.taken.iter().copied().flatten() {
                if region.blocks[to].ip <= block.ip {
                    loops.push((region.blocks[to].ip, block.ip));
                }
            }
        }
        loops.sort_unstable();
        loops.dedup();
        let mut weight = [0u64; 129];
        for block in &region.blocks {
            let depth = loops.iter().filter(|(first, last)| (*first..=*last).contains(&block.ip)).count();
            let often = 8u64.pow(depth.min(4) as u32);
            for step in &block.prepared.block.steps {
                let Action::Executes(instruction) = step.action else { continue };
                if !is_emitted(instruction.opcode) {
                    continue;
                }
                for field in instruction.row().fields().filter(|field| field.kind() == Kind::Gr) {
                    weight[instruction.field(field) as usize & 127] += often;
                }
                for target in instruction.gr_targets() {
                    self.written |= 1 << (target & 127);
                }
                if instruction.opcode == Opcode::B(B::Cloop) {
                    weight[LOOP_COUNT] += often;
                    self.writes_loop_count = true;
                }
            }
        }
        weight[0] = 0;
        let mut order: Vec<usize> = (0..129).filter(|r| weight[*r] > 1).collect();
        order.sort_by_key(|r| (std::cmp::Reverse(weight[*r]), *r));
        for (r, host) in order.into_iter().zip(POOL) {
            self.assigned[r] = host;
        }
    }

    fn emit(mut self) -> Option<Emitted> {
        let mut entrances = Vec::new();
        let bail = self.code.new_dynamic_label();
        for block in 0..self.region.blocks.len() {
            if self.region.blocks[block].is_entry {
                let offset = self.code.offset();
                entrances.push(Entrance { block, offset });
                self.entrance(block, bail);
            }
        }
        asm!(self.code ; =>bail ; mov eax, NOT_ENTERED as i32 ; ret);
        for block in 0..self.region.blocks.len() {
            let label = self.labels[block];
            asm!(self.code ; =>label);
            self.block(block);
        }
        while !self.cold.is_empty() {
            for cold in std::mem::take(&mut self.cold) {
                self.cold(cold);
            }
        }
        self.flush_and_reload();
        Some(Emitted { code: self.code.finalize().ok()?, entrances })
    }

    /// Sees to it that the state is one for which the region was compiled, and loads registers.
    fn entrance(&mut self, index: usize, bail: DynamicLabel) {
        let block = &self.region.blocks[index];
        let (generation, stamp) = block.prepared.block.generation();
        let (mut least, mut most) = (0, 96);
        for other in self.region.blocks.iter().filter(|other| other.sof == block.sof) {
            let (at_least, at_most) = other.prepared.block.frames();
            (least, most) = (least.max(at_least), most.min(at_most));
        }
        asm!(self.code
            ; mov rax, QWORD generation as i64
            ; cmp DWORD [rax], stamp as i32
            ; jne =>bail
        );
        if (least, most) != (0, 96) {
            asm!(self.code
                ; mov eax, DWORD [rbp + CFM]
                ; and eax, 0x7f
                ; sub eax, least.into()
                ; cmp eax, i32::from(most) - i32::from(least)
                ; ja =>bail
            );
        }
        asm!(self.code
            ; mov rax, QWORD [rbp + NAT]
            ; or rax, [rbp + NAT + 8]
            ; jne =>bail
        );
        if block.prepared.block.entry.slot as u8 != 0 {
            // PSR.ri, bits 41 and 42.
            asm!(self.code ; and BYTE [rbp + PSR + 5], !6);
        }
        let (reload, label) = (self.reload, self.labels[index]);
        asm!(self.code ; call =>reload ; jmp =>label);
    }

    fn flush_and_reload(&mut self) {
        let (flush, reload) = (self.flush, self.reload);
        asm!(self.code ; =>flush ; mov QWORD [rbp + PR], r14);
        for r in 0..129 {
            let host = self.assigned[r];
            let written = if r == LOOP_COUNT { self.writes_loop_count } else { self.written >> r & 1 != 0 };
            if host != NONE && written {
                self.store(host, home_in_memory(r));
            }
        }
        asm!(self.code ; ret ; =>reload ; mov r14, QWORD [rbp + PR]);
        for r in 0..129 {
            let host = self.assigned[r];
            if host != NONE {
                self.load(host, home_in_memory(r));
            }
        }
        asm!(self.code ; ret);
    }

    fn block(&mut self, index: usize) {
        let prepared = std::sync::Arc::clone(&self.region.blocks[index].prepared);
        self.fused = None;
        for (number, (step, op)) in prepared.block.steps.iter().zip(&prepared.ops).enumerate() {
            let opcode = match step.action {
                Action::Executes(instruction) => Some(instruction.opcode),
                Action::Raises(_) | Action::Portal(_) | Action::Trigger(_) => None,
                Action::Detour => continue,
            };
            match opcode {
                Some(Opcode::A(a)) if compare::of_a(a).is_some() => {
                    self.fused = self.compare(op, compare::of_a(a).expect("a compare"));
                    continue;
                }
                Some(Opcode::I(i)) if compare::of_i(i).is_some() => {
                    self.fused = self.compare(op, compare::of_i(i).expect("a compare"));
                    continue;
                }
                Some(Opcode::A(a)) if integer::emits_a(a) => self.integer_a(op, a),
                Some(Opcode::I(i)) if integer::emits_i(i) => {
                    let ip = self.region.blocks[index].ip + (u64::from(op.bundle) << 4);
                    self.integer_i(op, i, ip);
                }
                Some(Opcode::X(patchbay_isa::rows::X::Movl)) => self.movl(op),
                Some(Opcode::M(m)) if memory::of(m).is_some() => {
                    self.memory(index, number, op, memory::of(m).expect("an access"));
                }
                Some(Opcode::B(b @ (B::Cond | B::Cloop))) if !(b == B::Cloop && op.predicate != 0) => {
                    if self.branch(index, number, op, b) {
                        return;
                    }
                    continue;
                }
                Some(opcode) if is_light(opcode, op) => {
                    if let Action::Executes(instruction) = step.action {
                        self.call_lightly(index, number, op, &instruction);
                    }
                }
                _ => {
                    if self.call_function(index, number, op, opcode) {
                        return;
                    }
                }
            }
            self.fused = None;
        }
        let block = &self.region.blocks[index];
        let next = block.ip + (u64::from(prepared.block.bundles) << 4);
        let last = next - 16;
        if prepared.block.resume_slot as u8 != 0 {
            // Only a block that was cut short ends inside a bundle.
            let at = self.code.new_dynamic_label();
            asm!(self.code ; jmp =>at);
            self.cold.push(Cold::Rest { at, block: index, step: prepared.ops.len() });
            return;
        }
        self.edge(index, last, block.follows, next, prepared.block.length);
    }

    /// Calls the function of an instruction that uses no general registers but those it names, and may stay in host
    /// registers.
    fn call_lightly(&mut self, index: usize, number: usize, op: &Op, instruction: &Instruction) {
        let done = self.code.new_dynamic_label();
        if op.qp != 0 {
            self.test_predicate(op.qp);
            asm!(self.code ; jz =>done);
        }
        self.store_immediate(self.region.blocks[index].ip, IP);
        for field in instruction.row().fields().filter(|field| field.kind() == Kind::Gr) {
            if let Home::Host(host) = self.home(instruction.field(field) as u8) {
                self.store(host, general(instruction.field(field) as u8));
            }
        }
        asm!(self.code
            ; mov rax, QWORD std::ptr::from_ref(op).expose_provenance() as i64
            ; call extern self.stubs.execute_lightly
        );
        let mut writes = false;
        for target in instruction.gr_targets() {
            writes = true;
            if let Home::Host(host) = self.home(target) {
                self.load(host, general(target));
            }
        }
        let out = self.code.new_dynamic_label();
        asm!(self.code ; test eax, eax ; jnz =>out);
        self.cold.push(Cold::Out { at: out, block: index, step: number });
        if writes {
            let nat = self.code.new_dynamic_label();
            asm!(self.code
                ; mov rcx, QWORD [rbp + NAT]
                ; or rcx, [rbp + NAT + 8]
                ; jnz =>nat
            );
            self.cold.push(Cold::Rest { at: nat, block: index, step: number + 1 });
        }
        asm!(self.code ; =>done);
    }

    /// Calls the function of an instruction. Says whether nothing follows it in the block.
    fn call_function(&mut self, index: usize, number: usize, op: &Op, opcode: Option<Opcode>) -> bool {
        let block = &self.region.blocks[index];
        let (done, out) = (self.code.new_dynamic_label(), self.code.new_dynamic_label());
        if op.qp != 0 {
            self.test_predicate(op.qp);
            asm!(self.code ; jz =>done);
        }
        let (flush, reload, ip) = (self.flush, self.reload, block.ip);
        asm!(self.code ; call =>flush);
        self.store_immediate(ip, IP);
        asm!(self.code
            ; mov rsi, QWORD std::ptr::from_ref(op).expose_provenance() as i64
            ; call extern self.stubs.execute
        );
        let branches = matches!(opcode, Some(Opcode::B(_) | Opcode::X(_)));
        if branches {
            let other = self.code.new_dynamic_label();
            asm!(self.code ; cmp eax, BRANCH ; jne =>other);
            self.note_last(ip + (u64::from(op.bundle) << 4));
            self.count(op.preceding + 1);
            match block.taken[number] {
                Some(to) if matches!(opcode, Some(Opcode::B(B::Ctop | B::Cexit | B::Wtop | B::Wexit))) => {
                    let target = self.region.blocks[to].ip;
                    asm!(self.code ; call =>reload ; test r15, r15);
                    self.look_and_go(index, to, target);
                }
                _ => asm!(self.code ; jmp extern self.stubs.dispatch),
            }
            asm!(self.code ; =>other);
        }
        asm!(self.code
            ; test eax, eax
            ; jnz =>out
            ; mov rcx, QWORD [rbp + NAT]
            ; or rcx, [rbp + NAT + 8]
        );
        // A NaT: the interpreter goes on after the instruction, with what it has stored.
        let nat = self.code.new_dynamic_label();
        asm!(self.code ; jnz =>nat ; call =>reload ; =>done);
        // Out of line, but close: these are short.
        let over = self.code.new_dynamic_label();
        asm!(self.code ; jmp =>over ; =>out ; shl eax, 8 ; lea edx, [rax + ((number as i32) << 16 | AFTER as i32)]);
        self.leave_in(index);
        asm!(self.code ; =>nat ; mov edx, ((number as i32 + 1) << 16) | BEFORE as i32);
        self.leave_in(index);
        asm!(self.code ; =>over);
        false
    }

    /// Returns to the run loop, in a block. All registers are stored, and edx is set.
    fn leave_in(&mut self, block: usize) {
        let prepared = std::sync::Arc::as_ptr(&self.region.blocks[block].prepared).expose_provenance();
        asm!(self.code ; mov rax, QWORD prepared as i64 ; ret);
    }

    fn cold(&mut self, cold: Cold) {
        let flush = self.flush;
        match cold {
            Cold::Access { at, back, block, step, access } => self.access_slowly(at, back, block, step, access),
            Cold::Exit { at, ip } => {
                asm!(self.code ; =>at ; call =>flush);
                self.store_immediate(ip, IP);
                asm!(self.code ; jmp extern self.stubs.dispatch);
            }
            Cold::Branch { at, last, ip, instructions } => {
                asm!(self.code ; =>at);
                self.note_last(last);
                self.count(instructions);
                asm!(self.code ; call =>flush);
                self.store_immediate(ip, IP);
                asm!(self.code ; jmp extern self.stubs.dispatch);
            }
            Cold::Look { at, ip } => {
                asm!(self.code ; =>at ; call =>flush);
                self.store_immediate(ip, IP);
                asm!(self.code ; mov eax, AT_AN_EDGE as i32 ; ret);
            }
            Cold::Out { at, block, step } => {
                asm!(self.code
                    ; =>at
                    ; call =>flush
                    ; shl eax, 8
                    ; lea edx, [rax + ((step as i32) << 16 | AFTER as i32)]
                );
                self.leave_in(block);
            }
            Cold::Rest { at, block, step } => {
                asm!(self.code ; =>at ; call =>flush);
                let ip = self.region.blocks[block].ip;
                self.store_immediate(ip, IP);
                asm!(self.code ; mov edx, (step as i32) << 16 | BEFORE as i32);
                self.leave_in(block);
            }
        }
    }

    /// Notes the bundle of the last instruction completed.
    fn note_last(&mut self, bundle: u64) {
        if self.collecting {
            self.store_immediate(bundle, LAST_IP);
        }
    }

    /// Counts completed instructions; the flags say what is left.
    fn count(&mut self, instructions: u8) {
        if let Ok(instructions) = i8::try_from(instructions) {
            asm!(self.code ; sub r15, BYTE instructions);
        } else {
            asm!(self.code ; sub r15, DWORD instructions.into());
        }
    }

    /// Goes on at another block, after so many instructions of this one, the last of which was in bundle `last`.
    fn edge(&mut self, from: usize, last: u64, to: Option<usize>, ip: u64, instructions: u8) {
        self.note_last(last);
        self.count(instructions);
        match to {
            Some(to) => self.look_and_go(from, to, ip),
            None => {
                let at = self.code.new_dynamic_label();
                asm!(self.code ; jmp =>at);
                self.cold.push(Cold::Exit { at, ip });
            }
        }
    }

    /// Goes on at a block of the region, unless something is to be looked at first. The flags say what is left.
    fn look_and_go(&mut self, from: usize, to: usize, ip: u64) {
        let at = self.code.new_dynamic_label();
        asm!(self.code
            ; jle =>at
            ; mov rax, QWORD [rbp + ATTENTION]
            ; cmp BYTE [rax], 0
            ; jne =>at
        );
        if self.region.blocks[to].ip <= self.region.blocks[from].ip {
            let (generation, stamp) = self.region.blocks[to].prepared.block.generation();
            asm!(self.code
                ; mov rax, QWORD generation as i64
                ; cmp DWORD [rax], stamp as i32
                ; jne =>at
            );
        }
        self.cold.push(Cold::Look { at, ip });
        let label = self.labels[to];
        asm!(self.code ; jmp =>label);
    }
}

/// Values in registers and memory.
impl Emitter<'_> {
    /// Where a general register is.
    fn home(&self, r: u8) -> Home {
        match usize::from(r & 127) {
            0 => Home::Zero,
            r => self.home_of(r),
        }
    }

    fn home_of(&self, r: usize) -> Home {
        match self.assigned[r] {
            NONE => Home::Memory(home_in_memory(r)),
            host => Home::Host(host),
        }
    }

    fn load(&mut self, host: Host, at: i32) {
        match i8::try_from(at) {
            Ok(at) => asm!(self.code ; mov Rq(host), [BYTE rbp + at]),
            Err(_) => asm!(self.code ; mov Rq(host), QWORD [rbp + at]),
        }
    }

    fn store(&mut self, host: Host, at: i32) {
        match i8::try_from(at) {
            Ok(at) => asm!(self.code ; mov [BYTE rbp + at], Rq(host)),
            Err(_) => asm!(self.code ; mov QWORD [rbp + at], Rq(host)),
        }
    }

    fn set(&mut self, host: Host, value: u64) {
        if value == 0 {
            asm!(self.code ; xor Rd(host), Rd(host));
        } else {
            self.set_keeping_flags(host, value);
        }
    }

    fn set_keeping_flags(&mut self, host: Host, value: u64) {
        if let Ok(small) = u32::try_from(value) {
            asm!(self.code ; mov Rd(host), DWORD small as i32);
        } else if let Ok(small) = i32::try_from(value as i64) {
            asm!(self.code ; mov Rq(host), DWORD small);
        } else {
            asm!(self.code ; mov Rq(host), QWORD value as i64);
        }
    }

    fn store_immediate(&mut self, value: u64, at: i32) {
        if let Ok(small) = i32::try_from(value as i64) {
            asm!(self.code ; mov QWORD [rbp + at], DWORD small);
        } else {
            self.set_keeping_flags(RCX, value);
            self.store(RCX, at);
        }
    }

    fn copy(&mut self, to: Host, from: Host) {
        if to != from {
            asm!(self.code ; mov Rq(to), Rq(from));
        }
    }

    /// Loads a value into a host register.
    fn get(&mut self, host: Host, home: Home) {
        match home {
            Home::Zero => asm!(self.code ; xor Rd(host), Rd(host)),
            Home::Host(from) => self.copy(host, from),
            Home::Memory(at) => self.load(host, at),
        }
    }

    /// The host register that holds a value: its own, or else `other`.
    fn host(&mut self, home: Home, other: Host) -> Host {
        match home {
            Home::Host(host) => host,
            _ => {
                self.get(other, home);
                other
            }
        }
    }

    /// Where a result is best computed: in the register it goes to, unless a predicate decides whether it does or the
    /// register holds an operand that is still needed.
    fn result(&self, target: Home, qp: u8, needed: &[Home]) -> Host {
        match target {
            Home::Host(host) if qp == 0 && !needed.contains(&target) => host,
            _ => RAX,
        }
    }

    /// Writes a result to a register if a predicate is true.
    fn put(&mut self, target: Home, from: Host, qp: u8) {
        if qp != 0 {
            if target == Home::Zero {
                return;
            }
            self.test_predicate(qp);
        }
        match (target, qp) {
            (Home::Zero, _) => {}
            (Home::Host(host), 0) => self.copy(host, from),
            (Home::Memory(at), 0) => self.store(from, at),
            (Home::Host(host), _) => asm!(self.code ; cmovnz Rq(host), Rq(from)),
            (Home::Memory(at), _) => {
                let over = self.code.new_dynamic_label();
                asm!(self.code ; jz =>over);
                self.store(from, at);
                asm!(self.code ; =>over);
            }
        }
    }

    /// Tests a predicate: the zero flag says that it is 0.
    fn test_predicate(&mut self, p: u8) {
        match p & 63 {
            p @ 0..8 => asm!(self.code ; test r14b, BYTE (1u8 << p) as i8),
            p @ 8..32 => asm!(self.code ; test r14d, DWORD (1u32 << p) as i32),
            p => {
                asm!(self.code ; mov rcx, r14 ; shr rcx, BYTE 32 ; test ecx, DWORD (1u32 << (p - 32)) as i32);
            }
        }
    }

    fn jump_if(&mut self, condition: Condition, to: DynamicLabel) {
        match condition {
            Condition::Equal => asm!(self.code ; je =>to),
            Condition::NotEqual => asm!(self.code ; jne =>to),
            Condition::Less => asm!(self.code ; jl =>to),
            Condition::GreaterOrEqual => asm!(self.code ; jge =>to),
            Condition::Greater => asm!(self.code ; jg =>to),
            Condition::LessOrEqual => asm!(self.code ; jle =>to),
            Condition::Below => asm!(self.code ; jb =>to),
            Condition::AboveOrEqual => asm!(self.code ; jae =>to),
        }
    }
}

fn home_in_memory(r: usize) -> i32 {
    if r == LOOP_COUNT { LC } else { general(r as u8) }
}
