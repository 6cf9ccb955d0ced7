//! Operators between two operands. Series find their partners once per query; the values are then taken step by step,
//! since what is an error depends on which of them have a sample at the same moment.

use std::collections::HashMap;

use bellwether_model::{Labels, METRIC_NAME};

use super::column::{ABSENT, Columns, Grid, Series, is_present, merge_equal, merge_if};
use super::cost::Cost;
use super::histogram_binary::{BinaryNotes, Slot, of_values};
use super::histogram_function::Statistics;
use super::{EvalError, Evaluator};
use crate::syntax::{Binary, BinaryOp, Matching};
use crate::value::SampleValue;

impl Evaluator<'_> {
    pub(super) fn binary(&mut self, binary: &Binary, grid: Grid) -> Result<Columns, EvalError> {
        let statistics = self.statistics;
        if binary.op.is_trim() {
            self.statistics = Statistics::NotEnough;
        }
        let operands = self.operands(binary, grid);
        self.statistics = statistics;
        let (left, right) = operands?;
        self.combined(binary, left, right, grid)
    }

    /// Apart from evaluating the operands, so that a tall tree needs little stack.
    fn combined(
        &mut self,
        binary: &Binary,
        left: Columns,
        right: Columns,
        grid: Grid,
    ) -> Result<Columns, EvalError> {
        let vector = match (left, right) {
            (Columns::Scalar(a), Columns::Scalar(b)) => {
                let values = a.iter().zip(&b).map(|(a, b)| binary.op.of_numbers(*a, *b));
                return Ok(Columns::Scalar(values.collect()));
            }
            (Columns::Vector(series), Columns::Scalar(numbers)) => {
                self.with_numbers(binary, series, &numbers, false)?
            }
            (Columns::Scalar(numbers), Columns::Vector(series)) => {
                self.with_numbers(binary, series, &numbers, true)?
            }
            (Columns::Vector(left), Columns::Vector(right)) if binary.op.is_set() => {
                self.hold((left.len() + right.len()) as u64)?;
                set(binary.op, &binary.matching, left, right, &self.cost)?
            }
            (Columns::Vector(left), Columns::Vector(right)) => self.vectors(binary, left, right, grid)?,
            _ => return Err(EvalError::BadRange("an operator needs numbers or instant vectors")),
        };
        Ok(Columns::Vector(vector))
    }

    fn operands(&mut self, binary: &Binary, grid: Grid) -> Result<(Columns, Columns), EvalError> {
        Ok((self.eval(&binary.left, grid)?, self.eval(&binary.right, grid)?))
    }

    fn with_numbers(
        &mut self,
        binary: &Binary,
        mut series: Vec<Series>,
        numbers: &[f64],
        number_is_left: bool,
    ) -> Result<Vec<Series>, EvalError> {
        let drops_name = drops_name(binary);
        for one in &mut series {
            self.cost.spend(numbers.len() as u64)?;
            if binary.op.is_trim() || one.has_histograms() {
                self.mixed_with_numbers(binary, one, numbers, number_is_left)?;
                if drops_name {
                    self.drop_name(one);
                }
                continue;
            }
            for (slot, number) in one.values.iter_mut().zip(numbers).filter(|(slot, _)| is_present(**slot)) {
                let (a, b) = if number_is_left { (*number, *slot) } else { (*slot, *number) };
                let result = binary.op.of_numbers(a, b);
                *slot = match (binary.op.is_comparison(), binary.is_bool) {
                    (true, false) if result == 1.0 => *slot,
                    (true, false) => ABSENT,
                    _ => result,
                };
            }
            if drops_name {
                self.drop_name(one);
            }
        }
        series.retain(|one| !one.is_blank());
        merge_if(drops_name && !self.options.delayed_name_removal, series)
    }

    fn vectors(
        &mut self,
        binary: &Binary,
        left: Vec<Series>,
        right: Vec<Series>,
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        let one_is_left = binary.matching.group.as_ref().is_some_and(|group| !group.is_left);
        let (many, one) = if one_is_left { (right, left) } else { (left, right) };
        // As in Prometheus, `fill_left` speaks of the side with several series, even when that one is written right.
        let (many_fill, one_fill) = (binary.matching.fill_left, binary.matching.fill_right);
        let join = Join {
            binary,
            many: &many,
            one: &one,
            one_is_left,
            many_fill,
            one_fill,
            type_and_unit: self.options.type_and_unit_labels,
            is_delayed: self.options.delayed_name_removal,
            cost: &self.cost,
        };
        let Output { series: found, notes, .. } = join.run(grid)?;
        self.note_binary(notes, binary);
        self.hold(found.len() as u64 * grid.count as u64)?;
        Ok(found)
    }
}

/// Whether the result is no longer the metric it was.
fn drops_name(binary: &Binary) -> bool {
    binary.is_bool || changes_metric(binary.op)
}

/// Comparing and trimming leave a metric what it is; sets of series, too.
fn changes_metric(op: BinaryOp) -> bool {
    !(op.is_comparison() || op.is_set() || op.is_trim())
}

/// Units of work of finding the partners of a series.
const SIGNATURE_WORK: u64 = 64;
/// Units of work of calculating with two samples of a pair.
const PAIR_WORK: u64 = 4;

/// What must be equal for two series to be partners.
fn signature(matching: &Matching, labels: &Labels) -> Labels {
    let Some(condition) = &matching.labels else { return labels.without_name() };
    let names: Vec<&str> = condition.names.iter().map(String::as_str).collect();
    if condition.is_on {
        return labels.keep(&names);
    }
    labels.without(&names.iter().copied().chain([METRIC_NAME]).collect::<Vec<_>>())
}

fn set(
    op: BinaryOp,
    matching: &Matching,
    left: Vec<Series>,
    right: Vec<Series>,
    cost: &Cost<'_>,
) -> Result<Vec<Series>, EvalError> {
    // Whether any series of a signature has a sample at a step, on the side that decides.
    let presence = |side: &[Series]| {
        let mut seen: HashMap<Labels, Vec<bool>> = HashMap::new();
        for one in side {
            cost.spend(SIGNATURE_WORK + one.values.len() as u64)?;
            let steps =
                seen.entry(signature(matching, &one.labels)).or_insert_with(|| vec![false; one.values.len()]);
            steps.iter_mut().enumerate().for_each(|(step, seen)| *seen |= one.is_present(step));
        }
        Ok::<_, EvalError>(seen)
    };
    let filter = |mut side: Vec<Series>, seen: HashMap<Labels, Vec<bool>>, keep_where: bool| {
        for one in &mut side {
            cost.spend(SIGNATURE_WORK + one.values.len() as u64)?;
            let steps = seen.get(&signature(matching, &one.labels));
            for step in 0..one.values.len() {
                if steps.is_some_and(|steps| steps[step]) != keep_where {
                    one.clear(step);
                }
            }
        }
        side.retain(|one| !one.is_blank());
        Ok(side)
    };
    match op {
        BinaryOp::And => filter(left, presence(&right)?, true),
        BinaryOp::Unless => filter(left, presence(&right)?, false),
        _ => {
            let right = filter(right, presence(&left)?, false)?;
            merge_equal(left.into_iter().chain(right).collect())
        }
    }
}

/// Series of one signature.
#[derive(Default)]
struct Partners {
    many: Vec<usize>,
    one: Vec<usize>,
}

struct Join<'a> {
    binary: &'a Binary,
    many: &'a [Series],
    one: &'a [Series],
    one_is_left: bool,
    many_fill: Option<f64>,
    one_fill: Option<f64>,
    type_and_unit: bool,
    is_delayed: bool,
    cost: &'a Cost<'a>,
}

impl Join<'_> {
    fn run(&self, grid: Grid) -> Result<Output, EvalError> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut partners: Vec<(Labels, Partners)> = Vec::new();
        for (is_many, side) in [(true, self.many), (false, self.one)] {
            for (index, series) in side.iter().enumerate() {
                self.cost.spend(SIGNATURE_WORK)?;
                let signature = signature(&self.binary.matching, &series.labels);
                let place = *places.entry(signature.clone()).or_insert(partners.len());
                if place == partners.len() {
                    partners.push((signature, Partners::default()));
                }
                let partners = &mut partners[place].1;
                if is_many { partners.many.push(index) } else { partners.one.push(index) }
            }
        }
        // Where one side has nothing at all nothing is matched, and so nothing can be wrong.
        let any = |side: &[Series], step: usize| side.iter().any(|s| s.is_present(step));
        let has_fill = self.many_fill.is_some() || self.one_fill.is_some();
        let active: Vec<bool> =
            (0..grid.count).map(|step| has_fill || (any(self.many, step) && any(self.one, step))).collect();
        let notes = BinaryNotes::default();
        let mut output = Output { places: HashMap::new(), series: Vec::new(), count: grid.count, notes };
        for (signature, partners) in &partners {
            self.cost.check_room((output.series.len() * size_of::<f64>() * grid.count) as u64)?;
            self.join(signature, partners, &active, &mut output)?;
        }
        output.series.retain(|s| !s.is_blank());
        Ok(output)
    }

    fn join(
        &self,
        signature: &Labels,
        partners: &Partners,
        active: &[bool],
        output: &mut Output,
    ) -> Result<(), EvalError> {
        let mut pairs: HashMap<(Option<usize>, Option<usize>), usize> = HashMap::new();
        // Labels taken from the other side can make two series one, whether or not a comparison keeps them.
        let may_collide = self.binary.op.is_comparison()
            && !self.binary.is_bool
            && self.binary.matching.group.as_ref().is_some_and(|group| !group.include.is_empty());
        let mut taken_at: HashMap<usize, usize> = HashMap::new();
        for step in (0..active.len()).filter(|step| active[*step]) {
            let mut present = partners.one.iter().copied().filter(|i| self.one[*i].is_present(step));
            let one = present.next();
            if let (Some(first), Some(second)) = (one, present.next()) {
                return Err(self.duplicates(signature, &self.one[first].labels, &self.one[second].labels));
            }
            self.cost.spend((1 + partners.many.len()) as u64 * PAIR_WORK)?;
            let mut has_many = false;
            let mut is_taken = false;
            for many in partners.many.iter().copied().filter(|i| self.many[*i].is_present(step)) {
                has_many = true;
                let found = one.map(|i| Slot::of(&self.one[i], step));
                let other = found.or(self.one_fill.map(Slot::number));
                let Some(other) = other else { continue };
                let own = Slot::of(&self.many[many], step);
                self.cost.spend(own.work() + other.work())?;
                let has_histogram = own.histogram.is_some() || other.histogram.is_some();
                let value = self.value(own, other, &mut output.notes);
                // What cannot be calculated with each other is no match.
                let is_equality = matches!(self.binary.op, BinaryOp::Equal | BinaryOp::NotEqual);
                if value.is_none() && has_histogram && !is_equality {
                    continue;
                }
                // Checked whether or not a comparison filters, or an error would depend on the values.
                if is_taken && self.binary.matching.group.is_none() {
                    let message = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
                    return Err(EvalError::Matching(message.into()));
                }
                is_taken = true;
                if may_collide && !has_histogram {
                    let place = self.place((Some(many), one), signature, &mut pairs, output);
                    if taken_at.insert(place, step) == Some(step) {
                        return Err(collision());
                    }
                }
                let Some(value) = value else { continue };
                let place = self.place((Some(many), one), signature, &mut pairs, output);
                output.put(place, step, value)?;
            }
            if let (false, Some(found), Some(fill)) = (has_many, one, self.many_fill)
                && let Some(value) =
                    self.value(Slot::number(fill), Slot::of(&self.one[found], step), &mut output.notes)
            {
                let place = self.place((None, one), signature, &mut pairs, output);
                output.put(place, step, value)?;
            }
        }
        Ok(())
    }

    /// The result for a pair of values; `None` where there is none.
    fn value(&self, many: Slot<'_>, one: Slot<'_>, notes: &mut BinaryNotes) -> Option<SampleValue> {
        let (left, right) = if self.one_is_left { (one, many) } else { (many, one) };
        let op = self.binary.op;
        if left.histogram.is_some() || right.histogram.is_some() || op.is_trim() {
            return of_values(op, &left.value(), &right.value(), notes).result(self.binary.is_bool);
        }
        let result = op.of_numbers(left.number, right.number);
        if !op.is_comparison() || self.binary.is_bool {
            return Some(SampleValue::Float(result));
        }
        (result == 1.0).then_some(SampleValue::Float(left.number))
    }

    fn place(
        &self,
        pair: (Option<usize>, Option<usize>),
        signature: &Labels,
        pairs: &mut HashMap<(Option<usize>, Option<usize>), usize>,
        output: &mut Output,
    ) -> usize {
        if let Some(place) = pairs.get(&pair) {
            return *place;
        }
        let many = pair.0.map(|i| &self.many[i]);
        let one = pair.1.map(|i| &self.one[i]);
        let labels = self.labels(many.map_or(signature, |s| &s.labels), one.map_or(signature, |s| &s.labels));
        let drop_name = many.is_some_and(|s| s.drop_name) || (self.is_delayed && self.binary.is_bool);
        let place = output.place(labels, drop_name);
        pairs.insert(pair, place);
        place
    }

    fn labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = &self.binary.matching;
        let is_changed = changes_metric(self.binary.op) || (self.binary.is_bool && !self.is_delayed);
        let mut labels = match (is_changed, self.type_and_unit) {
            (false, _) => many.clone(),
            (true, false) => many.without_name(),
            (true, true) => many.without(&[METRIC_NAME, "__type__", "__unit__"]),
        };
        let names = |names: &[String]| names.to_vec();
        match (&matching.group, &matching.labels) {
            (None, Some(condition)) => {
                let listed = names(&condition.names);
                let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
                labels = if condition.is_on { labels.keep(&listed) } else { labels.without(&listed) };
            }
            (None, None) => {}
            (Some(group), _) => {
                for name in &group.include {
                    labels = labels.with(name, one.value_or_empty(name));
                }
            }
        }
        labels
    }

    fn duplicates(&self, signature: &Labels, first: &Labels, second: &Labels) -> EvalError {
        let side = if self.one_is_left { "left" } else { "right" };
        let (a, b) = if first < second { (first, second) } else { (second, first) };
        let (signature, a, b) = (plain(signature), plain(a), plain(b));
        EvalError::Matching(format!(
            "found duplicate series for the match group {signature} on the {side} hand-side of the operation: \
             [{a}, {b}];many-to-many matching not allowed: matching labels must be unique on one side"
        ))
    }
}

fn collision() -> EvalError {
    EvalError::Matching("multiple matches for labels: grouping labels must ensure unique matches".into())
}

/// All labels in braces, the name among them.
fn plain(labels: &Labels) -> String {
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

struct Output {
    places: HashMap<Labels, usize>,
    series: Vec<Series>,
    count: usize,
    notes: BinaryNotes,
}

impl Output {
    fn place(&mut self, labels: Labels, drop_name: bool) -> usize {
        let place = *self.places.entry(labels.clone()).or_insert(self.series.len());
        if place == self.series.len() {
            self.series.push(Series::new(labels, vec![ABSENT; self.count]));
        }
        self.series[place].drop_name |= drop_name;
        place
    }

    fn put(&mut self, place: usize, step: usize, value: SampleValue) -> Result<(), EvalError> {
        let series = &mut self.series[place];
        if series.is_present(step) {
            return Err(collision());
        }
        match value {
            SampleValue::Float(value) => series.values[step] = value,
            SampleValue::Histogram(_) => series.put(step, Some(value)),
        }
        Ok(())
    }
}
