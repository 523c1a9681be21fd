//! The last operations of all virtual processors, written without a lock.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// An operation.
pub(crate) struct Record {
    /// Its number, counted from 0.
    pub(crate) number: u64,
    /// The address of its bundle.
    pub(crate) ip: u64,
    /// The number of its mnemonic.
    pub(crate) mnemonic: u16,
    /// The value it read or wrote.
    pub(crate) value: u64,
}

/// A place for a record. `version` is twice the number of the record and 2, and odd while it is being written.
#[derive(Default)]
struct Entry {
    version: AtomicU64,
    ip: AtomicU64,
    mnemonic: AtomicU64,
    value: AtomicU64,
}

/// A ring of records.
pub(crate) struct Ring {
    next: AtomicU64,
    entries: Box<[Entry]>,
}

impl Ring {
    pub(crate) fn new(length: usize) -> Ring {
        Ring { next: AtomicU64::new(0), entries: (0..length).map(|_| Entry::default()).collect() }
    }

    /// The operations recorded so far.
    pub(crate) fn recorded(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    fn entry(&self, number: u64) -> &Entry {
        &self.entries[(number % self.entries.len() as u64) as usize]
    }

    pub(crate) fn record(&self, ip: u64, mnemonic: u16, value: u64) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = self.entry(number);
        entry.version.store(2 * number + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        entry.ip.store(ip, Ordering::Relaxed);
        entry.mnemonic.store(mnemonic.into(), Ordering::Relaxed);
        entry.value.store(value, Ordering::Relaxed);
        entry.version.store(2 * number + 2, Ordering::Release);
    }

    /// What is in the ring, the oldest first. Records that change meanwhile are left out.
    pub(crate) fn last(&self) -> Vec<Record> {
        let end = self.recorded();
        let start = end.saturating_sub(self.entries.len() as u64);
        let read = |number| {
            let entry = self.entry(number);
            let before = entry.version.load(Ordering::Acquire);
            let record = Record {
                number,
                ip: entry.ip.load(Ordering::Relaxed),
                mnemonic: entry.mnemonic.load(Ordering::Relaxed) as u16,
                value: entry.value.load(Ordering::Relaxed),
            };
            fence(Ordering::Acquire);
            (before == 2 * number + 2 && entry.version.load(Ordering::Relaxed) == before).then_some(record)
        };
        (start..end).filter_map(read).collect()
    }
}
