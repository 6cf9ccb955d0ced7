//! A range longer than samples are kept.

use bellwether_diag::Severity;
use bellwether_model::TimeDelta;
use bellwether_promql::{ExprKind, Function, RangeSelector};

use crate::checks::shape::range_calls;
use crate::setup::query::Query;
use crate::{Area, Check, Form, Origin, Report, RuleKind, Setup, spoken};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "beyond-retention",
    area: Area::Promql,
    severity: Severity::Warning,
    title: "a range longer than samples are kept",
    why: "Prometheus keeps samples for 15 days unless it is told otherwise. A rate over 30 days then silently covers what \
          is left, and an objective of 30 days is judged by half of them. Say how long samples are kept \
          (`--storage.tsdb.retention.time`), or record short ranges and add them up. Where the retention is stated in \
          the setup, that is what counts.",
    wrong: &[(
        "slo.md",
        "```promql\nsum(rate(requests_total{code=~\"2..\"}[30d])) / sum(rate(requests_total[30d]))\n```\n",
    )],
    right: &[(
        "slo.md",
        "Prometheus runs with `--storage.tsdb.retention.time=45d`.\n\n```promql\n\
         sum(rate(requests_total{code=~\"2..\"}[30d])) / sum(rate(requests_total[30d]))\n```\n",
    )],
    run,
};

const DEFAULT: TimeDelta = TimeDelta(15 * TimeDelta::DAY.0);

fn run(setup: &Setup, report: &mut Report) {
    let known = retention(setup);
    let kept = known.unwrap_or(DEFAULT);
    let of_rules =
        setup.rules.iter().filter_map(|rule| Some((rule.query.as_ref()?, rule.kind == RuleKind::Record)));
    for (query, is_record) in of_rules.chain(setup.queries.iter().map(|query| (query, false))) {
        let Some(expr) = &query.parsed else { continue };
        let mut reported = false;
        let mut report_once = |length: TimeDelta, part: std::ops::Range<usize>| {
            if length <= kept || std::mem::replace(&mut reported, true) {
                return;
            }
            let by = if known.is_some() { "" } else { ", which is the default" };
            report
                .find(
                    query.span(&setup.sources, part),
                    format!("{} of samples are asked for and {} kept{by}", spoken(length), spoken(kept)),
                )
                .help("keep samples for longer than the range, or record short ranges and add those up");
        };
        for (function, range, _) in range_calls(expr) {
            if let Some(length) = range
                .range
                .constant()
                .filter(|_| known.is_some() || is_doubtful(query, is_record, function, range))
            {
                report_once(length, range.range.span.clone());
            }
        }
        expr.walk(&mut |node| {
            if let (ExprKind::Subquery(subquery), true) = (&node.kind, known.is_some())
                && let Some(length) = subquery.range.constant()
            {
                report_once(length, subquery.range.span.clone());
            }
        });
    }
}

/// Where nobody says how long samples are kept: what is recorded was made for that, and whoever records an increase over
/// a month by itself, as generators of objectives do, has seen to it. Code in a sentence is an example.
fn is_doubtful(query: &Query, is_record: bool, function: Function, range: &RangeSelector) -> bool {
    let is_raw = range.selector.name.as_deref().is_some_and(|name| !name.contains(':'));
    let is_generated = is_record && function == Function::Increase && query.section.is_none();
    is_raw && query.origin != Origin::Inline && !is_generated
}

/// How long samples are kept, as a flag, a configuration or a document says.
fn retention(setup: &Setup) -> Option<TimeDelta> {
    let of_tree = |node: &bellwether_diag::yaml::Node| {
        let time = node.get("storage")?.get("tsdb")?.get("retention")?;
        time.get("time").unwrap_or(time).as_text()?.parse::<TimeDelta>().ok()
    };
    let trees = setup.trees.iter().filter(|tree| tree.form == Form::Prometheus);
    let ours = setup.trees.iter().filter(|tree| tree.form == Form::Bellwether);
    let ours = ours.filter_map(|tree| tree.node.get("storage")?.get("retention")?.as_text()?.parse().ok());
    let configured = trees.filter_map(|tree| of_tree(&tree.node)).chain(ours).max();
    let flags = setup.files.iter().filter_map(|file| flag(setup.sources.text(file.file))).max();
    configured.max(flags)
}

fn flag(text: &str) -> Option<TimeDelta> {
    let (_, rest) = text.split_once("storage.tsdb.retention.time")?;
    let value = rest.trim_start_matches(['=', ' ', '"', '\'', ':']);
    let end = value.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(value.len());
    value[..end].parse().ok()
}
