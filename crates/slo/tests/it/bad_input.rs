//! What people get wrong, each with a diagnostic of its own: where it shows when the file is read, and where it shows
//! only once samples arrive.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_slo::{check_composites, examine, parse};

use crate::world::World;

const GOOD: &str = "\
slos:
  - name: api
    goal: 0.999
    window: 28d
    indicator: {ratio: {bad: errors_total, total: 'requests_total{job=\"api\"}'}}
";

fn problems(yaml: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("s", yaml);
    let slos = parse(&sources, file, &mut out);
    out.extend(check_composites(&slos));
    out.extend(slos.iter().flat_map(examine));
    let text = out.render(&sources, Style { color: false });
    text.lines().filter(|line| line.starts_with("s:")).map(str::to_owned).collect()
}

#[test]
fn every_mistake_of_form_has_its_own_diagnostic() {
    assert_eq!(problems(GOOD), Vec::<String>::new());
    let indicator = "{ratio: {bad: errors_total, total: 'requests_total{job=\"api\"}'}}";
    for (from, to, expected) in [
        (
            "0.999",
            "100",
            "s:3:11: error: a goal of 100 leaves no budget to spend; write less than 100 %, such as \"99.9%\"",
        ),
        ("0.999", "0", "s:3:11: error: a goal of 0 "),
        ("0.999", "99,9", "s:3:11: error: goal 99,9 has a decimal comma"),
        (
            indicator,
            "{ratio: {bad: 'rate(errors_total[5m])', total: t}}",
            "s:5:35: error: an indicator selects counters: functions cannot be used here",
        ),
        (indicator, "{query: {bad_ratio: 'sum(rate(e[5m])'}}", "s:5:52: error: unexpected end of input"),
        (
            indicator,
            "{composite: {serial: [api]}}",
            "s:2:11: error: composite \"api\" contains itself: api -> api",
        ),
        ("28d", "5y", "s:4:13: error: period "),
        (
            "    window",
            "    alerts: [{name: late, long: 14d, factor: 3}]\n    window",
            "s:4:46: error: alert \"late\" of \"api\" fires after the budget is gone",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let found = problems(&GOOD.replacen(from, to, 1));
        assert!(found.iter().any(|line| line.starts_with(expected)), "{to}: {found:#?}");
    }
    let twice = format!("{GOOD}{}", GOOD.replace("slos:\n", ""));
    assert_eq!(
        problems(&twice),
        [
            "s:6:11: error: objective \"api\" is defined twice; give each objective of a service a name of its own"
        ]
    );
}

/// The notes of an objective with this indicator once these series have been scraped.
fn notes(indicator: &str, scraped: &[(&str, f64)]) -> Vec<String> {
    let yaml = format!("slos: [{{name: api, goal: 0.9, window: 1h, alerts: [], indicator: {indicator}}}]");
    let mut world = World::new(&yaml);
    if !scraped.is_empty() {
        world.scrape("a", scraped);
    }
    world.status("api").notes
}

#[test]
fn a_metric_that_nobody_has_is_noted_with_what_was_probably_meant() {
    let ratio = "{ratio: {bad: error_total, total: 'requests_total{job=\"api\"}'}}";
    let series = [("errors_total{job=api}", 0.0), ("requests_total{job=web}", 0.0)];
    assert_eq!(notes(ratio, &[]), Vec::<String>::new(), "nothing was heard yet");
    assert_eq!(
        notes(ratio, &series),
        [
            "no series is called error_total; did you mean errors_total?",
            "no series matches requests_total{job=\"api\"}, though some are called requests_total",
        ]
    );
    let well = "{ratio: {bad: 'errors_total{code=\"500\"}', total: 'requests_total{job=\"web\"}'}}";
    assert_eq!(notes(well, &series), Vec::<String>::new(), "no bad events yet");
    assert_eq!(
        notes(
            "{latency: {histogram: request_second, threshold: 1}}",
            &[("request_seconds_bucket{le=1}", 0.0)]
        ),
        ["no histogram is called request_second; did you mean request_seconds?"]
    );
    assert_eq!(
        notes("{threshold: {query: 'sum(queue_lenght)', below: 5}}", &[("queue_length", 0.0)])
            .last()
            .unwrap(),
        "no series is called queue_lenght; did you mean queue_length?"
    );
}
