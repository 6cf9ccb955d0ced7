//! Evaluates a tree over a source of series, for one moment or for many at once.
//!
//! A range query is not a loop of instant queries: each selector is read once for the whole range, and every operator
//! works on columns with one slot per step.

mod column;

use bellwether_model::{Labels, Sample, SeriesSource, SourceError, TimeDelta, Timestamp};

use crate::syntax::{At, Expr, ExprKind, QueryTimes, Shift, Span};
use crate::value::{Annotation, Evaluated, InstantSeries, RangeSeries, Value};
use column::{Columns, Grid, Series, is_present, merge_equal};

/// Bounds on what one query may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Samples held in memory, counted over the whole query.
    pub samples: u64,
    /// Steps of a range query.
    pub steps: u64,
}

impl Default for Limits {
    /// As Prometheus bounds them.
    fn default() -> Self {
        Self { samples: 50_000_000, steps: 11_000 }
    }
}

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
    /// Asked regularly; evaluation stops once it says yes.
    pub is_cancelled: Option<&'a dyn Fn() -> bool>,
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
            is_cancelled: None,
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
    let mut evaluator = Evaluator::new(source, options, grid, TimeDelta::ZERO);
    let columns = evaluator.eval(expr, grid)?;
    let value = match columns {
        Columns::Scalar(values) => Value::Scalar(Sample::new(at, values[0])),
        Columns::Text(text) => Value::String(text),
        Columns::Vector(series) => {
            let series = evaluator.finish(series)?.into_iter().filter(|s| is_present(s.values[0]));
            let sample = |s: Series| InstantSeries { labels: s.labels, sample: Sample::new(at, s.values[0]) };
            Value::Vector(series.map(sample).collect())
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
    let mut evaluator = Evaluator::new(source, options, grid, range.step);
    let series = match evaluator.eval(expr, grid)? {
        Columns::Scalar(values) => vec![Series::new(Labels::empty(), values)],
        Columns::Text(_) => return Err(EvalError::BadRange("a range query cannot give a string")),
        Columns::Vector(series) => evaluator.finish(series)?,
    };
    let points = |s: &Series| {
        let slots = grid.times().zip(&s.values).filter(|(_, v)| is_present(**v));
        slots.map(|(at, v)| Sample::new(Timestamp(at), *v)).collect::<Vec<_>>()
    };
    let rows = series.into_iter().map(|s| RangeSeries { points: points(&s), labels: s.labels });
    let mut rows: Vec<_> = rows.filter(|row| !row.points.is_empty()).collect();
    rows.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(evaluator.evaluated(Value::Matrix(rows)))
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
    /// The query's own grid, for `start()`, `end()` and durations that ask for it.
    query: Grid,
    times: QueryTimes,
    samples: u64,
    warnings: Vec<Annotation>,
    infos: Vec<Annotation>,
}

impl<'a> Evaluator<'a> {
    fn new(source: &'a dyn SeriesSource, options: &'a EvalOptions<'a>, query: Grid, step: TimeDelta) -> Self {
        let times = QueryTimes { step, range: TimeDelta(query.last() - query.start) };
        Self { source, options, query, times, samples: 0, warnings: Vec::new(), infos: Vec::new() }
    }

    fn evaluated(self, value: Value) -> Evaluated {
        let once = |mut list: Vec<Annotation>| {
            list.sort_by(|a, b| (a.span.start, &a.message).cmp(&(b.span.start, &b.message)));
            list.dedup();
            list
        };
        Evaluated { value, warnings: once(self.warnings), infos: once(self.infos) }
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
        self.samples = self.samples.saturating_add(samples);
        let limit = self.options.limits.samples;
        if self.samples > limit { Err(EvalError::TooManySamples { limit }) } else { Ok(()) }
    }

    fn check_cancelled(&self) -> Result<(), EvalError> {
        if self.options.is_cancelled.is_some_and(|ask| ask()) { Err(EvalError::Cancelled) } else { Ok(()) }
    }

    /// The moment a shifted selector looks at from `at`.
    fn shifted(&self, shift: &Shift, at: i64) -> Result<i64, EvalError> {
        let base = match shift.at {
            None => at,
            Some(At::Time(time)) => time.0,
            Some(At::Start) => self.query.start,
            Some(At::End) => self.query.last(),
        };
        let offset = match &shift.offset {
            None => TimeDelta::ZERO,
            Some(offset) => {
                offset.delta(self.times).ok_or(EvalError::BadRange("an offset must be a finite duration"))?
            }
        };
        Ok(base.saturating_sub(offset.0))
    }

    fn eval(&mut self, expr: &Expr, grid: Grid) -> Result<Columns, EvalError> {
        self.check_cancelled()?;
        match &expr.kind {
            ExprKind::Number { value, .. } => Ok(Columns::Scalar(vec![*value; grid.count])),
            ExprKind::Text(text) => Ok(Columns::Text(text.clone())),
            ExprKind::Paren(inner) => self.eval(inner, grid),
            _ => Err(EvalError::Unsupported { span: expr.span.clone(), what: "this expression" }),
        }
    }
}
