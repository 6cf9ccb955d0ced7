//! Benchmarks by name. Machines are shared and noisy: look at ratios and medians, never at one figure.

use crate::{Outcome, cargo};

/// A criterion benchmark of one crate.
struct Bench {
    name: &'static str,
    package: &'static str,
    target: &'static str,
    about: &'static str,
}

const BENCHES: [Bench; 3] = [
    Bench {
        name: "slo",
        package: "bellwether-slo",
        target: "evaluate",
        about: "evaluate 10,000 SLO streams with 9 windows each; memory per stream with 30 days behind it",
    },
    Bench {
        name: "tsdb",
        package: "bellwether-tsdb",
        target: "append",
        about: "append scrapes to the log and the head; encode and decode chunks",
    },
    Bench { name: "exposition", package: "bellwether-ingest", target: "scan", about: "scan exposition text" },
];

/// Names what there is.
pub fn list() -> Outcome {
    for bench in &BENCHES {
        println!("{:<12} {}", bench.name, bench.about);
    }
    Ok(())
}

/// Runs one.
pub fn run_named(name: &str) -> Outcome {
    let names = || BENCHES.iter().map(|bench| bench.name).collect::<Vec<_>>().join(", ");
    let bench = BENCHES
        .iter()
        .find(|bench| bench.name == name)
        .ok_or_else(|| format!("no benchmark {name:?}; there are {}", names()))?;
    crate::run(cargo().args(["bench", "--package", bench.package, "--bench", bench.target]))
}
