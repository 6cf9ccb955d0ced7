//! What is free, called used.

use bellwether_diag::{Severity, yaml};
use bellwether_promql::{BinaryOp, Expr, ExprKind};

use crate::checks::shape::{comparisons, is_below, metric_names, share};
use crate::setup::burn::constant;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "inverted-text",
    area: Area::Unit,
    severity: Severity::Warning,
    title: "a share of what is free that a text calls used, or the other way round",
    why: "An alert on little free space shows the free share. A text that prints it as usage tells whoever is woken that a \
          full disk is at 4 %. Print `100 - $value`'s meaning by asking for the used share, or say that it is what is left.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Disk\n    expr: node_filesystem_avail_bytes / \
         node_filesystem_size_bytes * 100 < 10\n    annotations:\n      description: \"Disk usage is {{ $value }}%\"\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Disk\n    expr: node_filesystem_avail_bytes / \
         node_filesystem_size_bytes * 100 < 10\n    annotations:\n      description: \"Only {{ $value }}% of the disk are free\"\n",
    )],
    run,
};

const FREE: &[&str] = &["avail", "free", "idle", "remaining", "unused"];
const SAYS_USED: &[&str] =
    &["usage is", "used is", "utilization is", "utilisation is", "usage at", "usage:", "usage of"];
const SAYS_FREE: &[&str] =
    &["free is", "available is", "free:", "available:", "left:", "remaining:", "free space is"];

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts() {
        let Some(expr) = rule.query.as_ref().and_then(|query| query.parsed.as_ref()) else { continue };
        let all = comparisons(expr);
        let Some(is_free) = all.first().and_then(|found| shows_free(found.value, is_below(found.op))) else {
            continue;
        };
        for field in &rule.annotations {
            let (text, lower) = (field.text(), field.text().to_ascii_lowercase());
            let Some(value) = text.find("$value").and_then(|at| text[..at].rfind("{{")) else { continue };
            let before = lower[..value].trim_end();
            let words = if is_free { SAYS_USED } else { SAYS_FREE };
            let end = value + text[value..].find("}}").map_or(0, |end| end + 2);
            let part = match words.iter().find(|words| before.ends_with(*words)) {
                Some(words) => before.len() - words.len()..end,
                None if says_after(&lower[end..], is_free) => value..end,
                None => continue,
            };
            let span = yaml::span_within(&setup.sources, &field.value, part);
            let (is, said) = if is_free { ("free", "used") } else { ("used", "free") };
            report.find(span, format!("the value is what is {is}, and this calls it {said}")).help(
                match is_free {
                    true => {
                        "say that it is what is left, or ask for 100 minus it and turn the comparison round"
                    }
                    false => "say that it is what is used",
                },
            );
        }
    }
}

/// Whether the words right after a value say the opposite of what it is, and not what it is.
fn says_after(after: &str, is_free: bool) -> bool {
    let sentence = after.split(['.', ',', ';', '\n', '(']).next().unwrap_or_default();
    let words: Vec<&str> =
        sentence.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(6).collect();
    let (used, free) = (
        ["used", "usage", "full", "utilized", "occupied"],
        ["free", "left", "available", "remaining", "idle"],
    );
    let says = |list: &[&str]| words.iter().any(|word| list.contains(word));
    if is_free { says(&used) && !says(&free) } else { says(&free) && !says(&used) }
}

/// Whether the value is a share of something free (or what one less such a share is: used).
fn shows_free(value: &Expr, is_below: bool) -> Option<bool> {
    if let Some(found) = share(value) {
        let names = metric_names(&found.division.left).join(" ").to_ascii_lowercase();
        let is_free = FREE.iter().any(|word| names.contains(word));
        let is_difference = matches!(&found.division.left.unwrapped().kind, ExprKind::Binary(binary)
            if binary.op == BinaryOp::Subtract);
        return match (is_free && !is_difference, found.is_rest) {
            (true, false) => is_below.then_some(true),
            (true, true) => (!is_below).then_some(false),
            (false, _) => None,
        };
    }
    // `100 - avg(rate(cpu{mode="idle"})) * 100`
    let ExprKind::Binary(binary) = &value.unwrapped().kind else { return None };
    let selects_idle = bellwether_promql::selectors(&binary.right)
        .iter()
        .any(|selector| selector.matchers.iter().any(|matcher| matcher.value == "idle"));
    let is_rest = binary.op == BinaryOp::Subtract && matches!(constant(&binary.left), Some(1.0 | 100.0));
    (is_rest && selects_idle && !is_below).then_some(false)
}
