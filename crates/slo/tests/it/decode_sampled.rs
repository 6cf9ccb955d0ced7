//! Indicators that must be asked and composites are read whole, or refused where the mistake stands.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_slo::{Events, parse};

use crate::world::slos;

/// An objective with this indicator and these further lines; the indicator begins in column 16 of line 5.
fn yaml(indicator: &str, more: &str) -> String {
    format!("slos:\n  - name: api\n    goal: 0.9\n    window: 1d\n    indicator: {indicator}\n{more}")
}

fn problems(yaml: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("s", yaml);
    parse(&sources, file, &mut out);
    let text = out.render(&sources, Style { color: false });
    text.lines().filter(|line| line.starts_with("s:")).map(str::to_owned).collect()
}

fn refused(indicator: &str, more: &str, expected: &str) {
    assert_eq!(problems(&yaml(indicator, more)), [expected], "{indicator}");
}

fn events(indicator: &str) -> String {
    let slo = slos(&yaml(indicator, "")).remove(0);
    match &slo.indicator.events {
        Events::Threshold(_) | Events::Query(_) | Events::Composite(_) => slo.indicator.text(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn thresholds_queries_and_composites_say_what_they_count() {
    for (indicator, text) in [
        ("{threshold: {query: 'sum(q)', below: 0.2}}", "slices of 1m in which sum(q) < 0.2"),
        ("{threshold: {query: 'sum(q)', above: 1000, slice: 15s}}", "slices of 15s in which sum(q) > 1000"),
        (
            "{threshold: {query: 'rate(q[{{ .window }}])', op: '>=', bound: 3, slice: 5m}}",
            "slices of 5m in which rate(q[{{.window}}]) >= 3",
        ),
        ("{query: {bad_ratio: 'avg(e)'}}", "sampled: share of bad avg(e)"),
        ("{query: {good: 'avg(e)', total: '1'}}", "sampled: good avg(e) of all 1"),
        ("{composite: {weighted: [{slo: s/a, weight: 2}, s/b]}}", "weighted of 2 x s/a, s/b"),
        ("{composite: {serial: [a, b]}}", "serial of a, b"),
        ("{composite: {critical_member: [a, b]}}", "critical-member of a, b"),
    ] {
        assert_eq!(events(indicator), text);
    }
}

#[test]
fn queries_that_add_up_counters_are_counted_exactly() {
    let queries =
        "{query: {bad: 'sum(rate(e_total[{{.window}}]))', total: 'sum(rate(a_total[{{.window}}]))'}}";
    let slo = slos(&yaml(queries, "")).remove(0);
    assert_eq!(slo.indicator.text(), "bad e_total of all a_total");
    let note = "the queries add up counters: events are credited exactly from those, not sampled";
    assert_eq!(slo.notes.last().map(String::as_str), Some(note));
    let by_zone = queries.replace("sum(", "sum by (zone) (");
    let slo = slos(&yaml(&by_zone, "    group_by: [zone]\n")).remove(0);
    assert_eq!(slo.indicator.text(), "bad e_total of all a_total");
    assert!(
        slos(&yaml(&by_zone, ""))[0].indicator.text().starts_with("sampled: "),
        "no stream per zone was asked for"
    );
}

#[test]
fn a_mistake_in_a_query_is_underlined_in_the_yaml() {
    refused(
        "{threshold: {query: 'rate(q)', below: 1}}",
        "",
        "s:5:42: error: expected type range vector in call to function \"rate\", got instant vector; write q[5m]",
    );
    // Behind a placeholder, which is longer than what it stands for.
    let found = problems(&yaml("{query: {bad_ratio: 'rate(a[{{.window}}]) / rat(b[{{.window}}])'}}", ""));
    assert!(found[0].starts_with("s:5:60: error: unknown function"), "{found:?}");
    refused(
        "{threshold: {query: 'q[5m]', below: 1}}",
        "",
        "s:5:37: error: the query gives a range vector, which cannot be judged; wrap it so that it gives an instant vector, such as rate(...) or avg_over_time(...)",
    );
    refused(
        "{query: {bad_ratio: 'avg(e{job=\"{{.job}}\"})'}}",
        "",
        "s:5:48: error: only the window can be filled in here; write {{.window}} for the length of the window",
    );
}

#[test]
fn a_threshold_has_one_bound_and_slices_fill_minutes() {
    for (rest, expected) in [
        (
            "",
            "s:5:28: error: the threshold has no bound; write op: '<' and bound: 200, or in short below: 200 or above: 1000",
        ),
        (", op: '<'", "s:5:28: error: op has nothing to compare with; write bound: and a number"),
        (", bound: 2", "s:5:28: error: bound does not say how to compare; write op: '<', '<=', '>' or '>='"),
        (
            ", bound: 2, below: 1",
            "s:5:28: error: the threshold has more than one bound; keep op and bound together, or below alone, or above alone",
        ),
        (", op: '==', bound: 2", "s:5:43: error: \"==\" is no comparison; write '<', '<=', '>' or '>='"),
        (
            ", below: much",
            "s:5:46: error: \"much\" is not a number; write a number in the unit that the query gives, such as 0.2",
        ),
        (
            ", below: 1, slice: 7s",
            "s:5:56: error: time cannot be cut into slices of 7s; write whole minutes up to a day, or seconds that divide a minute, such as 15s",
        ),
        (", below: 1, slise: 1m", "s:5:49: error: unknown field \"slise\"; did you mean slice?"),
    ] {
        refused(&format!("{{threshold: {{query: q{rest}}}}}"), "", expected);
    }
}

#[test]
fn queries_must_say_which_events_are_good() {
    let unclear = "s:5:24: error: the queries do not say which events are good; write good: or bad: with total:, or bad_ratio: alone, or good_ratio: alone";
    for fields in ["good: a", "total: a", "good_ratio: a, total: b", "good_ratio: a, bad_ratio: b"] {
        refused(&format!("{{query: {{{fields}}}}}"), "", unclear);
    }
    refused(
        "{query: {good: a, bad: b}}",
        "",
        "s:5:24: error: good and bad are two answers to one question; write total: with either good: or bad:; all events are good ones and bad ones together",
    );
}

#[test]
fn a_label_that_is_aggregated_away_cannot_split() {
    let by = "    group_by: [zone]\n";
    let lost = |query: &str| {
        !problems(&yaml(&format!("{{threshold: {{query: '{query}', below: 1}}}}"), by)).is_empty()
    };
    for query in [
        "sum(q)",
        "sum by (job) (q)",
        "max without (zone) (q)",
        "sum by (job) (a) / sum by (job) (b)",
        "a / on (job) b",
        "scalar(sum(q))",
        "vector(1)",
        "histogram_quantile(0.9, sum by (le) (rate(b[5m])))",
    ] {
        assert!(lost(query), "{query}");
    }
    for query in [
        "q",
        "sum by (zone) (q)",
        "max without (job) (q)",
        "sum by (zone) (a) / on (zone) sum by (zone) (b)",
        "a / on (job) group_left b",
        "topk(3, q)",
        "sum by (zone) (q) > 1",
        "label_replace(sum(q), \"zone\", \"x\", \"\", \"\")",
        "histogram_quantile(0.9, sum by (le, zone) (rate(b[5m])))",
    ] {
        assert!(!lost(query), "{query}");
    }
    refused(
        "{threshold: {query: 'sum(q)', below: 1}}",
        by,
        "s:5:16: error: no series of \"sum(q)\" has the label zone to split by; aggregate by (zone), so that each value has a sample of its own",
    );
}

#[test]
fn without_a_goal_a_threshold_has_alerts_on_its_value_only() {
    let without = |more: &str| {
        let text = yaml("{threshold: {query: q, below: 1}}", more);
        text.replace("    goal: 0.9\n", "")
    };
    let slo = slos(&without("    alerts: [{name: slow, severity: ticket, for: 5m}]\n")).remove(0);
    assert_eq!((slo.goal, slo.alerts.len()), (None, 0));
    let alert = &slo.threshold_alerts[0];
    assert_eq!(
        (alert.name.as_str(), alert.severity.as_str(), alert.hold.to_string()),
        ("slow", "ticket", "5m".into())
    );
    assert_eq!(
        problems(&without("    alerts: [{name: slow, long: 1h, factor: 2}]\n")),
        [
            "s:5:27: error: long speaks of an error budget, and without a goal there is none; write goal: for the objective, or keep only name and severity: it then fires while the value fails"
        ]
    );
    assert_eq!(
        problems(&without("    group_by: [zone]\n")),
        ["s:5:5: error: group_by needs a goal; write goal:, so that every slice of time is judged"]
    );
    let ratio = yaml("{ratio: {bad: a, total: b}}", "").replace("    goal: 0.9\n", "");
    assert_eq!(problems(&ratio), ["s:2:5: error: goal is missing"]);
}

#[test]
fn composites_combine_in_one_way_and_name_each_member_once() {
    for (composite, expected) in [
        (
            "{}",
            "s:5:28: error: the composite does not say how its members make one; write weighted:, serial: or critical_member: with a list of objectives below it",
        ),
        (
            "{serial: [a], weighted: [a]}",
            "s:5:28: error: the composite combines its members in two ways; keep one of them",
        ),
        ("{serial: []}", "s:5:37: error: a composite has 1 to 100 members, not 0"),
        (
            "{serial: [a, b, a]}",
            "s:5:44: error: objective \"a\" is a member twice; name it once; a weight says how much it counts",
        ),
        (
            "{serial: [{slo: a, weight: 2}]}",
            "s:5:55: error: members of a serial composite have no weight; leave it out, or write weighted:",
        ),
        (
            "{weighted: [{slo: a, weight: 0}]}",
            "s:5:57: error: the weight is not a positive number; write a number such as 2",
        ),
    ] {
        refused(&format!("{{composite: {composite}}}"), "", expected);
    }
}
