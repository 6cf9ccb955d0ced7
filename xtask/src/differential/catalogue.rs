//! Queries that are listed, not drawn: every function, aggregation and operator in every shape, over what suits it.

use bellwether_promql::{Function, Kind};
use fastrand::Rng;

use super::ask::Ask;
use super::generate::Dialect;
use super::vocabulary::when;

const RANGES: [&str; 14] = [
    "requests_total[5m]",
    "errors_total[10m]",
    "pod_work_total[7m]",
    "special[3m]",
    "extreme[5m]",
    "temperature_celsius[1h]",
    "every[5m]",
    "every_total[15m]",
    "disk_free_bytes[20m] offset 3m",
    "requests_total[5m] @ end()",
    "cpu_seconds_total[5m] offset -2m",
    "(sum by (job) (rate(requests_total[1m])))[10m:30s]",
    "queue_length[6m:]",
    "max_over_time(pod_load[1m])[5m:13s] @ start()",
];

const VECTORS: [&str; 12] = [
    "requests_total",
    "temperature_celsius",
    "special",
    "extreme",
    "pod_load",
    "every",
    "queue_length offset 5m",
    "memory_bytes @ start()",
    "{\"http.requests\"}",
    "build_info",
    "absent_metric",
    "rate(requests_total[1m])",
];

const NATIVE_RANGES: [&str; 6] = [
    "native_seconds[5m]",
    "varying_seconds[10m]",
    "native_gauge[4m]",
    "custom_seconds[10m]",
    "switching_seconds[15m]",
    "rate(native_seconds[1m])[5m:30s]",
];

const NATIVE_VECTORS: [&str; 7] = [
    "native_seconds",
    "varying_seconds",
    "native_gauge",
    "custom_seconds",
    "switching_seconds",
    "rate(native_seconds[5m])",
    "{__name__=~\"rare_seconds|alone\"}",
];

const SCALARS: [&str; 8] =
    ["0.5", "-1", "2", "0", "1", "NaN", "Inf", "scalar(queue_length{instance=\"a:80\"})"];

const AGGREGATIONS: [(&str, &[&str]); 14] = [
    ("sum", &[""]),
    ("avg", &[""]),
    ("count", &[""]),
    ("min", &[""]),
    ("max", &[""]),
    ("stddev", &[""]),
    ("stdvar", &[""]),
    ("group", &[""]),
    ("topk", &["2, ", "0, ", "100, "]),
    ("bottomk", &["2, ", "-1, ", "3.7, "]),
    ("quantile", &["0.5, ", "0.99, ", "-1, ", "2, ", "NaN, "]),
    ("count_values", &["\"v\", ", "\"job\", "]),
    ("limitk", &["2, ", "100, "]),
    ("limit_ratio", &["0.5, ", "-0.5, ", "1, "]),
];

const GROUPINGS: [&str; 5] = ["", " by (job)", " without (instance)", " by ()", " by (job, nope, __name__)"];

const OPERATORS: [&str; 16] =
    ["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless"];

const PAIRS: [(&str, &str, &str); 12] = [
    ("memory_bytes", "", "limit_bytes"),
    ("up", " on (instance)", "queue_length"),
    ("up", " ignoring (job)", "queue_length"),
    ("requests_total", " on (instance) group_left ()", "errors_total"),
    ("errors_total", " on (instance, job) group_right (code)", "requests_total"),
    ("memory_bytes", " on (instance) group_left (version)", "build_info"),
    ("left", " on (a)", "right"),
    ("left", " ignoring (b, c)", "right"),
    ("left", " ignoring (c)", "right"),
    ("special", " on (kind)", "extreme"),
    ("latency_seconds_sum", "", "latency_seconds_count"),
    ("pod_work_total", " on ()", "alone"),
];

/// All of them, each at one drawn moment or over drawn moments.
pub fn asks(seed: u64, dialect: Dialect) -> Vec<Ask> {
    let mut queries = calls(dialect, &RANGES, &VECTORS);
    queries.extend(aggregations(&VECTORS));
    queries.extend(binaries());
    queries.extend(histograms());
    queries.extend(calls(dialect, &NATIVE_RANGES, &NATIVE_VECTORS));
    queries.extend(aggregations(&NATIVE_VECTORS));
    queries.extend(native_binaries());
    queries.extend(FIXED.iter().map(|query| (*query).to_owned()));
    let mut rng = Rng::with_seed(seed);
    queries.into_iter().map(|query| Ask { query, when: when(&mut rng) }).collect()
}

fn calls(dialect: Dialect, ranges: &[&str], vectors: &[&str]) -> Vec<String> {
    let mut queries = Vec::new();
    for function in Function::ALL.iter().copied().filter(|function| dialect.knows(*function)) {
        let spec = function.spec();
        let Some(main) = spec.arguments.iter().position(|kind| matches!(kind, Kind::Vector | Kind::Range))
        else {
            queries.push(format!("{}({})", spec.name, vec!["1"; spec.arguments_min].join(", ")));
            continue;
        };
        let operands = if spec.arguments[main] == Kind::Range { ranges } else { vectors };
        for (turn, operand) in operands.iter().enumerate() {
            let argument = |index: usize| match spec.arguments[index.min(spec.arguments.len() - 1)] {
                Kind::Vector | Kind::Range => (*operand).to_owned(),
                Kind::Scalar => SCALARS[(turn + index) % SCALARS.len()].to_owned(),
                Kind::Text => ["\"job\"", "\"instance\"", "\"$1\""][(turn + index) % 3].to_owned(),
            };
            let count = spec.arguments_min.max(main + 1);
            let arguments: Vec<String> = (0..count).map(argument).collect();
            queries.push(format!("{}({})", spec.name, arguments.join(", ")));
        }
    }
    queries
}

fn aggregations(vectors: &[&str]) -> Vec<String> {
    let mut queries = Vec::new();
    for (operator, parameters) in AGGREGATIONS {
        for parameter in parameters {
            for (turn, vector) in vectors.iter().enumerate() {
                let grouping = GROUPINGS[turn % GROUPINGS.len()];
                queries.push(format!("{operator}{grouping} ({parameter}{vector})"));
            }
        }
    }
    queries
}

fn binaries() -> Vec<String> {
    let mut queries = Vec::new();
    for operator in OPERATORS {
        let is_set = matches!(operator, "and" | "or" | "unless");
        let is_comparison = matches!(operator, "==" | "!=" | ">" | "<" | ">=" | "<=");
        for (left, matching, right) in PAIRS {
            let matching =
                if is_set { matching.split(" group").next().unwrap_or_default() } else { matching };
            queries.push(format!("{left} {operator}{matching} {right}"));
            if is_comparison {
                queries.push(format!("{left} {operator} bool{matching} {right}"));
            }
        }
        if is_set {
            continue;
        }
        for scalar in SCALARS {
            queries.push(format!("special {operator} {scalar}"));
            queries.push(format!("{scalar} {operator} extreme"));
            let bool = if is_comparison { " bool" } else { "" };
            queries.push(format!("{scalar} {operator}{bool} 2"));
            queries.push(format!("temperature_celsius {operator}{bool} {scalar}"));
        }
    }
    queries
}

fn native_binaries() -> Vec<String> {
    let mut queries = Vec::new();
    for operator in OPERATORS {
        for native in NATIVE_VECTORS {
            queries.push(format!("{native} {operator} {native}"));
            queries.push(format!("{native} {operator} on () group_left () rare_seconds"));
            if !matches!(operator, "and" | "or" | "unless") {
                queries.push(format!("{native} {operator} 2"));
                queries.push(format!("0.5 {operator} {native}"));
                queries.push(format!("{native} {operator} on () group_left () alone"));
            }
        }
    }
    queries
}

fn histograms() -> Vec<String> {
    let mut queries = Vec::new();
    for name in ["latency", "no_inf", "only_inf", "negative", "odd_bounds", "two"] {
        for quantile in ["0.5", "0", "1", "0.99", "-1", "2", "NaN"] {
            let buckets = format!("{name}_seconds_bucket");
            queries.push(format!("histogram_quantile({quantile}, {buckets})"));
            queries.push(format!("histogram_quantile({quantile}, rate({buckets}[5m]))"));
            queries.push(format!("histogram_quantile({quantile}, sum by (le) (increase({buckets}[10m])))"));
            queries.push(format!("histogram_fraction({quantile}, 2, rate({buckets}[5m]))"));
        }
    }
    queries
}

/// What no table brings forth.
const FIXED: [&str; 40] = [
    "1",
    "\"text\"",
    "time()",
    "-1 ^ 2",
    "2 ^ 3 ^ 2",
    "1 - 1 - 1",
    "(1 == bool 1) * 5",
    "1 == 1",
    "-requests_total ^ 2",
    "vector(time())",
    "up{",
    "sum(",
    "rate(up)",
    "rate(1[5m])",
    "foo bar",
    "up[5m] + 1",
    "up offset",
    "up @ x",
    "{}",
    "{job=~\".*\"}",
    "{__name__=~\".+_total\"}",
    "up{job=~\"(\"}",
    "sum(up) by (job",
    "unknown_function(up)",
    "up[0s]",
    "topk(up, up)",
    "up and 1",
    "up + \"a\"",
    "1 and 1",
    "count_values(\"a b\", up)",
    "label_replace(up, \"\", \"x\", \"job\", \"(.*)\")",
    "label_replace(up, \"x\", \"$1\", \"job\", \"(\")",
    "up offset 5m offset 5m",
    "up @ 1 @ 2",
    "sum(up)[5m]",
    "up[5m:1m][5m]",
    "absent(absent_metric{job=\"a\", x=~\"y\"})",
    "absent(sum(absent_metric))",
    "absent_over_time(absent_metric{a=\"b\"}[5m])",
    "up{job=\"api\",job=\"db\"}",
];
