//! Objectives written in OpenSLO mean here what they mean there, whatever stands in documents of its own.
#![allow(clippy::disallowed_methods, reason = "one test looks for files beside the project")]

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_slo::{Slo, Strictness, read};
use bellwether_testkit::cases::{conformance, ran};

fn read_as(text: &str, strictness: Strictness) -> (Vec<Slo>, Vec<String>) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("slo.yaml", text);
    let slos = read(&sources, &[file], strictness, &mut out);
    let text = out.render(&sources, Style { color: false });
    (slos, text.lines().filter(|line| line.starts_with("slo.yaml:")).map(str::to_owned).collect())
}

fn shown(slo: &Slo) -> String {
    let goal = slo.goal.map(|goal| goal.to_string()).unwrap_or_default();
    let alerts: Vec<String> = slo
        .alerts
        .iter()
        .map(|a| format!("{} {} {}x{}", a.name, a.severity, a.long, a.factor.as_f64()))
        .collect();
    let by = if slo.indicator.group_by.is_empty() {
        String::new()
    } else {
        format!(" by {}", slo.indicator.group_by.join(", "))
    };
    format!("{} {goal} {}: {}{by} [{}]", slo.id(), slo.period.text(), slo.indicator.text(), alerts.join(", "))
}

const RATIO: &str = "\
apiVersion: openslo/v1
kind: SLO
metadata: {name: api}
spec:
  service: shop
  indicator:
    metadata: {name: ok}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'sum(ok_total{job=\"x\"})'}}}
        total: {metricSource: {type: Prometheus, spec: {query: sum(all_total)}}}
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
";

fn check(cases: &[(&str, &str, &[&str])]) {
    for (from, to, expected) in cases {
        assert!(RATIO.contains(from), "{from}");
        let (slos, problems) = read_as(&RATIO.replace(from, to), Strictness::Strict);
        assert_eq!(problems, Vec::<String>::new(), "{to}");
        assert_eq!(slos.iter().map(shown).collect::<Vec<_>>(), *expected, "{to}");
    }
    ran("openslo", cases.len() as u64);
}

#[test]
fn counters_are_found_in_the_queries_of_a_ratio() {
    let exact = "shop/api 99% rolling 28d: good ok_total{job=\"x\"} of all all_total []";
    check(&[
        ("api", "api", &[exact]),
        ("sum(all_total)", "'sum(increase(all_total[{{.window}}]))'", &[exact]),
        ("counter: true", "counter: true # as it is", &[exact]),
        (
            "        total: {metricSource: {type: Prometheus, spec: {query: sum(all_total)}}}\n",
            "        total: {metricSource: {type: thanos, spec: {query: all_total, queryType: PromQL}}}\n",
            &[
                "shop/api 99% rolling 28d: sampled: good sum(increase(ok_total{job=\"x\"}[{{.window}}])) of all \
               increase(all_total[{{.window}}]) []",
            ],
        ),
        (
            "        counter: true\n",
            "",
            &["shop/api 99% rolling 28d: sampled: good sum(ok_total{job=\"x\"}) of all sum(all_total) []"],
        ),
    ]);
}

#[test]
fn windows_of_one_length_stand_for_any_window() {
    let windows = RATIO
        .replace("sum(ok_total{job=\"x\"})", "sum(rate(ok_total{job=\"x\"}[5m]))")
        .replace("sum(all_total)", "'sum(rate(all_total[5m]))'");
    let (slos, problems) = read_as(&windows, Strictness::Strict);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(slos[0].indicator.text(), "good ok_total{job=\"x\"} of all all_total");
    let (slos, _) = read_as(&windows.replace("all_total[5m]", "all_total[1h]"), Strictness::Strict);
    assert_eq!(
        slos[0].indicator.text(),
        "sampled: good sum(rate(ok_total{job=\"x\"}[5m])) of all sum(rate(all_total[1h]))"
    );
}

#[test]
fn everything_that_a_window_can_be() {
    let window = "[{duration: 4w, isRolling: true}]";
    let calendar = |duration: &str| {
        format!(
            "[{{duration: {duration}, calendar: {{startTime: 2022-01-01 12:00:00, timeZone: Europe/Berlin}}}}]"
        )
    };
    let is = |period: &str| {
        let text = format!("shop/api 99% {period}: good ok_total{{job=\"x\"}} of all all_total []");
        Box::leak(Box::new([&*text.leak()])) as &[&str]
    };
    let cases = [
        ("[{duration: 90m, isRolling: true}]".to_owned(), "rolling 1h30m"),
        ("[{duration: 1M, isRolling: true}]".to_owned(), "rolling 30d"),
        ("[{duration: 1Q, isRolling: true}]".to_owned(), "rolling 90d"),
        ("[{duration: 1Y, isRolling: true}]".to_owned(), "rolling 365d"),
        (calendar("1w"), "calendar week from 2022-01-01T12:00 in Europe/Berlin"),
        (calendar("2M"), "every 2 months from 2022-01-01T12:00 in Europe/Berlin"),
        (calendar("1Q"), "calendar quarter from 2022-01-01T12:00 in Europe/Berlin"),
    ];
    for (to, expected) in cases {
        check(&[(window, &to, is(expected))]);
    }
}

#[test]
fn slices_are_judged_as_stated() {
    let method = "  budgetingMethod: Occurrences\n  objectives: [{target: 0.99}]\n";
    let counted = "good ok_total{job=\"x\"} of all all_total []";
    let cases = [
        (
            "  budgetingMethod: Timeslices\n  objectives: [{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 5m}]\n",
            format!("shop/api 99% rolling 28d: slices of 5m in which at least 95% are good: {counted}"),
        ),
        (
            "  budgetingMethod: Timeslices\n  objectives: [{targetPercent: 99.5, timeSliceTarget: 1, timeSliceWindow: 5}]\n",
            format!(
                "shop/api 99.5% rolling 28d: slices of 5m in which at least 99.9999999% are good: {counted}"
            ),
        ),
        (
            "  budgetingMethod: RatioTimeslices\n  objectives: [{target: 0.99, timeSliceWindow: 1m}]\n",
            format!("shop/api 99% rolling 28d: mean over slices of 1m: {counted}"),
        ),
    ];
    for (to, expected) in &cases {
        check(&[(method, to, &[expected])]);
    }
}

#[test]
fn every_objective_becomes_one_of_ours() {
    check(&[(
        "[{target: 0.99}]",
        "[{displayName: Internal goal, target: 0.995}, {target: 0.99}]",
        &[
            "shop/api-internal-goal 99.5% rolling 28d: good ok_total{job=\"x\"} of all all_total []",
            "shop/api-2 99% rolling 28d: good ok_total{job=\"x\"} of all all_total []",
        ],
    )]);
}

#[test]
fn a_value_is_judged_once_a_minute() {
    let ratio = RATIO.split_once("      ratioMetric").unwrap().1.split_once("  timeWindow").unwrap().0;
    let threshold = RATIO
        .replace(ratio, "")
        .replace(
            "      ratioMetric",
            "      thresholdMetric: {metricSource: {type: Prometheus, spec: {query: max(lag_seconds)}}}\n",
        )
        .replace("{target: 0.99}", "{op: lte, value: 30, target: 0.99}");
    let (slos, problems) = read_as(&threshold, Strictness::Strict);
    assert_eq!(problems, Vec::<String>::new());
    let text = shown(&slos[0]);
    assert_eq!(text, "shop/api 99% rolling 28d: slices of 1m in which max(lag_seconds) <= 30 []");
}

const PARTS: &str = "\
- apiVersion: openslo/v1
  kind: DataSource
  metadata: {name: prom}
  spec: {type: Prometheus, connectionDetails: {url: 'http://prom:9090'}}
- apiVersion: openslo/v1
  kind: SLI
  metadata: {name: search-ok}
  spec:
    description: Searches that find something
    ratioMetric:
      counter: true
      bad: {metricSource: {metricSourceRef: prom, spec: {query: sum by (region) (bad_total)}}}
      total: {metricSource: {metricSourceRef: prom, spec: {query: sum by (region) (all_total)}}}
- apiVersion: openslo/v1
  kind: AlertCondition
  metadata: {name: fast}
  spec: {severity: page, condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h}}
- apiVersion: openslo/v1
  kind: AlertPolicy
  metadata: {name: usual}
  spec:
    alertWhenBreaching: true
    conditions: [{conditionRef: fast}]
    notificationTargets: [{targetRef: on-call}]
- apiVersion: openslo/v1
  kind: SLO
  metadata:
    name: search
    displayName: Search
    labels: {team: [a, b], app.kubernetes.io/name: search}
    annotations: {dashboard: 'http://d', bellwether/owner: web, bellwether/criticality: high}
  spec:
    service: shop
    indicatorRef: search-ok
    timeWindow: [{duration: 30d, isRolling: true}]
    budgetingMethod: Occurrences
    objectives: [{target: 0.999}]
    alertPolicies: [{alertPolicyRef: usual}]
";

#[test]
fn what_stands_elsewhere_is_found_in_any_file() {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let (parts, slo) = PARTS.split_at(PARTS.rfind("- apiVersion").unwrap());
    let files = [sources.add("slo.yaml", slo), sources.add("parts.yaml", parts)];
    let slos = read(&sources, &files, Strictness::Strict, &mut out);
    assert!(!out.has_errors(), "{}", out.render(&sources, Style { color: false }));
    assert_eq!(
        slos.iter().map(shown).collect::<Vec<_>>(),
        ["shop/search 99.9% rolling 30d: bad bad_total of all all_total by region [fast page 1hx14.4]"]
    );
    let slo = &slos[0];
    assert_eq!(
        (slo.display_name.as_str(), slo.description.as_str()),
        ("Search", "Searches that find something")
    );
    assert_eq!(slo.about.owner, "web");
    assert_eq!(
        slo.labels.iter().collect::<Vec<_>>(),
        [("app_kubernetes_io_name", "search"), ("team", "a,b")]
    );
    assert_eq!(slo.annotations.iter().collect::<Vec<_>>(), [("dashboard", "http://d")]);
    assert_eq!(slo.alerts[0].labels.get("notification_target"), Some("on-call"));
    let warnings: Vec<&str> = out.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(warnings, ["how to connect to a source is not read from here"]);
}

#[test]
fn a_journey_is_the_mean_of_its_parts() {
    let journey = RATIO
        .replace("  indicator:\n", "  unused:\n")
        .split_once("  unused:")
        .map(|(head, _)| head.to_owned())
        .unwrap()
        + "  timeWindow: [{duration: 4w, isRolling: true}]\n  budgetingMethod: Occurrences\n  objectives:\n"
        + "    - {displayName: Login, target: 0.99, indicatorRef: search-ok}\n"
        + "    - {displayName: Buy, target: 0.9, compositeWeight: 3, indicatorRef: search-ok}\n";
    let rest = PARTS.split_at(PARTS.rfind("- apiVersion").unwrap()).0;
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let files = [sources.add("slo.yaml", journey), sources.add("parts.yaml", rest)];
    let slos = read(&sources, &files, Strictness::Strict, &mut out);
    assert!(!out.has_errors(), "{}", out.render(&sources, Style { color: false }));
    let counted = "rolling 28d: bad bad_total of all all_total by region []";
    assert_eq!(
        slos.iter().map(shown).collect::<Vec<_>>(),
        [
            format!("shop/api-login 99% {counted}"),
            format!("shop/api-buy 90% {counted}"),
            // (0.99 + 3 x 0.9) / 4
            "shop/api 92.25% rolling 28d: weighted of shop/api-login, 3 x shop/api-buy []".to_owned(),
        ]
    );
}

#[test]
fn both_alphas_are_read() {
    let alpha = "\
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: api}
spec:
  service: shop
  timeWindows: [{unit: Week, count: 1, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - ratioMetrics:
        incremental: true
        good: {source: prometheus, queryType: promql, query: sum(ok_total)}
        total: {source: prometheus, queryType: promql, query: sum(all_total)}
      value: 1
      target: 0.95
";
    let v2 = "\
apiVersion: openslo.com/v2alpha
kind: SLO
metadata: {name: api}
spec:
  serviceRef: shop
  sli:
    metadata: {name: ok}
    spec:
      ratioMetric:
        counter: true
        good: {dataSourceSpec: {type: Prometheus}, spec: {query: sum(ok_total)}}
        total: {spec: {query: sum(all_total)}}
  timeWindow: [{duration: 1w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{targetPercent: 95}]
";
    for text in [alpha, v2] {
        let (slos, problems) = read_as(text, Strictness::Strict);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(shown(&slos[0]), "shop/api 95% rolling 7d: good ok_total of all all_total []");
    }
}

#[test]
fn mistakes_are_said_where_they_stand() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "target: 0.99",
            "target: 99.9",
            &["slo.yaml:15:25: error: goal 99.9 has no unit; write target: 0.999, or targetPercent: 99.9"],
        ),
        (
            "target: 0.99",
            "targetPercent: 100",
            &[
                "slo.yaml:15:32: error: a goal of 100% leaves no budget to spend; write target: 0.999, or targetPercent: 99.9",
            ],
        ),
        (
            "4w",
            "4x",
            &[
                "slo.yaml:13:27: error: \"4x\" is not a duration; write a number and one of m (minutes), h, d, w, M (months), Q, Y, such as 4w",
            ],
        ),
        (
            "sum(all_total)",
            "sum(all_total",
            &[
                "slo.yaml:12:77: error: unexpected end of input inside parentheses: unclosed left parenthesis; close it with \")\"",
            ],
        ),
        (
            "good: {metricSource: {type: Prometheus",
            "good: {metricSource: {type: Datadog",
            &[
                "slo.yaml:11:37: error: \"Datadog\" is no source that answers PromQL; write type: Prometheus and the query in PromQL",
            ],
        ),
        (
            "  service: shop",
            "  servise: shop",
            &[
                "slo.yaml:5:3: error: service is missing",
                "slo.yaml:5:3: error: unknown field \"servise\"; did you mean service?",
            ],
        ),
    ];
    for (from, to, expected) in cases {
        let (slos, problems) = read_as(&RATIO.replace(from, to), Strictness::Lenient);
        assert_eq!(problems, *expected, "{to}");
        assert_eq!(slos, [], "{to}");
    }
}

#[test]
fn what_cannot_be_carried_over_is_an_error_or_is_listed() {
    let late = PARTS.replace("lookbackWindow: 1h", "lookbackWindow: 1h, alertAfter: 5m");
    let warned =
        |problems: &[String], severity: &str| problems.iter().filter(|p| p.contains(severity)).count();
    let (slos, problems) = read_as(&late, Strictness::Strict);
    assert_eq!((slos.len(), warned(&problems, ": error: a burn rate is acted on when it is seen")), (1, 1));
    let (slos, problems) = read_as(&late, Strictness::Lenient);
    assert_eq!((slos.len(), warned(&problems, ": warning: a burn rate is acted on when it is seen")), (1, 1));
    let unknown = RATIO.replace("  objectives:", "  alertPolicies: [{alertPolicyRef: usual}]\n  objectives:");
    for (strictness, severity) in [(Strictness::Strict, "error"), (Strictness::Lenient, "warning")] {
        let (slos, problems) = read_as(&unknown, strictness);
        let expected = format!(
            "slo.yaml:15:36: {severity}: no AlertPolicy is named \"usual\"; write one, or give the file it stands in together with this one"
        );
        assert_eq!((slos.len(), problems), (1, vec![expected]));
    }
}

#[test]
fn the_examples_of_the_specification_are_read() {
    let Some(folder) = conformance("openslo/examples") else { return };
    let expected = [
        (
            "budgeting-method/occurences-slo.yaml",
            "web-shop/search-slo 99% rolling 14d: slices of 1m in which Any < 500 []",
        ),
        (
            "budgeting-method/ratio-timeslices.yaml",
            "web-shop/main-page 99% rolling 14d: mean over slices of 1m: sampled: good Any of all Any []",
        ),
        (
            "budgeting-method/timeslices-slo.yaml",
            "web-availability/service-availability-internal-objective 99.5% calendar month from 2022-01-01T12:00 in \
             America/New_York: slices of 1m in which at least 99% are good: sampled: good Any of all Any []",
        ),
        (
            "treat-low-traffic-as-equally-important/timeslices-slo.yaml",
            "web-availability/service-availability 99.95% calendar week from 2022-01-01T12:00 in America/New_York: \
             slices of 1m in which at least 95% are good: sampled: good Any of all Any []",
        ),
    ];
    for (name, first) in expected {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let (slos, problems) = read_as(&text, Strictness::Strict);
        assert_eq!(shown(&slos[0]), first, "{name}");
        assert!(problems.iter().all(|problem| !problem.contains(": error:")), "{name}: {problems:?}");
        assert!(
            problems.iter().any(|problem| problem.contains("still to be written")),
            "{name}: {problems:?}"
        );
    }
    ran("conformance/openslo", expected.len() as u64);
    let Some(folder) = conformance("sloth") else { return };
    let text = std::fs::read_to_string(folder.join("openslo-getting-started.yml")).unwrap();
    let (slos, problems) = read_as(&text, Strictness::Strict);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(
        shown(&slos[0]),
        "my-service/sloth-slo-my-service 99.9% rolling 30d: good http_request_duration_seconds_count{code!~\"(5..|429)\", \
         job=\"myservice\"} of all http_request_duration_seconds_count{job=\"myservice\"} []"
    );
}

#[test]
fn what_nobody_refers_to_is_no_reason_to_refuse_the_rest() {
    let elsewhere = "---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: dd}\nspec: {type: Datadog, connectionDetails: {}}\n";
    let (slos, problems) = read_as(&format!("{RATIO}{elsewhere}"), Strictness::Strict);
    assert_eq!(slos.len(), 1);
    assert_eq!(
        problems,
        [
            "slo.yaml:20:14: warning: \"Datadog\" is no source that answers PromQL; write type: Prometheus and the query in PromQL",
            "slo.yaml:20:23: warning: how to connect to a source is not read from here; write source: in bellwether.yml, unless \
             metrics are scraped",
        ]
    );
    let referring = RATIO.replacen("type: Prometheus", "metricSourceRef: dd", 1);
    let (slos, problems) = read_as(&format!("{referring}{elsewhere}"), Strictness::Lenient);
    assert_eq!(
        (slos.len(), problems[0].contains(": error: \"Datadog\" is no source")),
        (0, true),
        "{problems:?}"
    );
    let (slos, problems) = read_as(&referring, Strictness::Strict);
    assert_eq!((slos.len(), problems.len()), (1, 1), "{problems:?}");
    assert!(
        problems[0].contains(": warning: no DataSource is named \"dd\"; it is taken for Prometheus"),
        "{problems:?}"
    );
}

#[test]
fn a_journey_of_one_part_is_not_called_as_its_part() {
    let journey = PARTS
        .replace("    indicatorRef: search-ok\n", "")
        .replace("{target: 0.999}", "{target: 0.999, indicatorRef: search-ok}");
    let (slos, _) = read_as(&journey, Strictness::Lenient);
    let ids: Vec<_> = slos.iter().map(|slo| (slo.id(), slo.alerts.len())).collect();
    assert_eq!(ids, [("shop/search-1".to_owned(), 0), ("shop/search".to_owned(), 1)]);
}
