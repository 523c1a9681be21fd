//! `patchbay run --stats json`: what is counted is there, and its parts agree.

use std::process::Command;

use serde_json::{Map, Value};

/// What the monitor counted while a guest ran.
fn run(guest: &str, options: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
    command.args(["run", guest, "--stats", "json"]).args(options).env_remove("PATCHBAY_PLUGIN_PATH");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut all: Value = serde_json::from_slice(&output.stderr).expect("JSON");
    let monitor = all["monitor"].take();
    let parts: Vec<&Map<String, Value>> = monitor["vps"].as_array().unwrap().iter().map(object).collect();
    assert_sums(object(&monitor["total"]), &parts);
    monitor
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// All counts are the sums of those of the parts. Quantiles are not.
fn assert_sums(total: &Map<String, Value>, parts: &[&Map<String, Value>]) {
    for (name, value) in total {
        let of_parts: Vec<&Value> = parts.iter().map(|part| &part[name]).collect();
        match value {
            Value::Object(fields) => assert_sums(fields, &of_parts.into_iter().map(object).collect::<Vec<_>>()),
            // By cause or trigger, the first field of each.
            Value::Array(rows) => {
                for row in rows {
                    let key = ["cause", "trigger"].into_iter().find(|key| row.get(key).is_some()).unwrap();
                    let of_rows = of_parts.iter().flat_map(|rows| rows.as_array().unwrap());
                    let same: Vec<_> = of_rows.filter(|of| of[key] == row[key]).map(object).collect();
                    assert!(!same.is_empty(), "{row}");
                    let counts = |row: &Map<String, Value>| {
                        let counts = row.iter().filter(|(name, _)| *name != key);
                        counts.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()
                    };
                    let same: Vec<_> = same.into_iter().map(counts).collect();
                    assert_sums(&counts(object(row)), &same.iter().collect::<Vec<_>>());
                }
            }
            Value::Number(count) if count.is_u64() && !["p50", "p99"].contains(&&**name) => {
                assert_eq!(number(value), of_parts.into_iter().map(number).sum::<u64>(), "{name}");
            }
            _ => {}
        }
    }
}

fn sum(rows: &Value, field: &str) -> u64 {
    rows.as_array().unwrap().iter().map(|row| number(&row[field])).sum()
}

fn fetches(total: &Value) -> u64 {
    object(&total["conventional"]["fetches"]).values().map(number).sum()
}

#[test]
fn triggers_fetch_decode_and_save_nothing() {
    let monitor = run("privops", &[]);
    let total = &monitor["total"];
    let count = |name: &str| number(&total[name]);
    // It runs 39 of the 41 causes, each 8000 times at least.
    let causes = total["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 39);
    for cause in causes {
        assert!(number(&cause["triggers"]) >= 8000 && number(&cause["faults"]) > 0, "{cause}");
    }
    assert_eq!(
        (sum(&total["causes"], "faults"), sum(&total["causes"], "triggers")),
        (count("faults"), count("triggers"))
    );
    assert!(total["by_trigger"].as_f64().unwrap() > 99.0);
    // Each site faults once and is patched.
    let placed = sum(&monitor["triggers"], "placed");
    assert_eq!(
        (count("faults"), number(&monitor["sites"]), number(&monitor["sites_patched"])),
        (placed, placed, placed)
    );
    assert_eq!(sum(&monitor["triggers"], "sites"), placed);
    assert_eq!(sum(&total["by_kind"], "events"), count("triggers"));
    assert_eq!(count("routines_built") + count("routines_shared"), placed);
    assert_eq!(
        (number(&monitor["classes"]), number(&monitor["ids"]["used"])),
        (count("routines_built"), count("routines_built"))
    );
    let conventional = &total["conventional"];
    let of_path = |name: &str| number(&conventional[name]);
    assert_eq!((of_path("emulated"), of_path("decodes"), of_path("frame_bytes"), fetches(total)), (0, 0, 0, 0));
    assert!(object(&total["fallbacks"]).values().all(|count| number(count) == 0), "{total}");
    let time = &total["by_kind"][0]["time"];
    let [samples, p50, p99] = ["samples", "p50", "p99"].map(|name| number(&time[name]));
    assert!(samples > count("triggers") / 128 && 0 < p50 && p50 <= p99 && p50 < 100_000, "{time}");
    let top = monitor["top"].as_array().unwrap();
    assert!(
        top.iter()
            .all(|site| ["op_", "sites_that_"].iter().any(|name| site["symbol"].as_str().unwrap().starts_with(name))),
        "{top:?}"
    );
    let addresses = top.iter().flat_map(|site| [&site["bundle"], &site["ip"]]);
    assert!(addresses.map(|address| address.as_str().unwrap()).all(|address| address.starts_with("0x")), "{top:?}");
    let events: Vec<u64> = top.iter().map(|site| number(&site["faults"]) + number(&site["triggers"])).collect();
    assert!(!events.is_empty() && events.is_sorted_by(|first, second| first >= second));
    let kinds: Vec<&Value> = monitor["plugins"].as_array().unwrap().iter().map(|plugin| &plugin["kind"]).collect();
    assert_eq!(kinds, ["classifier", "patch-manager", "routines"]);
}

#[test]
fn the_conventional_path_fetches_decodes_and_saves_a_frame_each_time() {
    for (guest, fetch) in [("vhpt", "translated"), ("vhpt", "physical"), ("timer", "translated")] {
        let monitor = run(guest, &["--mode", "trap", "--fetch", fetch]);
        let total = &monitor["total"];
        let (faults, conventional) = (number(&total["faults"]), &total["conventional"]);
        assert!(faults > 0 && number(&total["triggers"]) == 0);
        for count in ["emulated", "decodes"] {
            assert_eq!(number(&conventional[count]), faults, "{guest} {fetch} {count}");
        }
        assert_eq!(fetches(total), faults);
        let of = |name: &str| number(&conventional["fetches"][name]);
        // Only this guest has code that is translated.
        assert_eq!(of("temporary_entry") + of("existing_entry") > 0, guest == "vhpt" && fetch == "translated");
        let frame = number(&conventional["frame_bytes"]) / faults;
        assert_eq!(number(&conventional["frame_bytes"]), frame * faults);
        // A Linux pt_regs has 448 bytes.
        assert!((448..512).contains(&frame), "{frame}");
    }
}

#[test]
fn what_is_not_patched_is_counted_with_its_reason() {
    let hot = run("timer", &["--patch-manager", "patch-hot,threshold=3"]);
    let total = &hot["total"];
    let left = number(&total["fallbacks"]["left_by_patch_manager"]);
    assert!(left > 0);
    assert_eq!((left, left), (number(&total["conventional"]["emulated"]), fetches(total)));
    assert_eq!(number(&total["faults"]) - left, sum(&hot["triggers"], "placed"));

    let left = run("timer", &["--classifier", "classify-mnemonic,leave=ssm|rsm"]);
    assert!(number(&left["total"]["fallbacks"]["left_by_classifier"]) > 0);

    let few = run("timer", &["--reserved-num", "2"]);
    assert!(number(&few["total"]["fallbacks"]["no_class_id"]) > 0);
    assert_eq!((number(&few["ids"]["used"]), number(&few["ids"]["count"])), (2, 2));
}

#[test]
fn the_counts_of_virtual_processors_add_up() {
    let monitor = run("ipi", &["--processors", "2", "--scope", "vp"]);
    let vps = monitor["vps"].as_array().unwrap();
    assert_eq!(vps.iter().map(|vp| number(&vp["vp"])).collect::<Vec<_>>(), [0, 1]);
    assert!(vps.iter().all(|vp| number(&vp["triggers"]) > 0));
    let total = &monitor["total"];
    // Each of the two tables has its routines.
    assert_eq!(number(&total["routines_built"]), 2 * number(&monitor["classes"]));
    let routines = monitor["plugins"].as_array().unwrap().iter().filter(|plugin| plugin["kind"] == "routines");
    assert_eq!(routines.map(|plugin| number(&plugin["vp"])).collect::<Vec<_>>(), [0, 1]);
}
