//! Sloth's specifications mean the same here: the same events, the same windows, the same people told.

#![allow(clippy::disallowed_methods)] // Tests read the examples beside the project.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_slo::{Dialect, Events, Slo, Strictness, read};
use bellwether_testkit::cases::{conformance, ran};

fn import(files: &[(&str, &str)], strictness: Strictness) -> (Vec<Slo>, String) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let files: Vec<_> = files.iter().map(|(name, text)| sources.add(*name, *text)).collect();
    let slos = read(&sources, &files, strictness, &mut out);
    (slos, out.render(&sources, Style { color: false }))
}

fn shown(slo: &Slo) -> String {
    let mut lines = vec![format!(
        "{} {} {} {} {}",
        slo.id(),
        slo.goal.map(|goal| goal.to_string()).unwrap_or_default(),
        slo.period.text(),
        slo.indicator.key(),
        slo.labels,
    )];
    for a in &slo.alerts {
        let short = a.short.map_or("-".to_owned(), |short| short.to_string());
        lines.push(format!(
            "{} {} {} {}/{short} x{}",
            slo.alert_name,
            a.name,
            a.severity,
            a.long,
            a.factor.as_f64()
        ));
    }
    for (severity, labels) in &slo.severity_labels {
        lines.push(format!("{severity}: {labels}"));
    }
    for (severity, annotations) in &slo.severity_annotations {
        lines.push(format!("{severity}: {annotations}"));
    }
    lines.join("\n")
}

const SPEC: &str = r#"version: prometheus/v1
service: shop
labels: {team: till, tier: 2}
slos:
- name: paid
  objective: 99.9
  labels: {tier: 1}
  sli:
    events:
      error_query: sum(rate(r{code="500"}[{{ .window }}]))
      total_query: sum(rate(r[{{.window}}]))
  alerting:
    name: NotPaid
    labels: {area: money}
    annotations: {summary: pay}
    page_alert:
      labels: {severity: critical}
    ticket_alert:
      annotations: {summary: pay later}
"#;

#[test]
fn a_specification_is_an_objective_with_four_alerts() {
    let (slos, problems) = import(&[("a.yaml", SPEC)], Strictness::Strict);
    assert_eq!(problems, "");
    assert_eq!(
        shown(&slos[0]),
        r#"shop/paid 99.9% rolling 30d bad r{code="500"} of all r {team="till", tier="1"}
NotPaid page-quick critical 1h/5m x14.4
NotPaid page-slow critical 6h/30m x6
NotPaid ticket-quick ticket 1d/2h x3
NotPaid ticket-slow ticket 3d/6h x1
critical: {area="money"}
ticket: {area="money"}
critical: {summary="pay"}
ticket: {summary="pay later"}"#
    );
}

#[test]
fn a_resource_says_the_same() {
    let resource = SPEC
        .replace("version: prometheus/v1\n", "")
        .replace("error_query", "errorQuery")
        .replace("total_query", "totalQuery")
        .replace("page_alert", "pageAlert")
        .replace("ticket_alert", "ticketAlert")
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect::<String>();
    let resource = format!(
        "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nmetadata:\n  name: x\n  uid: 1\nspec:\n{resource}"
    );
    let (spec, _) = import(&[("a.yaml", SPEC)], Strictness::Strict);
    let (resource, problems) = import(&[("b.yaml", &resource)], Strictness::Strict);
    assert_eq!(problems, "");
    let canonical = |slos: Vec<Slo>| slos.iter().map(Slo::canonical).collect::<Vec<_>>();
    assert_eq!(canonical(resource), canonical(spec));
}

#[test]
fn a_catalogue_states_the_windows() {
    let pair = |percent: &str, short: &str, long: &str| {
        format!("{{errorBudgetPercent: {percent}, shortWindow: {short}, longWindow: {long}}}")
    };
    let catalogue = format!(
        "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec:\n  sloPeriod: 7d\n  page:\n    quick: {}\n    \
         slow: {}\n  ticket:\n    quick: {}\n    slow: {}\n",
        pair("8", "5m", "1h"),
        pair("12.5", "30m", "6h"),
        pair("20", "2h", "1d"),
        pair("42", "6h", "3d"),
    );
    let (slos, problems) = import(&[("a.yaml", SPEC), ("windows.yaml", &catalogue)], Strictness::Strict);
    assert_eq!(problems, "");
    let shown = shown(&slos[0]);
    assert!(shown.contains("shop/paid 99.9% rolling 7d"), "{shown}");
    assert!(
        shown.contains("page-quick critical 1h/5m x13.44\nNotPaid page-slow critical 6h/30m x3.5"),
        "{shown}"
    );
}

#[test]
fn queries_that_are_no_counters_are_asked() {
    let spec = SPEC.replace(r#"sum(rate(r{code="500"}[{{ .window }}]))"#, "max(rate(r[{{ .window }}]))");
    let (slos, problems) = import(&[("a.yaml", &spec)], Strictness::Strict);
    assert_eq!(problems, "");
    assert_eq!(
        slos[0].indicator.text(),
        "sampled: bad max(rate(r[{{.window}}])) of all sum(rate(r[{{.window}}]))"
    );
}

#[test]
fn alerts_that_can_never_fire_are_left_out_with_the_reason() {
    let (slos, problems) = import(&[("a.yaml", &SPEC.replace("99.9", "90"))], Strictness::Strict);
    assert_eq!(problems, "");
    assert_eq!(slos[0].alerts.len(), 3);
    assert!(slos[0].notes[0].starts_with("alert page-quick is left out: its factor 14.4 is not below 10"));
}

#[test]
fn mistakes_are_pointed_at() {
    let refuse = |from: &str, to: &str, expected: &str| {
        assert!(SPEC.contains(from));
        let (slos, problems) = import(&[("a.yaml", &SPEC.replace(from, to))], Strictness::Strict);
        assert!(slos.is_empty(), "{to}");
        assert!(problems.contains(expected), "{to}\n{problems}");
    };
    refuse(
        "objective: 99.9",
        "objective: 100",
        "a.yaml:6:14: error: a goal of 100% leaves no budget to spend",
    );
    refuse("objective: 99.9", "objective: 99,9", "decimal comma");
    refuse("objective", "objektive", "unknown field \"objektive\"; did you mean objective?");
    refuse("{{ .window }}", "5m", "the query looks at no window");
    refuse("{{ .window }}", "{{ .windows }}", "only the window can be filled in here");
    refuse("sum(rate(r{", "sum(raet(r{", "did you mean \"rate\"?");
    refuse("    name: NotPaid\n", "", "the alerts have no name");
    refuse(
        "events:\n      error_query: sum(rate(r{code=\"500\"}[{{ .window }}]))\n      total_query: sum(rate(r[{{.window}}]))",
        "raw:\n      error_ratio_query: sum by (service) (rate(e[{{.window}}])) / sum by (service) (rate(r[{{.window}}]))",
        "label service is set by the objective itself and cannot split it",
    );
    refuse("service: shop", "service: 'the shop'", "cannot be the service");
    refuse("version: prometheus/v1", "version: prometheus/v2", "write prometheus/v1");
    refuse(
        "events:\n      error_query: sum(rate(r{code=\"500\"}[{{ .window }}]))\n      total_query: sum(rate(r[{{.window}}]))",
        "plugin:\n      id: sloth-common/http",
        "the SLI plugin \"sloth-common/http\" is Go code, which is not run here",
    );
}

#[test]
fn plugins_are_errors_or_named_in_a_warning() {
    let spec =
        format!("{SPEC}  plugins:\n    chain: [{{id: x.dev/own/v1}}, {{id: sloth.dev/core/noop/v1}}]\n");
    let (_, problems) = import(&[("a.yaml", &spec)], Strictness::Strict);
    assert_eq!(problems.matches("error:").count(), 1, "{problems}");
    let (slos, problems) = import(&[("a.yaml", &spec)], Strictness::Lenient);
    assert_eq!(slos.len(), 1);
    assert!(problems.contains("warning: the plugin \"x.dev/own/v1\" is Go code"), "{problems}");
}

#[test]
fn every_example_of_the_project_imports() {
    let Some(folder) = conformance("sloth") else { return };
    let windows = std::fs::read_to_string(folder.join("windows/7d.yaml")).unwrap();
    let mut count = 0;
    for name in [
        "getting-started",
        "k8s-getting-started",
        "kubernetes-apiserver",
        "multifile",
        "k8s-multifile",
        "no-alerts",
    ] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.yml"))).unwrap();
        for files in [vec![(name, text.as_str())], vec![(name, text.as_str()), ("windows", &windows)]] {
            let (slos, problems) = import(&files, Strictness::Strict);
            assert_eq!(problems, "");
            assert!(!slos.is_empty(), "{name}");
            for slo in slos {
                assert_eq!(slo.dialect, Dialect::Sloth);
                assert!(!matches!(slo.indicator.events, Events::Query(_)), "{} is counted", slo.id());
            }
            count += 1;
        }
    }
    // MetricsQL is another language: it can be handed on in rules, but not asked here.
    let text = std::fs::read_to_string(folder.join("victoria-metrics.yml")).unwrap();
    let (slos, problems) = import(&[("victoria-metrics", &text)], Strictness::Strict);
    assert!(slos.is_empty() && problems.contains("histogram_share"), "{problems}");
    ran("conformance/sloth-import", count + 1);
}
