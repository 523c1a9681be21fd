//! The Extensible Firmware Interface 1.10, after ExitBootServices: tables, memory map, runtime services.

pub mod memory_map;
pub mod runtime;
pub mod tables;
pub mod time;
pub mod variables;

/// A globally unique identifier, as it lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// From the four parts in which it is written.
    #[must_use]
    pub const fn new(a: u32, b: u16, c: u16, d: [u8; 8]) -> Guid {
        let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
        Guid([a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]])
    }
}

/// EFI's status codes.
pub mod status {
    const ERROR: u64 = 1 << 63;
    /// The service did what it is for.
    pub const SUCCESS: u64 = 0;
    /// A parameter is wrong.
    pub const INVALID_PARAMETER: u64 = ERROR | 2;
    /// The machine has no such thing.
    pub const UNSUPPORTED: u64 = ERROR | 3;
    /// The caller's buffer is too small.
    pub const BUFFER_TOO_SMALL: u64 = ERROR | 5;
    /// There is no more room.
    pub const OUT_OF_RESOURCES: u64 = ERROR | 9;
    /// There is no such variable.
    pub const NOT_FOUND: u64 = ERROR | 14;
}
