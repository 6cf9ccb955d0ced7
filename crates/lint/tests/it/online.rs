//! What a server knows, held against what queries ask for.

use std::collections::BTreeMap;

use bellwether_lint::{Catalogue, Setup, lint};

fn metrics() -> BTreeMap<String, Option<String>> {
    let known = [("http_requests_total", "counter"), ("pool_size", "gauge"), ("up", "")];
    known
        .iter()
        .map(|(name, kind)| (name.to_string(), Some(kind.to_string()).filter(|it| !it.is_empty())))
        .collect()
}

fn found(queries: &str, series: &[(&str, u64)]) -> Vec<String> {
    let setup = Setup::read([("q.promql", queries)]);
    let series = series.iter().map(|(selector, number)| (selector.to_string(), *number)).collect();
    let setup = setup.with_online(Catalogue { metrics: metrics(), series });
    let wanted = |id: &str| id == "never-matches" || id == "gauge-rate";
    let findings = lint(&setup).into_iter().filter(|finding| wanted(finding.problem.id));
    findings.map(|finding| format!("{} {}", finding.problem.severity, finding.problem.sentence())).collect()
}

#[test]
fn a_metric_the_server_does_not_have_is_found_with_the_nearest_one() {
    assert_eq!(
        found("rate(http_request_total[5m])", &[]),
        ["warning the server has no metric http_request_total; did you mean http_requests_total?"]
    );
    assert_eq!(found("rate(http_requests_total[5m])", &[]), [""; 0]);
    assert_eq!(found("ALERTS{alertstate=\"firing\"}", &[]), [""; 0]);
}

#[test]
fn conditions_that_no_series_meets_are_found_where_the_server_was_asked() {
    let asked = r#"{__name__="http_requests_total",code="500"}"#;
    let query = r#"rate(http_requests_total{code="500"}[5m] offset 1h)"#;
    assert_eq!(Setup::read([("q.promql", query)]).online_questions(&metrics()), [asked]);
    assert_eq!(found(query, &[(asked, 3)]), [""; 0]);
    assert_eq!(found(query, &[]), [""; 0]);
    assert_eq!(
        found(query, &[(asked, 0)]),
        [
            "note the server has http_requests_total, and no series of it with code=\"500\"; check the values, unless \
          such a series only appears when something fails"
        ]
    );
}

#[test]
fn a_type_that_the_server_knows_outweighs_a_name() {
    assert_eq!(found("rate(pool_size[5m])", &[]).len(), 1);
    assert!(found("rate(pool_size[5m])", &[])[0].contains("is a gauge, as the server knows it"));
}
