//! `patchbay survey`, and lists of sites.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const HELLO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/hello/hello.elf");

fn patchbay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_patchbay")).args(arguments).env_remove("PATCHBAY_PLUGIN_PATH").output().unwrap()
}

fn said(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = patchbay(arguments);
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = patchbay(arguments);
    assert_eq!(status.code(), Some(2), "{arguments:?}");
    String::from_utf8(stderr).unwrap().trim_end().to_owned()
}

/// The counts of a run of `hello` with this patch manager.
fn run(patch_manager: &str) -> Value {
    let arguments = ["run", "hello", "--stats", "json", "--patch-manager", patch_manager];
    let Output { status, stderr, .. } = patchbay(&arguments);
    let text = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{text}");
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn candidates_are_listed_as_text_and_as_json_from_plain_and_compressed_images() {
    let json: Value = serde_json::from_str(&said(&["survey", "--json", "hello"])).unwrap();
    let candidates = json["candidates"].as_array().unwrap();
    assert!(!candidates.is_empty());
    assert_eq!(json["fit"]["break"], candidates.len());
    for candidate in candidates {
        assert_eq!(candidate["triggers"]["break"], "ok");
        assert!(candidate["symbol"].is_string() && candidate["class"].is_string(), "{candidate}");
        let branch_unit = ["cover", "rfi", "bsw.0", "bsw.1"].contains(&candidate["mnemonic"].as_str().unwrap());
        assert_eq!(candidate["triggers"]["check"] == "only an M slot takes it", branch_unit, "{candidate}");
    }
    let text = said(&["survey", "hello"]);
    let first = &candidates[0];
    let site = format!("{}.{}", first["address"].as_str().unwrap(), first["slot"]);
    let line = text.lines().nth(1).unwrap();
    assert!(line.starts_with(&site) && line.contains(first["symbol"].as_str().unwrap()), "{line}");
    assert!(text.contains(&format!("{} candidates, of which triggers fit: break ", candidates.len())), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let compressed = folder.path().join("hello.gz");
    let mut encoder =
        flate2::write::GzEncoder::new(std::fs::File::create(&compressed).unwrap(), flate2::Compression::fast());
    encoder.write_all(&std::fs::read(HELLO).unwrap()).unwrap();
    encoder.finish().unwrap();
    assert_eq!(said(&["survey", compressed.to_str().unwrap()]), text);
    let by_mnemonic: Value =
        serde_json::from_str(&said(&["survey", "--json", "--classifier", "classify-mnemonic", HELLO])).unwrap();
    assert_eq!(by_mnemonic["candidates"][0]["class"], by_mnemonic["candidates"][0]["mnemonic"]);
}

/// What `survey --as-list` writes, patch-list patches before the guest starts.
#[test]
fn a_list_of_a_survey_is_one_of_sites_to_patch() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sites");
    for trigger in ["break", "check"] {
        let list = said(&["survey", "hello", "--as-list", "--trigger", trigger]);
        assert!(list.lines().all(|line| line.contains(&format!("  {trigger}  "))), "{list}");
        assert!(list.lines().any(|line| line.contains("+0x") && !line.starts_with("0x")), "symbols: {list}");
        std::fs::write(&file, &list).unwrap();
        let counts = run(&format!("patch-list,file={}", file.display()));
        let monitor = &counts["monitor"];
        assert_eq!(monitor["sites_patched"], list.lines().count(), "{trigger}");
        let placed = monitor["triggers"].as_array().unwrap().iter().find(|kind| kind["trigger"] == trigger).unwrap();
        assert_eq!(placed["sites"], list.lines().count(), "{trigger}");
        if trigger == "break" {
            assert_eq!(monitor["total"]["faults"], 0, "all that hello executes is in the list");
        } else {
            assert_ne!(monitor["total"]["faults"], 0, "what is not in the list is left");
        }
    }
}

#[test]
fn what_is_wrong_with_a_list_is_said_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sites");
    std::fs::write(&file, "# mine\n\nno_such_symbol+0x10.1\n").unwrap();
    let argument = |file: &Path| format!("patch-list,file={}", file.display());
    let error = refused(&["run", "hello", "--patch-manager", &argument(&file)]);
    assert!(error.ends_with("sites: line 3: the guest has no symbol \"no_such_symbol\", or several"), "{error}");
    assert_eq!(error.lines().count(), 1);
    let missing = refused(&["run", "hello", "--patch-manager", &argument(&folder.path().join("none"))]);
    assert!(missing.contains("none: No such file"), "{missing}");
}

#[test]
fn memory_to_survey_is_memory() {
    let error = refused(&["run", "hello", "--survey", "0xfffffff00000-0xfffffff00010"]);
    assert_eq!(error, "patchbay: --survey 0xfffffff00000-0xfffffff00010: not all of that is the machine's memory");
    assert!(refused(&["run", "hello", "--survey", "16"]).contains("a range is FIRST-END in hexadecimal"));
    let counts = |survey: &[&str]| {
        let patch_manager = ["run", "hello", "--stats", "json", "--patch-manager", "patch-static,later=leave"];
        let output = patchbay(&[&patch_manager, survey].concat());
        assert!(output.status.success());
        let counts: Value = serde_json::from_slice(output.stderr.split(|c| *c == b'\n').rev().nth(1).unwrap()).unwrap();
        counts["monitor"]["sites"].as_u64().unwrap()
    };
    // The firmware has privileged instructions of its own, or none; the image's are not met twice.
    assert!(counts(&["--survey", "0x0-0x1000000"]) >= counts(&[]));
}
