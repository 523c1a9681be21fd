//! `patchbay disasm` on good and bad input.

use std::io::Read;
use std::process::{Command, Output, Stdio};

const GUEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/kernels/bin/fib.elf");

fn disasm(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.arg("disasm").args(arguments);
    command
}

fn refused(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = disasm(arguments).output().unwrap();
    assert_eq!(status.code(), Some(2), "{arguments:?}");
    assert!(stdout.is_empty(), "{arguments:?} wrote a listing");
    String::from_utf8(stderr).unwrap()
}

#[test]
fn an_elf_file_is_listed_by_section() {
    let listed = disasm(&["--section", ".text", GUEST]).output().unwrap();
    assert!(listed.status.success());
    let text = String::from_utf8(listed.stdout).unwrap();
    let head = format!("\n{GUEST}:     file format elf64-ia64-little\n\n\nDisassembly of section .text:\n\n");
    assert!(text.starts_with(&head), "{text}");
    // As guests/kernels/start.S has it.
    assert!(text.contains("  100010:\t0b 00 24 00 2d 04 \t[MMI]       mov psr.l=r9;;\n"), "{text}");
}

#[test]
fn raw_bundles_are_listed_at_their_base() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("code");
    std::fs::write(&file, [0x0b, 0, 0x24, 0, 0x2d, 4, 0, 0, 0, 0x62, 0, 0, 0, 0, 4, 0]).unwrap();
    let listed = disasm(&["--base", "0x2000", file.to_str().unwrap()]).output().unwrap();
    assert!(listed.status.success());
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(text.ends_with("    200c:\t00 00 04 00       \t            nop.i 0x0;;\n"), "{text}");
}

#[test]
fn bad_input_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [short, other, damaged] = ["short", "other", "damaged"].map(path);
    std::fs::write(&short, "no code").unwrap();
    let mut elf = std::fs::read(GUEST).unwrap();
    elf[18] = 62;
    std::fs::write(&other, &elf).unwrap();
    elf[18] = 50;
    elf.truncate(100);
    std::fs::write(&damaged, &elf).unwrap();

    assert!(refused(&["/no/such/file"]).starts_with("patchbay: cannot read /no/such/file: "));
    let sentence = format!("patchbay: {short} is not an ELF file of 64 bits (--base lists raw bundles)\n");
    assert_eq!(refused(&[&short]), sentence);
    assert_eq!(refused(&[&other]), format!("patchbay: {other} is for machine 62 and not for IA-64 (50)\n"));
    assert!(refused(&[&damaged]).starts_with(&format!("patchbay: {damaged} is a damaged ELF file: ")));
    assert_eq!(refused(&["--section", ".nope", GUEST]), format!("patchbay: {GUEST} has no section .nope\n"));
    refused(&["--base", "here", GUEST]);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut listed = disasm(&[GUEST]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(listed.stdout.take());
    let mut complaints = String::new();
    listed.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert!(listed.wait().unwrap().success());
    assert_eq!(complaints, "");
}
