//! The operations of gdb's protocol, done on a machine that stands.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;

use crossbeam_channel::Receiver;
use gdbstub::arch::{Arch, RegId, Registers};
use gdbstub::common::{Pid, Signal, Tid};
use gdbstub::stub::MultiThreadStopReason;
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::multithread::{
    MultiThreadBase, MultiThreadResume, MultiThreadResumeOps, MultiThreadSchedulerLocking,
    MultiThreadSchedulerLockingOps, MultiThreadSingleStep, MultiThreadSingleStepOps,
};
use gdbstub::target::ext::base::single_register_access::{SingleRegisterAccess, SingleRegisterAccessOps};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, HwBreakpoint, HwBreakpointOps, HwWatchpoint, HwWatchpointOps, SwBreakpoint,
    SwBreakpointOps, WatchKind,
};
use gdbstub::target::ext::exec_file::{ExecFile, ExecFileOps};
use gdbstub::target::ext::host_io::{
    FsKind, HostIo, HostIoClose, HostIoCloseOps, HostIoErrno, HostIoError, HostIoFstat, HostIoFstatOps, HostIoOpen,
    HostIoOpenFlags, HostIoOpenMode, HostIoOpenOps, HostIoOps, HostIoPread, HostIoPreadOps, HostIoResult, HostIoSetfs,
    HostIoSetfsOps, HostIoStat,
};
use gdbstub::target::ext::monitor_cmd::{ConsoleOutput, MonitorCmd, MonitorCmdOps, output};
use gdbstub::target::ext::thread_extra_info::{ThreadExtraInfo, ThreadExtraInfoOps};
use gdbstub::target::{Target, TargetError, TargetResult};
use patchbay_cpu::processor::debugger::{Accesses, DebuggerStop, DebuggerWants, Position, Watchpoint};
use patchbay_isa::{Bundle, Slot, Unit};
use patchbay_machine::debugger::{Go, Stopped, Why};
use patchbay_machine::handle::{Activity, Handle, NoAnswer};
use patchbay_machine::supervisor::Executor;

use super::registers::{COUNT, Numbered};
use super::{PATIENCE, commands, memory, symbols};

/// The architecture, as gdb knows it.
pub(super) enum Ia64 {}

impl Arch for Ia64 {
    type Usize = u64;
    type Registers = AllRegisters;
    type RegId = RegisterNumber;
    type BreakpointKind = usize;

    fn target_description_xml() -> Option<&'static str> {
        Some(
            "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">\
             <target version=\"1.0\"><architecture>ia64-elf64</architecture></target>",
        )
    }
}

/// A register by gdb's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RegisterNumber(usize);

impl RegId for RegisterNumber {
    fn from_raw_id(id: usize) -> Option<(RegisterNumber, Option<NonZeroUsize>)> {
        (id < COUNT).then(|| (RegisterNumber(id), NonZeroUsize::new(Numbered::size(id))))
    }
}

/// What all registers hold, in the order of their numbers; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct AllRegisters(Vec<Option<u128>>);

impl Registers for AllRegisters {
    type ProgramCounter = u64;

    fn pc(&self) -> u64 {
        let ip = (0..COUNT).position(|number| Numbered::of(number) == Numbered::Ip);
        ip.and_then(|ip| *self.0.get(ip)?).unwrap_or(0) as u64
    }

    fn gdb_serialize(&self, mut write_byte: impl FnMut(Option<u8>)) {
        for (number, value) in self.0.iter().enumerate() {
            for byte in 0..Numbered::size(number) {
                write_byte(value.map(|value| value.to_le_bytes()[byte]));
            }
        }
    }

    fn gdb_deserialize(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let mut rest = bytes;
        self.0.clear();
        for number in 0..COUNT {
            let (value, later) = rest.split_at_checked(Numbered::size(number)).ok_or(())?;
            self.0.push(Some(number_of(value)));
            rest = later;
        }
        Ok(())
    }
}

/// A number of up to 16 bytes, the lowest first.
fn number_of(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// The machine under gdb.
pub(super) struct Debuggee {
    handle: Handle,
    /// What processors tell.
    pub(super) stops: Receiver<Stopped>,
    /// Accesses that processors have told of when another had already stopped the machine.
    pub(super) untold: VecDeque<Stopped>,
    /// How often gdb has asked for each breakpoint.
    breakpoints: BTreeMap<Position, usize>,
    watchpoints: Vec<Watchpoint>,
    /// What the processors have been told.
    told: DebuggerWants,
    /// What gdb wants each processor to do, and what those do that it does not name.
    actions: BTreeMap<usize, Go>,
    others: Go,
    /// The file of symbols.
    symbols: Option<Vec<u8>>,
}

fn processor(tid: Tid) -> usize {
    tid.get() - 1
}

/// The thread of a processor.
pub(super) fn thread(processor: usize) -> Tid {
    Tid::MIN.saturating_add(processor)
}

impl Debuggee {
    pub(super) fn new(handle: Handle, symbols: Option<Vec<u8>>) -> Debuggee {
        let stops = handle.debug();
        Debuggee {
            handle,
            stops,
            untold: VecDeque::new(),
            breakpoints: BTreeMap::new(),
            watchpoints: vec![],
            told: DebuggerWants::default(),
            actions: BTreeMap::new(),
            others: Go::Runs,
            symbols,
        }
    }

    /// Has a processor do something, and returns its answer.
    fn on<T: Send + 'static>(
        &self,
        processor: usize,
        work: impl Fn(&mut Executor, Activity) -> T + Send + Sync + 'static,
    ) -> Result<T, NoAnswer> {
        let ask =
            move |executor: &mut Executor, activity| (executor.index == processor).then(|| work(executor, activity));
        self.handle.ask(PATIENCE, ask)?.into_iter().flatten().next().ok_or(NoAnswer::Ended)
    }

    /// Stops the machine, after a processor has stopped by itself or because gdb wants it to.
    pub(super) fn pause(&mut self) -> Result<(), NoAnswer> {
        self.handle.pause(PATIENCE)?;
        // Others that stopped meanwhile stop again at the same breakpoint, but not for the same access.
        let accesses = |stopped: &Stopped| matches!(stopped.why, Why::Wanted(DebuggerStop::Watchpoint(_)));
        self.untold.extend(self.stops.try_iter().filter(accesses));
        Ok(())
    }

    /// Tells processors what gdb wants to know of, if that has changed.
    fn tell(&mut self) -> Result<(), NoAnswer> {
        let breakpoints: BTreeSet<Position> = self.breakpoints.keys().copied().collect();
        let wants = DebuggerWants { breakpoints, watchpoints: self.watchpoints.clone() };
        if wants != self.told {
            let told = wants.clone();
            self.handle.ask(PATIENCE, move |executor, _| executor.processor.set_debugger(told.clone()))?;
            self.told = wants;
        }
        Ok(())
    }

    /// Leaves the machine to itself.
    pub(super) fn let_go(&mut self) {
        self.breakpoints.clear();
        self.watchpoints.clear();
        let _has_ended = self.tell();
        self.handle.resume();
    }

    /// What gdb is told of a processor that has stopped by itself.
    pub(super) fn reason(stopped: Stopped) -> MultiThreadStopReason<u64> {
        let tid = thread(stopped.processor);
        match stopped.why {
            // gdb takes the thread of the report for the one that has stepped.
            Why::Stepped => MultiThreadStopReason::SignalWithThread { tid, signal: Signal::SIGTRAP },
            Why::Wanted(DebuggerStop::Breakpoint) => MultiThreadStopReason::SwBreak(tid),
            Why::Wanted(DebuggerStop::Watchpoint(Watchpoint { address: addr, accesses, .. })) => {
                let kind = match accesses {
                    Accesses::Reads => WatchKind::Read,
                    Accesses::Writes => WatchKind::Write,
                    Accesses::All => WatchKind::ReadWrite,
                };
                MultiThreadStopReason::Watch { tid, kind, addr }
            }
        }
    }

    /// Where a breakpoint of gdb's stands: its slot is in the low bits of the address. gdb counts the second half of a
    /// long instruction, where the processor counts the first.
    fn position(&self, address: u64) -> Result<Option<Position>, NoAnswer> {
        let Some(slot) = u8::try_from(address & 0xf).ok().and_then(Slot::new) else { return Ok(None) };
        let bundle = address & !0xf;
        let is_long = slot == Slot::Two
            && self.on(0, move |executor, _| {
                let mut bytes = [0; 16];
                memory::read(&executor.processor, bundle, &mut bytes) == bytes.len()
                    && Bundle(u128::from_le_bytes(bytes)).template().units().is_some_and(|units| units[2] == Unit::X)
            })?;
        Ok(Some(Position { bundle, slot: if is_long { Slot::One } else { slot } }))
    }

    fn add_breakpoint(&mut self, address: u64) -> TargetResult<bool, Debuggee> {
        let position = self.position(address).map_err(TargetError::Fatal)?;
        if let Some(position) = position {
            *self.breakpoints.entry(position).or_default() += 1;
        }
        Ok(position.is_some())
    }

    fn remove_breakpoint(&mut self, address: u64) -> TargetResult<bool, Debuggee> {
        let position = self.position(address).map_err(TargetError::Fatal)?;
        let Some(position) = position.filter(|position| self.breakpoints.contains_key(position)) else {
            return Ok(false);
        };
        let count = self.breakpoints.entry(position).or_default();
        *count -= 1;
        if *count == 0 {
            self.breakpoints.remove(&position);
        }
        Ok(true)
    }
}

impl Target for Debuggee {
    type Arch = Ia64;
    type Error = NoAnswer;

    fn base_ops(&mut self) -> BaseOps<'_, Ia64, NoAnswer> {
        BaseOps::MultiThread(self)
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_monitor_cmd(&mut self) -> Option<MonitorCmdOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_exec_file(&mut self) -> Option<ExecFileOps<'_, Debuggee>> {
        self.symbols.is_some().then_some(self as _)
    }

    fn support_host_io(&mut self) -> Option<HostIoOps<'_, Debuggee>> {
        self.symbols.is_some().then_some(self as _)
    }
}

/// Copies what a file holds from an offset on.
fn part(file: &[u8], offset: u64, length: usize, buf: &mut [u8]) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|offset| file.get(offset..)).unwrap_or_default();
    let length = length.min(rest.len()).min(buf.len());
    buf[..length].copy_from_slice(&rest[..length]);
    length
}

impl ExecFile for Debuggee {
    fn get_exec_file(
        &self,
        _: Option<Pid>,
        offset: u64,
        length: usize,
        buf: &mut [u8],
    ) -> TargetResult<usize, Debuggee> {
        Ok(part(symbols::PATH.as_bytes(), offset, length, buf))
    }
}

/// The only file there is to open is that of symbols.
const FILE: u32 = 3;

fn must_be_file(descriptor: u32) -> HostIoResult<(), Debuggee> {
    if descriptor == FILE { Ok(()) } else { Err(HostIoError::Errno(HostIoErrno::EBADF)) }
}

impl HostIo for Debuggee {
    fn support_open(&mut self) -> Option<HostIoOpenOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_close(&mut self) -> Option<HostIoCloseOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_pread(&mut self) -> Option<HostIoPreadOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_fstat(&mut self) -> Option<HostIoFstatOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_setfs(&mut self) -> Option<HostIoSetfsOps<'_, Debuggee>> {
        Some(self)
    }
}

impl HostIoOpen for Debuggee {
    fn open(&mut self, name: &[u8], flags: HostIoOpenFlags, _: HostIoOpenMode) -> HostIoResult<u32, Debuggee> {
        let writes = HostIoOpenFlags::O_WRONLY | HostIoOpenFlags::O_RDWR;
        match (name == symbols::PATH.as_bytes(), flags.intersects(writes)) {
            (true, false) => Ok(FILE),
            (true, true) => Err(HostIoError::Errno(HostIoErrno::EROFS)),
            (false, _) => Err(HostIoError::Errno(HostIoErrno::ENOENT)),
        }
    }
}

impl HostIoClose for Debuggee {
    fn close(&mut self, descriptor: u32) -> HostIoResult<(), Debuggee> {
        must_be_file(descriptor)
    }
}

impl HostIoPread for Debuggee {
    fn pread(&mut self, descriptor: u32, count: usize, offset: u64, buf: &mut [u8]) -> HostIoResult<usize, Debuggee> {
        must_be_file(descriptor)?;
        Ok(part(self.symbols.as_deref().unwrap_or_default(), offset, count, buf))
    }
}

impl HostIoFstat for Debuggee {
    fn fstat(&mut self, descriptor: u32) -> HostIoResult<HostIoStat, Debuggee> {
        must_be_file(descriptor)?;
        Ok(HostIoStat {
            st_dev: 0,
            st_ino: 1,
            st_mode: HostIoOpenMode::S_IFREG | HostIoOpenMode::S_IRUSR,
            st_nlink: 1,
            st_uid: 0,
            st_gid: 0,
            st_rdev: 0,
            st_size: self.symbols.as_ref().map_or(0, |file| file.len() as u64),
            st_blksize: 4096,
            st_blocks: 0,
            st_atime: 0,
            st_mtime: 0,
            st_ctime: 0,
        })
    }
}

impl HostIoSetfs for Debuggee {
    fn setfs(&mut self, _: FsKind) -> HostIoResult<(), Debuggee> {
        Ok(())
    }
}

impl MultiThreadBase for Debuggee {
    fn read_registers(&mut self, registers: &mut AllRegisters, tid: Tid) -> TargetResult<(), Debuggee> {
        let read = |executor: &mut Executor, _| {
            (0..COUNT).map(|number| Numbered::of(number).read(&mut executor.processor)).collect()
        };
        registers.0 = self.on(processor(tid), read).map_err(TargetError::Fatal)?;
        Ok(())
    }

    fn write_registers(&mut self, registers: &AllRegisters, tid: Tid) -> TargetResult<(), Debuggee> {
        let values = registers.0.clone();
        let write = move |executor: &mut Executor, _| {
            for (number, value) in values.iter().enumerate() {
                let (register, p) = (Numbered::of(number), &mut executor.processor);
                // What gdb did not change stays as it is: some registers cannot be set to what they hold.
                if let Some(value) = value
                    && register.read(p) != Some(*value)
                {
                    register.write(p, *value);
                }
            }
        };
        self.on(processor(tid), write).map_err(TargetError::Fatal)
    }

    fn support_single_register_access(&mut self) -> Option<SingleRegisterAccessOps<'_, Tid, Debuggee>> {
        Some(self)
    }

    fn read_addrs(&mut self, start: u64, data: &mut [u8], tid: Tid) -> TargetResult<usize, Debuggee> {
        let length = data.len();
        let read = move |executor: &mut Executor, _| {
            let mut bytes = vec![0; length];
            let done = memory::read(&executor.processor, start, &mut bytes);
            bytes.truncate(done);
            bytes
        };
        let bytes = self.on(processor(tid), read).map_err(TargetError::Fatal)?;
        if bytes.is_empty() && length != 0 {
            return Err(TargetError::NonFatal);
        }
        data[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn write_addrs(&mut self, start: u64, data: &[u8], tid: Tid) -> TargetResult<(), Debuggee> {
        let bytes = data.to_vec();
        let write = move |executor: &mut Executor, _| memory::write(&mut executor.processor, start, &bytes);
        let done = self.on(processor(tid), write).map_err(TargetError::Fatal)?;
        if done { Ok(()) } else { Err(TargetError::NonFatal) }
    }

    fn list_active_threads(&mut self, thread_is_active: &mut dyn FnMut(Tid)) -> Result<(), NoAnswer> {
        (0..self.handle.processors()).for_each(|processor| thread_is_active(thread(processor)));
        Ok(())
    }

    fn support_resume(&mut self) -> Option<MultiThreadResumeOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_thread_extra_info(&mut self) -> Option<ThreadExtraInfoOps<'_, Debuggee>> {
        Some(self)
    }
}

impl SingleRegisterAccess<Tid> for Debuggee {
    fn read_register(&mut self, tid: Tid, register: RegisterNumber, buf: &mut [u8]) -> TargetResult<usize, Debuggee> {
        let RegisterNumber(number) = register;
        let read = move |executor: &mut Executor, _| Numbered::of(number).read(&mut executor.processor);
        let value = self.on(processor(tid), read).map_err(TargetError::Fatal)?;
        let size = Numbered::size(number);
        let (Some(value), Some(buf)) = (value, buf.get_mut(..size)) else { return Err(TargetError::NonFatal) };
        buf.copy_from_slice(&value.to_le_bytes()[..size]);
        Ok(size)
    }

    fn write_register(&mut self, tid: Tid, register: RegisterNumber, value: &[u8]) -> TargetResult<(), Debuggee> {
        let (RegisterNumber(number), value) = (register, number_of(value));
        let write = move |executor: &mut Executor, _| Numbered::of(number).write(&mut executor.processor, value);
        let done = self.on(processor(tid), write).map_err(TargetError::Fatal)?;
        if done { Ok(()) } else { Err(TargetError::NonFatal) }
    }
}

impl MultiThreadResume for Debuggee {
    fn resume(&mut self) -> Result<(), NoAnswer> {
        self.tell()?;
        if self.untold.is_empty() {
            let (actions, others) = (&self.actions, self.others);
            self.handle.go(|processor| actions.get(&processor).copied().unwrap_or(others));
        }
        Ok(())
    }

    fn clear_resume_actions(&mut self) -> Result<(), NoAnswer> {
        self.actions.clear();
        self.others = Go::Runs;
        Ok(())
    }

    fn set_resume_action_continue(&mut self, tid: Tid, _: Option<Signal>) -> Result<(), NoAnswer> {
        self.actions.insert(processor(tid), Go::Runs);
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<MultiThreadSingleStepOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_scheduler_locking(&mut self) -> Option<MultiThreadSchedulerLockingOps<'_, Debuggee>> {
        Some(self)
    }
}

impl MultiThreadSingleStep for Debuggee {
    fn set_resume_action_step(&mut self, tid: Tid, _: Option<Signal>) -> Result<(), NoAnswer> {
        self.actions.insert(processor(tid), Go::Steps);
        Ok(())
    }
}

impl MultiThreadSchedulerLocking for Debuggee {
    fn set_resume_action_scheduler_lock(&mut self) -> Result<(), NoAnswer> {
        self.others = Go::Stands;
        Ok(())
    }
}

impl Breakpoints for Debuggee {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_hw_breakpoint(&mut self) -> Option<HwBreakpointOps<'_, Debuggee>> {
        Some(self)
    }

    fn support_hw_watchpoint(&mut self) -> Option<HwWatchpointOps<'_, Debuggee>> {
        Some(self)
    }
}

impl SwBreakpoint for Debuggee {
    fn add_sw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Debuggee> {
        self.add_breakpoint(address)
    }

    fn remove_sw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Debuggee> {
        self.remove_breakpoint(address)
    }
}

impl HwBreakpoint for Debuggee {
    fn add_hw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Debuggee> {
        self.add_breakpoint(address)
    }

    fn remove_hw_breakpoint(&mut self, address: u64, _: usize) -> TargetResult<bool, Debuggee> {
        self.remove_breakpoint(address)
    }
}

fn watchpoint(address: u64, length: u64, kind: WatchKind) -> Watchpoint {
    let accesses = match kind {
        WatchKind::Read => Accesses::Reads,
        WatchKind::Write => Accesses::Writes,
        WatchKind::ReadWrite => Accesses::All,
    };
    Watchpoint { address, length, accesses }
}

impl HwWatchpoint for Debuggee {
    fn add_hw_watchpoint(&mut self, address: u64, length: u64, kind: WatchKind) -> TargetResult<bool, Debuggee> {
        self.watchpoints.push(watchpoint(address, length, kind));
        Ok(length != 0)
    }

    fn remove_hw_watchpoint(&mut self, address: u64, length: u64, kind: WatchKind) -> TargetResult<bool, Debuggee> {
        let removed = watchpoint(address, length, kind);
        let found = self.watchpoints.iter().position(|watched| *watched == removed);
        Ok(found.map(|index| self.watchpoints.remove(index)).is_some())
    }
}

impl MonitorCmd for Debuggee {
    fn handle_monitor_cmd(&mut self, command: &[u8], mut out: ConsoleOutput<'_>) -> Result<(), NoAnswer> {
        // The protocol does not say of which thread: of processor 0, or of the one that a word such as @2 names.
        let text = String::from_utf8_lossy(command).into_owned();
        let (words, at): (Vec<&str>, Vec<&str>) = text.split_whitespace().partition(|word| !word.starts_with('@'));
        let index = at.first().map_or(Some(0), |at| at[1..].parse().ok());
        let Some(index) = index.filter(|index| *index < self.handle.processors()) else {
            output!(out, "there are {} processors, from @0 on\n", self.handle.processors());
            return Ok(());
        };
        let command = words.join(" ");
        let answer = self.on(index, move |executor, _| commands::answer(executor, &command))?;
        for line in answer.split_inclusive('\n') {
            output!(out, "{line}");
            out.flush();
        }
        Ok(())
    }
}

impl ThreadExtraInfo for Debuggee {
    fn thread_extra_info(&self, tid: Tid, buf: &mut [u8]) -> Result<usize, NoAnswer> {
        let text = self.on(processor(tid), |_, activity| match activity {
            Activity::Runs => "runs",
            Activity::Halts => "halts",
            Activity::Waits => "waits in the firmware",
        })?;
        let text = format!("processor {}: {text}", processor(tid));
        let length = text.len().min(buf.len());
        buf[..length].copy_from_slice(&text.as_bytes()[..length]);
        Ok(length)
    }
}
