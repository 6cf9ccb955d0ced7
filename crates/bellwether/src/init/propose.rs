//! Objectives that suit what a service exposes. A proposal is made only where the meaning is in the names that people
//! commonly use; a wrong one would be believed.
//!
//! The goal is the highest of the usual ones that the counts so far keep with room to spare: they say nothing of outages
//! that have not happened yet, and the file says so.

use std::collections::{BTreeMap, BTreeSet};

use super::Seen;
use super::seen::Series;

/// Goals to choose from, high to low, as shares and as written.
const GOALS: [(f64, &str); 9] = [
    (0.9995, "99.95%"),
    (0.999, "99.9%"),
    (0.995, "99.5%"),
    (0.99, "99%"),
    (0.98, "98%"),
    (0.95, "95%"),
    (0.9, "90%"),
    (0.8, "80%"),
    (0.5, "50%"),
];
/// The goal where nothing has been counted yet.
const GOAL_UNKNOWN: &str = "99.9%";
/// A goal is proposed if its budget would not have been spent by more than this share.
const BUDGET_USED_MAX: f64 = 0.5;
/// The most proposals: more objectives than these help nobody at first.
const PROPOSALS_MAX: usize = 6;

/// Labels that hold how a request ended, and what of their values is bad.
const OUTCOME_LABELS: [(&str, &[&str]); 6] = [
    ("code", &["5.."]),
    ("status", &["5..", "error", "failed", "failure"]),
    ("status_code", &["5.."]),
    ("http_status_code", &["5.."]),
    ("http_response_status_code", &["5.."]),
    ("grpc_code", &["Unknown", "DeadlineExceeded", "Internal", "Unavailable", "DataLoss"]),
];
/// Ends of names of counters of successes, and what stands there on the counter of all.
const PAIRS: [(&str, &[&str]); 6] = [
    ("_success_total", &["_attempts_total", "_requests_total", "_total", "_count"]),
    ("_successes_total", &["_attempts_total", "_requests_total", "_total"]),
    ("_succeeded_total", &["_attempts_total", "_requests_total", "_total"]),
    ("_errors_total", &["_requests_total", "_attempts_total", "_total"]),
    ("_failures_total", &["_requests_total", "_attempts_total", "_total"]),
    ("_failed_total", &["_requests_total", "_attempts_total", "_total"]),
];
/// Ends of names of the programming language's and the exporter's own metrics, which no user notices.
const NOT_USERS: [&str; 9] =
    ["go_", "process_", "python_", "jvm_", "nodejs_", "prometheus_", "promhttp_", "scrape_", "bellwether_"];

/// An objective to begin with.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Its name, lower case with dashes.
    pub name: String,
    /// What it says, in one sentence.
    pub description: String,
    /// The goal as written.
    pub goal: &'static str,
    /// The share that was good so far; `None` if nothing has been counted.
    pub so_far: Option<f64>,
    /// The field `indicator` on one line of YAML.
    pub indicator: String,
}

/// Proposes objectives, the most telling first.
pub fn propose(seen: &Seen) -> Vec<Proposal> {
    let mut found = Vec::new();
    found.extend(by_outcome_label(seen));
    found.extend(by_pair(seen));
    found.extend(by_latency(seen));
    let mut names = BTreeSet::new();
    found.retain(|proposal: &Proposal| names.insert(proposal.name.clone()));
    found.truncate(PROPOSALS_MAX);
    found
}

fn is_users(name: &str) -> bool {
    !NOT_USERS.iter().any(|start| name.starts_with(start))
}

fn by_outcome_label(seen: &Seen) -> Vec<Proposal> {
    let mut found = Vec::new();
    for name in seen.names().filter(|name| is_users(name) && seen.is_counter(name)) {
        let outcome = OUTCOME_LABELS.iter().find_map(|(label, bad)| {
            let values = seen.values(name, label);
            let bad: Vec<&str> = bad.iter().copied().filter(|bad| fits_any(bad, &values)).collect();
            (!values.is_empty() && !bad.is_empty()).then(|| (*label, bad.join("|"), bad))
        });
        let Some((label, pattern, bad)) = outcome else { continue };
        let is_bad = |series: &Series| {
            series.labels.get(label).is_some_and(|value| bad.iter().any(|pattern| fits(pattern, value)))
        };
        let so_far = share(seen.sum(name, |series| !is_bad(series)), seen.sum(name, |_| true));
        found.push(Proposal {
            name: format!("{}-success", plain(name)),
            description: format!("Requests counted by {name} end without an error of ours."),
            goal: goal_for(so_far),
            so_far,
            indicator: format!("ratio: {{bad: '{name}{{{label}=~\"{pattern}\"}}', total: '{name}'}}"),
        });
    }
    found
}

/// Whether a pattern can mean any of the values. `5..` is proposed also where no request has failed yet, as long as the
/// label holds codes.
fn fits_any(pattern: &str, values: &BTreeSet<&str>) -> bool {
    match pattern {
        "5.." => {
            values.iter().any(|value| value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_digit()))
        }
        // Codes of gRPC are known without having been seen.
        word if word.starts_with(|c: char| c.is_ascii_uppercase()) => true,
        word => values.contains(word),
    }
}

fn fits(pattern: &str, value: &str) -> bool {
    match pattern {
        "5.." => value.len() == 3 && value.starts_with('5'),
        word => word == value,
    }
}

fn by_pair(seen: &Seen) -> Vec<Proposal> {
    let mut found = Vec::new();
    for name in seen.names().filter(|name| is_users(name)) {
        let pair = PAIRS.iter().find_map(|(end, totals)| {
            let stem = name.strip_suffix(end)?;
            let total = totals.iter().map(|total| format!("{stem}{total}"));
            let total = total.filter(|total| total != name).find(|total| !seen.series(total).is_empty())?;
            Some((stem, *end, total))
        });
        let Some((stem, end, total)) = pair else { continue };
        let is_good = end.starts_with("_succe");
        let counted = seen.sum(name, |_| true);
        let all = seen.sum(&total, |_| true);
        let so_far = share(if is_good { counted } else { all - counted }, all);
        let field = if is_good { "good" } else { "bad" };
        found.push(Proposal {
            name: format!("{}-success", plain(stem)),
            description: format!("{} succeeds.", words(stem)),
            goal: goal_for(so_far),
            so_far,
            indicator: format!("ratio: {{{field}: '{name}', total: '{total}'}}"),
        });
    }
    found
}

fn by_latency(seen: &Seen) -> Vec<Proposal> {
    let mut found = Vec::new();
    let names = seen.names().filter(|name| is_users(name)).filter_map(|name| name.strip_suffix("_bucket"));
    let timed = names.filter(|base| {
        ["_seconds", "_milliseconds", "_duration", "_latency"].iter().any(|end| base.ends_with(end))
    });
    for base in timed {
        let mut buckets: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        for series in seen.series(&format!("{base}_bucket")) {
            let Some(bound) = series.labels.get("le").and_then(|bound| bound.parse::<f64>().ok()) else {
                continue;
            };
            if series.value.is_finite() && bound >= 0.0 {
                // Bounds are not negative, so their bits have their order.
                buckets.entry(bound.to_bits()).or_insert((bound, 0.0)).1 += series.value;
            }
        }
        let Some((_, all)) = buckets.values().last().copied() else { continue };
        let finite: Vec<(f64, f64)> =
            buckets.values().copied().filter(|(bound, _)| bound.is_finite()).collect();
        // The first bound that most requests keep; of a histogram without any, one in the middle.
        let kept = finite.iter().find(|(_, below)| all > 0.0 && *below >= 0.95 * all);
        let Some((bound, below)) = kept.or_else(|| finite.get(finite.len() / 2)).copied() else { continue };
        let so_far = share(below, all);
        found.push(Proposal {
            name: format!("{}-latency", plain(base)),
            description: format!("{} takes at most {}.", words(base), with_unit(base, bound)),
            goal: goal_for(so_far),
            so_far,
            indicator: format!("latency: {{histogram: '{base}', threshold: {bound}}}"),
        });
    }
    found
}

fn share(good: f64, all: f64) -> Option<f64> {
    (all > 0.0).then(|| (good / all).clamp(0.0, 1.0))
}

fn goal_for(so_far: Option<f64>) -> &'static str {
    let Some(share) = so_far else { return GOAL_UNKNOWN };
    // A hair for the roundings of 1 - 0.95.
    let keeps = |goal: f64| (1.0 - share) <= (1.0 - goal) * BUDGET_USED_MAX + 1e-12;
    GOALS.iter().find(|(goal, _)| keeps(*goal)).map_or("50%", |(_, text)| text)
}

/// The stem of a metric's name, as the name of an objective.
fn plain(name: &str) -> String {
    let mut stem = name;
    for end in ["_total", "_requests", "_seconds", "_milliseconds", "_duration", "_latency", "_handled"] {
        stem = stem.strip_suffix(end).filter(|rest| !rest.is_empty()).unwrap_or(stem);
    }
    stem.replace([':', '_'], "-").to_lowercase()
}

fn words(name: &str) -> String {
    let text = plain(name).replace('-', " ");
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn with_unit(base: &str, bound: f64) -> String {
    match base {
        _ if base.ends_with("_milliseconds") => format!("{bound} ms"),
        _ if base.ends_with("_seconds") && bound < 1.0 => format!("{} ms", bound * 1000.0),
        _ if base.ends_with("_seconds") => format!("{bound} s"),
        _ => bound.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposals(body: &str) -> Vec<(String, &'static str, String)> {
        let seen = Seen::in_body(body.as_bytes()).unwrap();
        propose(&seen).into_iter().map(|it| (it.name, it.goal, it.indicator)).collect()
    }

    #[test]
    fn a_counter_by_status_code_is_a_ratio_with_a_goal_its_counts_keep() {
        let body = "http_requests_total{code=\"200\"} 99970\nhttp_requests_total{code=\"503\"} 30\n";
        let indicator = "ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: 'http_requests_total'}";
        assert_eq!(proposals(body), [("http-success".to_owned(), "99.9%", indicator.to_owned())]);
        let body = "http_requests_total{code=\"200\"} 99\nhttp_requests_total{code=\"503\"} 1\n";
        assert_eq!(proposals(body)[0].1, "98%");
    }

    #[test]
    fn counters_of_attempts_and_of_successes_or_errors_belong_together() {
        let body = "startup_attempts_total 100\nstartup_success_total 95\nchat_requests_total 10\nchat_errors_total 0\n";
        assert_eq!(
            proposals(body),
            [
                (
                    "chat-success".to_owned(),
                    "99.95%",
                    "ratio: {bad: 'chat_errors_total', total: 'chat_requests_total'}".to_owned()
                ),
                (
                    "startup-success".to_owned(),
                    "90%",
                    "ratio: {good: 'startup_success_total', total: 'startup_attempts_total'}".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn a_latency_has_a_bound_of_its_own_buckets_that_most_requests_keep() {
        let bucket =
            |le: &str, count: u32| format!("http_request_duration_seconds_bucket{{le=\"{le}\"}} {count}\n");
        let body =
            [bucket("0.1", 500), bucket("0.25", 980), bucket("1", 1000), bucket("+Inf", 1000)].concat();
        let found = proposals(&body);
        assert_eq!(found[0].2, "latency: {histogram: 'http_request_duration_seconds', threshold: 0.25}");
        assert_eq!((found[0].0.as_str(), found[0].1), ("http-request-latency", "95%"));
    }

    #[test]
    fn a_runtime_s_own_metrics_and_gauges_propose_nothing() {
        let body = "go_gc_errors_total 1\ngo_gc_total 3\nprocess_open_fds 3\n# TYPE jobs gauge\njobs{status=\"error\"} 1\n";
        assert_eq!(proposals(body), []);
    }

    #[test]
    fn an_answer_of_prometheus_holds_the_same() {
        let answer = serde_json::json!({"data": {"result": [
            {"metric": {"__name__": "x_total", "code": "200", "job": "a"}, "value": [1.0, "5"]},
            {"metric": {"__name__": "x_total", "code": "500", "job": "a"}, "value": [1.0, "0"]}]}});
        let seen = Seen::in_answer(&answer);
        assert_eq!((seen.len(), seen.values("x_total", "code").len()), (2, 2));
        assert_eq!(propose(&seen)[0].goal, "99.95%");
    }
}
