//! Pyrra's objectives mean the same here: the same counters, the same windows scaled as Pyrra scales them.

#![allow(clippy::disallowed_methods)] // Tests read the examples beside the project.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_slo::{Dialect, Events, Slo, Strictness, read};
use bellwether_testkit::cases::{conformance, ran};

fn import(name: &str, text: &str, strictness: Strictness) -> (Vec<Slo>, String) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add(name, text);
    let slos = read(&sources, &[file], strictness, &mut out);
    (slos, out.render(&sources, Style { color: false }))
}

fn shown(slo: &Slo) -> String {
    let goal = slo.goal.map(|goal| goal.to_string()).unwrap_or_default();
    let by = slo.indicator.group_by.join(",");
    let alerts: Vec<String> = slo
        .alerts
        .iter()
        .map(|a| {
            let short = a.short.map_or("-".to_owned(), |short| short.to_string());
            format!("{} {} {}/{} x{}", a.name, a.severity, a.long, short, a.factor.as_f64())
        })
        .collect();
    format!(
        "{} {goal} {} by [{by}] {} {} {:?}: {}",
        slo.id(),
        slo.period.text(),
        slo.indicator.text(),
        slo.labels,
        slo.alert_name,
        alerts.join("; ")
    )
}

fn wrapped(spec: &str) -> String {
    let indented: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata:\n  name: x\n  labels:\n    \
         pyrra.dev/team: shop\n    role: rules\nspec:\n{indented}"
    )
}

fn check(spec: &str, expected: &str) {
    let (slos, problems) = import("slo.yaml", &wrapped(spec), Strictness::Strict);
    assert_eq!(problems, "", "{spec}");
    assert_eq!(slos.iter().map(shown).collect::<Vec<_>>().join("\n"), expected, "{spec}");
}

const ALERTS_28D: &str = "fast-burn critical 1h/5m x14; medium-burn critical 6h/30m x7; slow-burn warning 1d/2h \
                          x2; long-term-burn warning 4d/6h x1";

#[test]
fn a_ratio_counts_errors_of_all() {
    check(
        "target: '99.9'\nwindow: 4w\nindicator:\n  ratio:\n    errors:\n      metric: r{code=~'5..'}\n    \
         total:\n      metric: r\n    grouping: [job, handler]",
        &format!(
            "x 99.9% rolling 28d by [handler,job] bad r{{code=~\"5..\"}} of all r {{team=\"shop\"}} \
             \"ErrorBudgetBurn\": {ALERTS_28D}"
        ),
    );
}

#[test]
fn windows_scale_with_the_period_to_the_minute() {
    check(
        "target: '99'\nwindow: 2w\nindicator:\n  latency:\n    success:\n      metric: d_bucket{a='1',le='0.5'}\n    \
         total:\n      metric: d_count{a='1'}\nalerting:\n  name: Slow\n  severities:\n    fastBurn: page",
        "x 99% rolling 14d by [] events at or below 0.5 in d{a=\"1\"} {team=\"shop\"} \"Slow\": fast-burn page \
         30m/3m x14; medium-burn critical 3h/15m x7; slow-burn warning 12h/1h x2; long-term-burn warning 2d/3h x1",
    );
}

#[test]
fn a_latency_with_other_conditions_is_a_ratio_of_counters() {
    check(
        "target: '90'\nwindow: 4w\nindicator:\n  latency:\n    success:\n      metric: \
         d_bucket{le='1',code='200'}\n    total:\n      metric: d_count\nalerting:\n  burnrates: false",
        "x 90% rolling 28d by [] good d_bucket{code=\"200\", le=\"1\"} of all d_count {team=\"shop\"} \
         \"ErrorBudgetBurn\": ",
    );
}

#[test]
fn native_histograms_and_gauges_are_read() {
    check(
        "target: '99.5'\nwindow: 4w\nindicator:\n  latencyNative:\n    latency: 200ms\n    total:\n      metric: \
         d{a='1'}\n    grouping: [service]\nalerting:\n  disabled: true",
        "x 99.5% rolling 28d by [service] events at or below 0.2 in d{a=\"1\"} {team=\"shop\"} \
         \"ErrorBudgetBurn\": ",
    );
    check(
        "target: '99.5'\nwindow: 4w\nindicator:\n  bool_gauge:\n    metric: up{job='x'}\n    grouping: \
         [job]\nalerting:\n  disabled: true",
        "x 99.5% rolling 28d by [job] sampled: good sum by (job) \
         (sum_over_time(up{job=\"x\"}[{{.window}}])) / 60 of all sum by (job) \
         (count_over_time(up{job=\"x\"}[{{.window}}])) / 60 {team=\"shop\"} \"ErrorBudgetBurn\": ",
    );
}

#[test]
fn mistakes_are_pointed_at() {
    let refuse = |spec: &str, expected: &str| {
        let (slos, problems) = import("slo.yaml", &wrapped(spec), Strictness::Strict);
        assert!(slos.is_empty(), "{spec}");
        assert!(problems.contains(expected), "{spec}\n{problems}");
    };
    let ratio = "window: 4w\nindicator:\n  ratio:\n    errors: {metric: e}\n    total: {metric: r}\n";
    refuse(&format!("target: '100'\n{ratio}"), "leaves no budget to spend");
    refuse(&format!("target: '99.9%'\n{ratio}"), "the target has a sign");
    refuse(
        "target: '99'\nwindow: 4w\nindicator:\n  ratio:\n    errors: {metric: 'rate(e[5m])'}\n    total: {metric: r}",
        "functions cannot be used here",
    );
    refuse("target: '99'\nwindow: 4w\nindicator: {}", "the indicator counts nothing");
    refuse("target: '99'\nwindow: 4w\nindicator:\n  latency_native: {}", "write latencyNative or bool_gauge");
    refuse(
        "target: '99'\nwindow: 4w\nindicator:\n  latency:\n    success: {metric: d_bucket}\n    total: {metric: d_count}",
        "selects no bucket",
    );
}

#[test]
fn what_is_not_carried_over_is_an_error_or_named_in_a_warning() {
    let spec = "target: '99'\nwindow: 4w\nindicator:\n  ratio:\n    errors: {metric: e}\n    total: {metric: \
                r}\nalerting:\n  absent: false\n  absentName: Gone";
    let (_, problems) = import("slo.yaml", &wrapped(spec), Strictness::Strict);
    assert_eq!(problems.matches("error:").count(), 2, "{problems}");
    let (slos, problems) = import("slo.yaml", &wrapped(spec), Strictness::Lenient);
    assert_eq!(slos.len(), 1);
    assert_eq!(problems.matches("warning:").count(), 2, "{problems}");
}

#[test]
fn every_example_of_the_project_imports() {
    let Some(folder) = conformance("pyrra") else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let (slos, problems) = import(&path.display().to_string(), &text, Strictness::Strict);
        assert_eq!(problems, "");
        assert_eq!(slos.len(), text.matches("\nkind: ServiceLevelObjective").count(), "{}", path.display());
        for slo in slos {
            assert_eq!(slo.dialect, Dialect::Pyrra);
            // Whatever counts events is counted exactly; only gauges are asked.
            assert_eq!(
                matches!(slo.indicator.events, Events::Query(_)),
                text.contains("bool_gauge"),
                "{}",
                slo.id()
            );
        }
    }
    ran("conformance/pyrra", files.len() as u64);
}
