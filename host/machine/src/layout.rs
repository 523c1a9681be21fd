//! Where everything lies in physical memory.
//!
//! | address | what |
//! |---|---|
//! | 0 - 1 MiB | memory that belongs to the firmware: tables, portals, stacks |
//! | 1 MiB - 3 GiB | memory, or less if the machine has less |
//! | 4 GiB - 5 MiB - 4 GiB | I/O SAPIC, processor interrupt block, UART |
//! | 4 GiB - | the memory above 3 GiB |
//! | 16 TiB - 64 MiB | I/O port space |

use std::ops::Range;

/// The smallest memory a machine can have, in bytes.
pub const MEMORY_MIN: u64 = 64 << 20;
/// The largest memory a machine can have, in bytes.
pub const MEMORY_MAX: u64 = 64 << 30;
/// Memory from here on lies at [`HIGH_MEMORY`].
pub const LOW_MEMORY_MAX: u64 = 3 << 30;
/// Where the memory above [`LOW_MEMORY_MAX`] lies.
pub const HIGH_MEMORY: u64 = 4 << 30;

/// The memory that belongs to the firmware.
pub const FIRMWARE: Range<u64> = 0..0x10_0000;
/// EFI tables and procedure descriptors, SAL system table, PCDP.
pub const TABLES: Range<u64> = 0x1_0000..0x2_0000;
/// ACPI tables.
pub const ACPI: Range<u64> = 0x2_0000..0x3_0000;
/// What the boot loader leaves for the kernel: boot parameters, command line, EFI memory map.
pub const BOOT: Range<u64> = 0x3_0000..0x4_0000;
/// PAL: the portal `PAL_PROC`. Read-only.
pub const PAL: Range<u64> = 0x4_0000..0x5_0000;
/// The portals of SAL and EFI. Read-only.
pub const PORTALS: Range<u64> = 0x5_0000..0x6_0000;
/// The firmware's stacks, one [`STACK_SIZE`] a processor.
pub const STACKS: Range<u64> = 0x8_0000..0x10_0000;
/// A processor's firmware memory stack and backing store, half each, in bytes.
pub const STACK_SIZE: u64 = 0x2000;

/// The most processors a machine can have.
pub const PROCESSORS_MAX: usize = ((STACKS.end - STACKS.start) / STACK_SIZE) as usize;

/// The I/O SAPIC.
pub const IOSAPIC: Range<u64> = 0xfec0_0000..0xfec0_1000;
/// The processor interrupt block (SDM 2:128).
pub const INTERRUPT_BLOCK: Range<u64> = 0xfee0_0000..0xff00_0000;
/// The UART.
pub const UART: Range<u64> = 0xff5e_0000..0xff5e_1000;
/// The I/O port space (SDM 2:267).
pub const PORT_SPACE: Range<u64> = 0xfff_fc00_0000..0x1000_0000_0000;
