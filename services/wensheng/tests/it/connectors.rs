//! The kinds of sources as the binary tells them.

use std::process::{Command, Output};

use serde_json::Value;

fn wensheng(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wensheng"))
        .args(arguments)
        .env_remove("WENSHENG_CONFIG")
        .output()
        .unwrap()
}

#[test]
fn every_kind_is_told_with_its_options() {
    let listed = wensheng(&["connectors", "--output", "json"]);
    let kinds: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let text = String::from_utf8(wensheng(&["connectors"]).stdout).unwrap();
    for kind in &kinds {
        let name = kind["kind"].as_str().unwrap();
        assert!(text.contains(&format!("{name}\t{}", kind["class"].as_str().unwrap())));
        let options = kind["options"].as_array().unwrap();
        assert!(
            options.iter().any(|option| option["key"] == "name"),
            "{name}"
        );
        assert!(
            options.iter().all(|option| option["what"] != ""),
            "{name} has an option that says nothing: {options:?}"
        );
        assert!(!kind["example"].as_str().unwrap().is_empty(), "{name}");
    }
    assert!(kinds.len() >= 17);
    let wjx = kinds.iter().find(|kind| kind["kind"] == "wjx").unwrap();
    assert_eq!(wjx["ways"], serde_json::json!(["push", "pull"]));
    let keys = wjx["options"].as_array().unwrap();
    assert!(keys.iter().any(|option| option["key"] == "api.host"));
}

#[test]
fn a_kind_that_is_not_there_is_told_with_those_that_are() {
    let done = wensheng(&["connectors", "fax"]);
    assert_eq!(done.status.code(), Some(1));
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(
        told.contains("fax") && told.contains("tencent-survey"),
        "{told}"
    );
}

#[test]
fn an_example_that_is_printed_is_a_configuration() {
    let example = wensheng(&["connectors", "wjx"]).stdout;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wensheng.yaml");
    std::fs::write(&path, &example).unwrap();
    let example = String::from_utf8(example).unwrap();
    let names = example.split("${").skip(1);
    let names = names.map(|part| part.split('}').next().unwrap());
    let validated = Command::new(env!("CARGO_BIN_EXE_wensheng"))
        .args(["validate", "--config"])
        .arg(&path)
        .envs(names.map(|name| (name, "a-secret-that-is-long-enough")))
        .output()
        .unwrap();
    assert!(validated.status.success(), "{validated:?}");
}
