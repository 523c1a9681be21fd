//! The ACPI tables: RSDP, XSDT, FADT, FACS, MADT, DSDT.

use acpi_tables::Aml;
use acpi_tables::aml::{Device, EISAName, Interrupt, Memory32Fixed, Name, Package, Path, ResourceTemplate, Scope};
use acpi_tables::facs::FACS;
use acpi_tables::rsdp::Rsdp;
use acpi_tables::sdt::{GenericAddress, Sdt};
use acpi_tables::xsdt::XSDT;

use crate::devices::{power, uart};
use crate::layout::{ACPI, INTERRUPT_BLOCK, IOSAPIC, UART};

const OEM: [u8; 6] = *b"PATCHB";
const OEM_TABLE: [u8; 8] = *b"PATCHBAY";
const OEM_REVISION: u32 = 1;

/// The interrupt line of the system control interrupt.
pub const SCI: u16 = 9;

const RSDP: u64 = ACPI.start;
const FACS_ADDRESS: u64 = ACPI.start + 0x40;
const XSDT_ADDRESS: u64 = ACPI.start + 0x80;
const FADT: u64 = ACPI.start + 0x100;
const DSDT: u64 = ACPI.start + 0x200;
const MADT: u64 = ACPI.start + 0x400;

/// The tables of a machine of some processors, with their addresses. The RSDP is the first.
#[must_use]
pub fn tables(processors: usize) -> Vec<(u64, Vec<u8>)> {
    let mut xsdt = XSDT::new(OEM, OEM_TABLE, OEM_REVISION);
    xsdt.add_entry(FADT);
    xsdt.add_entry(MADT);
    vec![
        (RSDP, bytes(&Rsdp::new(OEM, XSDT_ADDRESS))),
        (FACS_ADDRESS, bytes(&FACS::new())),
        (XSDT_ADDRESS, bytes(&xsdt)),
        (FADT, fadt().as_slice().to_vec()),
        (DSDT, dsdt().as_slice().to_vec()),
        (MADT, madt(processors).as_slice().to_vec()),
    ]
}

fn bytes(table: &dyn Aml) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.to_aml_bytes(&mut bytes);
    bytes
}

/// The FADT of ACPI 2.0 (revision 3): Linux takes the SCI from no other.
fn fadt() -> Sdt {
    const FLAG_WBINVD: u32 = 1;
    const FLAG_NO_POWER_BUTTON: u32 = 1 << 4;
    const FLAG_NO_SLEEP_BUTTON: u32 = 1 << 5;
    const FLAG_NO_RTC_WAKE: u32 = 1 << 6;
    const FLAG_RESET_REGISTER: u32 = 1 << 10;
    const PROFILE_ENTERPRISE_SERVER: u8 = 4;
    /// Latencies above 100 and 1000 microseconds say that C2 and C3 do not exist.
    const NO_C2: u16 = 101;
    const NO_C3: u16 = 1001;

    let port = |offset| power::PORTS.start + offset;
    let mut fadt = Sdt::new(*b"FACP", 244, 3, OEM, OEM_TABLE, OEM_REVISION);
    fadt.write_u32(36, FACS_ADDRESS as u32);
    fadt.write_u32(40, DSDT as u32);
    fadt.write_u8(45, PROFILE_ENTERPRISE_SERVER);
    fadt.write_u16(46, SCI);
    fadt.write_u32(56, u32::from(port(power::EVENT)));
    fadt.write_u32(64, u32::from(port(power::CONTROL)));
    fadt.write_u32(76, u32::from(port(power::TIMER)));
    fadt.write_u8(88, 4);
    fadt.write_u8(89, 2);
    fadt.write_u8(91, 4);
    fadt.write_u16(96, NO_C2);
    fadt.write_u16(98, NO_C3);
    let flags = FLAG_WBINVD | FLAG_NO_POWER_BUTTON | FLAG_NO_SLEEP_BUTTON | FLAG_NO_RTC_WAKE | FLAG_RESET_REGISTER;
    fadt.write_u32(112, flags);
    fadt.write(116, GenericAddress::io_port_address::<u8>(port(power::RESET)));
    fadt.write_u8(128, power::RESET_VALUE);
    fadt.write_u64(132, FACS_ADDRESS);
    fadt.write_u64(140, DSDT);
    fadt.write(148, GenericAddress::io_port_address::<u32>(port(power::EVENT)));
    fadt.write(172, GenericAddress::io_port_address::<u16>(port(power::CONTROL)));
    fadt.write(208, GenericAddress::io_port_address::<u32>(port(power::TIMER)));
    fadt
}

fn madt(processors: usize) -> Sdt {
    const IO_SAPIC: u8 = 6;
    const LOCAL_SAPIC: u8 = 7;
    const ENABLED: u32 = 1;

    let mut madt = Sdt::new(*b"APIC", 44, 1, OEM, OEM_TABLE, OEM_REVISION);
    madt.write_u32(36, INTERRUPT_BLOCK.start as u32);
    for id in 0..processors as u8 {
        let mut entry = vec![LOCAL_SAPIC, 20, id, id, 0, 0, 0, 0];
        entry.extend(ENABLED.to_le_bytes());
        entry.extend(u32::from(id).to_le_bytes());
        // The unique identifier as a string: none.
        entry.extend([0; 4]);
        madt.append_slice(&entry);
    }
    let mut entry = vec![IO_SAPIC, 16, 0, 0];
    entry.extend(0_u32.to_le_bytes());
    entry.extend(IOSAPIC.start.to_le_bytes());
    madt.append_slice(&entry);
    madt
}

fn dsdt() -> Sdt {
    let interrupt = Interrupt::new(true, true, false, false, u32::from(uart::LINE));
    let registers = Memory32Fixed::new(true, UART.start as u32, 8);
    let resources = ResourceTemplate::new(vec![&registers, &interrupt]);
    let names = [
        Name::new("_HID".into(), &EISAName::new("PNP0501")),
        Name::new("_UID".into(), &0_u8),
        Name::new("_CRS".into(), &resources),
    ];
    let uart = Device::new("UAR0".into(), names.iter().map(|name| name as &dyn Aml).collect());
    let off = power::SLEEP_TYPE_OFF;
    let s5 = Name::new(Path::new("\\_S5_"), &Package::new(vec![&off, &off, &0_u8, &0_u8]));
    let mut dsdt = Sdt::new(*b"DSDT", 36, 2, OEM, OEM_TABLE, OEM_REVISION);
    dsdt.append_slice(&bytes(&Scope::new("\\_SB_".into(), vec![&uart])));
    dsdt.append_slice(&bytes(&s5));
    dsdt
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::PROCESSORS_MAX;

    fn sum(bytes: &[u8]) -> u8 {
        bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
    }

    #[test]
    fn tables_have_their_length_and_sum_to_zero() {
        for (address, table) in tables(PROCESSORS_MAX) {
            if address == RSDP {
                assert_eq!(&table[..8], b"RSD PTR ");
                assert_eq!((sum(&table[..20]), sum(&table), table.len()), (0, 0, 36));
                assert_eq!(u64::from_le_bytes(table[24..32].try_into().unwrap()), XSDT_ADDRESS);
                continue;
            }
            assert_eq!(u32::from_le_bytes(table[4..8].try_into().unwrap()) as usize, table.len());
            if address != FACS_ADDRESS {
                assert_eq!(sum(&table), 0, "{:?}", std::str::from_utf8(&table[..4]));
            }
        }
    }

    #[test]
    fn tables_do_not_overlap() {
        let tables = tables(PROCESSORS_MAX);
        for pair in tables.windows(2) {
            assert!(pair[0].0 + pair[0].1.len() as u64 <= pair[1].0);
        }
        let (last, bytes) = tables.last().unwrap();
        assert!(last + bytes.len() as u64 <= ACPI.end);
    }

    #[test]
    fn the_madt_lists_each_processor_and_the_io_sapic() {
        let madt = madt(3);
        let madt = madt.as_slice();
        assert_eq!(madt[36..40], 0xfee0_0000_u32.to_le_bytes());
        let mut kinds = Vec::new();
        let mut rest = &madt[44..];
        while !rest.is_empty() {
            kinds.push(rest[0]);
            rest = &rest[usize::from(rest[1])..];
        }
        assert_eq!(kinds, [7, 7, 7, 6]);
    }

    /// What iasl makes of `Scope (\_SB) { Device (UAR0) { Name (_HID, EisaId ("PNP0501")) … } } Name (\_S5, …)`.
    #[test]
    fn the_dsdt_names_the_uart_and_s5() {
        let dsdt = dsdt();
        let has = |bytes: &[u8]| dsdt.as_slice().windows(bytes.len()).any(|window| window == bytes);
        assert!(has(b"\x08_HID\x0c\x41\xd0\x05\x01"));
        // Memory32Fixed (ReadWrite, 0xFF5E0000, 8)
        assert!(has(&[0x86, 9, 0, 1, 0, 0, 0x5e, 0xff, 8, 0, 0, 0]));
        // Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 4 }
        assert!(has(&[0x89, 6, 0, 0x03, 1, 4, 0, 0, 0]));
        assert!(has(b"_S5_\x12"));
    }
}
