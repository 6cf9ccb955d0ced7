//! Numbers that may only move one way unless someone changes them on purpose: cases that ran, packages locked.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::{Outcome, root};

/// How many cases of each kind ran.
pub type Counts = BTreeMap<String, u64>;

const LOCKED: &str = "locked-packages";

fn file() -> PathBuf {
    root().join("xtask/recorded.txt")
}

fn read() -> Result<Counts, String> {
    let text = fs::read_to_string(file()).map_err(|error| format!("{}: {error}", file().display()))?;
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let (kind, number) = line.rsplit_once(' ').ok_or_else(|| format!("unreadable line {line:?}"))?;
            Ok((
                kind.trim().to_owned(),
                number.parse().map_err(|_| format!("unreadable number in {line:?}"))?,
            ))
        })
        .collect()
}

/// Kinds that need data or programs from outside the project.
const FROM_OUTSIDE: [&str; 3] = ["conformance/", "peers/", "differential"];

/// Fails when a kind ran fewer cases than recorded. A kind that is absent altogether was not skipped by us where what
/// it needs lies outside the project and is not there.
pub fn compare(counts: &Counts) -> Outcome {
    let mut fewer = Vec::new();
    for (kind, recorded) in read()?.iter().filter(|(kind, _)| *kind != LOCKED) {
        match counts.get(kind) {
            Some(ran) if ran >= recorded => {}
            None if FROM_OUTSIDE.iter().any(|prefix| kind.starts_with(prefix)) => {
                println!("skipped {kind}: what it needs from outside the project is not here");
            }
            ran => fewer.push(format!("{kind}: {} ran, {recorded} recorded", ran.copied().unwrap_or(0))),
        }
    }
    if fewer.is_empty() {
        Ok(())
    } else {
        Err(format!("fewer cases ran than recorded\n  {}", fewer.join("\n  ")))
    }
}

/// Writes what ran as the new record.
pub fn raise(counts: &Counts) -> Outcome {
    let mut lines = vec![
        "# Cases that ran, by kind: `cargo xtask test` fails below these numbers.".to_owned(),
        "# locked-packages is the opposite: the build fails above it. Raising it is allowed, but seen."
            .to_owned(),
        format!("{LOCKED} {}", locked_packages()?),
    ];
    lines.extend(counts.iter().map(|(kind, number)| format!("{kind} {number}")));
    fs::write(file(), lines.join("\n") + "\n").map_err(|error| format!("{}: {error}", file().display()))
}

fn locked_packages() -> Result<u64, String> {
    let lock =
        fs::read_to_string(root().join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    Ok(lock.lines().filter(|line| *line == "[[package]]").count() as u64)
}

/// Fails when the lock file holds more packages than recorded.
pub fn check_locked_packages() -> Outcome {
    let (locked, recorded) = (locked_packages()?, read()?.get(LOCKED).copied().unwrap_or(0));
    println!("{locked} packages locked, {recorded} recorded");
    if locked <= recorded {
        return Ok(());
    }
    Err(format!(
        "{locked} packages are locked, {recorded} are recorded in xtask/recorded.txt: drop one or raise it"
    ))
}
