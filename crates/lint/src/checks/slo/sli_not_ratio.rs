//! An indicator that is no share of good events.

use bellwether_diag::Severity;
use bellwether_diag::yaml::{self, Node, Value};
use bellwether_promql::{ExprKind, Function};

use crate::checks::shape::{comparison, share};
use crate::setup::burn::is_ratio;
use crate::setup::query::Query;
use crate::{Aim, Area, Check, Form, Origin, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "sli-not-ratio",
    area: Area::Slo,
    severity: Severity::Warning,
    title: "an indicator that is no share of good events",
    why: "An objective of 95 % needs good events and all events: then there is a budget, and it can be said how fast it is \
          spent. A quantile below a bound gives a value while all is well and nothing otherwise; an average or a maximum \
          says nothing of how many users had it worse. Count the requests that were fast enough: \
          `sum(rate(x_bucket{le=\"0.25\"}[5m])) / sum(rate(x_count[5m]))`.",
    wrong: &[(
        "slo.md",
        "- **SLI**: `histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m]))) < 0.25`\n- **SLO**: 95% over a \
         rolling 28-day window\n",
    )],
    right: &[(
        "slo.md",
        "- **SLI**: `sum(rate(x_seconds_bucket{le=\"0.25\"}[5m])) / sum(rate(x_seconds_count[5m]))`\n- **SLO**: 95% over a \
         rolling 28-day window\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for query in setup
        .queries
        .iter()
        .filter(|query| query.origin == Origin::Inline && is_called_indicator(setup, query))
    {
        let Some(expr) = &query.parsed else { continue };
        if let Some(found) = comparison(expr).filter(|found| !found.is_bool) {
            report
                .find(query.span(&setup.sources, found.span.clone()), "an indicator that gives a value or nothing: there are no good events to count and no budget")
                .help("divide the events that were good, such as those in a bucket, by all events");
        } else if share(expr).is_none() && !is_ratio(expr) {
            value(setup, query, report);
        }
    }
    for tree in setup.trees.iter().filter(|tree| tree.form == Form::Objectives) {
        in_objectives(setup, &tree.node, report);
    }
    for described in
        setup.described.iter().filter(|described| described.aim == Aim::Value && described.section.is_some())
    {
        for query in setup.queries.iter().filter(|query| query.section == described.section) {
            if query.parsed.as_ref().is_some_and(|expr| share(expr).is_none()) {
                value(setup, query, report);
            }
        }
    }
}

/// Queries of objectives of other dialects: events are counted, no value is judged.
fn in_objectives(setup: &Setup, node: &Node, report: &mut Report) {
    const QUERIES: [&str; 4] = ["error_query", "total_query", "error_ratio_query", "good_query"];
    match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                let is_query = key.as_text().is_some_and(|name| QUERIES.contains(&name));
                match value.as_text().filter(|_| is_query) {
                    Some(text) => in_objective(setup, value, text, report),
                    None => in_objectives(setup, value, report),
                }
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| in_objectives(setup, item, report)),
        Value::Null | Value::Scalar(_) => {}
    }
}

fn in_objective(setup: &Setup, node: &Node, text: &str, report: &mut Report) {
    // The window's placeholder takes as many bytes as what stands for it, so that places stay right.
    let length = "{{.window}}".len();
    let Ok(expr) =
        bellwether_promql::parse(&text.replace("{{.window}}", &format!("{:0>1$}m", 5, length - 1)))
    else {
        return;
    };
    let place = |part: std::ops::Range<usize>| yaml::span_within(&setup.sources, node, part);
    if let Some(found) = comparison(&expr).filter(|found| !found.is_bool) {
        report
            .find(
                place(found.span.clone()),
                "this gives a value or nothing: where it does not hold, events are missing rather than bad",
            )
            .help("count the events that were good or bad, such as those in a bucket");
        return;
    }
    let mut quantile = None;
    expr.walk(&mut |node| {
        if let ExprKind::Call(call) = &node.kind
            && call.function == Function::HistogramQuantile
        {
            quantile = quantile.clone().or(Some(node.span.clone()));
        }
    });
    if let Some(part) = quantile {
        report
            .find(
                place(part),
                "a quantile is a time and no number of events: there is no share of good ones in it",
            )
            .help("count the events in the bucket of the threshold: rate(x_bucket{le=\"0.25\"}[...])");
    }
}

fn value(setup: &Setup, query: &Query, report: &mut Report) {
    report
        .find(query.whole(&setup.sources), "this gives a value and no share of good events: it is met or not, and has no budget")
        .severity(Severity::Note)
        .help("count what was good enough and divide by all, or judge the value once per minute and count the good minutes");
}

/// Whether the line calls its code an indicator.
fn is_called_indicator(setup: &Setup, query: &Query) -> bool {
    let place = query.whole(&setup.sources);
    let Some(section) = query.section else { return false };
    let line = setup.prose_of(section).find(|line| {
        line.span.file == place.file && line.span.start <= place.start && place.end <= line.span.end
    });
    line.is_some_and(|line| {
        let before = &line.text[..(place.start - line.span.start) as usize].to_ascii_lowercase();
        let mut words = before.split(|c: char| !c.is_alphanumeric());
        words.any(|word| ["sli", "slis", "indicator", "indicators"].contains(&word))
    })
}
