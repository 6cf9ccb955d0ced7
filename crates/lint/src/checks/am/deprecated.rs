//! Ways of writing that Alertmanager still reads and wants to give up.

use bellwether_diag::Severity;
use bellwether_diag::yaml::Node;

use super::entry;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "deprecated",
    area: Area::Alertmanager,
    severity: Severity::Note,
    title: "a way of writing that is deprecated",
    why: "`match`, `match_re`, `source_match`, `target_match` and their like are deprecated since Alertmanager 0.22 in \
          favour of `matchers`, which can also say `!=` and `!~`.",
    wrong: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - match:\n      severity: critical\n    receiver: pager\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n",
    )],
    run,
};

/// Old fields: that for equality, that for patterns, and what to write instead.
type Old = [&'static str; 3];

const OF_ROUTES: [Old; 1] = [["match", "match_re", "matchers"]];
const OF_INHIBITIONS: [Old; 2] = [
    ["source_match", "source_match_re", "source_matchers"],
    ["target_match", "target_match_re", "target_matchers"],
];

fn run(setup: &Setup, report: &mut Report) {
    for routing in &setup.routings {
        for route in routing.routes() {
            OF_ROUTES.iter().for_each(|old| look(&route.node, *old, report));
        }
        for inhibit in &routing.inhibit_rules {
            OF_INHIBITIONS.iter().for_each(|old| look(&inhibit.node, *old, report));
        }
        if let Some((key, _)) = entry(&routing.node, "mute_time_intervals") {
            report
                .find(key.span, "the list mute_time_intervals is deprecated")
                .help("write time_intervals; routes go on naming them in mute_time_intervals")
                .fix("write time_intervals", key.span, "time_intervals");
        }
    }
}

fn look(node: &Node, [equal, regex, instead]: Old, report: &mut Report) {
    for (name, operator) in [(equal, "="), (regex, "=~")] {
        let Some((key, value)) = entry(node, name) else { continue };
        let pairs = value.as_mapping().unwrap_or_default().iter();
        let written: Vec<String> = pairs
            .filter_map(|(label, value)| {
                Some(format!("{}{operator}{:?}", label.as_text()?, value.as_text()?))
            })
            .collect();
        let new =
            format!("{instead}: [{}]", written.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", "));
        let help = if written.is_empty() { "remove it".to_owned() } else { format!("write {new}") };
        let found = report.find(key.span, format!("{name} is deprecated")).help(help);
        // Two old fields become one new one; that is left to people.
        let others = [equal, regex, instead].iter().filter(|field| node.get(field).is_some()).count();
        if others == 1 && !written.is_empty() {
            found.fix(format!("write {new}"), key.span.to(value.span), new.clone());
        }
    }
}

/// As a scalar of YAML in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
