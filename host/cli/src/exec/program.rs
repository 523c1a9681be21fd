//! The format of programs: JSON, plain or compressed with gzip; `tests/conformance/README.md` describes it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use patchbay_cpu::fp::Fr;
use patchbay_cpu::psr::Cfm;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::memory::{MOST, SIZE, size_of};
use super::register::{Register, Value};

/// Why a file cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not JSON of this format.
    #[error("{}: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: serde_json::Error,
    },
    /// A program cannot be run.
    #[error("{}: {program}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The name of the program.
        program: String,
        /// The field, and what is wrong with it.
        reason: String,
    },
}

/// A program, its initial state and what it must lead to.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// What to load, and where.
    pub memory: Vec<(u64, Vec<u8>)>,
    /// The registers that are not at their reset value, in the order of setting.
    pub initial: Vec<(Register, Value)>,
    /// The run ends when the bundle here is about to execute.
    pub stop: u64,
    /// The number of instructions in which it must.
    pub limit: u64,
    /// What memory must hold then.
    pub expected_memory: Vec<MemoryCheck>,
    /// What registers must hold then.
    pub expected_registers: Vec<(Register, Operand)>,
}

/// What bytes must be.
#[derive(Clone, Debug)]
pub struct MemoryCheck {
    /// The address of the first.
    pub address: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they are.
    pub text: String,
}

/// A number of which only some bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked {
    /// The number.
    pub value: u64,
    /// The bits that count.
    pub mask: u64,
}

impl Masked {
    fn admits(self, got: u64) -> bool {
        (self.value ^ got) & self.mask == 0
    }
}

/// What a register is set to or must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A number.
    Number(Masked),
    /// A floating-point register.
    Fr {
        /// 0 or 1.
        sign: Masked,
        /// 17 bits.
        exponent: Masked,
        /// With the integer bit in bit 63.
        significand: Masked,
    },
}

impl Operand {
    /// Whether a register may hold this.
    #[must_use]
    pub fn admits(self, got: Value) -> bool {
        match (self, got) {
            (Operand::Number(number), Value::Number(got)) => number.admits(got),
            (Operand::Fr { sign, exponent, significand }, Value::Fr(got)) => {
                sign.admits(got.sign().into())
                    && exponent.admits(got.exponent().into())
                    && significand.admits(got.significand)
            }
            _ => false,
        }
    }

    fn fits(self, register: Register) -> bool {
        match (self, register) {
            (Operand::Fr { sign, exponent, .. }, Register::Fr(_)) => sign.value <= 1 && exponent.value < 1 << 17,
            (Operand::Number(_), Register::Fr(_)) | (Operand::Fr { .. }, _) => false,
            (Operand::Number(number), register) => number.value <= register.most(),
        }
    }

    fn value(self) -> Value {
        match self {
            Operand::Number(number) => Value::Number(number.value),
            Operand::Fr { sign, exponent, significand } => Value::Fr(Fr::new(
                sign.value != 0,
                u32::try_from(exponent.value).unwrap_or(u32::MAX),
                significand.value,
            )),
        }
    }
}

impl From<Value> for Operand {
    fn from(value: Value) -> Operand {
        let exact = |value| Masked { value, mask: u64::MAX };
        match value {
            Value::Number(number) => Operand::Number(exact(number)),
            Value::Fr(fr) => Operand::Fr {
                sign: exact(fr.sign().into()),
                exponent: exact(fr.exponent().into()),
                significand: exact(fr.significand),
            },
        }
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:#x}", self.value)?;
        if self.mask == u64::MAX { Ok(()) } else { write!(f, " (mask {:#x})", self.mask) }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Operand::Number(number) => number.fmt(f),
            Operand::Fr { sign, exponent, significand } => {
                write!(f, "sign {sign} exponent {exponent} significand {significand}")
            }
        }
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn show_bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the programs of a file.
///
/// # Errors
/// If it cannot be read or is malformed.
pub fn load(path: &Path) -> Result<Vec<Program>, Error> {
    let path = path.to_owned();
    let unreadable = |source| Error::Unreadable { path: path.clone(), source };
    let mut bytes = std::fs::read(&path).map_err(unreadable)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain).map_err(unreadable)?;
        bytes = plain;
    }
    let files: Vec<File> =
        serde_json::from_slice(&bytes).map_err(|source| Error::Malformed { path: path.clone(), source })?;
    let program = |file: File| {
        let name = file.name.clone();
        file.program().map_err(|reason| Error::Invalid { path: path.clone(), program: name, reason })
    };
    files.into_iter().map(program).collect()
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    memory: Vec<Bytes>,
    #[serde(default)]
    initial: BTreeMap<String, Operand>,
    stop: Stop,
    limit: Number,
    expect: Expect,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Bytes {
    address: Number,
    hex: String,
    text: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Stop {
    ip: Number,
}

#[derive(serde::Deserialize)]
struct Expect {
    #[serde(default)]
    memory: Vec<Bytes>,
    #[serde(flatten)]
    registers: BTreeMap<String, Operand>,
}

impl File {
    fn program(self) -> Result<Program, String> {
        let mut memory = Vec::new();
        for entry in self.memory {
            memory.push((entry.address.0, entry.bytes("memory")?));
        }
        if size_of(&memory) > MOST {
            return Err(format!("memory: the entries touch more than the {} MiB that a program can have", MOST >> 20));
        }
        let mut initial = Vec::new();
        for (name, operand) in self.initial {
            let register = register("initial", &name, operand)?;
            if !register.is_settable() {
                return Err(format!("initial: {name} cannot be set"));
            }
            if Operand::from(operand.value()) != operand {
                return Err(format!("initial: {name} has a mask"));
            }
            if register == Register::Cfm
                && let Value::Number(marker) = operand.value()
                && !Cfm::from(marker).is_legal()
            {
                return Err(format!("initial: {marker:#x} is no legal frame marker"));
            }
            initial.push((register, operand.value()));
        }
        initial.sort_by_key(|(register, _)| register.rank());
        let mut expected_memory = Vec::new();
        for entry in self.expect.memory {
            let bytes = entry.bytes("expect.memory")?;
            let address = entry.address.0;
            let text = entry.text.unwrap_or_else(|| format!("memory at {address:#x}"));
            expected_memory.push(MemoryCheck { address, bytes, text });
        }
        let mut expected_registers = Vec::new();
        for (name, operand) in self.expect.registers {
            expected_registers.push((register("expect", &name, operand)?, operand));
        }
        let (name, stop, limit) = (self.name, self.stop.ip.0 & !0xf, self.limit.0);
        Ok(Program { name, memory, initial, stop, limit, expected_memory, expected_registers })
    }
}

fn register(field: &str, name: &str, operand: Operand) -> Result<Register, String> {
    let register = Register::named(name).ok_or_else(|| format!("{field}: no register is named {name:?}"))?;
    if operand.fits(register) {
        return Ok(register);
    }
    Err(match register {
        Register::Fr(_) => format!("{field}: {name} needs a sign, a 17-bit exponent and a 64-bit significand"),
        register => format!("{field}: {name} needs a number of at most {:#x}", register.most()),
    })
}

impl Bytes {
    fn bytes(&self, field: &str) -> Result<Vec<u8>, String> {
        let address = self.address.0;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pair = |pair: &[u8]| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = self.hex.as_bytes().chunks(2).map(pair).collect();
        let bytes = bytes.ok_or_else(|| format!("{field}: the bytes at {address:#x} are no pairs of hex digits"))?;
        if address.checked_add(bytes.len() as u64).is_none_or(|end| end > SIZE) {
            return Err(format!("{field}: {address:#x} lies outside of the physical addresses, which have 50 bits"));
        }
        Ok(bytes)
    }
}

/// A hexadecimal string or a JSON integer.
struct Number(u64);

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "a 64-bit number, hexadecimal if in quotes")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u64::from_str_radix(digits, 16).ok().filter(|_| hexadecimal);
        value.map(Number).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// The fields of an operand that is not a plain number.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    value: Option<Number>,
    mask: Option<Number>,
    sign: Option<Operand>,
    exponent: Option<Operand>,
    significand: Option<Operand>,
}

struct OperandVisitor;

impl<'de> Visitor<'de> for OperandVisitor {
    type Value = Operand;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "a 64-bit number (hexadecimal if in quotes), value and mask, or sign, exponent and significand")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Operand, E> {
        Ok(Value::Number(value).into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Operand, E> {
        self.visit_u64(NumberVisitor.visit_str(text)?.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Operand, A::Error> {
        let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
        match fields {
            Fields { value: Some(value), mask, sign: None, exponent: None, significand: None } => {
                let mask = mask.map_or(u64::MAX, |mask| mask.0);
                Ok(Operand::Number(Masked { value: value.0, mask }))
            }
            Fields {
                value: None,
                mask: None,
                sign: Some(Operand::Number(sign)),
                exponent: Some(Operand::Number(exponent)),
                significand: Some(Operand::Number(significand)),
            } => Ok(Operand::Fr { sign, exponent, significand }),
            _ => Err(de::Error::invalid_value(de::Unexpected::Map, &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Operand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Operand, D::Error> {
        deserializer.deserialize_any(OperandVisitor)
    }
}
