//! `deny.toml`, as far as Cargo alone can check it: licences, versions side by side, and where crates come from. `.ci/run` has
//! `cargo deny` check all of it where that is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use toml::Table;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// The crates that the workspace has from elsewhere, for this host.
fn crates() -> Vec<Value> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version=1", "--offline", "--locked", "--filter-platform", &target]);
    let output = cargo.current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").clone();
    let crates: Vec<Value> = packages.into_iter().filter(|package| !package["source"].is_null()).collect();
    assert!(crates.len() > 50);
    crates
}

fn rules() -> Table {
    std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml").parse().expect("TOML")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn names(list: &toml::Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().filter_map(toml::Value::as_str).collect()
}

/// Whether an SPDX expression can be met by licences that are allowed. The old way of writing "or" is a slash.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.replace('/', " OR ");
    // No licence of today's needs more than one level of parentheses: "and" binds the parts, each a choice.
    let parts = if expression.contains('(') {
        expression.split(" AND ").map(|part| part.trim_matches(['(', ')']).to_owned()).collect()
    } else {
        vec![expression]
    };
    let all = |choice: &str| choice.split(" AND ").all(|licence| allowed.contains(licence.trim()));
    parts.iter().all(|part| part.split(" OR ").any(all))
}

#[test]
fn licences_can_be_combined_with_this_projects() {
    let rules = rules();
    let licences = &rules["licenses"];
    let allowed = names(&licences["allow"]);
    for of in crates() {
        let (name, licence) = (text(&of["name"]), text(&of["license"]));
        let exceptions = licences["exceptions"].as_array().into_iter().flatten();
        let exception = exceptions.filter(|exception| exception["crate"].as_str() == Some(name));
        let of_its_own = exception.flat_map(|exception| names(&exception["allow"]));
        let allowed: BTreeSet<&str> = allowed.iter().copied().chain(of_its_own).collect();
        assert!(is_met(licence, &allowed), "{name}: {licence}");
    }
}

#[test]
fn an_expression_is_met_by_what_is_allowed() {
    let allowed = BTreeSet::from(["MIT", "Unicode-3.0"]);
    for met in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for not in ["", "Apache-2.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0", "Apache-2.0 OR GPL-3.0"] {
        assert!(!is_met(not, &allowed), "{not}");
    }
}

#[test]
fn a_crate_is_there_once_or_with_a_reason() {
    let rules = rules();
    let skipped: Vec<&str> =
        rules["bans"]["skip"].as_array().into_iter().flatten().filter_map(|skip| skip["crate"].as_str()).collect();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for of in crates() {
        versions.entry(text(&of["name"]).to_owned()).or_default().insert(text(&of["version"]).to_owned());
    }
    for (name, versions) in versions {
        let unexplained = versions.iter().filter(|version| !skipped.contains(&&*format!("{name}@{version}")));
        assert!(unexplained.count() <= 1, "{name} is there in the versions {versions:?}");
    }
}

#[test]
fn crates_come_from_the_registry() {
    for of in crates() {
        let source = text(&of["source"]);
        assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{}", of["name"]);
    }
}
