//! A pattern of a shell where a label is compared for equality.

use bellwether_diag::Severity;
use bellwether_model::{MatchOp, Matcher};

use crate::setup::routing::{MatcherForm, RouteMatcher};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "glob-in-equality",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "an asterisk in a value that is compared literally",
    why: "`match` and `=` compare the whole value, an asterisk included, so a route for `Disk*` never takes `DiskFull`. \
          A pattern needs `match_re` or `=~`, and there `any text` is written `.*`.",
    wrong: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['alertname=\"Disk*\"']\n    receiver: disks\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['alertname=~\"Disk.*\"']\n    receiver: disks\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for routing in &setup.routings {
        for route in routing.routes() {
            route.matchers.iter().for_each(|written| look(written, report));
        }
        for inhibit in &routing.inhibit_rules {
            inhibit.source.iter().chain(&inhibit.target).for_each(|written| look(written, report));
        }
    }
}

fn look(written: &RouteMatcher, report: &mut Report) {
    let Matcher { name, op, value, .. } = &written.matcher;
    let is_exact = matches!(op, MatchOp::Equal | MatchOp::NotEqual);
    let is_glob = value.ends_with('*') || value.starts_with('*') || value.contains(".*");
    if !is_exact || !is_glob {
        return;
    }
    let pattern = value.replace(".*", "*").replace('*', ".*");
    let operator = if *op == MatchOp::Equal { "=~" } else { "!~" };
    let help = match written.form {
        MatcherForm::List => format!("for a pattern write {name}{operator}{pattern:?}"),
        MatcherForm::Equal | MatcherForm::Regex => {
            format!("for a pattern write matchers: ['{name}{operator}{pattern:?}']")
        }
    };
    report.find(written.span, format!("{value:?} is compared literally, asterisk included")).help(help);
}
