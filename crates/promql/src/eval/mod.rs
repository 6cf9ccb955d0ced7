//! Evaluates a tree over a source of series, for one moment or for many at once.
//!
//! A range query is not a loop of instant queries: each selector is read once for the whole range, and every operator
//! works on columns with one slot per step.

mod aggregate;
mod binary;
mod classic_histogram;
mod column;
mod cost;
mod extended;
mod histogram_aggregate;
mod histogram_binary;
mod histogram_extended;
mod histogram_function;
mod histogram_quantile;
mod histogram_rate;
mod info;
mod instant_function;
mod label_hash;
mod look;
mod mixed_samples;
mod mixed_select;
mod mixed_window;
mod note;
mod number_text;
mod parallel;
mod range_function;
mod row;
mod running_total;
mod select;
mod sliding;
mod start_time;
mod top;
mod window;
mod windows;

use std::sync::Arc;

use bellwether_model::{
    HistogramSample, Labels, Sample, SeriesSource, SourceError, TimeDelta, TimeRange, Timestamp,
};

use crate::function::Function;
use crate::histogram::scaled;
use crate::syntax::{At, Expr, ExprKind, Kind, QueryTimes, Shift, Span};
use crate::value::{Annotation, Evaluated, InstantSeries, RangeSeries, Value};
pub use cost::{Interrupt, Limits};

use column::{Columns, Grid, Series, is_present, merge_equal, merge_if};
use cost::Cost;
use histogram_function::Statistics;
use look::Take;
use mixed_samples::MixedSamples;

/// How to evaluate.
#[derive(Clone, Copy)]
pub struct EvalOptions<'a> {
    /// How old a sample an instant selector accepts; a sample exactly this old is not accepted.
    pub lookback: TimeDelta,
    /// Step of subqueries that state none.
    pub subquery_step: TimeDelta,
    /// Bounds on cost.
    pub limits: Limits,
    /// Metric names are removed at the end of the query only, so that `label_replace` still sees them.
    pub delayed_name_removal: bool,
    /// `__type__` and `__unit__` describe the metric and go where its name goes.
    pub type_and_unit_labels: bool,
    /// Threads a query may use where it reads many chunks. How many there are to use its owner knows.
    pub threads: usize,
    /// Asked every few milliseconds of work; evaluation stops once it gives a reason. Clocks and flags are its
    /// owner's: nothing here reads one.
    pub interrupt: Option<&'a dyn Fn() -> Option<Interrupt>>,
}

impl Default for EvalOptions<'_> {
    /// As Prometheus is set by default.
    fn default() -> Self {
        Self {
            lookback: TimeDelta(5 * 60_000),
            subquery_step: TimeDelta::MINUTE,
            limits: Limits::default(),
            delayed_name_removal: false,
            type_and_unit_labels: false,
            threads: 1,
            interrupt: None,
        }
    }
}

/// The moments of a range query, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeSpec {
    /// First moment.
    pub start: Timestamp,
    /// No moment is after this one.
    pub end: Timestamp,
    /// Distance of two moments.
    pub step: TimeDelta,
}

/// Why a query has no result.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The source could not answer.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Too much would be held in memory.
    #[error("query needs more than {limit} samples in memory; narrow its selectors, range or step")]
    TooManySamples {
        /// The bound.
        limit: u64,
    },
    /// Too much memory would be held.
    #[error("query needs more than {} MiB of memory; narrow its selectors, range or step", limit_bytes >> 20)]
    TooMuchMemory {
        /// The bound.
        limit_bytes: u64,
    },
    /// Too many steps.
    #[error("query needs {steps} steps, more than {limit}; choose a larger step or a shorter range")]
    TooManySteps {
        /// What was asked for.
        steps: u64,
        /// The bound.
        limit: u64,
    },
    /// The range makes no sense.
    #[error("{0}")]
    BadRange(&'static str),
    /// Whoever asked does not want the answer any more.
    #[error("query was cancelled")]
    Cancelled,
    /// Its time was over before it was done.
    #[error(
        "query timed out; narrow its selectors or range, choose a larger step, or record parts of it with rules"
    )]
    TimedOut,
    /// Two series of a result have the same labels.
    #[error("vector cannot contain metrics with the same labelset: {labels}")]
    SameLabels {
        /// The labels.
        labels: Labels,
    },
    /// Series cannot be matched with each other.
    #[error("{0}")]
    Matching(String),
    /// A parameter has a value that it must not have.
    #[error("{message}")]
    Parameter {
        /// The parameter.
        span: Span,
        /// What is wrong with it.
        message: String,
    },
    /// Something that is not built yet.
    #[error("{what} is not supported yet")]
    Unsupported {
        /// Where it is used.
        span: Span,
        /// What it is.
        what: &'static str,
    },
}

/// Evaluates for one moment.
pub fn eval_instant(
    expr: &Expr,
    at: Timestamp,
    source: &dyn SeriesSource,
    options: &EvalOptions<'_>,
) -> Result<Evaluated, EvalError> {
    let grid = Grid::one(at.0);
    let mut evaluator = Evaluator::new(source, options, TimeRange::new(at, at), TimeDelta::ZERO);
    if expr.result() == Kind::Range {
        let value = evaluator.raw_matrix(expr, grid)?;
        return Ok(evaluator.evaluated(value));
    }
    let columns = evaluator.eval(expr, grid)?;
    let value = match columns {
        Columns::Scalar(values) => Value::Scalar(Sample::new(at, values[0])),
        Columns::Text(text) => Value::String(text),
        Columns::Vector(series) => {
            let series = evaluator.finish(series)?.into_iter();
            let instant = |s: Series| s.value(0).map(|value| InstantSeries { labels: s.labels, at, value });
            Value::Vector(series.filter_map(instant).collect())
        }
    };
    Ok(evaluator.evaluated(value))
}

/// Evaluates for all moments of a range; always gives a matrix.
pub fn eval_range(
    expr: &Expr,
    range: RangeSpec,
    source: &dyn SeriesSource,
    options: &EvalOptions<'_>,
) -> Result<Evaluated, EvalError> {
    let grid = grid_of(range, options.limits.steps)?;
    let asked = TimeRange::new(range.start, range.end);
    let mut evaluator = Evaluator::new(source, options, asked, range.step);
    let series = match evaluator.eval(expr, grid)? {
        Columns::Scalar(values) => vec![Series::new(Labels::empty(), values)],
        Columns::Text(_) => return Err(EvalError::BadRange("a range query cannot give a string")),
        Columns::Vector(series) => evaluator.finish(series)?,
    };
    let count = series.len() as u64 * grid.count as u64;
    evaluator.cost.check_room(count.saturating_mul(size_of::<Sample>() as u64))?;
    let mut rows = Vec::with_capacity(series.len());
    for one in series {
        evaluator.cost.spend(grid.count as u64)?;
        let row = points(one, grid);
        if !row.points.is_empty() || !row.histograms.is_empty() {
            rows.push(row);
        }
    }
    rows.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(evaluator.evaluated(Value::Matrix(rows)))
}

/// A column as samples with their times.
fn points(series: Series, grid: Grid) -> RangeSeries {
    let slots = grid.times().zip(&series.values).filter(|(_, value)| is_present(**value));
    let points = slots.map(|(at, value)| Sample::new(Timestamp(at), *value)).collect();
    let slots = grid.times().zip(series.histograms);
    let histograms = slots.filter_map(|(at, h)| Some(HistogramSample::new(Timestamp(at), h?))).collect();
    RangeSeries { points, histograms, labels: series.labels }
}

fn grid_of(range: RangeSpec, limit: u64) -> Result<Grid, EvalError> {
    if range.step.0 <= 0 {
        return Err(EvalError::BadRange("the step of a range query must be greater than 0"));
    }
    if range.end < range.start {
        return Err(EvalError::BadRange("the end of a range query must not be before its start"));
    }
    let steps = (range.end.0.abs_diff(range.start.0) / range.step.0 as u64).saturating_add(1);
    if steps > limit {
        return Err(EvalError::TooManySteps { steps, limit });
    }
    Ok(Grid { start: range.start.0, step: range.step.0, count: steps as usize })
}

struct Evaluator<'a> {
    source: &'a dyn SeriesSource,
    options: &'a EvalOptions<'a>,
    /// What was asked for, for `start()`, `end()` and durations that ask for it. No step need lie on its end.
    asked: TimeRange,
    times: QueryTimes,
    cost: Cost<'a>,
    /// What is read of histograms where evaluation is now.
    statistics: Statistics,
    warnings: Vec<Annotation>,
    infos: Vec<Annotation>,
}

impl<'a> Evaluator<'a> {
    fn new(
        source: &'a dyn SeriesSource,
        options: &'a EvalOptions<'a>,
        asked: TimeRange,
        step: TimeDelta,
    ) -> Self {
        let times = QueryTimes { step, range: TimeDelta(asked.end.0.saturating_sub(asked.start.0)) };
        Self {
            source,
            options,
            asked,
            times,
            cost: Cost::new(options.limits, options.interrupt),
            statistics: Statistics::NotAsked,
            warnings: Vec::new(),
            infos: Vec::new(),
        }
    }

    fn evaluated(self, value: Value) -> Evaluated {
        let once = |mut list: Vec<Annotation>| {
            list.sort_by(|a, b| (a.span.start, &a.message).cmp(&(b.span.start, &b.message)));
            list.dedup();
            list
        };
        Evaluated {
            value,
            warnings: once(self.warnings),
            infos: once(self.infos),
            samples_peak: self.cost.samples_peak(),
        }
    }

    fn raw_matrix(&mut self, expr: &Expr, grid: Grid) -> Result<Value, EvalError> {
        let mut rows = Vec::new();
        for mut row in self.raw_range(expr, grid)? {
            if row.drop_name {
                row.labels = self.without_reserved(&row.labels);
            }
            let MixedSamples { floats, histograms, .. } = row.samples;
            rows.push(RangeSeries { labels: row.labels, points: floats, histograms });
        }
        rows.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Value::Matrix(rows))
    }

    /// Removes the names that were to be removed at the end.
    fn finish(&mut self, series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
        let renamed = series.into_iter().map(|mut s| {
            if s.drop_name {
                s.labels = self.without_reserved(&s.labels);
            }
            s
        });
        merge_equal(renamed.collect())
    }

    fn without_reserved(&self, labels: &Labels) -> Labels {
        if self.options.type_and_unit_labels {
            labels.without(&["__name__", "__type__", "__unit__"])
        } else {
            labels.without_name()
        }
    }

    /// Counts samples that will be held.
    fn hold(&mut self, samples: u64) -> Result<(), EvalError> {
        self.cost.hold(samples)
    }

    fn check_cancelled(&self) -> Result<(), EvalError> {
        self.cost.ask()
    }

    /// The moment a shifted selector looks at from `at`.
    fn shifted(&self, shift: &Shift, at: i64) -> Result<i64, EvalError> {
        let base = match shift.at {
            None => at,
            Some(At::Time(time)) => time.0,
            Some(At::Start) => self.asked.start.0,
            Some(At::End) => self.asked.end.0,
        };
        let offset = match &shift.offset {
            None => TimeDelta::ZERO,
            Some(offset) => {
                offset.delta(self.times).ok_or(EvalError::BadRange("an offset must be a finite duration"))?
            }
        };
        Ok(base.saturating_sub(offset.0))
    }

    fn warn(&mut self, span: &Span, message: String) {
        note(&mut self.warnings, span, message);
    }

    fn info(&mut self, span: &Span, message: String) {
        note(&mut self.infos, span, message);
    }

    /// Takes the metric's name away, now or at the end.
    fn drop_name(&self, series: &mut Series) {
        if self.options.delayed_name_removal {
            series.drop_name = true;
        } else {
            series.labels = self.without_reserved(&series.labels);
        }
    }

    fn eval(&mut self, expr: &Expr, grid: Grid) -> Result<Columns, EvalError> {
        self.cost.ask()?;
        let before = self.cost.held();
        let columns = if grid.count > 1 && is_step_invariant(expr) {
            let columns = self.eval_node(expr, Grid::one(grid.start))?;
            self.spread(columns, grid)?
        } else {
            self.eval_node(expr, grid)?
        };
        // What was needed on the way is free again; the result stays until its own user is done.
        self.cost.settle(before, columns.held())?;
        Ok(columns)
    }

    /// Repeats the one value of an expression that is the same at every step.
    fn spread(&mut self, columns: Columns, grid: Grid) -> Result<Columns, EvalError> {
        let repeat = |values: Vec<f64>| vec![values[0]; grid.count];
        Ok(match columns {
            Columns::Scalar(values) => Columns::Scalar(repeat(values)),
            Columns::Text(text) => Columns::Text(text),
            Columns::Vector(series) => {
                self.hold(series.len() as u64 * grid.count as u64)?;
                Columns::Vector(series.into_iter().map(|s| s.widened(grid.count)).collect())
            }
        })
    }

    fn eval_node(&mut self, expr: &Expr, grid: Grid) -> Result<Columns, EvalError> {
        match &expr.kind {
            ExprKind::Number { value, .. } => {
                self.hold(grid.count as u64)?;
                Ok(Columns::Scalar(vec![*value; grid.count]))
            }
            ExprKind::Text(text) => Ok(Columns::Text(text.clone())),
            ExprKind::Paren(inner) => self.eval_node(inner, grid),
            ExprKind::Selector(selector) => {
                Ok(Columns::Vector(self.instant_selector(selector, grid, Take::Value)?))
            }
            ExprKind::Unary { is_negative: false, operand } => self.eval_node(operand, grid),
            ExprKind::Unary { is_negative: true, operand } => self.negated(operand, grid),
            ExprKind::Binary(binary) => self.binary(binary, grid),
            ExprKind::Aggregate(aggregation) => Ok(Columns::Vector(self.aggregate(aggregation, grid)?)),
            ExprKind::Call(call) => self.call(expr, call, grid),
            ExprKind::Range(_) | ExprKind::Subquery(_) => {
                Err(EvalError::BadRange("a range vector cannot be drawn over time; put a function around it"))
            }
        }
    }

    fn negated(&mut self, operand: &Expr, grid: Grid) -> Result<Columns, EvalError> {
        match self.eval_node(operand, grid)? {
            Columns::Scalar(values) => Ok(Columns::Scalar(values.into_iter().map(|v| -v).collect())),
            Columns::Text(_) => Err(EvalError::BadRange("a string has no negative")),
            Columns::Vector(mut series) => {
                for one in &mut series {
                    one.values.iter_mut().filter(|v| is_present(**v)).for_each(|v| *v = -*v);
                    for histogram in one.histograms.iter_mut().flatten() {
                        *histogram = Arc::new(scaled(histogram, -1.0));
                    }
                    self.drop_name(one);
                }
                Ok(Columns::Vector(merge_if(!self.options.delayed_name_removal, series)?))
            }
        }
    }
}

/// Notes something once; a query over a thousand series does not say it a thousand times.
fn note(list: &mut Vec<Annotation>, span: &Span, message: String) {
    let annotation = Annotation { span: span.clone(), message };
    if list.len() < NOTES_MAX && !list.contains(&annotation) {
        list.push(annotation);
    }
}

/// Notes kept per query.
const NOTES_MAX: usize = 100;

/// Whether an expression has the same value at every step, because each of its selectors is pinned by `@`.
fn is_step_invariant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::Text(_) => true,
        ExprKind::Selector(selector) => selector.shift.at.is_some(),
        ExprKind::Range(range) => range.selector.shift.at.is_some(),
        ExprKind::Subquery(subquery) => subquery.shift.at.is_some(),
        ExprKind::Call(call) if asks_for_step(call.function) => false,
        ExprKind::Paren(_)
        | ExprKind::Unary { .. }
        | ExprKind::Binary(_)
        | ExprKind::Aggregate(_)
        | ExprKind::Call(_) => {
            let mut all = true;
            expr.for_each_child(|child| all = all && is_step_invariant(child));
            all
        }
    }
}

/// Functions whose value depends on the step itself, not only on their arguments.
fn asks_for_step(function: Function) -> bool {
    use Function as F;
    matches!(
        function,
        F::Time
            | F::Timestamp
            | F::PredictLinear
            | F::Minute
            | F::Hour
            | F::DayOfWeek
            | F::DayOfMonth
            | F::DayOfYear
            | F::DaysInMonth
            | F::Month
            | F::Year
    )
}
