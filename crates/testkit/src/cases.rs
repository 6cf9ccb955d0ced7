//! How a data-driven test tells the test command how many cases it ran.
//!
//! libtest counts functions; one function that plays three thousand scripts counts as one. `cargo xtask test`
//! hands in a file, adds up what it finds there by kind, and fails when a kind ran fewer than recorded.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Says that `number` cases of a kind ran, e.g. `conformance/promqltest`.
pub fn ran(kind: &str, number: u64) {
    println!("{kind}: {number} cases");
    let Some(file) = std::env::var_os("BELLWETHER_CASES") else { return };
    let mut file = OpenOptions::new().append(true).open(file).expect("the case file can be opened");
    // One write, so that lines of tests running at the same time do not mix.
    file.write_all(format!("{kind} {number}\n").as_bytes()).expect("the case file can be written");
}

/// A folder of public test data beside the project; `None` (and a printed word) when it is not there.
pub fn conformance(folder: &str) -> Option<PathBuf> {
    let base = std::env::var_os("BELLWETHER_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    let path = base.join(folder);
    if !path.is_dir() {
        println!("skipped conformance/{folder}: no such folder beside the project");
        return None;
    }
    Some(path)
}
