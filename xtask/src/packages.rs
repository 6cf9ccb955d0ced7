//! System packages that tests need: installed when we may, named when we may not.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Outcome, is_ci, run};

/// A program a test drives, and the Debian package that brings it.
struct Needed {
    program: &'static str,
    package: &'static str,
    what_for: &'static str,
}

const NEEDED: [Needed; 3] = [
    Needed { program: "chromium", package: "chromium", what_for: "the browser tests" },
    Needed { program: "chromedriver", package: "chromium-driver", what_for: "the browser tests" },
    Needed { program: "initdb", package: "postgresql", what_for: "the tests of the state in PostgreSQL" },
];

/// Makes the programs available; without the right to install, says what will be skipped (and fails in CI).
pub fn ensure() -> Outcome {
    let missing: Vec<&Needed> = NEEDED.iter().filter(|needed| !on_path(needed.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|needed| needed.package).collect();
    match installer() {
        Some(prefix) => {
            println!("installing {} from the system's packages", names.join(", "));
            install(prefix, &names)
        }
        None if is_ci() => Err(format!("{} missing, and no right to install them", names.join(", "))),
        None => {
            for needed in missing {
                println!("skipping {}: install the package {} to run them", needed.what_for, needed.package);
            }
            Ok(())
        }
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps the programs of PostgreSQL's server out of PATH, one folder for each version.
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    std::env::split_paths(&path).chain(versions).any(|folder| folder.join(program).exists())
}

/// The words before `apt-get`: none as root, `sudo -n` where that works without a password.
fn installer() -> Option<&'static [&'static str]> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return None;
    }
    let succeeds = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if succeeds("sh", &["-c", "test \"$(id -u)\" = 0"]) {
        Some(&[])
    } else if succeeds("sudo", &["-n", "true"]) {
        Some(&["sudo", "-n"])
    } else {
        None
    }
}

fn install(prefix: &[&str], names: &[&str]) -> Outcome {
    let apt_get = |arguments: &[&str]| {
        let words: Vec<&str> = [prefix, &["apt-get"], arguments].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command
    };
    // One source of packages that cannot be reached fails the update of all; whether it mattered shows next.
    if let Err(why) = run(&mut apt_get(&["update", "-qq"])) {
        println!("{why}; going on with the lists there are");
    }
    run(&mut apt_get(&[&["install", "-y", "-qq", "--no-install-recommends"], names].concat()))
}
