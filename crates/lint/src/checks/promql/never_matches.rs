//! Queries that can have no result: series nobody records, conditions that exclude each other, sides without common
//! labels.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{Severity, Span, suggest};
use bellwether_model::MatchOp;
use bellwether_promql::{Binary, BinaryOp, ExprKind, Kind, VectorSelector, selectors};

use super::never_matches_text as text;
use crate::setup::query::Query;
use crate::{Area, Check, LabelsLeft, Origin, Report, RuleKind, Setup, labels_left};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "never-matches",
    area: Area::Promql,
    severity: Severity::Error,
    title: "a query that can have no result",
    why: "A query that selects nothing is no mistake of form: it loads, gives nothing, and its alert never fires. Found \
          are recorded series (names with a colon) that no rule of the document records, or that are one typing error \
          away from one that is recorded; conditions on one label that exclude each other; operations between sides \
          that cannot have the same labels; metrics an exporter everybody knows does not have; label values that the \
          rest of a document knows by another name; with `--online`, metrics and series that the server does not have.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - record: job:errors:rate5m\n    expr: sum by (job) (rate(errors_total[5m]))\n  \
         - alert: Errors\n    expr: job:errors:rate5n > 1\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - record: job:errors:rate5m\n    expr: sum by (job) (rate(errors_total[5m]))\n  \
         - alert: Errors\n    expr: job:errors:rate5m > 1\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let records = setup.rules.iter().filter(|rule| rule.kind == RuleKind::Record);
    let recorded: BTreeSet<&str> = records.map(|rule| rule.name.value.as_str()).collect();
    let mut said = BTreeSet::new();
    let mut recordings = |query: &Query, report: &mut Report| {
        let Some(expr) = &query.parsed else { return };
        for selector in selectors(expr) {
            unrecorded(setup, query, selector, &recorded, &mut said, report);
        }
    };
    for rule in &setup.rules {
        rule.query.iter().for_each(|query| recordings(query, report));
        let asked = text::queries_in_annotations(setup, rule);
        asked.iter().for_each(|query| recordings(query, report));
    }
    setup.queries.iter().for_each(|query| recordings(query, report));
    let mut labels = Recorded::new();
    for query in setup.all_queries() {
        let Some(expr) = &query.parsed else { continue };
        for selector in selectors(expr) {
            exclusive(setup, query, selector, report);
            unknown_to_exporter(setup, query, selector, report);
            other_labels_recorded(setup, query, selector, &mut labels, report);
            bound_with_zeros(setup, query, selector, report);
        }
        expr.walk(&mut |node| {
            let ExprKind::Binary(binary) = &node.kind else { return };
            if let Some(why) = without_partner(binary) {
                report
                    .find(query.span(&setup.sources, binary.op_span.clone()), why)
                    .help("aggregate both sides by the same labels, or say which to match by: on (...)");
            }
        });
    }
    text::values(setup, report);
    super::never_matches_names::run(setup, report);
    crate::online::find_absent(setup, report);
}

/// Names with a colon are those of recordings.
fn unrecorded(
    setup: &Setup,
    query: &Query,
    selector: &VectorSelector,
    recorded: &BTreeSet<&str>,
    said: &mut BTreeSet<(u32, String)>,
    report: &mut Report,
) {
    let Some(name) = selector.name.as_deref().filter(|name| name.contains(':')) else { return };
    if recorded.contains(name) {
        return;
    }
    let span = query.span(&setup.sources, selector.span.start..selector.span.start + name.len());
    let near = suggest(name, recorded.iter().copied());
    let is_typing_error = near.is_some_and(|near| same_but_a_letter(name, near));
    // Files of rules are often given without those that record; a document stands by itself.
    if !(has_rules(setup, query) || is_typing_error)
        || !said.insert((setup.sources.whole(span).file.0, name.to_owned()))
    {
        return;
    }
    let finding = report.find(span, format!("no rule records {name}: it has no series"));
    match near.filter(|_| is_typing_error) {
        Some(near) => finding.help(format!("write {near}")),
        None => finding.help(format!("add a rule with record: {name}")),
    };
}

/// Whether a query stands in a document that shows rules, which then are all there are. Code in a sentence is any code.
fn has_rules(setup: &Setup, query: &Query) -> bool {
    let Some(section) = query.section.filter(|_| query.origin != Origin::Inline) else { return false };
    setup.rules.iter().any(|rule| rule.section.is_some_and(|other| other.document == section.document))
}

/// Windows in names differ by a digit on purpose.
fn same_but_a_letter(a: &str, b: &str) -> bool {
    let without_numbers = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    let windows = |name: &str| crate::setup::burn::window_in_name(name);
    let known = windows(a).is_some() && windows(b).is_some() && windows(a) != windows(b);
    !known && without_numbers(a) != without_numbers(b)
}

/// `{job="a", job="b"}`, `{code="500", code=~"2.."}`
fn exclusive(setup: &Setup, query: &Query, selector: &VectorSelector, report: &mut Report) {
    for (matcher, span) in selector.matchers.iter().zip(&selector.matcher_spans) {
        if matcher.op != MatchOp::Equal || matcher.name == "__name__" {
            continue;
        }
        let against = selector
            .matchers
            .iter()
            .find(|other| other.name == matcher.name && !other.matches_value(&matcher.value));
        // Two plain conditions exclude each other both ways; one finding is enough.
        if let Some(other) = against.filter(|other| other.op != MatchOp::Equal || other.value > matcher.value)
        {
            report
                .find(
                    query.span(&setup.sources, span.clone()),
                    format!(
                        "{0}=\"{1}\" and {0}{2}\"{3}\" exclude each other",
                        matcher.name,
                        matcher.value,
                        other.op.as_str(),
                        other.value
                    ),
                )
                .help("keep one of them");
        }
    }
}

/// Values that recordings of a name set a label to, and whether it can have any, by name and label.
type Recorded<'a> = BTreeMap<(String, String), (BTreeSet<&'a str>, bool)>;

fn values_recorded<'a>(setup: &'a Setup, name: &str, label: &str) -> (BTreeSet<&'a str>, bool) {
    let mut known = BTreeSet::new();
    let mut is_any = false;
    for rule in setup.recordings(name) {
        match rule.label(label).map(crate::Field::text) {
            Some(value) if !value.contains("{{") => {
                known.insert(value);
            }
            Some(_) | None => is_any = true,
        }
    }
    (known, is_any)
}

/// A label that every rule that records the series sets to something else.
fn other_labels_recorded<'a>(
    setup: &'a Setup,
    query: &Query,
    selector: &VectorSelector,
    labels: &mut Recorded<'a>,
    report: &mut Report,
) {
    let Some(name) = selector.name.as_deref().filter(|name| name.contains(':')) else { return };
    for (matcher, span) in selector.matchers.iter().zip(&selector.matcher_spans) {
        if matcher.op != MatchOp::Equal || matcher.name == "__name__" {
            continue;
        }
        let (known, is_any) = labels
            .entry((name.to_owned(), matcher.name.clone()))
            .or_insert_with(|| values_recorded(setup, name, &matcher.name));
        let is_any = *is_any;
        if known.is_empty() || is_any || known.contains(matcher.value.as_str()) {
            continue;
        }
        let values = known.iter().copied().collect::<Vec<_>>().join(", ");
        report
            .find(
                query.span(&setup.sources, span.clone()),
                format!("{name} is recorded with {}={values} only, not {}", matcher.name, matcher.value),
            )
            .help(format!("write one of {values}"));
    }
}

/// Bounds are written as short as a number can be: `0.15`, never `0.150`.
fn bound_with_zeros(setup: &Setup, query: &Query, selector: &VectorSelector, report: &mut Report) {
    for (matcher, span) in selector.matchers.iter().zip(&selector.matcher_spans) {
        let value = matcher.value.as_str();
        let has_zeros =
            value.split_once('.').is_some_and(|(_, digits)| digits.len() > 1 && digits.ends_with('0'));
        if matcher.name != "le" || matcher.op != MatchOp::Equal || !has_zeros || value.parse::<f64>().is_err()
        {
            continue;
        }
        let short = value.trim_end_matches('0');
        let short = if short.ends_with('.') { format!("{short}0") } else { short.to_owned() };
        report
            .find(
                query.span(&setup.sources, span.clone()),
                format!("no bucket is called {value:?}: labels are compared as text"),
            )
            .help(format!("write le=\"{short}\""));
    }
}

/// Metrics of the node exporter's CPU, memory and load collectors begin so, and these are all there are.
const NODE_CPU: &[&str] = &[
    "node_cpu_seconds_total",
    "node_cpu_guest_seconds_total",
    "node_cpu_core_throttles_total",
    "node_cpu_package_throttles_total",
    "node_cpu_frequency_hertz",
    "node_cpu_frequency_max_hertz",
    "node_cpu_frequency_min_hertz",
    "node_cpu_scaling_frequency_hertz",
    "node_cpu_scaling_frequency_max_hertz",
    "node_cpu_scaling_frequency_min_hertz",
    "node_cpu_scaling_governor",
    "node_cpu_info",
    "node_cpu_flag_info",
    "node_cpu_bug_info",
    "node_cpu_isolated",
    "node_cpu_online",
    "node_cpu",
];

fn unknown_to_exporter(setup: &Setup, query: &Query, selector: &VectorSelector, report: &mut Report) {
    let Some(name) = selector.name.as_deref() else { return };
    let wrong = (name.starts_with("node_cpu") && !NODE_CPU.contains(&name))
        || ["node_memory_usage", "node_memory_used", "node_disk_usage", "node_filesystem_usage", "node_load"]
            .iter()
            .any(|made_up| name == *made_up || (name.starts_with(made_up) && *made_up != "node_load"));
    if !wrong || name.contains(':') || setup.recordings(name).next().is_some() {
        return;
    }
    let instead = match name {
        _ if name.starts_with("node_cpu") => {
            "1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))"
        }
        _ if name.starts_with("node_memory") => {
            "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"
        }
        _ if name.starts_with("node_load") => "node_load1, node_load5 or node_load15",
        _ => "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes",
    };
    let span: Span = query.span(&setup.sources, selector.span.start..selector.span.start + name.len());
    report.find(span, format!("the node exporter has no metric {name}")).help(format!("write {instead}"));
}

/// Why no series of one side can find one of the other.
fn without_partner(binary: &Binary) -> Option<String> {
    let is_vector = |side: &bellwether_promql::Expr| side.result() == Kind::Vector;
    if !is_vector(&binary.left)
        || !is_vector(&binary.right)
        || matches!(binary.op, BinaryOp::Or | BinaryOp::Unless)
    {
        return None;
    }
    let (left, right) = (labels_left(&binary.left), labels_left(&binary.right));
    let (LabelsLeft::Only(of_left), LabelsLeft::Only(of_right)) = (&left, &right) else { return None };
    let asked = binary.matching.labels.as_ref();
    let relevant = |names: &BTreeSet<String>| -> BTreeSet<String> {
        let counts = |name: &&String| match asked {
            Some(labels) if labels.is_on => labels.names.contains(name),
            Some(labels) => !labels.names.contains(name),
            None => true,
        };
        names.iter().filter(counts).cloned().collect()
    };
    let (of_left, of_right) = (relevant(of_left), relevant(of_right));
    let list = |names: &BTreeSet<String>| match names.is_empty() {
        true => "no labels".to_owned(),
        false => names.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    (of_left != of_right).then(|| {
        format!(
            "the left side has {} and the right {}: no two series have the same labels",
            list(&of_left),
            list(&of_right)
        )
    })
}
