//! What commands list, as text and as JSON.

mod running;

use std::io::Write;
use std::process::{Command, Output};

use running::{Running, library};
use serde_json::Value;

fn patchbay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_patchbay")).args(arguments).env_remove("PATCHBAY_PLUGIN_PATH").output().unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let Output { status, stdout, stderr } = patchbay(arguments);
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).unwrap()
}

#[test]
fn every_list_is_json_if_wanted() {
    let guests = json(&["guests", "--json"]);
    let linux = guests.as_array().unwrap().iter().find(|guest| guest["name"] == "linux").unwrap();
    assert!(linux["memory"].as_u64().unwrap() > 1 << 20 && linux["kernel"].is_string());
    let all = json(&["plugins", "--json"]);
    let has = |kind: &str, name: &str| {
        all["plugins"].as_array().unwrap().iter().any(|plugin| plugin["kind"] == kind && plugin["name"] == name)
    };
    assert!(has("classifier", "classify-operands") && has("routines", "routines-tracing"));
    assert_eq!(all["policies"][0]["patch_manager"]["plugin"], "patch-first-fault");
    let inspected = json(&["plugin", "inspect", "--json", library("patchbay_routines_standard").to_str().unwrap()]);
    assert_eq!(inspected["plugins"][0]["name"], "routines-standard");
    assert!(inspected["plugins"][0]["templates"].as_array().unwrap().contains(&"mov r=psr".into()));
    let conformance = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/compare.json.gz");
    let results = json(&["exec", "--json", conformance]);
    assert!(results["passed"].as_u64().unwrap() > 100);
    assert_eq!((&results["failed"], &results["failures"]), (&0.into(), &Value::from(Vec::<Value>::new())));
}

#[test]
fn switches_of_ctl_stand_anywhere_on_the_line() {
    let running = Running::looping(&[]);
    for arguments in
        [&["--json", "status"] as &[_], &["status", "--json"], &["status", "--machine", "0", "--json", "--limit", "5"]]
    {
        let status: Value = serde_json::from_str(&running.done(arguments)).unwrap();
        assert_eq!(status["mode"], "patch");
    }
    assert_eq!(running.refused(&["status", "--machine", "3"]), "no machine has the number 3");
    assert_eq!(running.refused(&["report", "routines", "--vp", "77"]), "there is no virtual processor 77: there are 1");
    let shared = running.refused(&["report", "classifier", "--vp", "0"]);
    assert!(shared.starts_with("virtual processors share their classifier"), "{shared}");
    running.done(&["report", "routines", "--vp", "0"]);
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn what_there_is_to_go_back_to_is_listed() {
    let running = Running::looping(&[]);
    let list = |arguments: &[&str]| -> Vec<(String, String, u64)> {
        let list: Value = serde_json::from_str(&running.done(arguments)).unwrap();
        let one = |before: &Value| {
            let text = |name: &str| before[name].as_str().unwrap().to_owned();
            (text("kind"), text("name"), before["steps"].as_u64().unwrap())
        };
        list.as_array().unwrap().iter().map(one).collect()
    };
    assert_eq!(list(&["rollback", "--list", "--json"]), []);
    running.done(&["swap", "patch-manager", "patch-hot", "--config", "threshold=0x10"]);
    assert!(running.done(&["status"]).contains("threshold=0x10"));
    running.done(&["swap", "patch-manager", "patch-never"]);
    running.done(&["swap", "classifier", "classify-mnemonic"]);
    let before = |kind: &str, name: &str, steps| (kind.to_owned(), name.to_owned(), steps);
    let managers = [before("patch-manager", "patch-hot", 1), before("patch-manager", "patch-first-fault", 2)];
    assert_eq!(list(&["rollback", "patch-manager", "--list", "--json"]), managers);
    let all = list(&["rollback", "--list", "--json"]);
    assert_eq!(all, [&[before("classifier", "classify-operands", 1)], &managers[..]].concat());
    running.done(&["rollback", "patch-manager"]);
    assert_eq!(
        list(&["rollback", "patch-manager", "--list", "--json"]),
        managers[1..]
            .iter()
            .cloned()
            .map(|mut one| {
                one.2 = 1;
                one
            })
            .collect::<Vec<_>>()
    );
    let missing = running.ctl(&["rollback"]);
    assert_eq!(missing.status.code(), Some(2));
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn counters_stand_in_the_order_of_their_plugin() {
    let running = Running::looping(&[]);
    let plugin = format!("{}#export-hangs", library("unreliable_plugins").display());
    running.done(&["swap", "classifier", &plugin]);
    for command in ["status", "stats"] {
        let text = running.done(&[command]);
        let names: Vec<_> = text.lines().filter_map(|line| line.trim().strip_suffix("  7")).map(str::trim).collect();
        assert_eq!(names, ["z", "a", "m"], "{text}");
    }
    running.done(&["stop"]);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn compressed_files_are_disassembled() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = running::loop_in_place();
    let plain = folder.path().join("plain");
    std::fs::write(&plain, bundle).unwrap();
    let packed = folder.path().join("packed.gz");
    let mut gzip = flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    gzip.write_all(&bundle).unwrap();
    gzip.finish().unwrap();
    let code = |file: &std::path::Path| {
        let Output { status, stdout, .. } = patchbay(&["disasm", "--base", "0x1000", file.to_str().unwrap()]);
        assert!(status.success());
        let text = String::from_utf8(stdout).unwrap();
        text.split_once("Disassembly").unwrap().1.to_owned()
    };
    assert_eq!(code(&packed), code(&plain));
    assert!(code(&packed).contains("br."));
}
