//! Rules made of objectives: Sloth's own, equal in meaning to what Sloth writes, and ours.

#![allow(clippy::disallowed_methods)] // Tests read the examples beside the project.

use std::collections::BTreeMap;

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_promql::{Expr, ExprKind};
use bellwether_slo::generate::{GenerateOptions, Shape, generate, to_yaml};
use bellwether_slo::{Documents, Strictness};
use bellwether_testkit::cases::{conformance, ran};

fn made(files: &[(&str, &str)], options: &GenerateOptions) -> (String, String) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let mut documents = Documents::default();
    for (name, text) in files {
        let file = sources.add(*name, *text);
        documents.add_file(&sources, file, &mut out);
    }
    let rules = generate(&documents, &sources, options, &mut out);
    (to_yaml(&rules, "made by a test"), out.render(&sources, Style { color: false }))
}

/// A rule as it is compared.
#[derive(Debug)]
struct Rule {
    group: String,
    name: String,
    expr: String,
    texts: BTreeMap<String, String>,
}

/// Every rule of a file, and what its resources are called.
fn rules(text: &str) -> (Vec<Rule>, Vec<BTreeMap<String, String>>) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("rules.yaml", text);
    let documents = yaml::parse(&sources, file, &mut out);
    assert_eq!(out.render(&sources, Style { color: false }), "");
    let (mut rules, mut resources) = (Vec::new(), Vec::new());
    let text =
        |node: &Node, name: &str| node.get(name).and_then(Node::as_text).unwrap_or_default().to_owned();
    let texts = |node: Option<&Node>, prefix: &str| -> Vec<(String, String)> {
        let entries = node.and_then(Node::as_mapping).unwrap_or_default().iter();
        entries
            .map(|(key, value)| {
                (format!("{prefix}{}", key.as_text().unwrap()), value.as_text().unwrap().to_owned())
            })
            .collect()
    };
    for document in &documents {
        let spec = document.get("spec").unwrap_or(document);
        if let Some(metadata) = document.get("metadata") {
            let mut resource: BTreeMap<_, _> = texts(metadata.get("labels"), "label ").into_iter().collect();
            resource.insert("name".to_owned(), text(metadata, "name"));
            resource.insert("namespace".to_owned(), text(metadata, "namespace"));
            resource.insert("kind".to_owned(), text(document, "kind"));
            resources.push(resource);
        }
        for group in spec.get("groups").and_then(Node::as_sequence).unwrap() {
            for rule in group.get("rules").and_then(Node::as_sequence).unwrap() {
                let labels = texts(rule.get("labels"), "label ");
                rules.push(Rule {
                    group: text(group, "name"),
                    name: format!("{}{}", text(rule, "record"), text(rule, "alert")),
                    expr: text(rule, "expr"),
                    texts: labels.into_iter().chain(texts(rule.get("annotations"), "annotation ")).collect(),
                });
            }
        }
    }
    (rules, resources)
}

/// Whether two expressions have one tree, numbers within a thousand millionth.
fn is_same(a: &Expr, b: &Expr) -> bool {
    let (a, b) = (a.unwrapped(), b.unwrapped());
    match (&a.kind, &b.kind) {
        (ExprKind::Number { value: x, .. }, ExprKind::Number { value: y, .. }) => (x - y).abs() <= 1e-9,
        (ExprKind::Binary(x), ExprKind::Binary(y)) => {
            x.op == y.op
                && x.is_bool == y.is_bool
                && x.matching == y.matching
                && is_same(&x.left, &y.left)
                && is_same(&x.right, &y.right)
        }
        (ExprKind::Aggregate(x), ExprKind::Aggregate(y)) => {
            x.op == y.op && x.grouping == y.grouping && is_same(&x.inner, &y.inner)
        }
        (ExprKind::Call(x), ExprKind::Call(y)) => {
            x.function == y.function
                && x.arguments.len() == y.arguments.len()
                && x.arguments.iter().zip(&y.arguments).all(|(x, y)| is_same(x, y))
        }
        (_, _) => a.to_string() == b.to_string(),
    }
}

fn is_same_text(a: &str, b: &str) -> bool {
    match (bellwether_promql::parse(a), bellwether_promql::parse(b)) {
        (Ok(a), Ok(b)) => is_same(&a, &b),
        // MetricsQL is handed on as it is.
        (Err(_), Err(_)) => a.split_whitespace().eq(b.split_whitespace()),
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
    }
}

#[test]
fn sloths_rules_mean_what_sloths_own_mean() {
    let Some(folder) = conformance("sloth") else { return };
    let options = GenerateOptions {
        shape: Shape::Sloth,
        extra_labels: BTreeMap::from([("cmd".to_owned(), "examplesgen.sh".to_owned())]),
        ..GenerateOptions::default()
    };
    let mut compared = 0;
    let mut names: Vec<_> =
        std::fs::read_dir(folder.join("expected")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    for name in &names {
        let input = std::fs::read_to_string(folder.join(name)).unwrap();
        let expected = std::fs::read_to_string(folder.join("expected").join(name)).unwrap();
        let name = name.to_str().unwrap();
        let (text, problems) = made(&[(name, &input)], &options);
        assert_eq!(problems, "");
        let ((ours, our_resources), (theirs, their_resources)) = (rules(&text), rules(&expected));
        assert_eq!(our_resources, their_resources, "{name}");
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!((&ours.group, &ours.name), (&theirs.group, &theirs.name), "{name}");
            assert_eq!(ours.texts, theirs.texts, "{name} {}", ours.name);
            assert!(is_same_text(&ours.expr, &theirs.expr), "{name}\n{}\n{}", ours.expr, theirs.expr);
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared} rules");
    ran("conformance/sloth-rules", names.len() as u64);
}

const OURS: &str = "slos:\n- name: paid\n  service: shop\n  goal: 99.9%\n  window: 30d\n  indicator:\n    ratio:\n      \
                    good: ok\n      total: r{job=\"x\"}\n  alerts:\n  - name: fast\n    long: 1h\n    short: 5m\n    \
                    factor: 14.4\n    severity: page\n    labels: {team: till}\n";

fn exprs(text: &str) -> String {
    let lines = rules(text).0.into_iter().map(|rule| {
        assert!(bellwether_promql::parse(&rule.expr).is_ok(), "{}", rule.expr);
        format!("{}: {} = {}", rule.group, rule.name, rule.expr.replace('\n', " "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn counts_are_asked_of_raw_counters_in_every_window() {
    let (text, problems) = made(&[("slo.yaml", OURS)], &GenerateOptions::default());
    assert_eq!(problems, "");
    assert_eq!(
        exprs(&text),
        r#"slo shop/paid: slo:bad_events:increase5m = sum (increase(r{job="x"}[5m])) - (sum (increase(ok[5m])) or 0 * sum (increase(r{job="x"}[5m])))
slo shop/paid: slo:total_events:increase5m = sum (increase(r{job="x"}[5m]))
slo shop/paid: slo:burn_rate:ratio5m = slo:bad_events:increase5m{slo_id="shop/paid"} / (0.001 * slo:total_events:increase5m{slo_id="shop/paid"})
slo shop/paid: slo:bad_events:increase1h = sum (increase(r{job="x"}[1h])) - (sum (increase(ok[1h])) or 0 * sum (increase(r{job="x"}[1h])))
slo shop/paid: slo:total_events:increase1h = sum (increase(r{job="x"}[1h]))
slo shop/paid: slo:burn_rate:ratio1h = slo:bad_events:increase1h{slo_id="shop/paid"} / (0.001 * slo:total_events:increase1h{slo_id="shop/paid"})
slo shop/paid: PaidBurnRate = slo:burn_rate:ratio1h{slo_id="shop/paid"} > 14.4 and slo:burn_rate:ratio5m{slo_id="shop/paid"} > 14.4
slo shop/paid period: slo:goal:ratio = vector(0.999)
slo shop/paid period: slo:bad_events:increase30d = sum (increase(r{job="x"}[30d])) - (sum (increase(ok[30d])) or 0 * sum (increase(r{job="x"}[30d])))
slo shop/paid period: slo:total_events:increase30d = sum (increase(r{job="x"}[30d]))
slo shop/paid period: slo:burn_rate:ratio30d = slo:bad_events:increase30d{slo_id="shop/paid"} / (0.001 * slo:total_events:increase30d{slo_id="shop/paid"})
slo shop/paid period: slo:budget_left:ratio = 1 - slo:burn_rate:ratio30d{slo_id="shop/paid"}"#
    );
}

#[test]
fn a_split_objective_has_rules_of_each_stream_and_of_all() {
    let split = OURS.replace("  alerts:", "  group_by: [job]\n  alerts:");
    let (text, problems) = made(&[("slo.yaml", &split)], &GenerateOptions::default());
    assert_eq!(problems, "");
    let exprs = exprs(&text);
    let both = "total_events:increase5m = (sum (increase(r{job=\"x\"}[5m]))) or (sum by (job) (increase(r{job=\"x\"}[5m])))";
    assert!(exprs.contains(both), "{exprs}");
}

#[test]
fn several_counters_do_not_become_one_by_their_labels() {
    let several = OURS.replace("good: ok", "good: [ok, fine]");
    let (text, _) = made(&[("slo.yaml", &several)], &GenerateOptions::default());
    let exprs = exprs(&text);
    assert!(
        exprs.contains(
            "sum (label_replace(increase(fine[5m]), \"counter\", \"0\", \"\", \"\") or \
             label_replace(increase(ok[5m]), \"counter\", \"1\", \"\", \"\"))"
        ),
        "{exprs}"
    );
}

#[test]
fn a_bucket_is_found_however_its_bound_is_spelt() {
    let latency = |threshold: &str| {
        let text = OURS.replace(
            "ratio:\n      good: ok\n      total: r{job=\"x\"}",
            &format!("latency:\n      histogram: d\n      threshold: {threshold}"),
        );
        exprs(&made(&[("slo.yaml", &text)], &GenerateOptions::default()).0)
    };
    assert!(latency("0.5").contains("d_bucket{le=\"0.5\"}"));
    assert!(latency("1").contains(r#"d_bucket{le=~"1|1\\.0"}"#), "{}", latency("1"));
    assert!(latency("2500000").contains(r#"d_bucket{le=~"2500000|2500000\\.0|2\\.5e\\+06"}"#));
}

#[test]
fn what_rules_cannot_express_is_said_of_every_objective() {
    let check = |from: &str, to: &str, shape: Shape, expected: &str| {
        assert!(OURS.contains(from), "{from}");
        let text = OURS.replace(from, to);
        let options = |strictness| GenerateOptions { shape, strictness, ..GenerateOptions::default() };
        let (_, problems) = made(&[("slo.yaml", &text)], &options(Strictness::Strict));
        assert!(problems.contains("error: ") && problems.contains(expected), "{problems}");
        let (_, problems) = made(&[("slo.yaml", &text)], &options(Strictness::Lenient));
        assert!(problems.contains("warning: ") && !problems.contains("error: "), "{problems}");
    };
    for shape in [Shape::Exact, Shape::Sloth] {
        check("window: 30d", "window: {calendar: month}", shape, "shop/paid has a period of the calendar");
        check(
            "  alerts:",
            "  budgeting: {timeslices: {slice: 1m, target: 99%}}\n  alerts:",
            shape,
            "shop/paid judges slices of time",
        );
        check(
            "ratio:\n      good: ok\n      total: r{job=\"x\"}",
            "threshold:\n      query: sum(q)\n      below: 3",
            shape,
            "shop/paid is no share of counted events",
        );
    }
    check(
        "    labels:",
        "    annotations: {n: '{{ $budget_left }}'}\n    labels:",
        Shape::Exact,
        "annotation n",
    );
    check("    labels:", "    min_bad_events: 3\n    labels:", Shape::Sloth, "need a number of bad events");
}

#[test]
fn any_objective_can_have_sloths_rules() {
    let options = GenerateOptions { shape: Shape::Sloth, ..GenerateOptions::default() };
    let (text, problems) = made(&[("slo.yaml", OURS)], &options);
    assert_eq!(problems, "");
    let exprs = exprs(&text);
    assert!(
        exprs.contains(
            "slo:sli_error:ratio_rate5m = (sum (rate(r{job=\"x\"}[5m])) - (sum (rate(ok[5m])) or 0 * sum \
             (rate(r{job=\"x\"}[5m])))) / (sum (rate(r{job=\"x\"}[5m])))"
        ),
        "{exprs}"
    );
    assert!(
        exprs.contains("slo:sli_error:ratio_rate30d = sum_over_time(slo:sli_error:ratio_rate5m{"),
        "{exprs}"
    );
    assert!(exprs.contains("sloth-slo-alerts-shop-paid: PaidBurnRate = ("), "{exprs}");
}
