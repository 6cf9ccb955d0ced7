//! An alert that says something is down, and is silent when it is so far down that it has no metrics.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{FileId, Severity};
use bellwether_promql::{BinaryOp, Expr, ExprKind, Function, selectors};

use super::condition::{
    Comparison, calls, comparisons, constant, counted, metrics, notices_absence, raw_metric, speaks_of,
};
use super::idle_equals_outage::ACTIVITY;
use super::missing_numerator::{is_good, subset_of};
use crate::{Area, Check, Form, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "no-data-blind",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "an alert that is silent when there is no data",
    why: "A process that dies takes its metrics with it, and a quotient or quantile of no traffic is not a number; \
          neither is above or below anything, so the alert resolves at the moment things are worst. Add `or \
          absent(...)`, or have an alert of its own for it. Metrics of exporters, such as `mysql_up`, are not meant: \
          the exporter goes on when what it looks at is gone.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: ServiceDown\n    expr: sum(app_open_connections) == 0\n    for: 5m\n    \
         annotations: {summary: the service may be down}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: ServiceDown\n    expr: sum(app_open_connections) == 0 or \
         absent(app_open_connections)\n    for: 5m\n    annotations: {summary: the service may be down}\n",
    )],
    run,
};

/// How people say that something is not there at all.
const OUTAGE: [&str; 9] = [
    "down",
    "outage",
    "unavailable",
    "not running",
    "unreachable",
    "offline",
    "dead",
    "not available",
    "no active",
];

/// What rules see of missing data.
struct Watched<'a> {
    /// Metrics whose absence some rule notices.
    absent: BTreeSet<&'a str>,
    /// Whether any rule asks `up` or for something absent.
    is_any: bool,
}

fn run(setup: &Setup, report: &mut Report) {
    let documents: BTreeSet<FileId> =
        setup.files.iter().filter(|file| file.form == Form::Markdown).map(|file| file.file).collect();
    let file_of = |rule: &Rule| setup.sources.whole(rule.name.span).file;
    // A document presents a whole setup, and does not watch what another one is about.
    let in_files = Watched::of(setup.rules.iter().filter(|rule| !documents.contains(&file_of(rule))));
    let mut in_documents = BTreeMap::new();
    let with_alerts: BTreeSet<FileId> = setup.alerts().map(file_of).collect();
    for file in documents.intersection(&with_alerts) {
        let seen =
            setup.rules.iter().filter(|rule| file_of(rule) == *file || !documents.contains(&file_of(rule)));
        in_documents.insert(*file, Watched::of(seen));
    }
    for rule in setup.alerts() {
        let document = in_documents.get(&file_of(rule));
        let watched = document.unwrap_or(&in_files);
        let Some(query) = &rule.query else { continue };
        let Some(expr) = &query.parsed else { continue };
        for comparison in comparisons(expr).iter().filter(|it| it.is_alone) {
            let names = metrics(comparison.measured);
            if names.is_empty() || names.iter().any(|name| *name == "up" || watched.absent.contains(name)) {
                continue;
            }
            let low = if_low(rule, comparison);
            let high = || document.and_then(|watched| if_high(comparison, watched));
            let Some((message, severity)) = low.or_else(high) else { continue };
            report
                .find(query.span_of(&setup.sources, comparison.expr), message)
                .help(format!("add `or absent({})`, or an alert of its own for it", names[0]))
                .severity(severity);
        }
    }
}

impl<'a> Watched<'a> {
    fn of(rules: impl Iterator<Item = &'a Rule>) -> Self {
        let (mut absent, mut is_any) = (BTreeSet::new(), false);
        for expr in rules.filter_map(|rule| rule.query.as_ref()?.parsed.as_ref()) {
            is_any |= metrics(expr).contains(&"up");
            if notices_absence(expr) {
                is_any = true;
                absent.extend(selectors(expr).into_iter().filter_map(|selector| selector.name.as_deref()));
            }
        }
        Self { absent, is_any }
    }
}

/// What an alert on a low value does not see.
fn if_low(rule: &Rule, comparison: &Comparison<'_>) -> Option<(String, Severity)> {
    if !comparison.is_below() && !comparison.is_zero() {
        return None;
    }
    let is_activity = |name: &&str| {
        speaks_of(name, &ACTIVITY)
            && !speaks_of(name, &["up", "state", "status", "health", "available", "free"])
    };
    if let Some(metric) = raw_metric(comparison.measured) {
        let name = metric.name.as_deref().filter(is_activity).filter(|_| says_outage(rule))?;
        let message =
            format!("a service that is down has no {name}: there is nothing to compare, and this is silent");
        return Some((message, Severity::Warning));
    }
    if let Some((_, metric)) = counted(comparison.measured) {
        let name = metric.name.as_deref().filter(is_activity).filter(|_| comparison.threshold > 0.0)?;
        let message = format!("without any {name} there is no rate to be low, and this is silent");
        return Some((message, Severity::Warning));
    }
    let message = "without traffic this is 0/0, which is below nothing: no data counts as good".to_owned();
    is_share_of_good(comparison.measured).then_some((message, Severity::Warning))
}

/// What an alert on a high value does not see, where nothing else of the setup would.
fn if_high(comparison: &Comparison<'_>, watched: &Watched<'_>) -> Option<(String, Severity)> {
    if !comparison.is_above() {
        return None;
    }
    let message = if calls(comparison.measured, &[Function::HistogramQuantile]) {
        "a quantile of nothing is no number: when nobody is served this is silent"
    } else if is_quotient_of_rates(comparison.measured) && !watched.is_any {
        "without traffic this is 0/0 and silent, and no alert asks whether there is any (up, absent)"
    } else {
        return None;
    };
    Some((message.to_owned(), Severity::Note))
}

fn is_share_of_good(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |node| {
        let ExprKind::Binary(binary) = &node.kind else { return };
        let is_named = || {
            let all = metrics(&binary.left);
            binary.op == BinaryOp::Divide
                && is_quotient_of_rates(node)
                && !all.is_empty()
                && all
                    .iter()
                    .all(|name| speaks_of(name, &["success", "successful", "succeeded", "good", "ok"]))
        };
        found |= subset_of(binary).is_some_and(is_good) || is_named();
    });
    found
}

fn is_quotient_of_rates(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_quotient_of_rates(inner),
        ExprKind::Binary(binary) => match binary.op {
            BinaryOp::Divide if constant(&binary.right).is_none() => {
                calls(&binary.right, &[Function::Rate, Function::Increase, Function::Irate])
            }
            BinaryOp::Multiply | BinaryOp::Divide => {
                is_quotient_of_rates(&binary.left) || is_quotient_of_rates(&binary.right)
            }
            _ => false,
        },
        _ => false,
    }
}

fn says_outage(rule: &Rule) -> bool {
    let texts = rule.annotations.iter().map(|field| field.text().to_ascii_lowercase());
    let name = rule.name.value.to_ascii_lowercase();
    texts.chain([name]).any(|text| OUTAGE.iter().any(|word| text.contains(word)))
}
