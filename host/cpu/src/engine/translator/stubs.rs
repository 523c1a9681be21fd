//! Host code that all regions share: the way in, from one region to the next, and to the helpers.

use dynasmrt::x64::X64Relocation;
use dynasmrt::{DynasmApi, DynasmLabelApi, VecAssembler, dynasm};

use super::code::CodeMemory;
use super::helpers;
use super::layout::{
    ATTENTION, BLOCK_IP, CODE, GUEST_IC, INSTRUCTIONS, IP, LEFT, LOOK, PLAIN, PR, PROCESSOR, PSR, SOFT, page,
};
use super::links::{JUMPS, Links, MODE};
use crate::mmu::translation::OFFSET;
use crate::processor::Processor;

macro_rules! asm {
    ($code:expr ; $($instructions:tt)*) => { dynasm!($code ; .arch x64 ; $($instructions)*) };
}
pub(super) use asm;

/// What compiled code returns.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Returned {
    /// [`AT_AN_EDGE`], [`NOT_ENTERED`], or the address of the block in which it was left.
    pub(super) block: u64,
    /// Which step of the block, and what about it: `step << 16 | leave << 8 | kind`.
    pub(super) detail: u64,
}

/// IP is that of a block which is to be executed next.
pub(super) const AT_AN_EDGE: u64 = 0;
/// The state is not one that the region is for.
pub(super) const NOT_ENTERED: u64 = 1;
/// The step has not been executed.
pub(super) const BEFORE: u64 = 0;
/// The step has been executed and does not go on.
pub(super) const AFTER: u64 = 1;

/// The way into compiled code: the processor, the instructions left, where to.
pub(super) type Enter = unsafe extern "sysv64" fn(*mut Processor, i64, u64) -> Returned;

/// Addresses of shared code.
#[derive(Debug)]
pub(super) struct Stubs {
    pub(super) enter: usize,
    /// Goes on at IP, or returns [`AT_AN_EDGE`]. All registers are stored.
    pub(super) dispatch: usize,
    /// Executes the step whose operation rsi points at. All registers are stored and lost; eax has the outcome.
    pub(super) execute: usize,
    /// Executes the step whose operation rax points at, which uses no general registers but those stored; eax has the
    /// outcome. Registers stay, and the predicates are read anew.
    pub(super) execute_lightly: usize,
    /// By the binary logarithm of the size: loads from rax to rax by the page in the slot at rbp + rcx; ecx has the
    /// outcome.
    pub(super) load: [usize; 4],
    /// By the binary logarithm of the size: stores rdx at rax, as `load`.
    pub(super) store: [usize; 4],
    /// As `store`, and not without a look at the ALAT.
    pub(super) store_advanced: [usize; 4],
}

type Code = VecAssembler<X64Relocation>;

impl Stubs {
    /// Assembles them. `None` if there is no room.
    pub(super) fn new(memory: &mut CodeMemory, links: &Links) -> Option<Stubs> {
        let mut add = |assemble: &dyn Fn(&mut Code)| {
            let at = memory.next();
            let mut code = Code::new(at);
            assemble(&mut code);
            memory.add(&code.finalize().ok()?)?;
            Some(at)
        };
        let load = [
            add(&|code| access(code, 0, None, helpers::load::<u8> as *const () as usize))?,
            add(&|code| access(code, 1, None, helpers::load::<u16> as *const () as usize))?,
            add(&|code| access(code, 2, None, helpers::load::<u32> as *const () as usize))?,
            add(&|code| access(code, 3, None, helpers::load::<u64> as *const () as usize))?,
        ];
        let stores = [
            helpers::store::<u8> as *const () as usize,
            helpers::store::<u16> as *const () as usize,
            helpers::store::<u32> as *const () as usize,
            helpers::store::<u64> as *const () as usize,
        ];
        let (mut store, mut store_advanced) = ([0; 4], [0; 4]);
        for (size, helper) in stores.into_iter().enumerate() {
            store[size] = add(&|code| access(code, size as u8, Some(false), helper))?;
            store_advanced[size] = add(&|code| access(code, size as u8, Some(true), helper))?;
        }
        Some(Stubs {
            enter: add(&enter)?,
            dispatch: add(&|code| dispatch(code, links))?,
            execute: add(&execute)?,
            execute_lightly: add(&execute_lightly)?,
            load,
            store,
            store_advanced,
        })
    }
}

/// Compiled code finds the stack aligned to 16 bytes.
fn enter(code: &mut Code) {
    asm!(code
        ; push rbx
        ; push rbp
        ; push r12
        ; push r13
        ; push r14
        ; push r15
        ; lea rbp, [rdi - PROCESSOR]
        ; mov r15, rsi
        ; call rdx
        ; mov QWORD [rbp + LEFT], r15
        ; pop r15
        ; pop r14
        ; pop r13
        ; pop r12
        ; pop rbp
        ; pop rbx
        ; ret
    );
}

fn dispatch(code: &mut Code, links: &Links) {
    asm!(code
        ; test r15, r15
        ; jle >no
        ; mov rax, QWORD [rbp + ATTENTION]
        ; cmp BYTE [rax], 0
        ; jne >no
        ; mov rax, QWORD [rbp + IP]
        ; mov ecx, eax
        ; shr ecx, 4
        ; and ecx, DWORD JUMPS as i32 - 1
        ; shl ecx, 5
        ; mov rdx, QWORD links.address() as i64
        ; add rcx, rdx
        ; cmp rax, [rcx]
        ; jne >no
        ; mov rdx, QWORD MODE as i64
        ; and rdx, [rbp + PSR]
        ; movzx esi, BYTE [rbp + GUEST_IC]
        ; or rdx, rsi
        ; cmp rdx, [rcx + 8]
        ; jne >no
        ; shr rax, 61
        ; mov rax, [rbp + rax * 8 + CODE]
        ; cmp rax, [rcx + 16]
        ; jne >no
        ; jmp QWORD [rcx + 24]
        ; no:
        ; xor eax, eax
        ; ret
    );
}

fn execute(code: &mut Code) {
    asm!(code
        ; sub rsp, 8
        ; mov rax, QWORD [rbp + IP]
        ; mov QWORD [rbp + BLOCK_IP], rax
        ; mov rax, QWORD [rbp + LOOK]
        ; sub rax, r15
        ; mov QWORD [rbp + INSTRUCTIONS], rax
        ; lea rdi, [rbp + PROCESSOR]
        ; mov rax, QWORD helpers::execute as *const () as i64
        ; call rax
        ; add rsp, 8
        ; ret
    );
}

fn execute_lightly(code: &mut Code) {
    asm!(code
        ; push rsi
        ; push rdi
        ; push r8
        ; push r9
        ; push r10
        ; push r11
        ; sub rsp, 8
        ; mov rsi, rax
        ; mov QWORD [rbp + PR], r14
        ; mov rax, QWORD [rbp + IP]
        ; mov QWORD [rbp + BLOCK_IP], rax
        ; mov rax, QWORD [rbp + LOOK]
        ; sub rax, r15
        ; mov QWORD [rbp + INSTRUCTIONS], rax
        ; lea rdi, [rbp + PROCESSOR]
        ; mov rax, QWORD helpers::execute as *const () as i64
        ; call rax
        ; mov r14, QWORD [rbp + PR]
        ; add rsp, 8
        ; pop r11
        ; pop r10
        ; pop r9
        ; pop r8
        ; pop rdi
        ; pop rsi
        ; ret
    );
}

/// An access that did not find its page: it looks in the software TLB and calls the helper if that fails. `store` says
/// whether it stores, and whether with a look at the ALAT.
fn access(code: &mut Code, size: u8, store: Option<bool>, helper: usize) {
    let low_bits = (1i64 << size) - 1;
    if store != Some(true) {
        asm!(code
            ; push rsi
            ; push rdi
            ; push rdx
            ; mov rsi, rax
            ; shr rsi, 61
            ; mov rdi, QWORD OFFSET as i64 & (!0xfff | low_bits)
            ; and rdi, rax
            ; or rdi, [rbp + rsi * 8 + PLAIN]
            ; mov rsi, rdi
            ; shr rsi, 12
            ; mov rdx, rdi
            ; shr rdx, 4
            ; xor esi, edx
            ; and esi, crate::mmu::soft::ENTRIES as i32 - 1
            ; shl esi, 5
            ; add rsi, QWORD [rbp + SOFT]
            ; cmp rdi, [rsi + if store.is_some() { 8 } else { 0 }]
            ; jne >slowly
            ; mov rdi, QWORD OFFSET as i64
            ; and rdi, rax
            ; add rdi, [rsi + 16]
            ; mov rdx, rax
            ; and rdx, DWORD !0xfff | low_bits as i32
            ; mov [rbp + rcx], rdx
            ; mov rdx, rdi
            ; sub rdx, rax
            ; mov [rbp + rcx + 8], rdx
        );
        match (store, size) {
            (None, 0) => asm!(code ; movzx eax, BYTE [rdi]),
            (None, 1) => asm!(code ; movzx eax, WORD [rdi]),
            (None, 2) => asm!(code ; mov eax, [rdi]),
            (None, _) => asm!(code ; mov rax, [rdi]),
            (Some(_), 0) => asm!(code ; mov rdx, [rsp] ; mov [rdi], dl),
            (Some(_), 1) => asm!(code ; mov rdx, [rsp] ; mov [rdi], dx),
            (Some(_), 2) => asm!(code ; mov rdx, [rsp] ; mov [rdi], edx),
            (Some(_), _) => asm!(code ; mov rdx, [rsp] ; mov [rdi], rdx),
        }
        asm!(code
            ; xor ecx, ecx
            ; pop rdx
            ; pop rdi
            ; pop rsi
            ; ret
            ; slowly:
            ; pop rdx
            ; pop rdi
            ; pop rsi
        );
    }
    asm!(code
        ; push rsi
        ; push rdi
        ; push r8
        ; push r9
        ; push r10
        ; push r11
        ; sub rsp, 8
        ; lea rdi, [rbp + PROCESSOR]
        ; mov rsi, rax
        ; mov rax, QWORD helper as i64
        ; call rax
    );
    if store.is_some() {
        asm!(code ; mov ecx, eax);
    } else {
        asm!(code ; mov ecx, edx);
    }
    asm!(code
        ; add rsp, 8
        ; pop r11
        ; pop r10
        ; pop r9
        ; pop r8
        ; pop rdi
        ; pop rsi
        ; ret
    );
}

/// The displacement of a page's slot, as the accesses take it in rcx.
pub(super) const fn slot(index: u8) -> i32 {
    page(index)
}
