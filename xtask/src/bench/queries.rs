//! The queries of the comparison: what dashboards, objectives and people at three in the morning ask.

use super::dataset::END_MS;

/// A query, and how it is asked.
pub struct Query {
    pub name: &'static str,
    pub text: &'static str,
    pub when: When,
}

/// Moments in seconds.
#[derive(Clone, Copy)]
pub enum When {
    At,
    Over { length: i64, step: i64 },
}

/// The queries that have a bound of their own.
pub const OBJECTIVE: &str = "objective, 30 d, 40 series";
pub const OBJECTIVE_ALL: &str = "objective, 30 d, 400 series";

/// Asked a little before the end of the data, off the edges of chunks.
pub const NOW_S: i64 = END_MS / 1000 - 7;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

const fn at(name: &'static str, text: &'static str) -> Query {
    Query { name, text, when: When::At }
}

const fn over(name: &'static str, length: i64, step: i64, text: &'static str) -> Query {
    Query { name, text, when: When::Over { length, step } }
}

/// All queries.
pub const QUERIES: [Query; 34] = [
    at(
        OBJECTIVE,
        r#"sum(rate(http_requests_total{service="s3",code=~"2.."}[30d])) / sum(rate(http_requests_total{service="s3"}[30d]))"#,
    ),
    at(
        OBJECTIVE_ALL,
        r#"sum(rate(http_requests_total{code=~"2.."}[30d])) / sum(rate(http_requests_total[30d]))"#,
    ),
    at(
        "burn rate, 1 h and 5 m",
        r#"(sum by (service) (rate(http_requests_total{code=~"5.."}[1h])) / sum by (service) (rate(http_requests_total[1h])) > 0.0001) and (sum by (service) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (service) (rate(http_requests_total[5m])) > 0.0001)"#,
    ),
    at(
        "burn rate, 3 d and 6 h",
        r#"(sum by (service) (rate(http_requests_total{code=~"5.."}[3d])) / sum by (service) (rate(http_requests_total[3d])) > 0.0001) and (sum by (service) (rate(http_requests_total{code=~"5.."}[6h])) / sum by (service) (rate(http_requests_total[6h])) > 0.0001)"#,
    ),
    at("traffic by service", "sum by (service) (rate(http_requests_total[5m]))"),
    at("busiest instances", "topk(5, sum by (service, instance) (rate(http_requests_total[5m])))"),
    at(
        "p99 of all",
        "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    ),
    at("latest values, regex", r#"http_requests_total{service=~"s[1-3]",code!~"2..",method="GET"}"#),
    at("series by service", "count by (service) (http_requests_total)"),
    at("events of a week by code", "sum by (code) (increase(http_requests_total[7d]))"),
    at("worst moment of a day", "max_over_time(sum(rate(http_requests_total[5m]))[1d:5m])"),
    at(
        "this week and last",
        "sum(rate(http_requests_total[5m])) / sum(rate(http_requests_total[5m] offset 1w))",
    ),
    at("mean of a day", "avg_over_time(queue_wait_seconds[1d])"),
    at("p95 of a day", "quantile_over_time(0.95, queue_wait_seconds[1d])"),
    at(
        "joined with a gauge",
        "sum by (service) (rate(http_requests_total[5m])) / on (service) process_resident_memory_bytes",
    ),
    at("restarts of a day", "sum by (service) (resets(http_requests_total[1d]))"),
    at("full in a day?", "predict_linear(process_resident_memory_bytes[6h], 86400) > 3e8"),
    at("nobody there", r#"absent(http_requests_total{service="checkout"})"#),
    over("traffic, 6 h", 6 * HOUR, 15, "sum by (service) (rate(http_requests_total[5m]))"),
    over("traffic, 1 d", DAY, MINUTE, "sum by (service) (rate(http_requests_total[5m]))"),
    over("traffic, 30 d", 30 * DAY, HOUR, "sum by (service) (rate(http_requests_total[5m]))"),
    over(
        "errors, 1 d",
        DAY,
        MINUTE,
        r#"sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))"#,
    ),
    over(
        "p99 by service, 1 d",
        DAY,
        MINUTE,
        "histogram_quantile(0.99, sum by (le, service) (rate(http_request_duration_seconds_bucket[5m])))",
    ),
    over("busiest series, 6 h", 6 * HOUR, MINUTE, "topk(5, rate(http_requests_total[5m]))"),
    over("raw values, 6 h", 6 * HOUR, MINUTE, r#"http_requests_total{service="s3"}"#),
    over("events an hour, 30 d", 30 * DAY, HOUR, "sum(increase(http_requests_total[1h]))"),
    over(
        "burn rate of 1 d, 30 d",
        30 * DAY,
        HOUR,
        r#"sum(rate(http_requests_total{code=~"5.."}[1d])) / sum(rate(http_requests_total[1d])) / 0.001"#,
    ),
    over(
        "objective over 7 d",
        7 * DAY,
        HOUR,
        r#"sum(rate(http_requests_total{service="s3",code=~"2.."}[7d])) / sum(rate(http_requests_total{service="s3"}[7d]))"#,
    ),
    over("longest waits, 7 d", 7 * DAY, 10 * MINUTE, "max_over_time(queue_wait_seconds[1h])"),
    over(
        "worst of an hour, 1 d",
        DAY,
        5 * MINUTE,
        "max_over_time(sum(rate(http_requests_total[5m]))[1h:1m])",
    ),
    over(
        "share of codes, 1 d",
        DAY,
        MINUTE,
        "sum by (service, code) (rate(http_requests_total[5m])) / on (service) group_left sum by (service) (rate(http_requests_total[5m]))",
    ),
    over(
        "p90 of series, 6 h",
        6 * HOUR,
        MINUTE,
        "quantile by (service) (0.9, rate(http_requests_total[5m]))",
    ),
    over(
        "a day ago, 6 h",
        6 * HOUR,
        MINUTE,
        "sum without (instance, method) (rate(http_requests_total[5m] offset 1d))",
    ),
    over("memory, 1 d", DAY, 5 * MINUTE, "avg(process_resident_memory_bytes) / 1024 / 1024"),
];
