//! Functions over ranges: for every series a window slides over its samples.
//!
//! A window is left-open and right-closed. Most functions are calculated for all windows in one pass (`sliding.rs`);
//! here the others look at the samples of each window.

use bellwether_model::{HistogramSample, Labels, Sample, TimeRange, Timestamp};

use super::column::{ABSENT, Columns, Grid, Series, is_present, merge_if};
use super::cost::Cost;
use super::extended::over_extended;
use super::histogram_function::Statistics;
use super::mixed_samples::{MixedSamples, without_relation};
use super::mixed_window::MixedRow;
use super::range_function;
use super::row::{Row, RowSamples};
use super::windows::Windows;
use super::{EvalError, Evaluator, parallel, sliding};
use crate::function::Function;
use crate::syntax::{Call, DurationExpr, Edges, Expr, ExprKind, Kind, Shift, Subquery};

/// The samples of one series in one window.
pub(super) struct RawRow {
    pub(super) labels: Labels,
    pub(super) drop_name: bool,
    pub(super) samples: MixedSamples,
}

impl Evaluator<'_> {
    /// The series of a range selector or subquery, and the windows to look at them through.
    pub(super) fn range_rows(&mut self, expr: &Expr, grid: Grid) -> Result<(Vec<Row>, Windows), EvalError> {
        match &expr.unwrapped().kind {
            ExprKind::Range(range) => {
                let mut windows = self.windows(&range.range, &range.selector.shift, grid)?;
                windows.edges = range.selector.edges;
                let beyond = windows.beyond();
                let oldest = windows
                    .first
                    .saturating_sub(windows.length)
                    .saturating_sub(beyond.left)
                    .saturating_add(1);
                let newest = windows.end(grid.count - 1).saturating_add(beyond.right);
                let asked = TimeRange::new(Timestamp(oldest), Timestamp(newest));
                let views = self.source.select(&range.selector.matchers, asked)?;
                let row = |view: bellwether_model::SeriesView| Row {
                    labels: view.labels,
                    drop_name: false,
                    samples: RowSamples::Chunks(view.chunks),
                };
                Ok((views.into_iter().map(row).collect(), windows))
            }
            ExprKind::Subquery(subquery) => {
                let windows = self.windows(&subquery.range, &subquery.shift, grid)?;
                Ok((self.subquery_rows(subquery, windows, grid)?, windows))
            }
            _ => Err(EvalError::BadRange("a range function needs a range vector")),
        }
    }

    fn windows(&self, range: &DurationExpr, shift: &Shift, grid: Grid) -> Result<Windows, EvalError> {
        let length = range.delta(self.times).filter(|d| d.0 > 0);
        let length = length.ok_or(EvalError::BadRange("duration must be greater than 0"))?.0;
        let step = if shift.at.is_some() { 0 } else { grid.step };
        let first = self.shifted(shift, grid.start)?;
        Ok(Windows { first, step, length, edges: Edges::Plain, lookback: self.options.lookback.0 })
    }

    fn subquery_rows(
        &mut self,
        subquery: &Subquery,
        windows: Windows,
        grid: Grid,
    ) -> Result<Vec<Row>, EvalError> {
        let step = match &subquery.step {
            None => self.options.subquery_step.0,
            Some(step) => step.delta(self.times).map_or(0, |d| d.0),
        };
        if step <= 0 {
            return Err(EvalError::BadRange("the step of a subquery must be greater than 0"));
        }
        // Steps lie on multiples of the step, whatever the query's own times, and after the first window's open edge.
        let open_edge = windows.first.saturating_sub(windows.length);
        let start = open_edge.div_euclid(step).saturating_add(1).saturating_mul(step);
        let end = windows.end(grid.count - 1);
        if start > end {
            return Ok(Vec::new());
        }
        let steps = (end.abs_diff(start) / step as u64).saturating_add(1);
        let limit = self.options.limits.samples;
        if steps > limit {
            return Err(EvalError::TooManySteps { steps, limit });
        }
        let inner_grid = Grid { start, step, count: steps as usize };
        // Its steps may leave samples out, so what these said of their neighbours says nothing here.
        let reads_statistics = std::mem::replace(&mut self.statistics, Statistics::NotEnough);
        let inner = self.eval(&subquery.inner, inner_grid);
        self.statistics = reads_statistics;
        let Columns::Vector(series) = inner? else {
            return Err(EvalError::BadRange("a subquery needs an instant vector"));
        };
        self.hold(series.len() as u64 * steps)?;
        let row = |one: Series| {
            let slots = inner_grid.times().zip(&one.values).filter(|(_, v)| is_present(**v));
            let floats = slots.map(|(at, v)| Sample::new(Timestamp(at), *v)).collect();
            let samples = if one.has_histograms() {
                let slots = inner_grid.times().zip(one.histograms);
                let histograms = slots
                    .filter_map(|(at, h)| Some(HistogramSample::new(Timestamp(at), without_relation(h?))));
                RowSamples::Mixed(MixedSamples::new(floats, histograms.collect()))
            } else {
                RowSamples::Plain(floats)
            };
            Row { labels: one.labels, drop_name: one.drop_name, samples }
        };
        Ok(series.into_iter().map(row).collect())
    }

    /// Evaluates a call whose argument is a range.
    pub(super) fn range_call(&mut self, call: &Call, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let mut parameters = Vec::new();
        let mut range = None;
        for argument in &call.arguments {
            if argument.result() == Kind::Range {
                range = Some(argument);
            } else if let Columns::Scalar(values) = self.eval(argument, grid)? {
                parameters.push((argument, values));
            }
        }
        let Some(range) = range else {
            return Err(EvalError::BadRange("a range function needs a range vector"));
        };
        let (mut rows, windows) = self.range_rows(range, grid)?;
        self.check_parameters(call.function, &parameters, &rows, windows, grid)?;
        if call.function == Function::AbsentOverTime {
            return self.absent_over_time(range, rows, windows, grid);
        }
        let parameters: Vec<_> = parameters.into_iter().map(|(_, values)| values).collect();
        let mut columns = self.slide_side_by_side(call.function, &mut rows, windows, grid, &parameters)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            self.check_cancelled()?;
            self.hold(grid.count as u64)?;
            let mut series = if let Some(values) = columns.next() {
                Series::new(row.labels, values)
            } else if row.samples.is_mixed_for(call.function) {
                let is_calculated = !matches!(row.samples, RowSamples::Chunks(_));
                let mut samples = row.samples.mixed(&self.cost)?;
                if !is_calculated {
                    self.keep_statistics(&mut samples, windows.reach(0).0);
                }
                let span = &range.span;
                let row = MixedRow { labels: row.labels, samples, windows, parameters: &parameters, span };
                self.slide_mixed(call.function, row, grid)?
            } else {
                let values = slide(call.function, row.samples, windows, grid, &parameters, &self.cost)?;
                Series::new(row.labels, values)
            };
            series.drop_name = row.drop_name;
            if series.is_blank() {
                continue;
            }
            if series.values.iter().copied().any(is_present) {
                self.note_non_counter(call.function, &series.labels, range);
            }
            if !matches!(call.function, Function::LastOverTime | Function::FirstOverTime) {
                self.drop_name(&mut series);
            }
            found.push(series);
        }
        merge_if(!self.options.delayed_name_removal, found)
    }

    /// The columns of all rows, where they are worth several threads and all of them numbers; otherwise none.
    fn slide_side_by_side(
        &self,
        function: Function,
        rows: &mut [Row],
        windows: Windows,
        grid: Grid,
        parameters: &[Vec<f64>],
    ) -> Result<std::vec::IntoIter<Vec<f64>>, EvalError> {
        let mut columns = None;
        if self.options.threads > 1 && !rows.iter().any(|row| row.samples.is_mixed_for(function)) {
            self.cost.check_room((rows.len() as u64).saturating_mul(grid.count as u64 * 8))?;
            let slide = |samples: RowSamples, cost: &Cost<'_>| {
                slide(function, samples, windows, grid, parameters, cost)
            };
            let samples = rows.iter_mut().map(|row| &mut row.samples);
            columns = parallel::columns(samples, self.options.threads, &self.cost, slide)?;
        }
        Ok(columns.unwrap_or_default().into_iter())
    }

    fn note_non_counter(&mut self, function: Function, labels: &Labels, range: &Expr) {
        let Some(name) = labels.metric_name() else { return };
        let is_counter_like = ["_total", "_sum", "_count", "_bucket"].iter().any(|end| name.ends_with(end));
        if matches!(function, Function::Rate | Function::Increase) && !is_counter_like {
            let message = format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}"
            );
            self.info(&range.span, message);
        }
    }

    /// A parameter is looked at where there is something to apply it to, and nowhere else.
    fn check_parameters(
        &mut self,
        function: Function,
        parameters: &[(&Expr, Vec<f64>)],
        rows: &[Row],
        windows: Windows,
        grid: Grid,
    ) -> Result<(), EvalError> {
        let is_bad: fn(f64) -> bool = match function {
            Function::QuantileOverTime => |q| !(0.0..=1.0).contains(&q),
            // NaN is none of what is refused.
            Function::DoubleExponentialSmoothing => |factor| factor <= 0.0 || factor >= 1.0,
            _ => return Ok(()),
        };
        if !parameters.iter().any(|(_, values)| values.iter().any(|v| is_bad(*v))) {
            return Ok(());
        }
        let mut is_used = vec![false; grid.count];
        for row in rows {
            // A factor is looked at before it is known what there is to smooth, a quantile where there are numbers.
            if function == Function::DoubleExponentialSmoothing && row.samples.is_mixed_for(function) {
                is_used.fill(true);
                break;
            }
            let floats = row.samples.floats();
            let seen = slide(Function::PresentOverTime, floats, windows, grid, &[], &self.cost)?;
            is_used.iter_mut().zip(seen).for_each(|(used, seen)| *used |= is_present(seen));
        }
        for (index, (expr, values)) in parameters.iter().enumerate() {
            let mut used = values.iter().zip(&is_used).filter(|(_, used)| **used).map(|(value, _)| *value);
            if function == Function::QuantileOverTime {
                self.check_quantile(expr, &used.collect::<Vec<_>>());
            } else if let Some(bad) = used.find(|value| is_bad(*value)) {
                let (name, short) = if index == 0 { ("smoothing", "sf") } else { ("trend", "tf") };
                let message = format!("invalid {name} factor. Expected: 0 < {short} < 1, got: {bad:.6}");
                return Err(EvalError::Parameter { span: expr.span.clone(), message });
            }
        }
        Ok(())
    }

    fn absent_over_time(
        &mut self,
        range: &Expr,
        rows: Vec<Row>,
        windows: Windows,
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        let mut values = vec![1.0; grid.count];
        for row in rows {
            let seen = if row.samples.is_mixed_for(Function::PresentOverTime) {
                let samples = row.samples.mixed(&self.cost)?;
                let span = &range.span;
                let row = MixedRow { labels: row.labels, samples, windows, parameters: &[], span };
                self.slide_mixed(Function::PresentOverTime, row, grid)?.values
            } else {
                slide(Function::PresentOverTime, row.samples, windows, grid, &[], &self.cost)?
            };
            for (slot, seen) in values.iter_mut().zip(seen) {
                if is_present(seen) {
                    *slot = ABSENT;
                }
            }
        }
        Ok(vec![Series::new(super::instant_function::absent_labels(range), values)])
    }

    /// The raw samples of a range, for an instant query that is nothing but one.
    pub(super) fn raw_range(&mut self, expr: &Expr, grid: Grid) -> Result<Vec<RawRow>, EvalError> {
        let (rows, windows) = self.range_rows(expr, grid)?;
        let (start, end) = (windows.end(0).saturating_sub(windows.length), windows.end(0));
        let mut found = Vec::new();
        for row in rows {
            let mut samples = row.samples.mixed(&self.cost)?;
            if windows.edges != Edges::Plain && !samples.histograms.is_empty() {
                return Err(EvalError::BadRange(
                    "anchored and smoothed are not supported with histograms unless a function is around them",
                ));
            }
            samples.cut(start, end);
            self.hold((samples.floats.len() + samples.histograms.len()) as u64)?;
            if !samples.is_empty() {
                found.push(RawRow { labels: row.labels, drop_name: row.drop_name, samples });
            }
        }
        Ok(found)
    }
}

fn flat(samples: RowSamples, cost: &Cost<'_>) -> Result<Vec<Sample>, EvalError> {
    match samples {
        RowSamples::Plain(samples) => Ok(samples),
        RowSamples::Mixed(samples) => Ok(samples.floats),
        RowSamples::Chunks(chunks) => {
            let count: u64 = chunks.iter().map(|chunk| u64::from(chunk.summary().count)).sum();
            cost.check_room(count.saturating_mul(size_of::<Sample>() as u64))?;
            cost.spend(count)?;
            let mut samples = Vec::new();
            for chunk in chunks {
                chunk.decode(&mut samples)?;
            }
            samples.retain(|s| !s.is_stale());
            Ok(samples)
        }
    }
}

fn slide(
    function: Function,
    samples: RowSamples,
    windows: Windows,
    grid: Grid,
    parameters: &[Vec<f64>],
    cost: &Cost<'_>,
) -> Result<Vec<f64>, EvalError> {
    let context = |index: usize| windows.context(index, grid, parameters);
    if windows.edges != Edges::Plain {
        let (samples, beyond) = (flat(samples, cost)?, windows.beyond());
        let slot = |index| {
            let context = context(index);
            let low = samples.partition_point(|s| s.at.0 <= context.start.saturating_sub(beyond.left));
            let high = samples.partition_point(|s| s.at.0 <= context.end.saturating_add(beyond.right));
            let window = &samples[low..high.max(low)];
            cost.spend(window.len() as u64)?;
            Ok(over_extended(function, window, &context, windows.edges).unwrap_or(ABSENT))
        };
        return (0..grid.count).map(slot).collect();
    }
    let source = match &samples {
        RowSamples::Chunks(chunks) => Some(sliding::Source::Chunks(chunks)),
        RowSamples::Plain(samples) => Some(sliding::Source::Samples(samples)),
        RowSamples::Mixed(_) => None,
    };
    if let Some(source) = source
        && let Some(values) = sliding::slide(function, source, windows, grid, cost)?
    {
        return Ok(values);
    }
    let samples = flat(samples, cost)?;
    let (mut low, mut high) = (0, 0);
    let slot = |index| {
        let context = context(index);
        // Windows only ever move forward.
        low += samples[low..].iter().take_while(|s| s.at.0 <= context.start).count();
        high = high.max(low);
        high += samples[high..].iter().take_while(|s| s.at.0 <= context.end).count();
        cost.spend((high - low) as u64)?;
        Ok(range_function::over_samples(function, &samples[low..high], &context).unwrap_or(ABSENT))
    };
    (0..grid.count).map(slot).collect()
}
