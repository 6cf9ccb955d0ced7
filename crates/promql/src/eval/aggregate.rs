//! Aggregation: series are grouped once, then each group's columns are folded.

use std::collections::HashMap;

use bellwether_model::{Histogram, Labels, METRIC_NAME};

use super::column::{ABSENT, Columns, Grid, Series, is_present};
use super::cost::Cost;
use super::range_function::{Mean, Variance, quantile};
use super::top::Top;
use super::{EvalError, Evaluator, label_hash, number_text};
use crate::kahan::Kahan;
use crate::syntax::{AggregateOp, Aggregation, Expr, Grouping};

/// Series that are folded together.
pub(super) struct Group {
    pub(super) labels: Labels,
    pub(super) members: Vec<usize>,
}

impl Evaluator<'_> {
    pub(super) fn aggregate(
        &mut self,
        aggregation: &Aggregation,
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        let parameter = match &aggregation.parameter {
            None => None,
            Some(expr) => Some((expr, self.eval(expr, grid)?)),
        };
        let Columns::Vector(mut series) = self.eval(&aggregation.inner, grid)? else {
            return Err(EvalError::BadRange("an aggregation needs an instant vector"));
        };
        if picks_nothing(aggregation.op, parameter.as_ref().map(|(_, columns)| columns)) {
            return Ok(Vec::new());
        }
        let mut is_mixed = series.iter().any(Series::has_histograms);
        if is_mixed && reads_numbers_only(aggregation.op) {
            let whole = aggregation.op_span.start..aggregation.inner.span.end;
            let is_pick = matches!(aggregation.op, AggregateOp::Topk | AggregateOp::Bottomk);
            let span = if is_pick { whole } else { aggregation.inner.span.clone() };
            self.without_histograms(aggregation.op, &span, &mut series);
            is_mixed = false;
        }
        let groups = groups(&series, aggregation.grouping.as_ref(), &self.cost)?;
        let is_fold =
            !matches!(aggregation.op, AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk);
        if is_fold {
            self.hold(groups.len() as u64 * grid.count as u64)?;
        }
        let scalar = |columns: &Columns| match columns {
            Columns::Scalar(values) => values.clone(),
            Columns::Text(_) | Columns::Vector(_) => Vec::new(),
        };
        match (aggregation.op, &parameter) {
            (AggregateOp::CountValues, Some((expr, Columns::Text(label)))) => {
                let grouping = aggregation.grouping.as_ref();
                self.count_values(label, expr, &series, grouping, &groups, grid)
            }
            (AggregateOp::Quantile, Some((expr, columns))) => {
                let quantiles = scalar(columns);
                self.check_farthest_quantiles(expr, &quantiles);
                let fold = |step: usize, values: &mut Vec<f64>| quantile(quantiles[step], values);
                by_step(&series, &groups, grid, fold, &self.cost)
            }
            (AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk, Some((expr, columns))) => {
                let counts = whole_counts(expr, &scalar(columns))?;
                picked(aggregation.op, &counts, series, &groups, grid, &self.cost)
            }
            (AggregateOp::LimitRatio, Some((expr, columns))) => {
                self.limit_ratio(expr, scalar(columns), series)
            }
            (_, _) if is_mixed => {
                groups.iter().map(|group| self.fold_mixed(aggregation, group, &series, grid)).collect()
            }
            (op, _) => {
                let one = |group: &Group| {
                    self.cost.spend(group.members.len() as u64 * grid.count as u64)?;
                    Ok(fold(op, group, &series, grid))
                };
                groups.iter().map(one).collect()
            }
        }
    }

    pub(super) fn check_quantile(&mut self, expr: &Expr, values: &[f64]) {
        for q in values.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            let message = format!("quantile value should be between 0 and 1, got {}", number_text::short(*q));
            self.warn(&expr.span, message);
        }
    }

    /// Of several quantiles that there cannot be, the farthest on either side are told.
    fn check_farthest_quantiles(&mut self, expr: &Expr, values: &[f64]) {
        let largest = values.iter().copied().fold(f64::NAN, f64::max);
        let smallest = values.iter().copied().fold(f64::NAN, f64::min);
        let not_a_number = values.iter().copied().find(|q| q.is_nan());
        let outside = [Some(largest).filter(|q| *q > 1.0), Some(smallest).filter(|q| *q < 0.0), not_a_number];
        self.check_quantile(expr, &outside.into_iter().flatten().collect::<Vec<_>>());
    }

    fn count_values(
        &mut self,
        label: &str,
        expr: &Expr,
        series: &[Series],
        grouping: Option<&Grouping>,
        groups: &[Group],
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        if label.is_empty() {
            let message = format!("invalid label name {label:?}");
            return Err(EvalError::Parameter { span: expr.span.clone(), message });
        }
        // The label joins the others first: what a grouping leaves out it leaves out of these as well.
        let is_left_out = grouping.is_some_and(|grouping| {
            grouping.is_without && (label == METRIC_NAME || grouping.names.iter().any(|name| name == label))
        });
        let labelled = |group: &Group, text: &str| {
            if is_left_out { group.labels.clone() } else { group.labels.with(label, text) }
        };
        let mut counts = Counts { places: HashMap::new(), found: Vec::new(), steps: grid.count };
        for group in groups {
            let mut known: HashMap<u64, usize> = HashMap::new();
            for &member in &group.members {
                self.cost.spend(grid.count as u64)?;
                let member = &series[member];
                for (step, value) in member.values.iter().enumerate().filter(|(_, v)| is_present(**v)) {
                    let place = match known.get(&value.to_bits()) {
                        Some(place) => *place,
                        None => {
                            let labels = labelled(group, &number_text::plain(*value));
                            let place = counts.place(labels, &mut self.cost)?;
                            known.insert(value.to_bits(), place);
                            place
                        }
                    };
                    counts.add_one(place, step);
                }
                for (step, histogram) in histograms_of(member) {
                    let place = counts.place(labelled(group, &histogram.to_string()), &mut self.cost)?;
                    counts.add_one(place, step);
                }
            }
        }
        Ok(counts.found)
    }

    fn limit_ratio(
        &mut self,
        expr: &Expr,
        ratios: Vec<f64>,
        series: Vec<Series>,
    ) -> Result<Vec<Series>, EvalError> {
        if ratios.iter().all(|ratio| *ratio == 0.0) {
            return Ok(Vec::new());
        }
        if ratios.iter().any(|r| r.is_nan()) {
            return Err(EvalError::Parameter {
                span: expr.span.clone(),
                message: "Ratio value is NaN".into(),
            });
        }
        let largest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let smallest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        for (ratio, capped) in [(largest, 1.0), (smallest, -1.0)] {
            if ratio * capped > 1.0 {
                let ratio = number_text::short(ratio);
                let message =
                    format!("ratio value should be between -1 and 1, got {ratio}, capping to {capped}");
                self.warn(&expr.span, message);
            }
        }
        let keep = |mut one: Series| {
            // Where a series falls between 0 and 1 depends on nothing but its labels, so r and r-1 are complements.
            let place = label_hash::of(&one.labels) as f64 / u64::MAX as f64;
            for (step, ratio) in ratios.iter().enumerate() {
                let ratio = ratio.clamp(-1.0, 1.0);
                let is_in = if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio };
                if !is_in {
                    one.clear(step);
                }
            }
            one
        };
        Ok(series.into_iter().map(keep).filter(|s| !s.is_blank()).collect())
    }
}

/// How often each value was seen.
struct Counts {
    places: HashMap<Labels, usize>,
    found: Vec<Series>,
    steps: usize,
}

impl Counts {
    fn place(&mut self, labels: Labels, cost: &mut Cost<'_>) -> Result<usize, EvalError> {
        let place = *self.places.entry(labels.clone()).or_insert(self.found.len());
        if place == self.found.len() {
            cost.hold(self.steps as u64)?;
            cost.hold_bytes(labels.heap_bytes())?;
            self.found.push(Series::new(labels, vec![ABSENT; self.steps]));
        }
        Ok(place)
    }

    fn add_one(&mut self, place: usize, step: usize) {
        let slot = &mut self.found[place].values[step];
        *slot = if is_present(*slot) { *slot + 1.0 } else { 1.0 };
    }
}

fn histograms_of(series: &Series) -> impl Iterator<Item = (usize, &Histogram)> {
    let slots = series.histograms.iter().enumerate();
    slots.filter_map(|(step, histogram)| Some((step, histogram.as_deref()?)))
}

/// Whether an operator has no use for histograms.
fn reads_numbers_only(op: AggregateOp) -> bool {
    match op {
        AggregateOp::Min
        | AggregateOp::Max
        | AggregateOp::Stddev
        | AggregateOp::Stdvar
        | AggregateOp::Quantile
        | AggregateOp::Topk
        | AggregateOp::Bottomk => true,
        AggregateOp::Sum
        | AggregateOp::Avg
        | AggregateOp::Count
        | AggregateOp::Group
        | AggregateOp::CountValues
        | AggregateOp::Limitk
        | AggregateOp::LimitRatio => false,
    }
}

fn groups(series: &[Series], grouping: Option<&Grouping>, cost: &Cost<'_>) -> Result<Vec<Group>, EvalError> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let names: Vec<&str> = grouping.iter().flat_map(|g| &g.names).map(String::as_str).collect();
    let without: Vec<&str> = names.iter().copied().chain([METRIC_NAME]).collect();
    for (index, one) in series.iter().enumerate() {
        // Names are looked up one after the other.
        cost.spend(64 + (names.len() * one.labels.len()) as u64)?;
        let labels = match grouping {
            None => Labels::empty(),
            Some(grouping) if grouping.is_without => one.labels.without(&without),
            Some(_) => one.labels.keep(&names),
        };
        let place = *places.entry(labels.clone()).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Group { labels, members: Vec::new() });
        }
        groups[place].members.push(index);
    }
    Ok(groups)
}

/// Folds a group's columns one after the other; every step has an accumulator.
fn fold(op: AggregateOp, group: &Group, series: &[Series], grid: Grid) -> Series {
    let drop_name = group.members.iter().any(|m| series[*m].drop_name);
    let members = || group.members.iter().map(|m| &series[*m].values);
    let values = match op {
        AggregateOp::Sum => accumulate(members(), grid, Kahan::default(), Kahan::add, Kahan::total),
        AggregateOp::Avg => accumulate(members(), grid, Mean::default(), Mean::add, Mean::total),
        AggregateOp::Count => accumulate(members(), grid, 0.0, |n, _| *n += 1.0, |n| n),
        AggregateOp::Min => accumulate(
            members(),
            grid,
            f64::NAN,
            |a, v| {
                if v < *a || a.is_nan() {
                    *a = v
                }
            },
            |a| a,
        ),
        AggregateOp::Max => accumulate(
            members(),
            grid,
            f64::NAN,
            |a, v| {
                if v > *a || a.is_nan() {
                    *a = v
                }
            },
            |a| a,
        ),
        AggregateOp::Stdvar => {
            accumulate(members(), grid, Variance::default(), Variance::add, Variance::total)
        }
        AggregateOp::Stddev => {
            accumulate(members(), grid, Variance::default(), Variance::add, |v| Variance::total(v).sqrt())
        }
        AggregateOp::Group => accumulate(members(), grid, (), |(), _| {}, |()| 1.0),
        // These need all values of a step at once, or keep the series as they are.
        AggregateOp::Topk
        | AggregateOp::Bottomk
        | AggregateOp::Quantile
        | AggregateOp::CountValues
        | AggregateOp::Limitk
        | AggregateOp::LimitRatio => vec![ABSENT; grid.count],
    };
    Series { drop_name, ..Series::new(group.labels.clone(), values) }
}

fn accumulate<'a, A: Copy>(
    members: impl Iterator<Item = &'a Vec<f64>>,
    grid: Grid,
    start: A,
    add: impl Fn(&mut A, f64),
    total: impl Fn(A) -> f64,
) -> Vec<f64> {
    let mut accumulators = vec![(start, false); grid.count];
    for values in members {
        for ((accumulator, is_used), value) in accumulators.iter_mut().zip(values) {
            if is_present(*value) {
                add(accumulator, *value);
                *is_used = true;
            }
        }
    }
    accumulators.into_iter().map(|(a, is_used)| if is_used { total(a) } else { ABSENT }).collect()
}

fn by_step(
    series: &[Series],
    groups: &[Group],
    grid: Grid,
    mut fold: impl FnMut(usize, &mut Vec<f64>) -> f64,
    cost: &Cost<'_>,
) -> Result<Vec<Series>, EvalError> {
    let mut buffer = Vec::new();
    let one = |group: &Group| {
        let mut values = vec![ABSENT; grid.count];
        for (step, slot) in values.iter_mut().enumerate() {
            cost.spend(group.members.len() as u64)?;
            buffer.clear();
            buffer.extend(group.members.iter().map(|m| series[*m].values[step]).filter(|v| is_present(*v)));
            if !buffer.is_empty() {
                *slot = fold(step, &mut buffer);
            }
        }
        let drop_name = group.members.iter().any(|m| series[*m].drop_name);
        Ok(Series { drop_name, ..Series::new(group.labels.clone(), values) })
    };
    groups.iter().map(one).collect()
}

/// Whether series are to be picked, and none at any step; how far below one their number is does not matter then.
fn picks_nothing(op: AggregateOp, parameter: Option<&Columns>) -> bool {
    let is_pick = matches!(op, AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk);
    is_pick && matches!(parameter, Some(Columns::Scalar(counts)) if counts.iter().all(|count| *count < 1.0))
}

fn whole_counts(expr: &Expr, values: &[f64]) -> Result<Vec<usize>, EvalError> {
    let refuse = |message: String| Err(EvalError::Parameter { span: expr.span.clone(), message });
    let mut counts = Vec::with_capacity(values.len());
    for value in values {
        if value.is_nan() {
            return refuse("Parameter value is NaN".into());
        }
        if value.abs() >= 9.223_372_036_854_775e18 {
            let direction = if *value > 0.0 { "overflows" } else { "underflows" };
            return refuse(format!("Scalar value {} {direction} int64", number_text::short(*value)));
        }
        counts.push(value.max(0.0) as usize);
    }
    Ok(counts)
}

/// `topk`, `bottomk` and `limitk`: the series stay as they are, at the steps where they are among the chosen.
fn picked(
    op: AggregateOp,
    counts: &[usize],
    mut series: Vec<Series>,
    groups: &[Group],
    grid: Grid,
    cost: &Cost<'_>,
) -> Result<Vec<Series>, EvalError> {
    let mut order = Vec::with_capacity(series.len());
    let mut is_kept = vec![false; series.len()];
    let mut top = Top::new(op == AggregateOp::Topk);
    let mut kept = Vec::new();
    for group in groups {
        for (step, count) in counts.iter().enumerate().take(grid.count) {
            cost.spend(group.members.len() as u64)?;
            let present = || group.members.iter().copied().filter(|m| series[*m].is_present(step));
            kept.clear();
            if op == AggregateOp::Limitk {
                kept.extend(present().take(*count));
            } else {
                top.begin(*count);
                present().for_each(|m| top.push(series[m].values[step], m));
                if grid.count == 1 {
                    kept.extend(top.sorted());
                } else {
                    kept.extend(top.places());
                }
            }
            kept.iter().for_each(|m| is_kept[*m] = true);
            for member in &group.members {
                if !std::mem::take(&mut is_kept[*member]) {
                    series[*member].clear(step);
                }
            }
            if grid.count == 1 {
                // An instant result is shown in the order of its values.
                order.append(&mut kept);
            }
        }
        if grid.count != 1 {
            order.extend(group.members.iter().copied());
        }
    }
    let mut slots: Vec<_> = series.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| slots[index].take()).filter(|s| !s.is_blank()).collect())
}
