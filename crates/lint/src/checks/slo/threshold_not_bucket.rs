//! A threshold that lies between two bounds of the histogram it is counted with.

use bellwether_diag::{Severity, Span};
use bellwether_model::TimeDelta;

use crate::checks::shape::comparison;
use crate::setup::amounts::{durations, numbers, short_number, spoken};
use crate::{Aim, Area, Check, Origin, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "threshold-not-bucket",
    area: Area::Slo,
    severity: Severity::Note,
    title: "a threshold that is no bound of the histogram",
    why: "A histogram counts how many events were at most as slow as each of its bounds. How many were faster than 150 ms \
          can only be guessed when the bounds are 100 and 250 ms, and the guess can be wrong by all that lie between. \
          Make the threshold a bound, or move it to one. Where a document states the bounds these are held against it, \
          else those that client libraries use unless told otherwise.",
    wrong: &[(
        "slo.md",
        "- **SLI**: `sum(rate(x_seconds_bucket{le=\"0.15\"}[5m])) / sum(rate(x_seconds_count[5m]))`\n- **SLO**: **95%** of requests take under **150ms** over a 28-day rolling window.\n",
    )],
    right: &[(
        "slo.md",
        "- **SLI**: `sum(rate(x_seconds_bucket{le=\"0.25\"}[5m])) / sum(rate(x_seconds_count[5m]))`\n- **SLO**: **95%** of requests take under **250ms** over a 28-day rolling window.\n",
    )],
    run,
};

/// In seconds, of Prometheus' and OpenTelemetry's libraries.
const USUAL: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

fn run(setup: &Setup, report: &mut Report) {
    let mut said: Vec<(usize, TimeDelta)> = Vec::new();
    for goal in &setup.goals {
        let (Some((threshold, span)), Some(section)) = (goal.threshold, goal.section) else { continue };
        if said.contains(&(section.document, threshold)) || !asks_buckets(setup, section.document) {
            continue;
        }
        said.push((section.document, threshold));
        // Where a query states the same threshold, that is where it is counted.
        let place = in_query(setup, section.document, threshold).unwrap_or(span);
        hold(setup, section.document, threshold, place, report);
    }
    for described in setup.described.iter().filter(|described| described.aim == Aim::Value) {
        let Some(section) = described.section.filter(|section| asks_buckets(setup, section.document)) else {
            continue;
        };
        let all = durations(&described.target);
        let missed = all.iter().find(|amount| !is_bound(setup, section.document, amount.value));
        if let Some(amount) = missed {
            hold(setup, section.document, amount.value, described.target_span, report);
        }
    }
}

fn hold(setup: &Setup, document: usize, threshold: TimeDelta, span: Span, report: &mut Report) {
    if is_bound(setup, document, threshold) {
        return;
    }
    let stated = stated_bounds(setup, document);
    let known = stated.as_deref().unwrap_or(USUAL);
    let seconds = threshold.as_secs_f64();
    let below = known.iter().copied().filter(|bound| *bound < seconds).fold(f64::NAN, f64::max);
    let above = known.iter().copied().filter(|bound| *bound > seconds).fold(f64::NAN, f64::min);
    let text = |seconds: f64| spoken(TimeDelta::from_secs_f64(seconds));
    let between = match (below.is_nan(), above.is_nan()) {
        (false, false) => format!("the nearest are {} and {}", text(below), text(above)),
        _ => format!(
            "there are {}",
            known.iter().map(|bound| short_number(*bound)).collect::<Vec<_>>().join(", ")
        ),
    };
    let whose = if stated.is_some() {
        "no bound of the histogram"
    } else {
        "no bound that histograms have unless told otherwise"
    };
    report
        .find(span, format!("{} is {whose}: {between}, and what lies between is guessed", spoken(threshold)))
        .help(format!(
            "make {} a bound of the histogram, or take a threshold that is one",
            spoken(threshold)
        ));
}

/// Whether a document counts with histograms at all.
fn asks_buckets(setup: &Setup, document: usize) -> bool {
    let of_document =
        setup.all_queries().filter(|query| query.section.is_some_and(|section| section.document == document));
    let mut selected =
        of_document.flat_map(|query| query.parsed.iter().flat_map(bellwether_promql::selectors));
    selected.any(|selector| selector.name.as_deref().is_some_and(|name| name.ends_with("_bucket")))
}

fn is_bound(setup: &Setup, document: usize, threshold: TimeDelta) -> bool {
    let stated = stated_bounds(setup, document);
    let known = stated.as_deref().unwrap_or(USUAL);
    let seconds = threshold.as_secs_f64();
    known.iter().any(|bound| (bound - seconds).abs() < 1e-9 || (bound - seconds * 1000.0).abs() < 1e-9)
}

/// Bounds that a document lists: `buckets = [0.1, 0.25, 0.5]`.
fn stated_bounds(setup: &Setup, document: usize) -> Option<Vec<f64>> {
    let document = setup.documents.get(document)?;
    let texts = document.blocks.iter().map(|block| setup.sources.text(block.file));
    let lines = texts.flat_map(str::lines).chain(document.prose.iter().map(|line| line.text.as_str()));
    lines
        .filter(|line| {
            let lower = line.to_ascii_lowercase();
            lower.contains("buckets") || lower.contains("bucket bounds") || lower.contains("boundaries")
        })
        .map(|line| numbers(line).into_iter().map(|number| number.value).collect::<Vec<f64>>())
        .find(|bounds| bounds.len() >= 3 && bounds.is_sorted())
}

/// The query of a document that compares with the threshold.
fn in_query(setup: &Setup, document: usize, threshold: TimeDelta) -> Option<Span> {
    let queries = setup.queries.iter().filter(|query| {
        query.origin == Origin::Inline && query.section.is_some_and(|section| section.document == document)
    });
    queries.into_iter().find_map(|query| {
        let found = comparison(query.parsed.as_ref()?)?;
        let seconds = threshold.as_secs_f64();
        let is_it = (found.bound - seconds).abs() < 1e-9 || (found.bound - seconds * 1000.0).abs() < 1e-9;
        is_it.then(|| query.span(&setup.sources, found.span.clone()))
    })
}
