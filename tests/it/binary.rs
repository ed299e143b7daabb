//! Every test drives the real binary: the one that `WENSHENG_BIN` names, or one built from the sources as they are.
//!
//! Cargo tells a test the binaries of its own package alone, and `cargo test --workspace` on a fresh checkout need not
//! have linked this one. So the first test that needs it asks cargo for it, in the profile and the target directory that
//! this test was built in; where it is fresh already, that costs a moment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The binary's path.
pub(crate) fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("WENSHENG_BIN") {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(
                path.is_file(),
                "WENSHENG_BIN names {}, which is no file",
                path.display()
            );
            path
        }
        None => build(),
    })
}

fn build() -> PathBuf {
    // <target directory>/<profile>/deps/it-<hash>
    let test = std::env::current_exe().expect("the test's own path");
    let built_in = test.ancestors().nth(2).expect("a profile's directory");
    let profile = match built_in.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo =
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo
        .args([
            "build",
            // Beside all tests that drive it: with their features, and so what `cargo test --workspace` has built already.
            "--workspace",
            "--bin",
            "wensheng",
            "--test",
            "it",
            "--message-format",
            "json-render-diagnostics",
            "--profile",
            profile,
        ])
        .arg("--target-dir")
        .arg(built_in.parent().expect("a target directory"))
        .current_dir(workspace())
        .stderr(Stdio::inherit());
    // What cargo told this test about its own package is not true of others.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        }) {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "the binary does not build; see above"
    );
    String::from_utf8(output.stdout)
        .expect("cargo writes UTF-8")
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "wensheng")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the binary")
}

/// The root of the checkout.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is in the workspace")
}
