//! The last operations of all virtual processors, written without a lock.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// An operation.
pub(crate) struct Record {
    /// Its number, counted from 0.
    pub(crate) number: u64,
    /// The address of its bundle.
    pub(crate) ip: u64,
    /// What it was.
    pub(crate) operation: Operation,
    /// The value it read or wrote; 0 if it did neither.
    pub(crate) value: u64,
}

/// What an operation was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// The number of its mnemonic.
    pub(crate) mnemonic: u16,
    /// The application or control register it names.
    pub(crate) register: u8,
    /// Whether the guest did not go on behind it: a fault, `rfi`, or what the routine left to the host.
    pub(crate) left: bool,
}

impl From<Operation> for u64 {
    fn from(operation: Operation) -> u64 {
        u64::from(operation.mnemonic) | u64::from(operation.register) << 16 | u64::from(operation.left) << 24
    }
}

impl From<u64> for Operation {
    fn from(bits: u64) -> Operation {
        let [low, high, register, left, ..] = bits.to_le_bytes();
        Operation { mnemonic: u16::from_le_bytes([low, high]), register, left: left != 0 }
    }
}

/// A place for a record. `version` is twice the number of the record and 2, and odd while it is being written.
#[derive(Default)]
struct Entry {
    version: AtomicU64,
    ip: AtomicU64,
    operation: AtomicU64,
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

    #[expect(clippy::cast_possible_truncation, reason = "it is less than a length")]
    fn entry(&self, number: u64) -> &Entry {
        &self.entries[(number % self.entries.len() as u64) as usize]
    }

    /// Records an operation, unless its place is still being written: then the ring has lapped the writer.
    pub(crate) fn record(&self, ip: u64, operation: Operation, value: u64) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = self.entry(number);
        let version = entry.version.load(Ordering::Relaxed);
        let writing = 2 * number + 1;
        if version & 1 != 0
            || version > writing
            || entry.version.compare_exchange(version, writing, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        fence(Ordering::Release);
        entry.ip.store(ip, Ordering::Relaxed);
        entry.operation.store(operation.into(), Ordering::Relaxed);
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
                operation: entry.operation.load(Ordering::Relaxed).into(),
                value: entry.value.load(Ordering::Relaxed),
            };
            fence(Ordering::Acquire);
            (before == 2 * number + 2 && entry.version.load(Ordering::Relaxed) == before).then_some(record)
        };
        (start..end).filter_map(read).collect()
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "what is recorded is as long as what is read")]
mod tests {
    use super::*;

    #[test]
    fn the_last_records_are_whole_while_others_write() {
        let ring = Ring::new(8);
        let record = |number: u64| {
            let operation = Operation { mnemonic: number as u16, register: number as u8, left: false };
            ring.record(number, operation, number);
        };
        std::thread::scope(|scope| {
            for thread in 0..2 {
                scope.spawn(move || (0..100_000).map(|number| 2 * number + thread).for_each(record));
            }
            for _ in 0..1000 {
                for Record { ip, operation, value, .. } in ring.last() {
                    let expected = Operation { mnemonic: value as u16, register: value as u8, left: false };
                    assert_eq!((ip, operation), (value, expected));
                }
            }
        });
        assert_eq!(ring.recorded(), 200_000);
        (0..8).for_each(record);
        assert_eq!(ring.last().iter().map(|record| record.value).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    }
}
