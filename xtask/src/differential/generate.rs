//! Random queries, made along the types of the language: every part is of the kind its place asks for, save now and
//! then, so that refusals are compared as well.

use bellwether_promql::{Function, FunctionSpec, Kind};
use fastrand::Rng;

use super::ask::Ask;
use super::vocabulary::{
    BUCKETS, NUMBERS, any_label, chance, duration, label, metric, metric_like, modifiers, native, pick,
    quoted, step, when,
};

/// Functions that Prometheus 3.5 does not know.
pub const NEWER_FUNCTIONS: [Function; 9] = [
    Function::End,
    Function::FirstOverTime,
    Function::HistogramQuantiles,
    Function::MaxOf,
    Function::MinOf,
    Function::Range,
    Function::Start,
    Function::StartTimestamp,
    Function::Step,
];

/// Whether the peer knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// What Prometheus 3.5 knows.
    Common,
    /// All of ours.
    Newest,
}

impl Dialect {
    pub fn knows(self, function: Function) -> bool {
        match self {
            Self::Common => !NEWER_FUNCTIONS.contains(&function) && function != Function::TsOfFirstOverTime,
            Self::Newest => true,
        }
    }
}

/// Makes questions from a seed.
pub struct Generator {
    rng: Rng,
    dialect: Dialect,
}

impl Generator {
    pub fn new(seed: u64, dialect: Dialect) -> Self {
        Self { rng: Rng::with_seed(seed), dialect }
    }

    /// The next question.
    pub fn ask(&mut self) -> Ask {
        let depth = pick(&mut self.rng, &[1, 1, 2, 2, 2, 3, 3, 4]);
        let query = match self.rng.u32(0..100) {
            0..88 => self.vector(depth),
            88..96 => self.scalar(depth),
            96..99 => self.range(depth),
            _ => quoted("text"),
        };
        Ask { query, when: when(&mut self.rng) }
    }

    fn vector(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.u32(0..20) {
                0 => format!("vector({})", self.scalar(0)),
                _ => format!("{}{}", metric(&mut self.rng), modifiers(&mut self.rng)),
            };
        }
        match self.rng.u32(0..100) {
            0..4 => self.vector(0),
            4..42 => self.call(depth),
            42..64 => self.aggregation(depth),
            64..90 => self.binary(depth),
            90..94 => format!("({})", self.vector(depth - 1)),
            94..97 => format!("-{}", self.vector(depth - 1)),
            97..98 => format!("+{}", self.vector(depth - 1)),
            // Of the wrong kind.
            98..99 => self.scalar(depth - 1),
            _ => self.range(depth - 1),
        }
    }

    fn range(&mut self, depth: u32) -> String {
        if depth == 0 || chance(&mut self.rng, 65) {
            let metric = if chance(&mut self.rng, 40) {
                metric_like(&mut self.rng, "total")
            } else {
                metric(&mut self.rng)
            };
            return format!("{metric}[{}]{}", self.duration(), modifiers(&mut self.rng));
        }
        let inner = match self.rng.u32(0..10) {
            0..7 => self.vector(depth - 1),
            7 => format!("({})", self.scalar(depth - 1)),
            _ => self.vector(0),
        };
        let is_bare = inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':');
        let inner = if is_bare { inner } else { format!("({inner})") };
        format!("{inner}[{}:{}]{}", self.duration(), step(&mut self.rng), modifiers(&mut self.rng))
    }

    fn duration(&mut self) -> String {
        let one = duration(&mut self.rng);
        match self.rng.u32(0..40) {
            0 => format!("{one} + 1m"),
            1 => format!("{one} * 2"),
            2 => format!("({one} + 30s) / 2"),
            _ => one.to_owned(),
        }
    }

    fn scalar(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.rng.u32(0..12) {
                0 => "time()".to_owned(),
                1 => "pi()".to_owned(),
                2 => format!("scalar({})", self.vector(0)),
                _ => pick(&mut self.rng, &NUMBERS).to_owned(),
            };
        }
        match self.rng.u32(0..10) {
            0..3 => self.scalar(0),
            3..5 => format!("scalar({})", self.vector(depth - 1)),
            5 => format!("-{}", self.scalar(depth - 1)),
            6 => format!("({})", self.scalar(depth - 1)),
            _ => {
                const OPERATORS: [&str; 13] = [
                    "+", "-", "*", "/", "%", "^", "atan2", "== bool", "!= bool", "> bool", "< bool",
                    ">= bool", ">",
                ];
                let operator = pick(&mut self.rng, &OPERATORS);
                format!("{} {operator} {}", self.scalar(depth - 1), self.scalar(depth - 1))
            }
        }
    }

    fn call(&mut self, depth: u32) -> String {
        let known: Vec<Function> = Function::ALL.iter().copied().filter(|f| self.dialect.knows(*f)).collect();
        let function = match self.rng.u32(0..100) {
            // Those that are used most, and have most in them.
            0..25 => pick(
                &mut self.rng,
                &[
                    Function::Rate,
                    Function::Increase,
                    Function::Delta,
                    Function::Irate,
                    Function::AvgOverTime,
                ],
            ),
            25..33 => Function::HistogramQuantile,
            33..37 => pick(&mut self.rng, &[Function::LabelReplace, Function::LabelJoin]),
            _ => pick(&mut self.rng, &known),
        };
        self.call_of(function, depth)
    }

    /// A call with arguments of the right kinds, or now and then not.
    pub fn call_of(&mut self, function: Function, depth: u32) -> String {
        let inner = depth.saturating_sub(1);
        match function {
            Function::LabelReplace => return self.label_replace(inner),
            Function::LabelJoin => return self.label_join(inner),
            Function::HistogramQuantile | Function::HistogramFraction if chance(&mut self.rng, 80) => {
                let is_native = chance(&mut self.rng, 40);
                let buckets = if is_native { self.native_buckets() } else { self.buckets() };
                let numbers = match function {
                    Function::HistogramQuantile => self.scalar_parameter(),
                    _ => format!("{}, {}", self.scalar_parameter(), self.scalar_parameter()),
                };
                return format!("{}({numbers}, {buckets})", function.spec().name);
            }
            Function::SortByLabel | Function::SortByLabelDesc => {
                let names: Vec<String> =
                    (0..self.rng.u32(1..3)).map(|_| quoted(any_label(&mut self.rng))).collect();
                return format!("{}({}, {})", function.spec().name, self.vector(inner), names.join(", "));
            }
            Function::Info => return self.info(inner),
            Function::HistogramAvg
            | Function::HistogramCount
            | Function::HistogramSum
            | Function::HistogramStddev
            | Function::HistogramStdvar
                if chance(&mut self.rng, 80) =>
            {
                return format!("{}({})", function.spec().name, self.native_buckets());
            }
            _ => {}
        }
        let spec = function.spec();
        let arguments: Vec<String> =
            (0..self.argument_count(spec)).map(|index| self.argument(spec, index, inner)).collect();
        format!("{}({})", spec.name, arguments.join(", "))
    }

    fn argument_count(&mut self, spec: &FunctionSpec) -> usize {
        let most = spec.arguments_max.unwrap_or(spec.arguments_min + 2);
        if chance(&mut self.rng, 1) {
            return most + 1;
        }
        self.rng.usize(spec.arguments_min..=most)
    }

    fn argument(&mut self, spec: &FunctionSpec, index: usize, depth: u32) -> String {
        let Some(kind) = spec.arguments.get(index).or(spec.arguments.last()) else { return "1".to_owned() };
        match kind {
            Kind::Vector => self.vector(depth),
            Kind::Range => self.range(depth),
            Kind::Scalar if chance(&mut self.rng, 75) => self.scalar_parameter(),
            Kind::Scalar => self.scalar(depth.min(1)),
            Kind::Text => quoted(any_label(&mut self.rng)),
        }
    }

    fn scalar_parameter(&mut self) -> String {
        match self.rng.u32(0..12) {
            0 => self.scalar(1),
            1..6 => pick(&mut self.rng, &["0.5", "0.9", "0.99", "0.1", "0", "1"]).to_owned(),
            _ => pick(&mut self.rng, &NUMBERS).to_owned(),
        }
    }

    fn buckets(&mut self) -> String {
        let buckets = pick(&mut self.rng, &BUCKETS);
        let over = format!("{buckets}[{}]{}", self.duration(), modifiers(&mut self.rng));
        match self.rng.u32(0..7) {
            0 => format!("{buckets}{}", modifiers(&mut self.rng)),
            1 => format!("rate({over})"),
            2 => format!("sum by (le) (rate({over}))"),
            3 => format!("sum by (le, instance) (increase({over}))"),
            4 => format!("sum without (instance) ({buckets})"),
            5 => format!("{buckets} * {}", pick(&mut self.rng, &["1", "-1", "0", "NaN", "1e300", "0.1"])),
            _ => format!("avg by (le, path) (irate({over}))"),
        }
    }

    fn native_buckets(&mut self) -> String {
        let native = native(&mut self.rng);
        let over = format!("{native}[{}]{}", self.duration(), modifiers(&mut self.rng));
        match self.rng.u32(0..9) {
            0 | 1 => format!("{native}{}", modifiers(&mut self.rng)),
            2 => format!("rate({over})"),
            3 => format!("increase({over})"),
            4 => format!("sum by (instance, kind) (rate({over}))"),
            5 => format!("avg by (job) ({native})"),
            6 => format!("{native} {} {}", pick(&mut self.rng, &["+", "-"]), self::native(&mut self.rng)),
            7 => format!("{native} {} {}", pick(&mut self.rng, &["*", "/"]), self.scalar_parameter()),
            _ => format!("sum_over_time({over})"),
        }
    }

    fn label_replace(&mut self, depth: u32) -> String {
        const TARGETS: [&str; 7] = ["new", "job", "instance", "__name__", "le", "é", "a b"];
        const REPLACEMENTS: [&str; 9] = ["$1", "x", "", "${1}y", "$2-$1", "$0", "$name", "$$", "$1x"];
        const PATTERNS: [&str; 9] =
            ["(.*)", "(.+):(.+)", "a", "", ".*", "(?P<name>.).*", "(a)|(b)", "[", "([a-z]+).*"];
        let vector = self.vector(depth);
        let target = quoted(pick(&mut self.rng, &TARGETS));
        let replacement = quoted(pick(&mut self.rng, &REPLACEMENTS));
        let source = quoted(any_label(&mut self.rng));
        let pattern = quoted(pick(&mut self.rng, &PATTERNS));
        format!("label_replace({vector}, {target}, {replacement}, {source}, {pattern})")
    }

    fn label_join(&mut self, depth: u32) -> String {
        let vector = self.vector(depth);
        let target = quoted(pick(&mut self.rng, &["new", "job", "__name__", "é", ""]));
        let separator = quoted(pick(&mut self.rng, &["-", "", ", "]));
        let sources: String =
            (0..self.rng.u32(0..3)).map(|_| format!(", {}", quoted(any_label(&mut self.rng)))).collect();
        format!("label_join({vector}, {target}, {separator}{sources})")
    }

    fn info(&mut self, depth: u32) -> String {
        const SELECTORS: [&str; 6] = [
            "",
            ", {cluster=\"eu\"}",
            ", {data=~\".+\"}",
            ", {__name__=\"build_info\"}",
            ", {version=~\".*\"}",
            ", {nope=\"x\"}",
        ];
        let vector = match self.rng.u32(0..3) {
            0 => self.vector(depth),
            1 => format!("rate(requests_total[{}])", self.duration()),
            _ => metric_like(&mut self.rng, "bytes"),
        };
        format!("info({vector}{})", pick(&mut self.rng, &SELECTORS))
    }

    fn aggregation(&mut self, depth: u32) -> String {
        const OPERATORS: [&str; 14] = [
            "sum",
            "avg",
            "count",
            "min",
            "max",
            "stddev",
            "stdvar",
            "group",
            "topk",
            "bottomk",
            "quantile",
            "count_values",
            "limitk",
            "limit_ratio",
        ];
        let operator = pick(&mut self.rng, &OPERATORS);
        self.aggregation_of(operator, depth)
    }

    /// An aggregation with its parameter and perhaps a grouping, before or behind.
    pub fn aggregation_of(&mut self, operator: &str, depth: u32) -> String {
        let parameter = match operator {
            "topk" | "bottomk" | "limitk" => pick(
                &mut self.rng,
                &[
                    "1",
                    "2",
                    "3",
                    "5",
                    "100",
                    "0",
                    "-1",
                    "2.9",
                    "NaN",
                    "1e300",
                    "scalar(queue_length{instance=\"a:80\"})",
                ],
            )
            .to_owned(),
            "quantile" => self.scalar_parameter(),
            "limit_ratio" => {
                pick(&mut self.rng, &["0.5", "-0.5", "0", "1", "-1", "0.1", "-0.9", "2", "-3", "NaN"])
                    .to_owned()
            }
            "count_values" => quoted(pick(&mut self.rng, &["value", "job", "le", "é", "__name__", ""])),
            _ => String::new(),
        };
        let inner = self.vector(depth.saturating_sub(1));
        let arguments = if parameter.is_empty() { inner } else { format!("{parameter}, {inner}") };
        let grouping = self.grouping();
        match self.rng.u32(0..2) {
            _ if grouping.is_empty() => format!("{operator}({arguments})"),
            0 => format!("{operator} {grouping} ({arguments})"),
            _ => format!("{operator}({arguments}) {grouping}"),
        }
    }

    fn grouping(&mut self) -> String {
        match self.rng.u32(0..10) {
            0..3 => String::new(),
            3..7 => format!("by ({})", self.label_list()),
            _ => format!("without ({})", self.label_list()),
        }
    }

    fn label_list(&mut self) -> String {
        let names: Vec<String> = (0..self.rng.u32(0..4))
            .map(|_| match self.rng.u32(0..20) {
                0 => "__name__".to_owned(),
                1 => label("service.name"),
                _ => label(any_label(&mut self.rng)),
            })
            .collect();
        names.join(", ")
    }

    fn binary(&mut self, depth: u32) -> String {
        const OPERATORS: [&str; 16] =
            ["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless"];
        let operator = pick(&mut self.rng, &OPERATORS);
        let is_set = matches!(operator, "and" | "or" | "unless");
        let is_comparison = matches!(operator, "==" | "!=" | ">" | "<" | ">=" | "<=");
        let bool = if is_comparison && chance(&mut self.rng, 40) { " bool" } else { "" };
        let inner = depth - 1;
        if !is_set && chance(&mut self.rng, 35) {
            let sides = [self.operand(inner), self.scalar(inner.min(1))];
            let [left, right] =
                if chance(&mut self.rng, 30) { [1, 0] } else { [0, 1] }.map(|n: usize| &sides[n]);
            return format!("{left} {operator}{bool} {right}");
        }
        let matching = self.matching(is_set);
        let (left, right) = self.operands(inner);
        format!("{left} {operator}{bool}{matching} {right}")
    }

    /// Two sides that have something to do with each other, more often than not.
    fn operands(&mut self, depth: u32) -> (String, String) {
        const PAIRS: [(&str, &str); 16] = [
            ("native_seconds", "native_seconds"),
            ("native_seconds", "requests_total"),
            ("custom_seconds", "custom_seconds"),
            ("rare_seconds", "alone"),
            ("memory_bytes", "limit_bytes"),
            ("up", "queue_length"),
            ("requests_total", "errors_total"),
            ("left", "right"),
            ("right", "left"),
            ("memory_bytes", "build_info"),
            ("errors_total", "target_info"),
            ("latency_seconds_sum", "latency_seconds_count"),
            ("requests_total{code=\"500\"}", "requests_total"),
            ("special", "extreme"),
            ("alone", "sum(up)"),
            ("pod_work_total", "pod_load"),
        ];
        if chance(&mut self.rng, 45) {
            let (left, right) = pick(&mut self.rng, &PAIRS);
            let dressed = |generator: &mut Self, name: &str| match generator.rng.u32(0..5) {
                0 if !name.starts_with("sum") => format!("rate({name}[{}])", generator.duration()),
                1 => format!("sum by (instance, job) ({name})"),
                _ => name.to_owned(),
            };
            return (dressed(self, left), dressed(self, right));
        }
        (self.operand(depth), self.operand(depth))
    }

    fn operand(&mut self, depth: u32) -> String {
        let inner = self.vector(depth);
        if chance(&mut self.rng, 50) { format!("({inner})") } else { inner }
    }

    fn matching(&mut self, is_set: bool) -> String {
        let word = match self.rng.u32(0..10) {
            0..4 => return String::new(),
            4..8 => "on",
            _ => "ignoring",
        };
        let on = format!(" {word} ({})", self.label_list());
        if is_set && !chance(&mut self.rng, 3) || chance(&mut self.rng, 55) {
            return on;
        }
        let group = pick(&mut self.rng, &["group_left", "group_right"]);
        let list =
            if chance(&mut self.rng, 50) { format!(" ({})", self.label_list()) } else { String::new() };
        format!("{on} {group}{list}")
    }
}
