//! What was expected against what came: what is missing, what is too much, and what differs and in what.
//!
//! Two lists of alerts that differ in one annotation are hard to read side by side. So whatever is equal is left out,
//! and of the rest those are put next to each other that have most in common.

use std::collections::BTreeSet;

use bellwether_model::{CounterReset, Histogram, Labels};
use bellwether_promql::SampleValue;

use super::series;

/// Above this many on one side nothing is paired any more: nobody reads that, and pairing is quadratic.
const PAIRED_MAX: usize = 200;

/// An alert, or a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations; none for a sample.
    pub annotations: Labels,
    /// Its value; none for an alert.
    pub value: Option<SampleValue>,
}

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Mismatch {
    /// It was expected and did not come.
    Missing(Item),
    /// It came and was not expected.
    Unexpected(Item),
    /// It came otherwise than expected.
    Differs {
        /// What both have in common.
        labels: Labels,
        /// In what they differ; never empty.
        fields: Vec<Field>,
    },
}

/// Something two items differ in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is.
    pub kind: FieldKind,
    /// What it was expected to be; `None`: not there.
    pub expected: Option<String>,
    /// What it is; `None`: not there.
    pub got: Option<String>,
}

/// What two items may differ in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldKind {
    /// This label.
    Label(String),
    /// This annotation.
    Annotation(String),
    /// The value.
    Value,
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// They are equal.
    Exact,
    /// Or neighbours among the floating-point numbers.
    Neighbours,
}

/// All that is not as expected; order does not matter.
pub(crate) fn compare(expected: Vec<Item>, got: Vec<Item>, precision: Precision) -> Vec<Mismatch> {
    let mut got: Vec<Option<Item>> = got.into_iter().map(Some).collect();
    let mut missing = Vec::new();
    for item in expected {
        let same = got.iter_mut().find(|other| other.as_ref().is_some_and(|other| item.is(other, precision)));
        match same {
            Some(same) => *same = None,
            None => missing.push(item),
        }
    }
    let unexpected: Vec<Item> = got.into_iter().flatten().collect();
    pair(missing, unexpected, precision)
}

/// Puts what has most in common next to each other.
fn pair(missing: Vec<Item>, unexpected: Vec<Item>, precision: Precision) -> Vec<Mismatch> {
    let (mut missing, mut unexpected) = (slots(missing), slots(unexpected));
    let mut mismatches = Vec::new();
    if missing.len() <= PAIRED_MAX && unexpected.len() <= PAIRED_MAX {
        for (wanted, came) in best_pairs(&missing, &unexpected) {
            if let Some((wanted, came)) = missing[wanted].take().zip(unexpected[came].take()) {
                let labels =
                    wanted.labels.iter().filter(|(name, value)| came.labels.get(name) == Some(value));
                let labels = Labels::from_pairs(labels);
                mismatches.push(Mismatch::Differs { labels, fields: wanted.fields(&came, precision) });
            }
        }
    }
    mismatches.extend(missing.into_iter().flatten().map(Mismatch::Missing));
    mismatches.extend(unexpected.into_iter().flatten().map(Mismatch::Unexpected));
    mismatches
}

fn slots(mut items: Vec<Item>) -> Vec<Option<Item>> {
    items.sort_by(|a, b| (&a.labels, &a.annotations).cmp(&(&b.labels, &b.annotations)));
    items.into_iter().map(Some).collect()
}

/// Indices of pairs, those with most in common first; each index at most once.
fn best_pairs(missing: &[Option<Item>], unexpected: &[Option<Item>]) -> Vec<(usize, usize)> {
    let is_only_pair = missing.len() == 1 && unexpected.len() == 1;
    let mut scored = Vec::new();
    for (wanted, a) in missing.iter().enumerate() {
        for (came, b) in unexpected.iter().enumerate() {
            let Some((a, b)) = a.as_ref().zip(b.as_ref()) else { continue };
            let (common, all) = a.labels_in_common(b);
            if is_only_pair || common * 2 >= all {
                // In thousandths, so that the order is that of whole numbers.
                scored.push((std::cmp::Reverse(common * 1000 / all.max(1)), wanted, came));
            }
        }
    }
    scored.sort_unstable();
    let (mut left, mut right) = (BTreeSet::new(), BTreeSet::new());
    scored.retain(|(_, wanted, came)| {
        let is_free = !left.contains(wanted) && !right.contains(came);
        if is_free {
            left.insert(*wanted);
            right.insert(*came);
        }
        is_free
    });
    scored.into_iter().map(|(_, wanted, came)| (wanted, came)).collect()
}

impl Item {
    fn is(&self, other: &Self, precision: Precision) -> bool {
        self.labels == other.labels
            && self.annotations == other.annotations
            && is_same_value(self.value.as_ref(), other.value.as_ref(), precision)
    }

    /// How many labels are equal, and how many there are. The name every alert of a test shares says nothing.
    fn labels_in_common(&self, other: &Self) -> (usize, usize) {
        let counts = |labels: &Labels| labels.iter().filter(|(name, _)| *name != "alertname").count();
        let common = self.labels.iter().filter(|(name, value)| other.labels.get(name) == Some(value));
        let common = common.filter(|(name, _)| *name != "alertname").count();
        (common, counts(&self.labels).max(counts(&other.labels)))
    }

    /// In what this expected item differs from one that came.
    fn fields(&self, came: &Self, precision: Precision) -> Vec<Field> {
        let mut fields = differing(&self.labels, &came.labels, FieldKind::Label);
        fields.extend(differing(&self.annotations, &came.annotations, FieldKind::Annotation));
        if !is_same_value(self.value.as_ref(), came.value.as_ref(), precision) {
            let text = |value: &Option<SampleValue>| value.as_ref().map(series::text);
            fields.push(Field {
                kind: FieldKind::Value,
                expected: text(&self.value),
                got: text(&came.value),
            });
        }
        fields
    }
}

fn differing(expected: &Labels, got: &Labels, kind: impl Fn(String) -> FieldKind) -> Vec<Field> {
    let names: BTreeSet<&str> = expected.iter().chain(got.iter()).map(|(name, _)| name).collect();
    let field = |name: &str| Field {
        kind: kind(name.to_owned()),
        expected: expected.get(name).map(str::to_owned),
        got: got.get(name).map(str::to_owned),
    };
    names.into_iter().map(field).filter(|field| field.expected != field.got).collect()
}

fn is_same_value(expected: Option<&SampleValue>, got: Option<&SampleValue>, precision: Precision) -> bool {
    match (expected, got) {
        (None, None) => true,
        (Some(SampleValue::Float(a)), Some(SampleValue::Float(b))) => is_same_number(*a, *b, precision),
        (Some(SampleValue::Histogram(a)), Some(SampleValue::Histogram(b))) => {
            is_same_histogram(a, b, precision)
        }
        (Some(_) | None, Some(_) | None) => false,
    }
}

/// Unlike promtool's, a comparison with NaN can succeed.
fn is_same_number(expected: f64, got: f64, precision: Precision) -> bool {
    let is_neighbour = || got == expected.next_up() || got == expected.next_down();
    expected == got
        || (expected.is_nan() && got.is_nan())
        || (precision == Precision::Neighbours && is_neighbour())
}

/// Whether the counters of a histogram began anew is compared only where the expectation says something about it.
fn is_same_histogram(expected: &Histogram, got: &Histogram, precision: Precision) -> bool {
    let number = |a: f64, b: f64| is_same_number(a, b, precision);
    let buckets = |a: &[bellwether_model::Bucket], b: &[bellwether_model::Bucket]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.index == b.index && number(a.count, b.count))
    };
    (expected.counter_reset == CounterReset::Unknown || expected.counter_reset == got.counter_reset)
        && expected.schema == got.schema
        && expected.custom_bounds == got.custom_bounds
        && number(expected.zero_threshold, got.zero_threshold)
        && number(expected.zero_count, got.zero_count)
        && number(expected.count, got.count)
        && number(expected.sum, got.sum)
        && buckets(&expected.positive, &got.positive)
        && buckets(&expected.negative, &got.negative)
}
