//! Variables. They live as long as the machine.

use std::collections::BTreeMap;

use super::{Guid, status};
use crate::firmware::call::{BadAddress, Call};

const RUNTIME_ACCESS: u32 = 4;
/// The most a variable's name or data can take, in bytes.
const SIZE_MAX: u64 = 64 << 10;
/// The most that all data can take, in bytes.
const TOTAL_MAX: usize = 1 << 20;

/// A variable's identity: its name in UTF-16 without the final zero, and its vendor.
type Key = (Vec<u16>, Guid);

#[derive(Debug)]
struct Variable {
    attributes: u32,
    data: Vec<u8>,
}

/// The variables.
#[derive(Debug, Default)]
pub struct Variables {
    variables: BTreeMap<Key, Variable>,
}

impl From<BadAddress> for u64 {
    fn from(_: BadAddress) -> u64 {
        status::INVALID_PARAMETER
    }
}

impl Variables {
    /// `GetVariable(name, vendor, attributes, data_size, data)`
    ///
    /// # Errors
    /// The status.
    pub fn get(&self, call: &Call) -> Result<(), u64> {
        let [name, vendor, attributes, data_size, data, ..] = call.arguments;
        let key = key(call, name, vendor)?;
        let variable = self.variables.get(&key).ok_or(status::NOT_FOUND)?;
        let room = call.read_u64(data_size)?;
        let size = variable.data.len() as u64;
        call.write(data_size, &size.to_le_bytes())?;
        if room < size {
            return Err(status::BUFFER_TOO_SMALL);
        }
        if attributes != 0 {
            call.write(attributes, &variable.attributes.to_le_bytes())?;
        }
        call.write(data, &variable.data)?;
        Ok(())
    }

    /// `GetNextVariableName(name_size, name, vendor)`
    ///
    /// # Errors
    /// The status.
    pub fn next(&self, call: &Call) -> Result<(), u64> {
        let [name_size, name, vendor, ..] = call.arguments;
        let current = key(call, name, vendor)?;
        let next = if current.0.is_empty() {
            self.variables.first_key_value()
        } else {
            if !self.variables.contains_key(&current) {
                return Err(status::INVALID_PARAMETER);
            }
            self.variables.range((std::ops::Bound::Excluded(current), std::ops::Bound::Unbounded)).next()
        };
        let ((next, guid), _) = next.ok_or(status::NOT_FOUND)?;
        let text: Vec<u8> = next.iter().chain([&0]).flat_map(|unit| unit.to_le_bytes()).collect();
        let room = call.read_u64(name_size)?;
        call.write(name_size, &(text.len() as u64).to_le_bytes())?;
        if room < text.len() as u64 {
            return Err(status::BUFFER_TOO_SMALL);
        }
        call.write(name, &text)?;
        call.write(vendor, &guid.0)?;
        Ok(())
    }

    /// `SetVariable(name, vendor, attributes, data_size, data)`
    ///
    /// # Errors
    /// The status.
    pub fn set(&mut self, call: &Call) -> Result<(), u64> {
        let [name, vendor, attributes, data_size, data, ..] = call.arguments;
        let key = key(call, name, vendor)?;
        let attributes = attributes as u32;
        if key.0.is_empty() {
            return Err(status::INVALID_PARAMETER);
        }
        if data_size == 0 || attributes & RUNTIME_ACCESS == 0 {
            return self.variables.remove(&key).map(drop).ok_or(status::NOT_FOUND);
        }
        let total: usize = self.variables.values().map(|variable| variable.data.len()).sum();
        let size = usize::try_from(data_size).unwrap_or(usize::MAX);
        if data_size > SIZE_MAX || total + size > TOTAL_MAX {
            return Err(status::OUT_OF_RESOURCES);
        }
        let mut bytes = vec![0; size];
        call.read(data, &mut bytes)?;
        self.variables.insert(key, Variable { attributes, data: bytes });
        Ok(())
    }
}

fn key(call: &Call, name: u64, vendor: u64) -> Result<Key, u64> {
    let mut guid = Guid([0; 16]);
    call.read(vendor, &mut guid.0)?;
    let mut text = Vec::new();
    for offset in (0..SIZE_MAX).step_by(2) {
        let mut unit = [0; 2];
        call.read(name.wrapping_add(offset), &mut unit)?;
        match u16::from_le_bytes(unit) {
            0 => return Ok((text, guid)),
            unit => text.push(unit),
        }
    }
    Err(status::INVALID_PARAMETER)
}

#[cfg(test)]
mod tests {
    use patchbay_cpu::bus::PhysicalAddress;

    use super::*;
    use crate::firmware::call::tests::call;
    use crate::memory::Memory;

    const NAME: u64 = 0x20_0000;
    const VENDOR: u64 = 0x20_1000;
    const SIZE: u64 = 0x20_2000;
    const DATA: u64 = 0x20_3000;
    const ATTRIBUTES: u64 = 0x20_4000;

    fn memory(name: &str) -> Memory {
        let memory = Memory::new(64 << 20).unwrap();
        let text: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        memory.write(PhysicalAddress(NAME), &text).unwrap();
        memory.write(PhysicalAddress(VENDOR), &[7; 16]).unwrap();
        memory.write(PhysicalAddress(DATA), b"value").unwrap();
        memory
    }

    fn set_size(memory: &Memory, size: u64) {
        memory.write(PhysicalAddress(SIZE), &size.to_le_bytes()).unwrap();
    }

    #[test]
    fn a_variable_is_read_back_until_it_is_deleted() {
        let memory = memory("Boot0001");
        let mut variables = Variables::default();
        let get = call(&memory, &[NAME, VENDOR, ATTRIBUTES, SIZE, DATA]);
        assert_eq!(variables.get(&get), Err(status::NOT_FOUND));
        assert_eq!(variables.set(&call(&memory, &[NAME, VENDOR, 7, 5, DATA])), Ok(()));
        set_size(&memory, 4);
        assert_eq!(variables.get(&get), Err(status::BUFFER_TOO_SMALL));
        assert_eq!(get.read_u64(SIZE), Ok(5));
        memory.write(PhysicalAddress(DATA), &[0; 5]).unwrap();
        assert_eq!(variables.get(&get), Ok(()));
        let mut data = [0; 5];
        memory.read(PhysicalAddress(DATA), &mut data).unwrap();
        assert_eq!(&data, b"value");
        assert_eq!(get.read_u64(ATTRIBUTES), Ok(7));
        assert_eq!(variables.set(&call(&memory, &[NAME, VENDOR, 7, 0, DATA])), Ok(()));
        assert_eq!(variables.get(&get), Err(status::NOT_FOUND));
    }

    #[test]
    fn names_are_enumerated() {
        let mut variables = Variables::default();
        for name in ["B", "A"] {
            let memory = memory(name);
            variables.set(&call(&memory, &[NAME, VENDOR, 7, 5, DATA])).unwrap();
        }
        let memory = memory("");
        let next = call(&memory, &[SIZE, NAME, VENDOR]);
        for expected in [b'A', b'B'] {
            set_size(&memory, 64);
            assert_eq!(variables.next(&next), Ok(()));
            assert_eq!(next.read_u64(NAME).unwrap() as u8, expected);
            assert_eq!(next.read_u64(SIZE), Ok(4));
        }
        assert_eq!(variables.next(&next), Err(status::NOT_FOUND));
    }

    #[test]
    fn bad_arguments_have_a_status() {
        let memory = memory("X");
        let mut variables = Variables::default();
        let nowhere = 1 << 50;
        assert_eq!(variables.set(&call(&memory, &[nowhere, VENDOR, 7, 5, DATA])), Err(status::INVALID_PARAMETER));
        assert_eq!(variables.set(&call(&memory, &[NAME, VENDOR, 7, 5, nowhere])), Err(status::INVALID_PARAMETER));
        assert_eq!(variables.set(&call(&memory, &[NAME, VENDOR, 7, 1 << 40, DATA])), Err(status::OUT_OF_RESOURCES));
    }
}
