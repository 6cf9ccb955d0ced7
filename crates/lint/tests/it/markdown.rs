//! Documents: what stands in which block, and where.

use bellwether_lint::{Setup, lint};

#[test]
fn rules_in_documents_have_the_places_of_the_document() {
    let text = "# Alerts\n\n```markdown\n## Latency\n- **SLI**: `sum(rate(a_total[5m])) / sum(rate(b_total[5m]))`\n```\n\n\
                ```yaml\n- alert: Slow\n  expr: histogram_quantile(0.9, sum(rate(x_bucket[5m]))) > 1\n```\n";
    let setup = Setup::read([("alerts.md", text)]);
    assert_eq!(setup.rules.len(), 1);
    assert_eq!(setup.queries.len(), 1);
    let findings = lint(&setup);
    let found = findings.iter().find(|finding| finding.problem.id == "missing-by-le").unwrap();
    let place = setup.sources.position(found.problem.span.unwrap());
    assert_eq!((place.line, place.column), (10, 33));
}
