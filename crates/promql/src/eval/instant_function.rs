//! Functions over instant vectors: arithmetic, labels, dates, sorting, and those that make vectors of nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::LN_2;

use bellwether_model::{Labels, METRIC_NAME, MatchOp, REGEX_BYTES_MAX, civil_date, regex_from_go};

use super::column::{ABSENT, Columns, Grid, Series, is_present, merge_equal, merge_if};
use super::look::Take;
use super::{EvalError, Evaluator};
use crate::function::Function;
use crate::syntax::{Call, Expr, ExprKind, Kind, VectorSelector};

/// Units of work of a function such as `ln`.
const CALCULATION_WORK: u64 = 4;
/// Units of work of making the labels of a series.
const LABEL_WORK: u64 = 64;

impl Evaluator<'_> {
    pub(super) fn call(&mut self, expr: &Expr, call: &Call, grid: Grid) -> Result<Columns, EvalError> {
        if call.arguments.iter().any(|a| a.result() == Kind::Range) {
            return Ok(Columns::Vector(self.range_call(call, grid)?));
        }
        let seconds = |ms: i64| ms as f64 / 1000.0;
        match call.function {
            Function::Time => Ok(Columns::Scalar(grid.times().map(seconds).collect())),
            Function::Pi => Ok(Columns::Scalar(vec![std::f64::consts::PI; grid.count])),
            Function::Step => Ok(Columns::Scalar(vec![self.times.step.as_secs_f64(); grid.count])),
            Function::Range => Ok(Columns::Scalar(vec![self.times.range.as_secs_f64(); grid.count])),
            Function::Start => Ok(Columns::Scalar(vec![seconds(self.asked.start.0); grid.count])),
            Function::End => Ok(Columns::Scalar(vec![seconds(self.asked.end.0); grid.count])),
            Function::MinOf | Function::MaxOf => {
                let pick = if call.function == Function::MinOf { go_min } else { go_max };
                let (a, b) =
                    (self.scalars(&call.arguments[0], grid)?, self.scalars(&call.arguments[1], grid)?);
                Ok(Columns::Scalar(a.iter().zip(&b).map(|(a, b)| pick(*a, *b)).collect()))
            }
            Function::Vector => {
                let values = self.scalars(&call.arguments[0], grid)?;
                Ok(Columns::Vector(vec![Series::new(Labels::empty(), values)]))
            }
            Function::Scalar => {
                let series = self.vector(&call.arguments[0], grid)?;
                Ok(Columns::Scalar((0..grid.count).map(|step| only_value(&series, step)).collect()))
            }
            Function::Timestamp => self.timestamp(&call.arguments[0], grid).map(Columns::Vector),
            Function::Absent => {
                let series = self.vector(&call.arguments[0], grid)?;
                let is_there = |step: usize| series.iter().any(|s| s.is_present(step));
                let values = (0..grid.count).map(|step| if is_there(step) { ABSENT } else { 1.0 }).collect();
                Ok(Columns::Vector(vec![Series::new(absent_labels(&call.arguments[0]), values)]))
            }
            Function::LabelReplace | Function::LabelJoin => self.relabel(call, grid).map(Columns::Vector),
            Function::Sort | Function::SortDesc | Function::SortByLabel | Function::SortByLabelDesc => {
                self.sort(expr, call, grid).map(Columns::Vector)
            }
            Function::HistogramQuantile | Function::HistogramQuantiles | Function::HistogramFraction => {
                self.histogram_quantile_or_fraction(call, grid).map(Columns::Vector)
            }
            Function::HistogramAvg
            | Function::HistogramCount
            | Function::HistogramSum
            | Function::HistogramStddev
            | Function::HistogramStdvar => self.histogram_value(call, grid).map(Columns::Vector),
            Function::Info => self.info_function(call, grid).map(Columns::Vector),
            Function::StartTimestamp => self.start_timestamp(&call.arguments[0], grid).map(Columns::Vector),
            _ => self.mapped(call, grid).map(Columns::Vector),
        }
    }

    pub(super) fn scalars(&mut self, expr: &Expr, grid: Grid) -> Result<Vec<f64>, EvalError> {
        match self.eval(expr, grid)? {
            Columns::Scalar(values) => Ok(values),
            Columns::Text(_) | Columns::Vector(_) => Err(EvalError::BadRange("a number is needed here")),
        }
    }

    pub(super) fn vector(&mut self, expr: &Expr, grid: Grid) -> Result<Vec<Series>, EvalError> {
        match self.eval(expr, grid)? {
            Columns::Vector(series) => Ok(series),
            Columns::Text(_) | Columns::Scalar(_) => {
                Err(EvalError::BadRange("an instant vector is needed here"))
            }
        }
    }

    pub(super) fn text(&mut self, expr: &Expr, grid: Grid) -> Result<String, EvalError> {
        match self.eval(expr, grid)? {
            Columns::Text(text) => Ok(text),
            Columns::Vector(_) | Columns::Scalar(_) => Err(EvalError::BadRange("a string is needed here")),
        }
    }

    /// The time of the sample itself for a selector, of the step for anything calculated.
    fn timestamp(&mut self, argument: &Expr, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let mut series = if let ExprKind::Selector(selector) = &argument.unwrapped().kind {
            self.instant_selector(selector, grid, Take::Time)?
        } else {
            let mut series = self.vector(argument, grid)?;
            for one in &mut series {
                let there: Vec<bool> = (0..grid.count).map(|step| one.is_present(step)).collect();
                let slots = one.values.iter_mut().zip(grid.times()).zip(there);
                slots.filter(|(_, there)| *there).for_each(|((slot, at), _)| *slot = at as f64 / 1000.0);
                one.histograms = Vec::new();
            }
            series
        };
        series.iter_mut().for_each(|one| self.drop_name(one));
        merge_if(!self.options.delayed_name_removal, series)
    }

    /// Since when the counter of every sample counts. Only a selector has samples; what is calculated has none.
    fn start_timestamp(&mut self, argument: &Expr, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let ExprKind::Selector(selector) = &argument.unwrapped().kind else {
            self.vector(argument, grid)?;
            return Ok(Vec::new());
        };
        let mut series = self.start_times(selector, grid)?;
        series.iter_mut().for_each(|one| self.drop_name(one));
        merge_if(!self.options.delayed_name_removal, series)
    }

    /// Functions that turn every number into another one; histograms have none.
    fn mapped(&mut self, call: &Call, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let Some((first, rest)) = call.arguments.split_first() else {
            let values = grid.times().map(|at| map_value(call.function, at as f64 / 1000.0, &[])).collect();
            return Ok(vec![Series::new(Labels::empty(), values)]);
        };
        let mut series = self.vector(first, grid)?;
        let mut parameters = Vec::with_capacity(rest.len());
        for argument in rest {
            parameters.push(self.scalars(argument, grid)?);
        }
        let mut at_step = vec![0.0; parameters.len()];
        for one in &mut series {
            self.cost.spend(grid.count as u64 * CALCULATION_WORK)?;
            one.histograms = Vec::new();
            for (step, slot) in one.values.iter_mut().enumerate().filter(|(_, slot)| is_present(**slot)) {
                at_step.iter_mut().zip(&parameters).for_each(|(p, values)| *p = values[step]);
                *slot = map_value(call.function, *slot, &at_step);
            }
            self.drop_name(one);
        }
        series.retain(|one| !one.is_blank());
        merge_if(!self.options.delayed_name_removal, series)
    }

    fn relabel(&mut self, call: &Call, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let mut series = self.vector(&call.arguments[0], grid)?;
        let mut texts = Vec::new();
        for argument in &call.arguments[1..] {
            texts.push(self.text(argument, grid)?);
        }
        let name = call.function.spec().name;
        let refuse = |index: usize, message: String| EvalError::Parameter {
            span: call.arguments[index].span.clone(),
            message,
        };
        let target = texts[0].clone();
        if target.is_empty() {
            return Err(refuse(1, format!("invalid destination label name in {name}(): {target:?}")));
        }
        let pattern = if call.function == Function::LabelReplace {
            let compiled = whole_value_regex(&texts[3]);
            Some(compiled.ok_or_else(|| {
                refuse(4, format!("invalid regular expression in label_replace(): {}", texts[3]))
            })?)
        } else {
            None
        };
        let references = texts[1].matches('$').count();
        for one in &mut series {
            self.cost.spend(LABEL_WORK)?;
            let value = match &pattern {
                Some(pattern) => {
                    let source = one.labels.value_or_empty(&texts[2]);
                    // Each reference may stand for all of the source.
                    self.cost.check_room(texts[1].len() as u64 + references as u64 * source.len() as u64)?;
                    let Some(captures) = pattern.captures(source) else { continue };
                    let mut value = String::new();
                    captures.expand(&texts[1], &mut value);
                    value
                }
                None => {
                    let parts = texts[2..].iter().map(|source| one.labels.value_or_empty(source));
                    let parts: Vec<_> = parts.collect();
                    let length: usize = parts.iter().map(|part| part.len() + texts[1].len()).sum();
                    self.cost.check_room(length as u64)?;
                    parts.join(&texts[1])
                }
            };
            one.labels = one.labels.with(&target, &value);
            self.cost.hold_bytes(one.labels.heap_bytes())?;
            if target == METRIC_NAME {
                one.drop_name = false;
            }
        }
        merge_equal(series)
    }

    fn sort(&mut self, expr: &Expr, call: &Call, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let mut series = self.vector(&call.arguments[0], grid)?;
        if matches!(call.function, Function::Sort | Function::SortDesc) {
            // Histograms have no order.
            series.iter_mut().for_each(|one| one.histograms = Vec::new());
            series.retain(|one| !one.is_blank());
        }
        if self.asked.start != self.asked.end {
            let name = "sort is ineffective for range queries since results are always ordered by labels";
            self.warn(&expr.span, name.into());
            return Ok(series);
        }
        let mut labels = Vec::new();
        for argument in call.arguments.iter().skip(1) {
            labels.push(self.text(argument, grid)?);
        }
        let by_value = |a: &Series, b: &Series| {
            let (a, b) = (a.values[0], b.values[0]);
            let order = if call.function == Function::Sort { a.total_cmp(&b) } else { b.total_cmp(&a) };
            a.is_nan().cmp(&b.is_nan()).then(order)
        };
        let by_label = |a: &Series, b: &Series| {
            let compare = |l: &String| natural(a.labels.value_or_empty(l), b.labels.value_or_empty(l));
            let named = labels.iter().map(compare).find(|o| o.is_ne());
            named.unwrap_or_else(|| a.labels.cmp(&b.labels))
        };
        match call.function {
            Function::SortByLabel => series.sort_by(by_label),
            Function::SortByLabelDesc => series.sort_by(|a, b| by_label(b, a)),
            _ => series.sort_by(by_value),
        }
        Ok(series)
    }
}

fn only_value(series: &[Series], step: usize) -> f64 {
    let mut present = series.iter().map(|s| s.values[step]).filter(|v| is_present(*v));
    match (present.next(), present.next()) {
        (Some(value), None) => value,
        _ => f64::NAN,
    }
}

/// The labels that `absent` can know: those the selector pins to one value.
pub(super) fn absent_labels(expr: &Expr) -> Labels {
    let selector: &VectorSelector = match &expr.unwrapped().kind {
        ExprKind::Selector(selector) => selector,
        ExprKind::Range(range) => &range.selector,
        _ => return Labels::empty(),
    };
    let mut pinned: BTreeMap<&str, &str> = BTreeMap::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for matcher in selector.matchers.iter().filter(|m| m.name != METRIC_NAME) {
        // As in Prometheus, the first value counts if nothing is said about the label after it.
        if matcher.op == MatchOp::Equal && seen.insert(&matcher.name) {
            pinned.insert(&matcher.name, &matcher.value);
        } else {
            pinned.remove(matcher.name.as_str());
        }
    }
    Labels::from_pairs(pinned)
}

/// Compares runs of digits by their number, the rest by text: `a2` before `a10`.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (a_digits, b_digits) = (digits(a), digits(b));
        if a_digits > 0 && b_digits > 0 {
            let (x, y) = (a[..a_digits].trim_start_matches('0'), b[..b_digits].trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then(x.cmp(y)).then(a_digits.cmp(&b_digits));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[a_digits..], &b[b_digits..]);
            continue;
        }
        match (a.chars().next(), b.chars().next()) {
            (Some(x), Some(y)) if x == y => (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]),
            (x, y) => return x.cmp(&y),
        }
    }
}

/// The smaller number; NaN if either is, unless the other cannot be beaten.
fn go_min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        return f64::NEG_INFINITY;
    }
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// The larger number; NaN if either is, unless the other cannot be beaten.
fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        return f64::INFINITY;
    }
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn map_value(function: Function, v: f64, p: &[f64]) -> f64 {
    match function {
        Function::Abs => v.abs(),
        Function::Ceil => v.ceil(),
        Function::Floor => v.floor(),
        Function::Exp => v.exp(),
        Function::Sqrt => v.sqrt(),
        Function::Ln => v.ln(),
        Function::Log2 => v.log2(),
        Function::Log10 => v.log10(),
        Function::Sin => v.sin(),
        Function::Cos => v.cos(),
        Function::Tan => v.tan(),
        Function::Asin => v.asin(),
        Function::Acos => v.acos(),
        Function::Atan => v.atan(),
        Function::Sinh => v.sinh(),
        Function::Cosh => v.cosh(),
        Function::Tanh => v.tanh(),
        Function::Asinh => asinh(v),
        Function::Acosh => acosh(v),
        Function::Atanh => v.atanh(),
        Function::Rad => v * std::f64::consts::PI / 180.0,
        Function::Deg => v * 180.0 / std::f64::consts::PI,
        Function::Sgn => match v.partial_cmp(&0.0) {
            Some(std::cmp::Ordering::Less) => -1.0,
            Some(std::cmp::Ordering::Greater) => 1.0,
            Some(std::cmp::Ordering::Equal) | None => v,
        },
        Function::Round => {
            // Multiplying by the inverse loses less than dividing for values such as 0.1.
            let inverse = 1.0 / p.first().copied().unwrap_or(1.0);
            (v * inverse + 0.5).floor() / inverse
        }
        Function::Clamp if p[0] > p[1] => ABSENT,
        Function::Clamp => go_max(p[0], go_min(p[1], v)),
        Function::ClampMin => go_max(p[0], v),
        Function::ClampMax => go_min(p[0], v),
        Function::Minute
        | Function::Hour
        | Function::DayOfWeek
        | Function::Year
        | Function::Month
        | Function::DayOfMonth
        | Function::DayOfYear
        | Function::DaysInMonth => date_part(function, v),
        _ => f64::NAN,
    }
}

/// From here on the inverse hyperbolic functions are the logarithm of twice the number, whose square may overflow.
const LARGE: f64 = 268_435_456.0;

fn acosh(v: f64) -> f64 {
    if v >= LARGE { v.ln() + LN_2 } else { v.acosh() }
}

fn asinh(v: f64) -> f64 {
    if v.is_finite() && v.abs() > LARGE { (v.abs().ln() + LN_2).copysign(v) } else { v.asinh() }
}

/// A part of the date of a moment in seconds, whose fraction is cut off. What no 64 bits hold has no date.
fn date_part(function: Function, seconds: f64) -> f64 {
    if seconds.is_nan() || seconds.abs() >= 9_223_372_036_854_775_808.0 {
        return f64::NAN;
    }
    let seconds = seconds as i64;
    let day_number = seconds.div_euclid(86_400);
    let (year, month, day) = civil_date(day_number);
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match function {
        Function::Minute => seconds.div_euclid(60).rem_euclid(60) as f64,
        Function::Hour => seconds.div_euclid(3600).rem_euclid(24) as f64,
        // The epoch was a Thursday.
        Function::DayOfWeek => (day_number + 4).rem_euclid(7) as f64,
        Function::Year => year as f64,
        Function::Month => month as f64,
        Function::DayOfMonth => day as f64,
        Function::DaysInMonth => match month {
            2 => 28.0 + f64::from(u8::from(is_leap)),
            4 | 6 | 9 | 11 => 30.0,
            _ => 31.0,
        },
        _ => {
            let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][(month - 1) as usize];
            (before + day + i64::from(is_leap && month > 2)) as f64
        }
    }
}

/// A regular expression that must match the whole value, within bounds.
fn whole_value_regex(source: &str) -> Option<regex::Regex> {
    let whole = format!("^(?s:{})$", regex_from_go(source).ok()?);
    regex::RegexBuilder::new(&whole).size_limit(REGEX_BYTES_MAX).build().ok()
}
