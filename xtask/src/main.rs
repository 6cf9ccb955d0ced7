//! `cargo xtask …`: everything a developer or the continuous integration runs, in one place.
//!
//! Nothing here is part of the product. Each command is one file.

mod bench;
mod differential;
mod docs;
mod http;
mod packages;
mod peers;
mod recorded;
mod test;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const HELP: &str = "\
cargo xtask COMMAND

  test [--record]     install what tests need, run every test, say how many cases of each kind ran,
                      and fail below the recorded numbers (--record raises them)
  docs                write the pages that are made of what the program knows: docs/lint
  peers               unpack (not install) Prometheus, Alertmanager and VictoriaMetrics under target/peers
  bench [NAME]        run a benchmark; without a name, list them
  differential [--seed N] [--queries N] [--keep] [--no-serve] [--against HOST:PORT]
                      ask Prometheus and ourselves the same questions over the same data
";

/// What a command ends with: nothing, or one sentence for the terminal.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test::run_all(test::Recording::Compare),
        ["test", "--record"] => test::run_all(test::Recording::Raise),
        ["docs"] => docs::write(),
        ["peers"] => peers::unpack().map(|_| ()),
        ["bench"] => bench::list(),
        ["bench", name] => bench::run_named(name),
        ["differential", rest @ ..] => {
            differential::Options::of_words(rest).and_then(|options| differential::run(&options))
        }
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("unknown command {:?}\n\n{HELP}", arguments.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("xtask: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Where build results go.
fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that started us.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end and turns a failure into a sentence.
fn run(command: &mut Command) -> Outcome {
    let words = format!("{command:?}");
    let status = command.status().map_err(|error| format!("cannot start {words}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{words} failed: {status}")) }
}

/// Whether the continuous integration runs us: then nothing may be skipped.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
