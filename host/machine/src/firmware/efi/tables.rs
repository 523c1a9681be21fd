//! The system table, the configuration table and the table of runtime services.

use flate2::Crc;

use super::Guid;
use crate::firmware::portal::{Portal, RuntimeService};
use crate::layout::{ACPI, TABLES};

/// EFI 1.10.
const REVISION: u32 = 1 << 16 | 10;
const SYSTEM_SIGNATURE: u64 = u64::from_le_bytes(*b"IBI SYST");
const RUNTIME_SIGNATURE: u64 = u64::from_le_bytes(*b"RUNTSERV");

const ACPI_20: Guid = Guid::new(0x8868_e871, 0xe4f1, 0x11d3, [0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81]);
const SAL_SYSTEM_TABLE: Guid = Guid::new(0xeb9d_2d32, 0x2d88, 0x11d3, [0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d]);
const HCDP: Guid = Guid::new(0xf951_938d, 0x620b, 0x42ef, [0x82, 0x79, 0xa8, 0x4b, 0x79, 0x61, 0x78, 0x98]);

/// The address of the system table.
pub const SYSTEM_TABLE: u64 = TABLES.start;
const RUNTIME_SERVICES: u64 = TABLES.start + 0x100;
const CONFIGURATION: u64 = TABLES.start + 0x200;
const VENDOR: u64 = TABLES.start + 0x300;
/// Procedure descriptors: entry point and global pointer.
const DESCRIPTORS: u64 = TABLES.start + 0x400;
/// The address of the SAL system table.
pub const SAL_TABLE: u64 = TABLES.start + 0x800;
/// The address of the PCDP.
pub const PCDP_TABLE: u64 = TABLES.start + 0xc00;

/// The tables with their addresses. `convert` makes the pointers in them: the identity before
/// `SetVirtualAddressMap`, the new virtual address after it. Pointers in the configuration table stay physical.
pub fn tables(convert: impl Fn(u64) -> u64) -> Vec<(u64, Vec<u8>)> {
    let pointers = RuntimeService::ALL.map(|service| convert(DESCRIPTORS + 16 * service as u64));
    let runtime = with_header(RUNTIME_SIGNATURE, &pointers);
    let configuration = [(ACPI_20, ACPI.start), (SAL_SYSTEM_TABLE, SAL_TABLE), (HCDP, PCDP_TABLE)];
    let system = with_header(
        SYSTEM_SIGNATURE,
        &[
            convert(VENDOR),
            u64::from(REVISION),
            // Console handles and protocols, and the boot services, are gone with ExitBootServices.
            0,
            0,
            0,
            0,
            0,
            0,
            convert(RUNTIME_SERVICES),
            0,
            configuration.len() as u64,
            convert(CONFIGURATION),
        ],
    );
    let configuration = configuration.iter().flat_map(|(guid, table)| [guid.0.to_vec(), table.to_le_bytes().to_vec()]);
    let vendor: Vec<u8> = "Patchbay\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let descriptors =
        RuntimeService::ALL.map(|service| [convert(Portal::Efi(service).address()), convert(TABLES.start)]);
    vec![
        (SYSTEM_TABLE, system),
        (RUNTIME_SERVICES, runtime),
        (CONFIGURATION, configuration.flatten().collect()),
        (VENDOR, vendor),
        (DESCRIPTORS, descriptors.as_flattened().iter().flat_map(|word| word.to_le_bytes()).collect()),
    ]
}

/// A table with its header: signature, revision, size, CRC-32 of the table with the CRC as 0.
fn with_header(signature: u64, fields: &[u64]) -> Vec<u8> {
    let mut table = signature.to_le_bytes().to_vec();
    let size = 24 + 8 * fields.len() as u32;
    for word in [REVISION, size, 0, 0] {
        table.extend(word.to_le_bytes());
    }
    for field in fields {
        table.extend(field.to_le_bytes());
    }
    let mut crc = Crc::new();
    crc.update(&table);
    table[16..20].copy_from_slice(&crc.sum().to_le_bytes());
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(at: u64, convert: impl Fn(u64) -> u64) -> Vec<u8> {
        tables(convert).into_iter().find(|(address, _)| *address == at).unwrap().1
    }

    fn word(table: &[u8], offset: usize) -> u64 {
        u64::from_le_bytes(table[offset..offset + 8].try_into().unwrap())
    }

    #[test]
    fn headers_have_the_crc_of_their_table() {
        for at in [SYSTEM_TABLE, RUNTIME_SERVICES] {
            let mut table = table(at, |address| address);
            assert_eq!(u32::from_le_bytes(table[12..16].try_into().unwrap()) as usize, table.len());
            let stored = u32::from_le_bytes(table[16..20].try_into().unwrap());
            table[16..20].fill(0);
            let mut crc = Crc::new();
            crc.update(&table);
            assert_eq!(crc.sum(), stored);
        }
    }

    /// Offsets of `EFI_SYSTEM_TABLE` in the specification.
    #[test]
    fn the_system_table_leads_to_the_others() {
        let system = table(SYSTEM_TABLE, |address| address);
        assert_eq!(system.len(), 120);
        assert_eq!(&system[..8], b"IBI SYST");
        assert_eq!(word(&system, 88), RUNTIME_SERVICES);
        assert_eq!((word(&system, 104), word(&system, 112)), (3, CONFIGURATION));
    }

    #[test]
    fn tables_do_not_overlap() {
        let mut tables = tables(|address| address);
        tables.sort();
        for pair in tables.windows(2) {
            assert!(pair[0].0 + pair[0].1.len() as u64 <= pair[1].0);
        }
        let (last, bytes) = tables.last().unwrap();
        assert!(last + bytes.len() as u64 <= SAL_TABLE);
    }

    #[test]
    fn pointers_are_converted() {
        let virtual_address = |address| address | 7 << 61;
        let runtime = table(RUNTIME_SERVICES, virtual_address);
        assert_eq!(word(&runtime, 24), DESCRIPTORS | 7 << 61);
        let descriptors = table(DESCRIPTORS, virtual_address);
        assert_eq!(word(&descriptors, 0), Portal::Efi(RuntimeService::GetTime).address() | 7 << 61);
    }
}
