//! A table promises an alert that nobody defined.

use bellwether_diag::Severity;

use super::condition::constant;
use crate::{Area, Check, Report, Setup, Table};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "tier-without-rule",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "a document's table of burn rates has a tier without a rule",
    why: "People rely on what the document says. A tier of slow burn that only stands in the table is a tier that never \
          tells anybody.",
    wrong: &[("slo.md", WRONG)],
    right: &[("slo.md", RIGHT)],
    run,
};

const WRONG: &str = "| Alert | Burn rate | Severity |\n|---|---|---|\n| Fast | > 14.4x | critical |\n| Slow | > 1x | info \
                     |\n\n```yaml\n- alert: FastBurn\n  expr: burn_rate_1h > 14.4\n  for: 2m\n```\n";
const RIGHT: &str = "| Alert | Burn rate | Severity |\n|---|---|---|\n| Fast | > 14.4x | critical |\n| Slow | > 1x | info \
                     |\n\n```yaml\n- alert: FastBurn\n  expr: burn_rate_1h > 14.4\n  for: 2m\n- alert: SlowBurn\n  expr: \
                     burn_rate_3d > 1\n  for: 1h\n```\n";

fn run(setup: &Setup, report: &mut Report) {
    for (index, document) in setup.documents.iter().enumerate() {
        let numbers: Vec<f64> = setup
            .alerts()
            .filter(|rule| rule.section.is_some_and(|section| section.document == index))
            .filter_map(|rule| rule.query.as_ref()?.parsed.as_ref())
            .flat_map(numbers_in)
            .collect();
        if numbers.is_empty() {
            continue;
        }
        for table in document.tables.iter() {
            let (Some(factor), true) = (column(table, "burn"), column(table, "severity").is_some()) else {
                continue;
            };
            for row in &table.rows {
                let Some((text, span)) = row.get(factor) else { continue };
                let Some(wanted) = number_in(text) else { continue };
                if numbers.iter().any(|number| (number - wanted).abs() < 1e-9) {
                    continue;
                }
                let name = row.first().map_or("", |(name, _)| name);
                report
                    .find(
                        *span,
                        format!("no rule of this document alerts at a burn rate of {wanted} ({name})"),
                    )
                    .help("add the rule, or take the row out of the table");
            }
        }
    }
}

/// The numbers that a query compares or computes with, products of them too.
fn numbers_in(expr: &bellwether_promql::Expr) -> Vec<f64> {
    let mut found = Vec::new();
    expr.walk(&mut |node| found.extend(constant(node)));
    found
}

fn column(table: &Table, word: &str) -> Option<usize> {
    table.header.iter().position(|(text, _)| text.to_ascii_lowercase().contains(word))
}

/// The first number in a cell such as `> 14.4x`.
fn number_in(text: &str) -> Option<f64> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[start..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').parse().ok()
}
