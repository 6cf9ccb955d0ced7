//! The targets there are: a name, a function, and texts to start from.

use crate::{alertmanager, exposition, lint, notation, promql, rule_file, slo_file, template};

/// Something that takes arbitrary bytes and must neither panic, nor hang, nor take more than its bounds.
pub struct Target {
    /// As the fuzzer names it.
    pub name: &'static str,
    /// Panics on whatever must never happen.
    pub run: fn(&[u8]),
    /// Texts to start from, one after the other, between lines of `=====`.
    seeds: &'static str,
    /// Runs of a bounded test; those that evaluate cost more.
    pub runs: u32,
}

const PROMQL: &str = include_str!("../seeds/promql.txt");

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "promql_parse", run: promql::parses, seeds: PROMQL, runs: 2000 },
    Target { name: "promql_format", run: promql::formats, seeds: PROMQL, runs: 1000 },
    Target { name: "promql_eval", run: promql::evaluates, seeds: PROMQL, runs: 750 },
    Target {
        name: "template",
        run: template::renders,
        seeds: include_str!("../seeds/template.txt"),
        runs: 1000,
    },
    Target {
        name: "rule_file",
        run: rule_file::reads,
        seeds: include_str!("../seeds/rule_file.txt"),
        runs: 400,
    },
    Target {
        name: "rule_test",
        run: rule_file::tests,
        seeds: include_str!("../seeds/rule_test.txt"),
        runs: 150,
    },
    Target {
        name: "slo_file",
        run: slo_file::reads,
        seeds: include_str!("../seeds/slo_file.txt"),
        runs: 400,
    },
    Target {
        name: "exposition",
        run: exposition::scans,
        seeds: include_str!("../seeds/exposition.txt"),
        runs: 2000,
    },
    Target {
        name: "alertmanager_config",
        run: alertmanager::reads,
        seeds: include_str!("../seeds/alertmanager_config.txt"),
        runs: 400,
    },
    Target { name: "lint", run: lint::looks, seeds: include_str!("../seeds/lint.txt"), runs: 200 },
    Target {
        name: "notation",
        run: notation::reads,
        seeds: include_str!("../seeds/notation.txt"),
        runs: 2000,
    },
];

impl Target {
    /// The target of a name.
    pub fn of_name(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// The texts to start from.
    pub fn seeds(&self) -> impl Iterator<Item = &'static str> {
        self.seeds.split("\n=====\n").map(|seed| seed.strip_suffix('\n').unwrap_or(seed))
    }
}

/// What cargo-fuzz calls. Its own panic hook ends the process at every panic, those included that the YAML reader
/// catches from its parser; with the usual hook only those end it that nobody catches.
pub fn guided(name: &str, bytes: &[u8]) {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| drop(std::panic::take_hook()));
    let target = Target::of_name(name).expect("the target is there");
    (target.run)(bytes);
}
