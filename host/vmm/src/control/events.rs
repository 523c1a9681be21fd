//! What happens to a virtual machine from outside, and who wants to know.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use serde::Serialize;

/// The events that are kept.
const KEPT: usize = 1000;
/// The events that wait for a follower that does not read.
const WAITING: usize = 256;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Its number.
    pub number: u64,
    /// When, in seconds of host time since the command started.
    pub time: f64,
    /// The number of the virtual machine that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vm: Option<u32>,
    /// What kind of thing, as in `paused`.
    pub what: &'static str,
    /// What happened, in one line.
    pub text: String,
    /// How long it took, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took: Option<f64>,
    /// Events before this one that its follower lost.
    #[serde(skip_serializing_if = "is_zero")]
    pub lost: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The events of a run.
#[derive(Debug)]
pub struct Events {
    start: Instant,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    next: u64,
    last: VecDeque<Event>,
    followers: Vec<Follower>,
}

#[derive(Debug)]
struct Follower {
    events: Sender<Event>,
    lost: u64,
}

impl Default for Events {
    fn default() -> Events {
        Events { start: Instant::now(), log: Mutex::default() }
    }
}

impl Events {
    /// Something happened, to a virtual machine if it has a number.
    pub fn add(&self, vm: Option<u32>, what: &'static str, text: String) {
        self.insert(vm, what, text, None);
    }

    /// Something happened to a virtual machine that took so long.
    pub fn add_step(&self, vm: u32, what: &'static str, text: String, took: Duration) {
        self.insert(Some(vm), what, text, Some(took.as_secs_f64()));
    }

    /// A line of the host's log, which is not logged again.
    pub fn add_logged(&self, text: String) {
        self.keep(None, "log", text, None);
    }

    fn insert(&self, vm: Option<u32>, what: &'static str, text: String, took: Option<f64>) {
        tracing::info!(target: "control", vm, what, took, "{text}");
        self.keep(vm, what, text, took);
    }

    fn keep(&self, vm: Option<u32>, what: &'static str, text: String, took: Option<f64>) {
        let mut log = self.lock();
        let time = self.start.elapsed().as_secs_f64();
        let event = Event { number: log.next, time, vm, what, text, took, lost: 0 };
        log.next += 1;
        log.followers.retain_mut(|follower| follower.tell(&event));
        log.last.push_back(event);
        if log.last.len() > KEPT {
            log.last.pop_front();
        }
    }

    /// The last events, at most so many, the oldest first.
    #[must_use]
    pub fn last(&self, most: usize) -> Vec<Event> {
        let log = self.lock();
        log.last.iter().skip(log.last.len().saturating_sub(most)).cloned().collect()
    }

    /// The last events, and those that will happen as long as the receiver exists.
    #[must_use]
    pub fn follow(&self, most: usize) -> (Vec<Event>, Receiver<Event>) {
        let (events, receiver) = bounded(WAITING);
        let mut log = self.lock();
        log.followers.push(Follower { events, lost: 0 });
        (log.last.iter().skip(log.last.len().saturating_sub(most)).cloned().collect(), receiver)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower {
    /// Whether it still follows.
    fn tell(&mut self, event: &Event) -> bool {
        match self.events.try_send(Event { lost: self.lost, ..event.clone() }) {
            Ok(()) => self.lost = 0,
            Err(TrySendError::Full(_)) => self.lost += 1,
            Err(TrySendError::Disconnected(_)) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_read_loses_events_and_is_told() {
        let events = Events::default();
        let (_, receiver) = events.follow(0);
        for _ in 0..WAITING + 3 {
            events.add(None, "tick", String::new());
        }
        assert_eq!(receiver.try_iter().count(), WAITING);
        events.add(None, "tock", "late".to_owned());
        assert_eq!(receiver.try_recv().map(|event| (event.what, event.lost)), Ok(("tock", 3)));
        drop(receiver);
        events.add(None, "tick", String::new());
        assert!(events.lock().followers.is_empty());
        assert_eq!(events.last(2).iter().map(|event| event.number).collect::<Vec<_>>(), [259, 260]);
    }
}
