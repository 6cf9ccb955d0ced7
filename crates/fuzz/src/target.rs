//! The targets there are: a name, a function, and texts to start from.

use crate::{
    alertmanager, exposition, import_frames, lint, messages, notation, otlp, prometheus_block, promql,
    relabel, remote_write, rule_file, slo_file, store, target_list, template,
};

/// Something that takes arbitrary bytes and must neither panic, nor hang, nor take more than its bounds.
pub struct Target {
    /// As the fuzzer names it.
    pub name: &'static str,
    /// Panics on whatever must never happen.
    pub run: fn(&[u8]),
    /// What to start from.
    seeds: Seeds,
    /// Runs of a bounded test; those that evaluate cost more.
    pub runs: u32,
}

/// What mutations start from.
enum Seeds {
    /// Texts, one after the other, between lines of `=====`.
    Texts(&'static str),
    /// Bytes that are made.
    Made(fn() -> Vec<Vec<u8>>),
}

const PROMQL: &str = include_str!("../seeds/promql.txt");

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "promql_parse", run: promql::parses, seeds: Seeds::Texts(PROMQL), runs: 2000 },
    Target { name: "promql_format", run: promql::formats, seeds: Seeds::Texts(PROMQL), runs: 1000 },
    Target { name: "promql_eval", run: promql::evaluates, seeds: Seeds::Texts(PROMQL), runs: 750 },
    Target {
        name: "template",
        run: template::renders,
        seeds: Seeds::Texts(include_str!("../seeds/template.txt")),
        runs: 1000,
    },
    Target {
        name: "rule_file",
        run: rule_file::reads,
        seeds: Seeds::Texts(include_str!("../seeds/rule_file.txt")),
        runs: 400,
    },
    Target {
        name: "rule_test",
        run: rule_file::tests,
        seeds: Seeds::Texts(include_str!("../seeds/rule_test.txt")),
        runs: 150,
    },
    Target {
        name: "slo_file",
        run: slo_file::reads,
        seeds: Seeds::Texts(include_str!("../seeds/slo_file.txt")),
        runs: 400,
    },
    Target {
        name: "exposition",
        run: exposition::scans,
        seeds: Seeds::Texts(include_str!("../seeds/exposition.txt")),
        runs: 2000,
    },
    Target {
        name: "openmetrics",
        run: exposition::openmetrics,
        seeds: Seeds::Texts(include_str!("../seeds/openmetrics.txt")),
        runs: 2000,
    },
    Target {
        name: "protobuf",
        run: exposition::protobuf,
        seeds: Seeds::Made(messages::metric_families),
        runs: 3000,
    },
    Target { name: "otlp_protobuf", run: otlp::protobuf, seeds: Seeds::Made(messages::otlp), runs: 2000 },
    Target {
        name: "otlp_json",
        run: otlp::json,
        seeds: Seeds::Texts(include_str!("../seeds/otlp_json.txt")),
        runs: 1000,
    },
    Target {
        name: "relabel_config",
        run: relabel::applies,
        seeds: Seeds::Texts(include_str!("../seeds/relabel_config.txt")),
        runs: 400,
    },
    Target {
        name: "target_list",
        run: target_list::reads,
        seeds: Seeds::Texts(include_str!("../seeds/target_list.txt")),
        runs: 1000,
    },
    Target {
        name: "remote_write_1",
        run: remote_write::one,
        seeds: Seeds::Made(messages::remote_write_1),
        runs: 2000,
    },
    Target {
        name: "remote_write_2",
        run: remote_write::two,
        seeds: Seeds::Made(messages::remote_write_2),
        runs: 2000,
    },
    Target { name: "chunk", run: store::decodes, seeds: Seeds::Made(store::chunks), runs: 3000 },
    Target { name: "store_files", run: store::opens, seeds: Seeds::Made(store::files), runs: 400 },
    Target {
        name: "prometheus_block",
        run: prometheus_block::reads,
        seeds: Seeds::Made(prometheus_block::files),
        runs: 1000,
    },
    Target {
        name: "import_frames",
        run: import_frames::takes,
        seeds: Seeds::Made(import_frames::inputs),
        runs: 300,
    },
    Target {
        name: "alertmanager_config",
        run: alertmanager::reads,
        seeds: Seeds::Texts(include_str!("../seeds/alertmanager_config.txt")),
        runs: 400,
    },
    Target {
        name: "lint",
        run: lint::looks,
        seeds: Seeds::Texts(include_str!("../seeds/lint.txt")),
        runs: 200,
    },
    Target {
        name: "notation",
        run: notation::reads,
        seeds: Seeds::Texts(include_str!("../seeds/notation.txt")),
        runs: 2000,
    },
];

impl Target {
    /// The target of a name.
    pub fn of_name(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// What to start from.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        match self.seeds {
            Seeds::Texts(texts) => {
                let texts = texts.split("\n=====\n").map(|text| text.strip_suffix('\n').unwrap_or(text));
                texts.map(|text| text.as_bytes().to_vec()).collect()
            }
            Seeds::Made(make) => make(),
        }
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
