//! One connection of gdb: its bytes and the machine's stops, whichever comes first.

use std::io::{Read, Write};
use std::thread;

use crossbeam_channel::{Receiver, bounded, select};
use gdbstub::common::Signal;
use gdbstub::conn::Connection;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{DisconnectReason, GdbStubBuilder, MultiThreadStopReason};
use patchbay_machine::handle::Handle;
use patchbay_machine::loader::symbols::Symbols;
use patchbay_machine::outcome::Outcome;

use super::address::Stream;
use super::target::{Debuggee, thread as thread_of};
use super::{LOOK, symbols};

/// The longest packet, in bytes: all registers fit in.
const PACKET: usize = 16 << 10;

/// The side of a connection that is written.
struct Writer(Stream, Vec<u8>);

impl Connection for Writer {
    type Error = std::io::Error;

    fn write(&mut self, byte: u8) -> std::io::Result<()> {
        self.1.push(byte);
        Ok(())
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.1.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.write_all(&self.1)?;
        self.1.clear();
        self.0.flush()
    }
}

/// Reads what gdb sends until it ends, on a thread of its own.
fn bytes(mut stream: Stream) -> std::io::Result<Receiver<Vec<u8>>> {
    let (sender, receiver) = bounded(16);
    let read = move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("gdb reader".to_owned()).spawn(read)?;
    Ok(receiver)
}

/// Closes a connection, so that its reader ends.
struct Closes(Stream);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Serves gdb until it goes or the machine ends. The machine stands meanwhile, unless gdb lets it run; it runs on when gdb
/// detaches, and ends when gdb kills it.
pub(super) fn serve(stream: Stream, handle: &Handle, names: &Symbols) -> Result<(), Box<dyn std::error::Error>> {
    let _closes = Closes(stream.try_clone()?);
    let bytes = bytes(stream.try_clone()?)?;
    let mut target = Debuggee::new(handle.clone(), symbols::image(names));
    target.pause()?;
    let served = talk(&bytes, stream, &mut target, handle);
    match served {
        Ok(DisconnectReason::Kill) => handle.end(Outcome::Quit),
        _ if handle.has_ended() => {}
        _ => target.let_go(),
    }
    served.map(|_| ())
}

/// How a machine has ended, as gdb says it of a process.
fn end(handle: &Handle) -> MultiThreadStopReason<u64> {
    match handle.outcome() {
        Some(Outcome::PowerOff(Some(status))) => MultiThreadStopReason::Exited(u8::try_from(status).unwrap_or(1)),
        Some(Outcome::Crash(_)) => MultiThreadStopReason::Terminated(Signal::SIGABRT),
        Some(Outcome::InstructionLimit | Outcome::TimeLimit) => MultiThreadStopReason::Terminated(Signal::SIGXCPU),
        _ => MultiThreadStopReason::Exited(0),
    }
}

fn talk(
    bytes: &Receiver<Vec<u8>>,
    stream: Stream,
    target: &mut Debuggee,
    handle: &Handle,
) -> Result<DisconnectReason, Box<dyn std::error::Error>> {
    let stub = GdbStubBuilder::new(Writer(stream, Vec::new())).packet_buffer_size(PACKET).build()?;
    let mut gdb = stub.run_state_machine(target).map_err(|error| error.to_string())?;
    let mut pending = Vec::new().into_iter();
    loop {
        gdb = match gdb {
            GdbStubStateMachine::Idle(idle) => {
                let Some(byte) = pending.next() else {
                    match bytes.recv() {
                        Ok(more) => pending = more.into_iter(),
                        Err(_) => return Ok(DisconnectReason::Disconnect),
                    }
                    gdb = idle.into();
                    continue;
                };
                idle.incoming_data(target, byte)
            }
            GdbStubStateMachine::Running(running) => {
                if let Some(stopped) = target.untold.pop_front() {
                    running.report_stop(target, Debuggee::reason(stopped))
                } else if let Some(byte) = pending.next() {
                    running.incoming_data(target, byte)
                } else if handle.has_ended() {
                    running.report_stop(target, end(handle))
                } else {
                    let stops = target.stops.clone();
                    select! {
                        recv(bytes) -> more => match more {
                            Ok(more) => pending = more.into_iter(),
                            Err(_) => return Ok(DisconnectReason::Disconnect),
                        },
                        recv(stops) -> stopped => if let Ok(stopped) = stopped {
                            target.pause()?;
                            gdb = running.report_stop(target, Debuggee::reason(stopped)).map_err(|e| e.to_string())?;
                            continue;
                        },
                        default(LOOK) => {}
                    }
                    gdb = running.into();
                    continue;
                }
            }
            GdbStubStateMachine::CtrlCInterrupt(interrupt) => {
                target.pause()?;
                let reason = MultiThreadStopReason::SignalWithThread { tid: thread_of(0), signal: Signal::SIGINT };
                interrupt.interrupt_handled(target, Some(reason))
            }
            GdbStubStateMachine::Disconnected(mut gone) => {
                if gone.get_reason() == DisconnectReason::Kill {
                    // gdb waits for an answer to vKill, which gdbstub does not give.
                    let connection = gone.borrow_conn();
                    connection.write_all(b"$OK#9a")?;
                    connection.flush()?;
                }
                return Ok(gone.get_reason());
            }
        }
        .map_err(|error| error.to_string())?;
    }
}
