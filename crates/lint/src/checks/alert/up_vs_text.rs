//! A scrape is no health check.

use bellwether_diag::Severity;

use super::condition::{comparisons, metrics};
use super::told::{behind_words, texts};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "up-vs-text",
    area: Area::Alert,
    severity: Severity::Note,
    title: "a text speaks of health checks, and the query asks whether metrics could be scraped",
    why: "`up` is 1 when Prometheus could read `/metrics`. A service whose health check fails, that answers every request \
          with an error or is unreachable for its users, is usually `up`. Probe the health endpoint (`probe_success`), or \
          say in the text what is really known.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations: {summary: the service \
         fails its health check}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: probe_success == 0\n    for: 5m\n    annotations: {summary: \
         the service fails its health check}\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts() {
        let Some(expr) = rule.query.as_ref().and_then(|query| query.parsed.as_ref()) else { continue };
        let asks_up =
            metrics(expr).iter().all(|name| *name == "up") && comparisons(expr).iter().any(|it| it.is_zero());
        if !asks_up {
            continue;
        }
        const WORDS: [&str; 3] = ["health check", "healthcheck", "health endpoint"];
        let told = texts(setup, rule);
        // Said twice is one mistake.
        let first = told.iter().find_map(|told| Some((told, behind_words(told.text, &WORDS).next()?)));
        if let Some((told, (end, word))) = first {
            report
                .find(
                    told.span(setup, end - word.len()..end),
                    "up tells whether metrics could be scraped, and nothing of a health check",
                )
                .help("probe the health endpoint and ask probe_success, or say that there are no metrics");
        }
    }
}
