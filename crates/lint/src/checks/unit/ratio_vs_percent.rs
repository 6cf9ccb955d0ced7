//! A share from 0 to 1 taken for a percentage, or the other way round.

use bellwether_diag::{Severity, Span, yaml};

use crate::checks::shape::{comparisons, is_below, is_part, metric_names, share};
use crate::setup::amounts::short_number;
use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "ratio-vs-percent",
    area: Area::Unit,
    severity: Severity::Warning,
    title: "a share from 0 to 1 taken for a percentage",
    why: "One count divided by another lies between 0 and 1 until it is multiplied by 100. Held against `5` it never \
          fires; printed with a `%` it shows 0.07 % where 7 % fail. `humanizePercentage` wants the share and multiplies \
          itself, so a percentage printed with it is a hundred times too large.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: sum(rate(requests_total{code=~\"5..\"}[5m])) / \
         sum(rate(requests_total[5m])) > 5\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: sum(rate(requests_total{code=~\"5..\"}[5m])) / \
         sum(rate(requests_total[5m])) > 0.05\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts() {
        let Some((query, expr)) = rule.query.as_ref().and_then(|query| Some((query, query.parsed.as_ref()?)))
        else {
            continue;
        };
        for found in comparisons(expr) {
            let Some(value) = share(found.value) else { continue };
            // Parts of one metric, or errors of requests; a load per core may well be above one.
            let (parts, all) = (metric_names(&value.division.left), metric_names(&value.division.right));
            let counts = |names: &[&str]| {
                !names.is_empty()
                    && names.iter().all(|name| name.ends_with("_total") || name.ends_with("_count"))
            };
            let is_part =
                is_part(value.division) || (parts != all && counts(&parts) && counts(&all) && fails(&parts));
            let place = query.span(&setup.sources, found.span.clone());
            match value.scale {
                1.0 if is_part && found.bound > 1.0 => {
                    report
                        .find(
                            place,
                            format!(
                                "a share lies between 0 and 1, so it never reaches {}",
                                short_number(found.bound)
                            ),
                        )
                        .help(format!(
                            "write {}, or multiply the share by 100",
                            short_number(found.bound / 100.0)
                        ));
                }
                100.0 if is_part && is_below(found.op) && found.bound > 0.5 && found.bound < 1.0 => {
                    report
                        .find(
                            place,
                            format!(
                                "this is a percentage, held against {} like a share",
                                short_number(found.bound)
                            ),
                        )
                        .help(format!("write {}", short_number(found.bound * 100.0)));
                }
                100.0 if is_part && !is_below(found.op) && found.bound > 0.0 && found.bound < 0.1 => {
                    report
                        .find(
                            place,
                            format!(
                                "this is a percentage, held against {} like a share",
                                short_number(found.bound)
                            ),
                        )
                        .help(format!("write {}, if a share is meant", short_number(found.bound * 100.0)));
                }
                _ => {}
            }
            // A share of anything that is held against a share, and anything that is times 100, are printed as what they are.
            if is_part
                || (value.scale == 1.0 && found.bound > 0.0 && found.bound < 1.0)
                || value.scale == 100.0
            {
                texts(setup, rule, value.scale, report);
            }
        }
    }
}

fn fails(names: &[&str]) -> bool {
    let words = ["error", "fail", "success", "drop", "reject", "timeout", "miss", "hit"];
    names.iter().any(|name| words.iter().any(|word| name.contains(word)))
}

/// How texts print the value.
fn texts(setup: &Setup, rule: &Rule, scale: f64, report: &mut Report) {
    for field in &rule.annotations {
        let text = field.text();
        for (at, _) in text.match_indices("$value") {
            let (Some(begins), Some(length)) = (text[..at].rfind("{{"), text[at..].find("}}")) else {
                continue;
            };
            let action = &text[begins..at + length + 2];
            let after = &text[at + length + 2..];
            let span: Span = yaml::span_within(&setup.sources, &field.value, begins..at + length + 2);
            let is_percent = after.trim_start().starts_with('%') || after.trim_start().starts_with("percent");
            let multiplies = action.contains("humanizePercentage") || action.contains("100");
            if scale == 1.0 && is_percent && !multiplies {
                report
                    .find(span, "the value is a share between 0 and 1, and this prints it as a percentage")
                    .help(
                        "write {{ $value | humanizePercentage }} without the %, or multiply the query by 100",
                    );
            } else if scale == 100.0 && action.contains("humanizePercentage") {
                report
                    .find(span, "the value is a percentage already, and humanizePercentage multiplies it by 100 once more")
                    .help("take the * 100 out of the query and out of its threshold, or print {{ $value }}%");
            }
        }
    }
}
