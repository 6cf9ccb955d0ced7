//! Aggregation of series that have native histograms.
//!
//! Sums and means are of histograms alone or of numbers alone; where a step has both, it has no result. What only
//! numbers have (an order, a spread) leaves histograms out, and the reader is told.

use std::sync::Arc;

use bellwether_model::Histogram;

use super::aggregate::Group;
use super::column::{ABSENT, Grid, Series, is_present};
use super::histogram_rate::aggregated;
use super::note::Notes;
use super::range_function::Mean;
use super::{EvalError, Evaluator};
use crate::kahan::Kahan;
use crate::syntax::{AggregateOp, Aggregation, Span};
use crate::value::SampleValue;

impl Evaluator<'_> {
    /// Takes histograms away where an operator reads numbers only.
    pub(super) fn without_histograms(&mut self, op: AggregateOp, span: &Span, series: &mut Vec<Series>) {
        let mut has_any = false;
        for one in series.iter_mut() {
            has_any |= one.has_histograms();
            one.histograms = Vec::new();
        }
        if has_any {
            series.retain(|one| !one.is_blank());
            self.info(span, format!("ignored histogram in {} aggregation", op.as_str()));
        }
    }

    /// `sum`, `avg`, `count` and `group`.
    pub(super) fn fold_mixed(
        &mut self,
        aggregation: &Aggregation,
        group: &Group,
        series: &[Series],
        grid: Grid,
    ) -> Result<Series, EvalError> {
        let members: Vec<&Series> = group.members.iter().map(|member| &series[*member]).collect();
        let mut folded = Series::new(group.labels.clone(), vec![ABSENT; grid.count]);
        folded.drop_name = members.iter().any(|one| one.drop_name);
        for step in 0..grid.count {
            self.cost.spend(members.len() as u64)?;
            let count = members.iter().filter(|one| one.is_present(step)).count();
            if count == 0 {
                continue;
            }
            let value = match aggregation.op {
                AggregateOp::Count => Some(SampleValue::Float(count as f64)),
                AggregateOp::Group => Some(SampleValue::Float(1.0)),
                _ => self.combined_at(aggregation, &members, step)?,
            };
            folded.put(step, value);
        }
        self.hold_histograms(&folded)?;
        Ok(folded)
    }

    fn combined_at(
        &mut self,
        aggregation: &Aggregation,
        members: &[&Series],
        step: usize,
    ) -> Result<Option<SampleValue>, EvalError> {
        let is_mean = aggregation.op == AggregateOp::Avg;
        let histograms: Vec<(&Series, &Arc<Histogram>)> =
            members.iter().filter_map(|one| Some((*one, one.histogram(step)?))).collect();
        let numbers = || members.iter().map(|one| one.values[step]).filter(|value| is_present(*value));
        let span = &aggregation.inner.span;
        let mut notes = Notes::default();
        if histograms.is_empty() {
            return Ok(Some(SampleValue::Float(if is_mean { mean(numbers()) } else { total(numbers()) })));
        }
        if numbers().next().is_some() {
            self.warn(span, "encountered a mix of histograms and floats for aggregation".into());
            return Ok(None);
        }
        let buckets: usize = histograms.iter().map(|(_, h)| h.positive.len() + h.negative.len()).sum();
        self.cost.spend(buckets as u64)?;
        let all: Vec<&Histogram> = histograms.iter().map(|(_, histogram)| histogram.as_ref()).collect();
        let value = aggregated(&all, is_mean, &mut notes).map(SampleValue::from);
        let first = histograms[0].1.schema.is_custom();
        let odd = histograms.iter().find(|(_, h)| h.schema.is_custom() != first);
        let name = odd.and_then(|(one, _)| one.labels.metric_name()).unwrap_or("");
        self.note_all(&notes, name, span);
        Ok(value)
    }
}

fn total(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = Kahan::default();
    values.for_each(|value| sum.add(value));
    sum.total()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let mut mean = Mean::default();
    values.for_each(|value| mean.add(value));
    mean.total()
}
