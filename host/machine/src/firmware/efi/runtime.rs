//! The runtime services.

use std::time::Duration;

use super::memory_map::{DESCRIPTOR_VERSION, PAGE};
use super::variables::Variables;
use super::{status, tables, time};
use crate::clock::MachineClock;
use crate::firmware::call::{Answer, Call};
use crate::firmware::portal::RuntimeService;
use crate::layout::FIRMWARE;
use crate::outcome::Outcome;

/// Ticks of the time of day a second: it is as fine as the interval time counter.
const RESOLUTION: u32 = 1_000_000_000;
/// The error of the time of day, in parts per 10^12: that of the host, 50 ppm at most.
const ACCURACY: u32 = 50_000_000;
/// What `ResetSystem` takes for switching off.
const RESET_SHUTDOWN: u64 = 2;
const RUNTIME: u64 = 1 << 63;

/// What EFI remembers between calls.
#[derive(Debug, Default)]
pub struct Efi {
    variables: Variables,
    /// `SetTime` moved the time of day by this much: forwards, backwards.
    moved: (Duration, Duration),
    monotonic_count: u32,
    /// The virtual mapping of the firmware's memory: physical start, end, virtual start.
    mapping: Vec<(u64, u64, u64)>,
}

impl Efi {
    /// Performs a service. The status is in r8.
    pub fn call(&mut self, service: RuntimeService, call: &Call, clock: &MachineClock) -> Answer {
        let result = match service {
            RuntimeService::GetTime => self.get_time(call, clock),
            RuntimeService::SetTime => self.set_time(call, clock),
            RuntimeService::GetWakeupTime | RuntimeService::SetWakeupTime => Err(status::UNSUPPORTED),
            RuntimeService::SetVirtualAddressMap => self.set_virtual_address_map(call),
            RuntimeService::ConvertPointer => self.convert_pointer(call),
            RuntimeService::GetVariable => self.variables.get(call),
            RuntimeService::GetNextVariableName => self.variables.next(call),
            RuntimeService::SetVariable => self.variables.set(call),
            RuntimeService::GetNextHighMonotonicCount => {
                self.monotonic_count = self.monotonic_count.wrapping_add(1);
                call.write(call.arguments[0], &self.monotonic_count.to_le_bytes()).map_err(u64::from)
            }
            RuntimeService::ResetSystem => {
                let [kind, status, ..] = call.arguments;
                let off = kind == RESET_SHUTDOWN;
                return Answer::End(if off { Outcome::PowerOff(Some(status)) } else { Outcome::Reset });
            }
        };
        Answer::Return([result.err().unwrap_or(status::SUCCESS), 0, 0, 0])
    }

    fn get_time(&self, call: &Call, clock: &MachineClock) -> Result<(), u64> {
        let [time, capabilities, ..] = call.arguments;
        let date = (clock.date() + self.moved.0).saturating_sub(self.moved.1);
        call.write(time, &time::encode(date))?;
        if capabilities != 0 {
            let mut bytes = [0; 12];
            bytes[0..4].copy_from_slice(&RESOLUTION.to_le_bytes());
            bytes[4..8].copy_from_slice(&ACCURACY.to_le_bytes());
            call.write(capabilities, &bytes)?;
        }
        Ok(())
    }

    fn set_time(&mut self, call: &Call, clock: &MachineClock) -> Result<(), u64> {
        let mut bytes = [0; 16];
        call.read(call.arguments[0], &mut bytes)?;
        let date = time::decode(&bytes).ok_or(status::INVALID_PARAMETER)?;
        let now = clock.date();
        self.moved = (date.saturating_sub(now), now.saturating_sub(date));
        Ok(())
    }

    /// `SetVirtualAddressMap(size, descriptor_size, descriptor_version, map)`
    fn set_virtual_address_map(&mut self, call: &Call) -> Result<(), u64> {
        let [size, descriptor_size, version, map, ..] = call.arguments;
        if !self.mapping.is_empty() {
            return Err(status::UNSUPPORTED);
        }
        if version != u64::from(DESCRIPTOR_VERSION) || descriptor_size < 40 || !size.is_multiple_of(descriptor_size) {
            return Err(status::INVALID_PARAMETER);
        }
        let mut mapping = Vec::new();
        for descriptor in 0..(size / descriptor_size).min(1 << 16) {
            let at = map.wrapping_add(descriptor * descriptor_size);
            let [physical, virtual_address, pages, attributes] =
                [8, 16, 24, 32].map(|field| call.read_u64(at.wrapping_add(field)));
            if attributes? & RUNTIME != 0 {
                let physical = physical?;
                let end = physical.saturating_add(pages?.saturating_mul(PAGE));
                mapping.push((physical, end, virtual_address?));
            }
        }
        self.mapping = mapping;
        for (address, table) in tables::tables(|address| self.convert(address).unwrap_or(address)) {
            debug_assert!(FIRMWARE.contains(&address));
            call.memory
                .write(patchbay_cpu::bus::PhysicalAddress(address), &table)
                .map_err(|_| status::INVALID_PARAMETER)?;
        }
        Ok(())
    }

    /// `ConvertPointer(disposition, address)`
    fn convert_pointer(&self, call: &Call) -> Result<(), u64> {
        let [optional, at, ..] = call.arguments;
        let pointer = call.read_u64(at)?;
        if pointer == 0 {
            return if optional & 1 != 0 { Ok(()) } else { Err(status::INVALID_PARAMETER) };
        }
        let converted = self.convert(pointer).ok_or(status::NOT_FOUND)?;
        call.write(at, &converted.to_le_bytes())?;
        Ok(())
    }

    fn convert(&self, address: u64) -> Option<u64> {
        let (physical, _, virtual_address) =
            self.mapping.iter().find(|(physical, end, _)| (*physical..*end).contains(&address))?;
        Some(virtual_address.wrapping_add(address - physical))
    }
}

#[cfg(test)]
mod tests {
    use patchbay_cpu::bus::PhysicalAddress;

    use super::*;
    use crate::firmware::call::tests::call;
    use crate::firmware::efi::memory_map::memory_map;
    use crate::memory::Memory;

    const BUFFER: u64 = 0x20_0000;

    fn status_of(efi: &mut Efi, service: RuntimeService, call: &Call, clock: &MachineClock) -> u64 {
        match efi.call(service, call, clock) {
            Answer::Return([status, ..]) => status,
            answer => panic!("{answer:?}"),
        }
    }

    #[test]
    fn time_is_the_clocks_and_can_be_set() {
        let memory = Memory::new(64 << 20).unwrap();
        let clock = MachineClock::deterministic();
        let mut efi = Efi::default();
        let buffer = call(&memory, &[BUFFER]);
        assert_eq!(status_of(&mut efi, RuntimeService::GetTime, &buffer, &clock), 0);
        let mut bytes = [0; 16];
        buffer.read(BUFFER, &mut bytes).unwrap();
        let seconds = |bytes: &[u8; 16]| time::decode(bytes).map(|date| date.as_secs());
        assert_eq!(seconds(&bytes), Some(1_153_224_000));
        for date in [2_000_000_000, 1_000_000_000] {
            buffer.write(BUFFER, &time::encode(Duration::from_secs(date))).unwrap();
            assert_eq!(status_of(&mut efi, RuntimeService::SetTime, &buffer, &clock), 0);
            clock.advance(1_000_000_000);
            assert_eq!(status_of(&mut efi, RuntimeService::GetTime, &buffer, &clock), 0);
            buffer.read(BUFFER, &mut bytes).unwrap();
            assert_eq!(seconds(&bytes), Some(date + 1));
        }
    }

    #[test]
    fn the_virtual_address_map_moves_the_tables_once() {
        let memory = Memory::new(64 << 20).unwrap();
        let clock = MachineClock::deterministic();
        let mut map = Vec::new();
        for descriptor in memory_map(&memory, &[]) {
            let mut bytes = descriptor.encode();
            bytes[16..24].copy_from_slice(&(descriptor.range.start | 7 << 61).to_le_bytes());
            map.extend(bytes);
        }
        memory.write(PhysicalAddress(BUFFER), &map).unwrap();
        let mut efi = Efi::default();
        let arguments = [map.len() as u64, 40, 1, BUFFER];
        let set = call(&memory, &arguments);
        assert_eq!(status_of(&mut efi, RuntimeService::SetVirtualAddressMap, &set, &clock), 0);
        let runtime = set.read_u64(tables::SYSTEM_TABLE + 88).unwrap();
        assert_eq!(runtime >> 61, 7);
        let get_time = set.read_u64(runtime + 24).unwrap();
        assert_eq!(get_time >> 61, 7);
        assert_eq!(set.read_u64(get_time).unwrap() >> 61, 7);
        let again = status_of(&mut efi, RuntimeService::SetVirtualAddressMap, &set, &clock);
        assert_eq!(again, status::UNSUPPORTED);
    }

    #[test]
    fn reset_ends_the_machine_with_the_status() {
        let memory = Memory::new(64 << 20).unwrap();
        let clock = MachineClock::deterministic();
        let end =
            |arguments: &[u64]| Efi::default().call(RuntimeService::ResetSystem, &call(&memory, arguments), &clock);
        assert!(matches!(end(&[2, 5]), Answer::End(Outcome::PowerOff(Some(5)))));
        assert!(matches!(end(&[0, 5]), Answer::End(Outcome::Reset)));
        assert!(matches!(end(&[1]), Answer::End(Outcome::Reset)));
    }
}
