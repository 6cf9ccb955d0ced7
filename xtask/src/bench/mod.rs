//! Benchmarks by name. Machines are shared and noisy: look at ratios and medians, never at one figure.

mod alerts;
mod alerts_sink;
mod breaking;
mod dataset;
mod detection;
mod exporter;
mod fixture;
mod lint;
mod prometheus_block;
mod promql;
mod queries;
mod rules;
mod server;
mod slo;
mod slo_rules;
mod tsdb;

use crate::{Outcome, cargo};

/// A criterion benchmark of one crate.
struct Bench {
    name: &'static str,
    package: &'static str,
    target: &'static str,
    about: &'static str,
}

const BENCHES: [Bench; 2] = [
    Bench {
        name: "append",
        package: "bellwether-tsdb",
        target: "append",
        about: "append scrapes to the log and the head; encode and decode chunks",
    },
    Bench { name: "exposition", package: "bellwether-ingest", target: "scan", about: "scan exposition text" },
];

/// A comparison, most with the real peers: what it is called, what it does, what runs it.
struct Comparison {
    name: &'static str,
    about: &'static str,
    run: fn() -> Outcome,
}

const COMPARISONS: [Comparison; 14] = [
    Comparison {
        name: "tsdb",
        about: "samples pushed and scraped, bytes kept, memory, restart, beside VictoriaMetrics and Prometheus",
        run: tsdb::run_all,
    },
    Comparison {
        name: "tsdb-batched",
        about: "of it: three days pushed, sixty samples of a series in a request",
        run: tsdb::run_batched,
    },
    Comparison {
        name: "tsdb-jittered",
        about: "of it: the same, moments up to 40 ms off the grid",
        run: tsdb::run_jittered,
    },
    Comparison {
        name: "tsdb-single",
        about: "of it: a day pushed, one sample of a series in a request",
        run: tsdb::run_single,
    },
    Comparison { name: "tsdb-scrape", about: "of it: scraping", run: tsdb::run_scraping },
    Comparison {
        name: "tsdb-scale",
        about: "of it: a million series, and the restart after kill -9",
        run: tsdb::run_scale,
    },
    Comparison {
        name: "tsdb-hour",
        about: "an hour of a million series: memory and restart, beside VictoriaMetrics and Prometheus",
        run: tsdb::run_hour,
    },
    Comparison {
        name: "tsdb-30d",
        about: "294 million samples pushed: thirty days of ten services, beside VictoriaMetrics and Prometheus",
        run: tsdb::run_month,
    },
    Comparison {
        name: "lint",
        about: "1,000 rule files with 50,000 rules linted on one core",
        run: lint::run_all,
    },
    Comparison {
        name: "alerts",
        about: "alerts taken in, groups told, memory, latency, beside Alertmanager",
        run: alerts::run_all,
    },
    Comparison {
        name: "slo",
        about: "windows, memory, reports; 1,000 objectives beside Prometheus and vmalert with Sloth's rules",
        run: slo::run_all,
    },
    Comparison {
        name: "promql",
        about: "queries over 30 days of 500 series, beside Prometheus and VictoriaMetrics",
        run: promql::run_all,
    },
    Comparison {
        name: "rules",
        about: "1,000 alerting rules over 10,000 series, beside Prometheus",
        run: rules::run_all,
    },
    Comparison {
        name: "detection",
        about: "from the sample that crosses to the webhook, beside Prometheus and Alertmanager",
        run: detection::run_all,
    },
];

/// Names what there is.
pub fn list() -> Outcome {
    let known = BENCHES.iter().map(|bench| (bench.name, bench.about));
    for (name, about) in known.chain(COMPARISONS.iter().map(|other| (other.name, other.about))) {
        println!("{name:<12} {about}");
    }
    Ok(())
}

/// Runs one.
pub fn run_named(name: &str) -> Outcome {
    if let Some(comparison) = COMPARISONS.iter().find(|comparison| comparison.name == name) {
        return optimised(name, comparison.run);
    }
    let names = || {
        let names = BENCHES.iter().map(|bench| bench.name).chain(COMPARISONS.iter().map(|other| other.name));
        names.collect::<Vec<_>>().join(", ")
    };
    let bench = BENCHES
        .iter()
        .find(|bench| bench.name == name)
        .ok_or_else(|| format!("no benchmark {name:?}; there are {}", names()))?;
    crate::run(cargo().args(["bench", "--package", bench.package, "--bench", bench.target]))
}

/// Runs a comparison in an optimised build of this very program: making its data takes minutes otherwise.
fn optimised(name: &str, run: fn() -> Outcome) -> Outcome {
    if cfg!(debug_assertions) {
        return crate::run(cargo().args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "xtask",
            "--",
            "bench",
            name,
        ]));
    }
    run()
}
