//! The test command of the README: builds every test binary once, runs each, counts cases by kind.
//!
//! A kind is `tests/CRATE` (what libtest counts) or whatever a data-driven test reports through the file named by
//! `BELLWETHER_CASES`, one `kind count` per line: `conformance/promqltest 3210`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::recorded::{self, Counts};
use crate::{Outcome, cargo, packages, root, run, target_dir};

/// What to do with the numbers.
pub enum Recording {
    /// Fail below the record.
    Compare,
    /// Make them the record.
    Raise,
}

/// One built test binary.
struct TestBinary {
    krate: String,
    executable: PathBuf,
}

/// Installs, builds, runs, counts, compares.
pub fn run_all(recording: Recording) -> Outcome {
    recorded::check_locked_packages()?;
    packages::ensure()?;
    let cases_file = target_dir().join("test-cases.txt");
    fs::create_dir_all(target_dir()).map_err(|error| error.to_string())?;
    fs::write(&cases_file, "").map_err(|error| error.to_string())?;
    let binaries = build()?;
    let (mut counts, mut failed) = (Counts::new(), Vec::new());
    for binary in &binaries {
        let (passed, ok) = run_binary(binary, &cases_file)?;
        *counts.entry(format!("tests/{}", binary.krate)).or_default() += passed;
        if !ok {
            failed.push(binary.krate.clone());
        }
    }
    println!("== documentation examples");
    if crate::run(cargo().args(["test", "--locked", "--workspace", "--doc", "--quiet"])).is_err() {
        failed.push("documentation examples".to_owned());
    }
    add_reported(&cases_file, &mut counts)?;
    print_counts(&counts, failed.len() as u64);
    if !failed.is_empty() {
        return Err(format!("failed: {}", failed.join(", ")));
    }
    match recording {
        Recording::Compare => recorded::compare(&counts),
        Recording::Raise => recorded::raise(&counts),
    }
}

fn build() -> Result<Vec<TestBinary>, String> {
    println!("== building");
    run(cargo().args(["build", "--locked", "--package", "bellwether"]))?;
    let mut child = cargo()
        .args(["test", "--locked", "--workspace", "--no-run", "--message-format=json-render-diagnostics"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut binaries = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("stdout is piped")).lines() {
        let message: serde_json::Value =
            serde_json::from_str(&line.map_err(|error| error.to_string())?).unwrap_or_default();
        if let Some(executable) =
            message["executable"].as_str().filter(|_| message["profile"]["test"] == true)
        {
            let manifest = Path::new(message["manifest_path"].as_str().unwrap_or_default());
            let folder = manifest.parent().and_then(Path::file_name).unwrap_or_default();
            let krate = folder.to_string_lossy().into_owned();
            binaries.push(TestBinary { krate, executable: executable.into() });
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err("the tests do not build".to_owned());
    }
    binaries.sort_by(|a, b| (&a.krate, &a.executable).cmp(&(&b.krate, &b.executable)));
    Ok(binaries)
}

/// Runs one binary in its crate's folder, as cargo would; gives how many tests passed and whether all did.
fn run_binary(binary: &TestBinary, cases_file: &Path) -> Result<(u64, bool), String> {
    println!("== {} ({})", binary.krate, binary.executable.file_name().unwrap_or_default().to_string_lossy());
    let in_crates = root().join("crates").join(&binary.krate);
    let folder = if in_crates.is_dir() { in_crates } else { root().join(&binary.krate) };
    let mut child = Command::new(&binary.executable)
        .current_dir(&folder)
        .env("CARGO_MANIFEST_DIR", &folder)
        .env("BELLWETHER_CASES", cases_file)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", binary.executable.display()))?;
    let mut passed = 0;
    for line in BufReader::new(child.stdout.take().expect("stdout is piped")).lines() {
        let line = line.map_err(|error| error.to_string())?;
        if let Some(rest) = line.strip_prefix("test result: ") {
            passed += rest
                .split("; ")
                .next()
                .and_then(|part| part.split(' ').nth(1)?.parse::<u64>().ok())
                .unwrap_or(0);
        }
        if !line.ends_with("... ok") && !line.is_empty() {
            println!("{line}");
        }
    }
    Ok((passed, child.wait().map_err(|error| error.to_string())?.success()))
}

fn add_reported(cases_file: &Path, counts: &mut Counts) -> Outcome {
    let text = fs::read_to_string(cases_file).map_err(|error| error.to_string())?;
    for line in text.lines() {
        let (kind, number) = line.rsplit_once(' ').ok_or_else(|| format!("unreadable case line {line:?}"))?;
        let number: u64 = number.parse().map_err(|_| format!("unreadable case line {line:?}"))?;
        *counts.entry(kind.to_owned()).or_default() += number;
    }
    Ok(())
}

fn print_counts(counts: &Counts, failed: u64) {
    println!("== cases by kind");
    for (kind, number) in counts {
        println!("{number:>8}  {kind}");
    }
    let tests: u64 =
        counts.iter().filter(|(kind, _)| kind.starts_with("tests/")).map(|(_, number)| number).sum();
    println!("\n{tests} passed, {failed} failed");
}
