//! `histogram_quantile()`, `histogram_quantiles()` and `histogram_fraction()`: they read native histograms and classic
//! ones alike, and neither where both claim to be the same histogram.

use std::collections::{BTreeMap, HashMap};

use bellwether_model::{Histogram, Labels, Timestamp};

use super::classic_histogram::{Bucket, Mended, fraction, quantile};
use super::column::{ABSENT, Grid, Series, is_present, merge_if};
use super::note::{Note, Notes};
use super::{EvalError, Evaluator, number_text};
use crate::function::Function;
use crate::histogram::{Fraction, Quantile};
use crate::syntax::{Call, Expr};

/// One histogram: classic buckets, or a native one, or each at other steps.
struct Found {
    labels: Labels,
    drop_name: bool,
    /// Bounds with the series that counts up to each.
    buckets: Vec<(f64, usize)>,
    /// The series of the native histogram.
    native: Option<usize>,
}

/// What is asked of a histogram at a step.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Quantile(&'a [f64]),
    Fraction { lower: &'a [f64], upper: &'a [f64] },
}

impl Asked<'_> {
    /// The value, and what counts had to be mended for it.
    fn of_classic(self, step: usize, buckets: Vec<Bucket>) -> (f64, Option<Mended>) {
        match self {
            Self::Quantile(q) => quantile(q[step], buckets),
            Self::Fraction { lower, upper } => (fraction(lower[step], upper[step], buckets), None),
        }
    }

    fn of_native(self, step: usize, histogram: &Histogram, notes: &mut Notes) -> f64 {
        match self {
            Self::Quantile(q) => match crate::histogram::quantile(q[step], histogram) {
                Quantile::Plain(value) => value,
                Quantile::Skewed(value) => {
                    notes.add(Note::QuantileIsSkewed);
                    value
                }
                Quantile::AmongNan => {
                    notes.add(Note::QuantileIsNan);
                    f64::NAN
                }
            },
            Self::Fraction { lower, upper } => {
                let Fraction { value, leaves_nan_out } =
                    crate::histogram::fraction(lower[step], upper[step], histogram);
                notes.add_if(leaves_nan_out, Note::FractionLeavesNanOut);
                value
            }
        }
    }
}

impl Evaluator<'_> {
    pub(super) fn histogram_quantile_or_fraction(
        &mut self,
        call: &Call,
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        let place = match call.function {
            Function::HistogramQuantile => 1,
            Function::HistogramFraction => 2,
            _ => 0,
        };
        let vector = &call.arguments[place];
        let mut label = None;
        let mut parameters = Vec::new();
        for argument in call.arguments.iter().filter(|a| !std::ptr::eq(*a, vector)) {
            if argument.result() == crate::syntax::Kind::Text {
                label = Some(self.text(argument, grid)?);
                continue;
            }
            let values = self.scalars(argument, grid)?;
            if call.function != Function::HistogramFraction {
                self.check_quantile(argument, &values);
            }
            parameters.push(values);
        }
        let series = self.vector_with_buckets(vector, grid)?;
        let histograms = self.found_histograms(vector, &series);
        let mut found = Vec::new();
        let mut mended = BTreeMap::new();
        for histogram in &histograms {
            if call.function == Function::HistogramFraction {
                let asked = Asked::Fraction { lower: &parameters[0], upper: &parameters[1] };
                found.push(self.over_steps(histogram, &series, grid, vector, asked, &mut mended)?);
                continue;
            }
            for q in &parameters {
                let asked = Asked::Quantile(q);
                let mut one = self.over_steps(histogram, &series, grid, vector, asked, &mut mended)?;
                if let Some(label) = &label {
                    one.labels = one.labels.with(label, &quantile_label(q[0]));
                }
                found.push(one);
            }
        }
        for (name, mended) in mended {
            let message = "input to histogram_quantile needed to be fixed for monotonicity (see \
                           https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
            self.info(&vector.span, format!("{}, {mended}", with_metric(message, &name)));
        }
        found.retain(|one| !one.is_blank());
        merge_if(!self.options.delayed_name_removal, found)
    }

    fn over_steps(
        &mut self,
        histogram: &Found,
        series: &[Series],
        grid: Grid,
        vector: &Expr,
        asked: Asked<'_>,
        mended: &mut BTreeMap<String, Mended>,
    ) -> Result<Series, EvalError> {
        self.check_cancelled()?;
        self.hold(grid.count as u64)?;
        let mut values = vec![ABSENT; grid.count];
        let name = self.metric_name_of(&histogram.labels);
        let mut notes = Notes::default();
        for (step, value) in values.iter_mut().enumerate() {
            self.cost.spend(1 + histogram.buckets.len() as u64)?;
            let at_step = histogram.buckets.iter().map(|(bound, index)| (bound, series[*index].values[step]));
            let present = at_step.filter(|(_, count)| is_present(*count));
            let buckets: Vec<_> = present.map(|(bound, count)| Bucket { bound: *bound, count }).collect();
            match (histogram.native.and_then(|index| series[index].histogram(step)), buckets.is_empty()) {
                (None, true) => {}
                (None, false) => {
                    let (result, found) = asked.of_classic(step, buckets);
                    *value = result;
                    if let Some(found) = found.map(|found| found.at(Timestamp(grid.time(step)))) {
                        let all = mended.get(&name).map_or(found, |earlier| earlier.and(found));
                        mended.insert(name.clone(), all);
                    }
                }
                (Some(native), true) => *value = asked.of_native(step, native, &mut notes),
                // Nobody can say which of them is meant.
                (Some(_), false) => notes.add(Note::ClassicAndNative),
            }
        }
        self.note_all(&notes, &name, &vector.span);
        let mut one = Series::new(histogram.labels.clone(), values);
        one.drop_name = histogram.drop_name;
        self.drop_name(&mut one);
        Ok(one)
    }

    /// The name as far as it is still to be known.
    fn metric_name_of(&self, labels: &Labels) -> String {
        let name = labels.metric_name().filter(|_| self.options.delayed_name_removal);
        name.unwrap_or("").to_owned()
    }

    fn found_histograms(&mut self, vector: &Expr, series: &[Series]) -> Vec<Found> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut found: Vec<Found> = Vec::new();
        let mut place_of = |labels: Labels, drop_name: bool, found: &mut Vec<Found>| {
            let place = *places.entry(labels.clone()).or_insert(found.len());
            if place == found.len() {
                found.push(Found { labels, drop_name: false, buckets: Vec::new(), native: None });
            }
            found[place].drop_name |= drop_name;
            place
        };
        for (index, one) in series.iter().enumerate() {
            if one.has_histograms() {
                let place = place_of(one.labels.clone(), one.drop_name, &mut found);
                found[place].native = Some(index);
            }
            if !one.values.iter().copied().any(is_present) {
                continue;
            }
            let le = one.labels.value_or_empty("le");
            let Some(bound) = go_float(le) else {
                let message = format!("bucket label \"le\" is missing or has a malformed value of {le:?}");
                let message = with_metric(&message, &self.metric_name_of(&one.labels));
                self.warn(&vector.span, message);
                continue;
            };
            let place = place_of(one.labels.without(&["le"]), one.drop_name, &mut found);
            found[place].buckets.push((bound, index));
        }
        for histogram in &mut found {
            histogram.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        found
    }
}

fn with_metric(message: &str, name: &str) -> String {
    if name.is_empty() { message.to_owned() } else { format!("{message} for metric name {name:?}") }
}

/// A quantile as OpenMetrics writes it: whole numbers keep a decimal.
fn quantile_label(q: f64) -> String {
    let text = number_text::plain(q);
    if text.chars().all(|c| c.is_ascii_digit() || c == '-') { text + ".0" } else { text }
}

/// A bound as it is written in a label.
fn go_float(text: &str) -> Option<f64> {
    text.parse().ok()
}
