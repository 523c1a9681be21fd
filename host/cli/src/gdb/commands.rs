//! `monitor …` in gdb: what its own commands do not reach.

use std::fmt::Write;

use patchbay_cpu::processor::Processor;
use patchbay_cpu::registers::cr;
use patchbay_isa::register;
use patchbay_machine::supervisor::Executor;
use patchbay_vmm::vp::VirtualProcessor;

use super::registers::psr;
use crate::exec::register::{Register, Value};

pub(super) const HELP: &str = "\
monitor registers [FILE]  the registers that gdb does not number: cr, rr, pkr, ibr, dbr, cpuid, or all of them
monitor NAME              one register by its assembler name, such as cr.iip, rr7, r40.nat, psr, ar.itc
monitor translate ADDRESS the physical address of data and of code
monitor help              this
";

/// The files of registers that gdb does not number.
const FILES: [(&str, u8); 6] = [("cr", 128), ("rr", 8), ("pkr", 16), ("ibr", 8), ("dbr", 8), ("cpuid", 5)];

/// What a command says about a processor.
pub(super) fn answer(executor: &mut Executor, command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    let p = &mut executor.processor;
    match words[..] {
        [] | ["help"] => HELP.to_owned(),
        ["registers"] => FILES.iter().map(|(file, count)| registers(p, file, *count)).collect(),
        ["registers", name] => match FILES.iter().find(|(file, _)| *file == name) {
            Some((file, count)) => registers(p, file, *count),
            None => format!("no such registers: {name}\n{HELP}"),
        },
        ["translate", address] => match crate::number::number::<u64>(address) {
            Ok(address) => translate(p, address),
            Err(error) => format!("{error}\n"),
        },
        [name] => match Register::named(name) {
            Some(register) => match read(p, register) {
                Some(value) => format!("{register} = {}\n", show(value)),
                None => format!("reading {name} would have an effect\n"),
            },
            None => format!("no such register or command: {name}\n{HELP}"),
        },
        _ => HELP.to_owned(),
    }
}

fn show(value: Value) -> String {
    match value {
        Value::Number(number) => format!("{number:#x}"),
        Value::Fr(fr) => format!("sign {} exponent {:#x} significand {:#x}", fr.sign(), fr.exponent(), fr.significand),
    }
}

fn registers(p: &mut Processor, file: &str, count: u8) -> String {
    let named: Vec<Register> = (0..count)
        .filter_map(|number| match file {
            "cr" => Register::named(register::control(number)?),
            file => Register::named(&format!("{file}{number}")),
        })
        .collect();
    let mut text = String::new();
    for register in named {
        if let Some(value) = read(p, register) {
            let _strings_take_everything = writeln!(text, "{:<10}{}", register.to_string(), show(value));
        }
    }
    text
}

/// What the guest would read, unless its reading had an effect.
fn read(p: &mut Processor, register: Register) -> Option<Value> {
    match register {
        Register::Cr(number) if usize::from(number) == cr::IVR => return None,
        Register::Psr => return Some(Value::Number(psr(p).into())),
        _ => {}
    }
    let Some(mut vp) = p.take_hook::<VirtualProcessor>() else {
        return Some(register.read(p));
    };
    let value = match register {
        Register::Cr(number) => Value::Number(vp.guest(p).read_cr(number.into())),
        Register::Ar(number) if usize::from(number) == patchbay_cpu::registers::ar::ITC => {
            Value::Number(vp.guest(p).itc())
        }
        Register::Cpuid(number) => Value::Number(vp.vpd.vcpuid[usize::from(number)]),
        register => register.read(p),
    };
    p.hook = Some(vp);
    Some(value)
}

fn translate(p: &Processor, address: u64) -> String {
    let show = |translated: Option<patchbay_cpu::bus::PhysicalAddress>| {
        translated.map_or_else(|| "no translation".to_owned(), |physical| format!("{:#x}", physical.0))
    };
    format!("data: {}\ncode: {}\n", show(p.debug_translate(address)), show(p.debug_translate_code(address)))
}
