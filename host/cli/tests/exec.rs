//! `patchbay exec`, from the outside: its lines and its exit codes.

use std::io::Write;
use std::process::{Command, Output};

use patchbay_isa::rows::{A, B, I, M};
use patchbay_isa::{Bundle, Instruction, Opcode, Template};

fn exec(text: &[u8]) -> Output {
    exec_with(&[], text)
}

fn exec_with(options: &[&str], text: &[u8]) -> Output {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.arg("exec").args(options).arg(file.path()).output().expect("patchbay runs")
}

/// A program that adds r8 and r9 and then loops on the bundle at 0x10010.
fn program(stop: &str, expect: &str) -> String {
    program_of(Opcode::A(A::Add), &[8, 8, 9], stop, expect)
}

/// A program that executes an instruction and then loops on the bundle at 0x10010.
fn program_of(opcode: Opcode, operands: &[i64], stop: &str, expect: &str) -> String {
    let slot = |opcode, operands: &[i64]| Instruction::encode(opcode, 0, operands).expect("operands fit").slot();
    let nop = slot(Opcode::M(M::Nop), &[0]);
    let bundles = [
        (0x09, [slot(opcode, operands), nop, slot(Opcode::I(I::Nop), &[0])]),
        (0x19, [nop, nop, slot(Opcode::B(B::Cond), &[0, 0, 0, 0])]),
    ];
    let code: String = bundles
        .into_iter()
        .flat_map(|(template, slots)| Bundle::new(Template::new(template), slots).to_bytes())
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        r#"[{{ "name": "sum", "memory": [{{ "address": "0x10000", "hex": "{code}" }}],
              "initial": {{ "ip": "0x10000", "r8": "0x7ffffffffffffff0", "r9": 17, "f6": {{ "sign": 1, "exponent": "0x1ffff",
                            "significand": 0 }} }},
              "stop": {{ "ip": "{stop}" }}, "limit": 1000, "expect": {{ {expect} }} }}]"#
    )
}

#[test]
fn checks_pass() {
    let expect = r#""r8": "0x8000000000000001", "r8.nat": 0, "ip": "0x10010", "r9": { "value": 1, "mask": 1 },
                    "f6": { "sign": { "value": 0, "mask": 0 }, "exponent": "0x1ffff", "significand": 0 },
                    "memory": [{ "address": "0x20000", "hex": "0000" }]"#;
    let output = exec(program("0x10010", expect).as_bytes());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "6 passed, 0 failed\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn privileged_instructions_do_the_same_in_every_mode() {
    let expect = r#""cr.iva": "0x8000", "psr": "0x100000002000", "r16": 5, "cr.tpr": "0x10000""#;
    let text = program_of(Opcode::M(M::MovToCr), &[2, 9], "0x10010", expect).replace(
        "\"r9\": 17,",
        "\"r9\": \"0x8000\", \"psr\": \"0x100000002000\", \"r16\": 5, \"cr.tpr\": \"0x10000\",",
    );
    for options in [&[][..], &["--mode", "native"], &["--mode", "trap"], &["--mode", "patch", "--policy", "hot"]] {
        let output = exec_with(options, text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&output.stdout), "4 passed, 0 failed\n", "{options:?}");
    }
    let refused = exec_with(&["--mode", "patch", "--policy", "none"], text.as_bytes());
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).starts_with("patchbay: there is no policy none"));
}

#[test]
fn each_failed_check_is_a_line() {
    let expect = r#""r8": { "value": "0x0", "mask": "0xff" }, "r9": 17,
                    "memory": [{ "address": "0x20000", "hex": "01ff", "text": "nothing is stored" }]"#;
    let output = exec(program("0x10010", expect).as_bytes());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "sum: nothing is stored: expected 01ff, got 0000\n\
         sum: r8: expected 0x0 (mask 0xff), got 0x8000000000000001\n\
         1 passed, 2 failed\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_program_that_misses_its_stop_fails() {
    let output = exec(program("0x10020", r#""r9": 17"#).as_bytes());
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(stdout.starts_with("sum: not at the stop after 1000 instructions: ip is 0x10010\n"), "{stdout}");
    assert!(stdout.ends_with("0 passed, 1 failed\n"), "{stdout}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn malformed_files_are_refused_in_one_sentence() {
    let good = program("0x10010", r#""r9": 17"#);
    for (bad, part) in [
        (good.replace("\"r9\": 17,", "\"r200\": 17,"), "no register is named \"r200\""),
        (good.replace("\"r9\": 17,", "\"r0\": 17,"), "initial: r0 cannot be set"),
        (good.replace("\"r9\": 17,", "\"p6\": 17,"), "p6 needs a number of at most 0x1"),
        (good.replace("\"r9\": 17,", "\"f7\": 17,"), "f7 needs a sign"),
        (good.replace("\"0x1ffff\"", "\"0x20000\""), "f6 needs a sign, a 17-bit exponent"),
        (good.replace("0x10000\"", "0x1_0000\""), "expected a 64-bit number"),
        (good.replace("\"limit\": 1000,", ""), "missing field `limit`"),
        (good.replace("\"hex\": \"", "\"hex\": \"0"), "memory: the bytes at 0x10000 are no pairs of hex digits"),
        (good.replace("\"address\": \"0x10000\"", "\"address\": \"0xfffffffffffffff8\""), "lies outside"),
        (good.replace("[{ \"name\"", "{ \"name\""), "invalid type: map, expected a sequence"),
        (String::new(), "EOF while parsing"),
    ] {
        let output = exec(bad.as_bytes());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(part) && stderr.lines().count() == 1, "{part}: {stderr}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(exec(&[0x1f, 0x8b, 8, 0]).status.code(), Some(2));
    let missing = Command::new(env!("CARGO_BIN_EXE_patchbay")).args(["exec", "/no/such/file"]).output().expect("runs");
    assert_eq!(missing.status.code(), Some(2));
}
