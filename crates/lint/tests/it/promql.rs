//! Queries: what is found in them, and what looks like it and is not.

use bellwether_lint::{Setup, lint};

/// Ids that are found in a query of an alert, those of one area's checks only.
fn found(expr: &str) -> Vec<String> {
    let text = format!(
        "groups:\n- name: g\n  rules:\n  - record: job:errors:rate5m\n    expr: sum by (job) (rate(errors_total[5m]))\n  \
         - alert: A\n    expr: '{expr}'\n"
    );
    let setup = Setup::read([("rules.yml", text.as_str())]);
    let ids = [
        "beyond-retention",
        "counter-raw",
        "filter-comparison",
        "gauge-rate",
        "irate-in-alert",
        "missing-by-le",
        "never-matches",
        "range-too-short",
        "regex-redundant",
        "self-ratio",
    ];
    let found = lint(&setup).into_iter().map(|finding| finding.problem.id).filter(|id| ids.contains(id));
    found.map(str::to_owned).collect()
}

fn check(expr: &str, expected: &[&str]) {
    assert_eq!(found(expr), expected, "{expr}");
}

#[test]
fn what_is_found_in_an_alert() {
    let cases: &[(&str, &[&str])] = &[
        ("rate(a_total{code=\"500\"}[5m]) / rate(a_total[5m]) > 0.1", &["self-ratio"]),
        ("rate(a_total{code=\"500\"}[5m]) / sum(rate(a_total[5m])) > 0.1", &["self-ratio"]),
        ("rate(a_total{code=\"500\"}[5m]) / ignoring(code) rate(b_total[5m]) > 0.1", &[]),
        ("rate(hits_total[5m]) / rate(lookups_total[5m]) < 0.1", &[]),
        ("errors_total > 5", &["counter-raw"]),
        ("sum(errors_total{a=\"b\"}) / sum(requests_total) > 0.1", &["counter-raw"]),
        ("histogram_quantile(0.9, sum by (le) (x_bucket)) > 1", &["counter-raw"]),
        ("node_memory_total > 5", &[]),
        ("errors_total > 0", &["counter-raw"]),
        ("inodes_total > 0", &[]),
        ("rate(up[5m]) > 0", &["gauge-rate"]),
        ("rate(x_bucket{le=\"0.150\"}[5m]) > 1", &["never-matches"]),
        ("rate(x_bucket{le=\"1.0\"}[5m]) > 1", &[]),
        ("increase(errors_total[5m]) > 5", &[]),
        ("rate(http_requests_in_flight[5m]) > 5", &["gauge-rate"]),
        ("deriv(http_requests_in_flight[5m]) > 5", &[]),
        ("rate(errors_total[20s]) > 1", &["range-too-short"]),
        ("rate(errors_total[1m]) > 1", &[]),
        ("max_over_time(queue_size[10s]) > 1", &[]),
        ("rate(errors_total[30d]) > 1", &["beyond-retention"]),
        ("sum_over_time(job:errors:rate5m[30d]) > 1", &[]),
        ("rate(errors_total{job=~\"api\"}[5m]) > 1", &["regex-redundant"]),
        ("rate(errors_total{job=~\"api|web\"}[5m]) > 1", &[]),
        ("rate(errors_total{code=~\"^5..$\"}[5m]) > 1", &["regex-redundant"]),
        ("histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m]))) > 1", &["missing-by-le"]),
        ("histogram_quantile(0.9, rate(x_bucket[5m])) > 1", &["missing-by-le"]),
        ("histogram_quantile(0.9, sum(rate(x_seconds[5m]))) > 1", &[]),
        ("job:erors:rate5m > 1", &["never-matches"]),
        ("job:errors:rate1h > 1", &[]),
        ("up{job=\"a\", job=\"b\"} == 0", &["never-matches"]),
        ("rate(a_total{code=\"500\",code=~\"4..\"}[5m]) > 1", &["never-matches"]),
        ("sum by (job) (rate(a_total[5m])) / sum by (pod) (rate(b_total[5m])) > 1", &["never-matches"]),
        ("sum by (job) (rate(a_total[5m])) / on (job) sum by (job, pod) (rate(b_total[5m])) > 1", &[]),
        ("node_cpu_usage > 0.9", &["never-matches"]),
        ("node_load5 > 9", &[]),
    ];
    cases.iter().for_each(|(expr, expected)| check(expr, expected));
    bellwether_testkit::cases::ran("lint/promql", cases.len() as u64);
}

#[test]
fn a_quantile_of_every_series_is_meant_where_the_text_names_one() {
    let text = "- alert: Slow\n  expr: histogram_quantile(0.9, rate(x_bucket[5m])) > 1\n  annotations:\n    summary: \
                '{{ $labels.pod }} is slow'\n";
    let setup = Setup::read([("rules.yml", text)]);
    assert!(lint(&setup).iter().all(|finding| finding.problem.id != "missing-by-le"));
}

#[test]
fn an_assignment_in_a_block_of_queries_is_none() {
    let text = "```promql\nerror_ratio =\n  sum(rate(e_total[5m])) / sum(rate(t_total[5m]))\n```\n";
    let setup = Setup::read([("a.md", text)]);
    let found: Vec<_> = lint(&setup).into_iter().map(|finding| finding.problem).collect();
    let problem = found.iter().find(|problem| problem.id == "promql").unwrap();
    assert_eq!(setup.sources.position(problem.span.unwrap()).line, 2);
}

#[test]
fn a_name_that_is_a_letter_away_from_one_that_is_asked_for_often() {
    let rules = |name: &str| {
        format!(
            "- {{alert: A, expr: 'rate(http_requests_total[5m]) > 1'}}\n- {{alert: B, expr: 'rate(http_requests_total[5m]) > 2'}}\n\
             - {{alert: C, expr: 'rate({name}[5m]) > 3'}}\n"
        )
    };
    for (name, is_found) in [
        ("http_request_total", true),
        ("http_requests_totla", true),
        ("http_responses_total", false),
        ("http_requests_total", false),
    ] {
        let text = rules(name);
        let setup = Setup::read([("rules.yml", text.as_str())]);
        let found = lint(&setup).iter().any(|finding| finding.problem.id == "never-matches");
        assert_eq!(found, is_found, "{name}");
    }
}
