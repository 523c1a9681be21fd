//! Traces: what virtual processors did and when, in the JSON that Chrome's and Perfetto's trace viewers show.
//!
//! Each virtual processor keeps its own events, so that a trace takes no lock; they are collected when it ends. The first
//! [`EVENTS`] of each are kept and the others counted, so that a trace is bounded. Without one, an event costs a test.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use patchbay_cpu::interruption::Vector;
use patchbay_isa::Cause;
use serde_json::{Value, json};

use crate::fast_path::lock;
use crate::patch::trigger::KindIndex;
use crate::routines::class_ids::ClassId;

/// The most events of a virtual processor that are kept.
pub const EVENTS: usize = 250_000;

/// What happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// A virtualization fault, up to the resumed guest.
    Fault(u8),
    /// A trigger of a kind for an instruction of a cause, up to the end of its routine.
    Trigger(KindIndex, u8),
    /// Routines were built for a class.
    Built(ClassId),
    /// A trigger was placed.
    Placed(KindIndex),
    /// An interruption was delivered to the guest.
    Interruption(Vector),
    /// The guest halted.
    Halt,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let cause = |cause: u8| Cause::ALL.iter().find(|one| **one as u8 == cause).map_or("?", |cause| cause.name());
        match *self {
            What::Fault(number) => f.write_str(cause(number)),
            What::Trigger(_, number) => f.write_str(cause(number)),
            What::Built(class) => write!(f, "routine of class {:#x}", class.0),
            What::Placed(kind) => write!(f, "{} placed", kind.kind().name),
            What::Interruption(vector) => write!(f, "{vector:?}"),
            What::Halt => f.write_str("halt"),
        }
    }
}

impl What {
    /// The category, by which viewers filter.
    fn category(self) -> &'static str {
        match self {
            What::Fault(_) => "fault",
            What::Trigger(kind, _) => kind.kind().name,
            What::Built(_) => "build",
            What::Placed(_) => "patch",
            What::Interruption(_) => "interruption",
            What::Halt => "halt",
        }
    }
}

/// An event of a virtual processor.
#[derive(Clone, Copy, Debug)]
struct Event {
    what: What,
    /// On the host's clock, in nanoseconds since the trace began.
    at: u64,
    /// How long it took, in nanoseconds.
    took: u64,
    /// The guest's ar.itc, in its ticks of a nanosecond.
    guest: u64,
    ip: u64,
}

/// The trace of all virtual machines of a run.
pub struct Trace {
    started: Instant,
    ended: Mutex<Vec<Track>>,
    /// Steps of swaps: the virtual machine, the name, and when it began and how long it took in nanoseconds.
    swaps: Mutex<Vec<(u32, &'static str, u64, u64)>>,
}

/// The events of a virtual processor.
struct Track {
    vm: u32,
    vp: usize,
    events: Vec<Event>,
    lost: u64,
}

/// What a virtual processor adds to a trace.
pub(crate) struct VpTrace {
    trace: Arc<Trace>,
    track: Track,
    /// When the guest halted.
    halted: Option<(Instant, u64, u64)>,
}

impl Trace {
    /// A trace that begins now.
    #[must_use]
    pub fn new() -> Arc<Trace> {
        Arc::new(Trace { started: Instant::now(), ended: Mutex::default(), swaps: Mutex::default() })
    }

    fn since(&self, when: Instant) -> u64 {
        nanoseconds(when.saturating_duration_since(self.started))
    }

    /// Adds a step of a swap that has just ended.
    pub(crate) fn swap(&self, vm: u32, step: &'static str, began: Instant) {
        lock(&self.swaps).push((vm, step, self.since(began), nanoseconds(began.elapsed())));
    }

    /// Writes what the virtual processors that have ended did; `symbol` names addresses of a virtual machine, `guest` says
    /// what it runs.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(
        &self,
        to: &mut impl Write,
        guest: impl Fn(u32) -> String,
        symbol: impl Fn(u32, u64) -> Option<String>,
    ) -> io::Result<()> {
        let (tracks, swaps) = (lock(&self.ended), lock(&self.swaps));
        let mut separator = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
        let mut line = |value: &Value| -> io::Result<()> {
            write!(to, "{separator}{value}")?;
            separator = ",\n";
            Ok(())
        };
        let microseconds = |nanoseconds: u64| nanoseconds as f64 / 1000.0;
        for track in tracks.iter() {
            let (pid, tid) = (track.vm, track.vp);
            line(&json!({ "ph": "M", "name": "process_name", "pid": pid, "args": { "name": guest(pid) } }))?;
            let name = if track.lost == 0 {
                format!("processor {tid}")
            } else {
                format!("processor {tid} ({} later events are left out)", track.lost)
            };
            line(&json!({ "ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": { "name": name } }))?;
            for event in &track.events {
                let Event { what, at, took, guest, ip } = *event;
                let mut args = json!({ "ip": format!("{ip:#x}"), "guest_ns": guest });
                if let Some(symbol) = symbol(pid, ip) {
                    args["symbol"] = json!(symbol);
                }
                let (name, category) = (what.to_string(), what.category());
                let mut row = json!({ "name": name, "cat": category, "ph": "X", "ts": microseconds(at), "pid": pid,
                    "tid": tid, "dur": microseconds(took), "args": args });
                if took == 0 {
                    row["ph"] = json!("i");
                    row["s"] = json!("t");
                }
                line(&row)?;
            }
        }
        for (vm, step, at, took) in swaps.iter() {
            line(
                &json!({ "name": step, "cat": "swap", "ph": "X", "ts": microseconds(*at), "dur": microseconds(*took),
                "pid": vm, "tid": "swaps" }),
            )?;
        }
        if separator.starts_with('{') {
            write!(to, "{separator}")?;
        }
        writeln!(to, "\n]}}")
    }
}

impl VpTrace {
    pub(crate) fn new(trace: &Arc<Trace>, vm: u32, vp: usize) -> VpTrace {
        let track = Track { vm, vp, events: Vec::with_capacity(EVENTS), lost: 0 };
        VpTrace { trace: Arc::clone(trace), track, halted: None }
    }

    /// Adds something that began at a time and ends now. Allocates nothing.
    pub(crate) fn since(&mut self, began: Instant, what: What, ip: u64, guest: u64) {
        let took = nanoseconds(began.elapsed()).max(1);
        self.add(Event { what, at: self.trace.since(began), took, guest, ip });
    }

    /// Adds something that has no length.
    pub(crate) fn now(&mut self, what: What, ip: u64, guest: u64) {
        self.add(Event { what, at: self.trace.since(Instant::now()), took: 0, guest, ip });
    }

    /// The guest halts.
    pub(crate) fn halt(&mut self, ip: u64, guest: u64) {
        self.halted = Some((Instant::now(), ip, guest));
    }

    /// The guest goes on, if it had halted.
    pub(crate) fn resume(&mut self) {
        if let Some((began, ip, guest)) = self.halted.take() {
            self.since(began, What::Halt, ip, guest);
        }
    }

    fn add(&mut self, event: Event) {
        if self.track.events.len() < EVENTS {
            self.track.events.push(event);
        } else {
            self.track.lost += 1;
        }
    }
}

impl Drop for VpTrace {
    fn drop(&mut self) {
        self.resume();
        let Track { vm, vp, lost, .. } = self.track;
        let events = std::mem::take(&mut self.track.events);
        lock(&self.trace.ended).push(Track { vm, vp, events, lost });
    }
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_what_viewers_read_and_bounded() {
        let trace = Trace::new();
        let mut vp = VpTrace::new(&trace, 3, 1);
        let began = Instant::now();
        vp.since(began, What::Fault(Cause::Rfi as u8), 0x1000, 77);
        vp.halt(0x2000, 80);
        vp.resume();
        for _ in 0..EVENTS {
            vp.now(What::Interruption(Vector::BreakInstruction), 0x3000, 90);
        }
        drop(vp);
        trace.swap(3, "publish", began);
        let mut text = Vec::new();
        trace.write(&mut text, |vm| format!("guest {vm}"), |_, ip| (ip == 0x1000).then(|| "start".to_owned())).unwrap();
        let value: Value = serde_json::from_slice(&text).unwrap();
        let events = value["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 2 + EVENTS + 1);
        assert_eq!(events[0]["args"]["name"], "guest 3");
        assert_eq!(events[1]["args"]["name"], "processor 1 (2 later events are left out)");
        let [fault, halt] = [&events[2], &events[3]];
        assert_eq!(
            (&fault["name"], &fault["ph"], &fault["args"]["symbol"]),
            (&json!("rfi"), &json!("X"), &json!("start"))
        );
        assert_eq!((&halt["name"], &halt["args"]["guest_ns"]), (&json!("halt"), &json!(80)));
        assert_eq!(events[4]["ph"], "i");
        assert_eq!(events.last().unwrap()["cat"], "swap");
    }

    #[test]
    fn an_empty_trace_is_one() {
        let mut text = Vec::new();
        Trace::new().write(&mut text, |_| String::new(), |_, _| None).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap()["traceEvents"], json!([]));
    }
}
