//! The linter: what is wrong with a whole setup. Rules, objectives, `alertmanager.yml`, `prometheus.yml`, templates and
//! the documents that describe them are read together, because most mistakes are between two of them.
//!
//! [`Setup::read`] turns texts into what can be asked about: every rule, query, route and stated goal, with its place,
//! also where the file around it is broken. A [`Check`] looks at the setup and reports; [`catalogue`] lists them all.
//!
//! ```
//! let rules = "groups: [{name: g, rules: [{alert: Down, expr: 'up{job=\"api\"} == 0', for: 1m}]}]\n";
//! let setup = bellwether_lint::Setup::read([("rules.yml", rules)]);
//! let findings = bellwether_lint::lint(&setup);
//! assert!(findings.iter().all(|finding| finding.problem.severity != bellwether_diag::Severity::Error));
//! ```

pub mod catalogue;
mod check;
mod checks;
mod finding;
mod fix;
mod meanings;
mod online;
pub mod output;
pub mod page;
mod readers;
mod setup;
mod suppress;

pub use check::{Area, Check, Example, Report};
pub use finding::{Edit, Finding, Fix};
pub use fix::{Change, Mended};
pub use meanings::{Meaning, meanings};
pub use online::Catalogue;
pub use setup::amounts::{Amount, durations, factors, numbers, percentages, short_number, spoken};
pub use setup::burn::{Burn, BurnTerm, BurnTier};
pub use setup::described::{Aim, Described};
pub use setup::goal::{Goal, GoalSource};
pub use setup::labels_left::{LabelsLeft, labels_left};
pub use setup::markdown::{Block, BrokenFence, BrokenFenceKind, Inline, Markdown, Prose, Section, Table};
pub use setup::query::{Origin, Query};
pub use setup::routing::{Inhibit, Integration, MatcherForm, Receiver, Route, RouteMatcher, Routing};
pub use setup::rule::{Field, Rule, RuleKind};
pub use setup::shell::{Command, HereDocument, Script, Word};
pub use setup::template::{Template, TemplateOf};
pub use setup::{Form, InputFile, Setup};

/// Everything that is wrong, by file and place.
pub fn lint(setup: &Setup) -> Vec<Finding> {
    let mut checked = Vec::new();
    for check in catalogue::ALL {
        let mut report = Report::of(check);
        (check.run)(setup, &mut report);
        checked.extend(report.into_findings());
    }
    let mut findings = readers::not_said_by(&checked, setup);
    findings.extend(checked);
    let mut findings = suppress::apply(setup, findings);
    findings.sort_by_key(|finding| {
        let place = finding.problem.span.map(|span| setup.sources.whole(span));
        (place.map(|span| (span.file, span.start)), finding.problem.id)
    });
    findings.dedup_by(|a, b| a.problem == b.problem);
    findings
}
