//! Operators where at least one value is a native histogram.
//!
//! Histograms are added to and subtracted from each other, multiplied and divided by numbers, trimmed at a number, and
//! compared for being the same. Any other pairing has no result, and the reader is told.

use std::sync::Arc;

use bellwether_model::{CounterReset, Histogram};

use super::column::Series;
use super::{EvalError, Evaluator};
use crate::histogram::{
    Combined, IncompatibleSchemas, Keep, difference, divided, is_same, scaled, sum, trimmed,
};
use crate::syntax::{Binary, BinaryOp, Span};
use crate::value::SampleValue;

/// What an operator makes of two values.
pub(super) enum Outcome {
    /// A value.
    Value(SampleValue),
    /// A comparison that does not hold.
    Filtered,
    /// Nothing, since the values do not go together.
    Nothing,
}

/// What is to be said about pairs of values.
#[derive(Clone, Debug, Default)]
pub(super) struct BinaryNotes {
    infos: Vec<String>,
    warnings: Vec<String>,
}

impl BinaryNotes {
    fn info(&mut self, message: String) {
        if !self.infos.contains(&message) {
            self.infos.push(message);
        }
    }

    fn warn(&mut self, message: String) {
        if !self.warnings.contains(&message) {
            self.warnings.push(message);
        }
    }

    fn combined(&mut self, op: BinaryOp, result: Result<Combined, IncompatibleSchemas>) -> Option<Histogram> {
        let operation = if op == BinaryOp::Add { "addition" } else { "subtraction" };
        match result {
            Ok(combined) => {
                if combined.hints_collide {
                    self.warn(format!("conflicting counter resets during histogram {operation}"));
                }
                if combined.bounds_reconciled {
                    self.info(format!("mismatched custom buckets were reconciled during {operation}"));
                }
                Some(combined.histogram)
            }
            Err(IncompatibleSchemas) => {
                let op = op.as_str();
                self.warn(format!("incompatible bucket layout encountered for binary operator {op}"));
                None
            }
        }
    }

    fn incompatible(&mut self, op: BinaryOp, a: &SampleValue, b: &SampleValue) -> Outcome {
        let kind = |value: &SampleValue| match value {
            SampleValue::Float(_) => "float",
            SampleValue::Histogram(_) => "histogram",
        };
        let (a, b, op) = (kind(a), kind(b), op.as_str());
        let pair = format!("{a} {op} {b}");
        self.info(format!("incompatible sample types encountered for binary operator {op:?}: {pair}"));
        Outcome::Nothing
    }
}

/// Calculates one pair. A comparison gives the left value where it holds.
pub(super) fn of_values(op: BinaryOp, a: &SampleValue, b: &SampleValue, notes: &mut BinaryNotes) -> Outcome {
    let value = |histogram: Histogram| Outcome::Value(histogram.into());
    let kept = |holds: bool| if holds { Outcome::Value(a.clone()) } else { Outcome::Filtered };
    match (a, b) {
        (SampleValue::Float(x), SampleValue::Float(y)) if !op.is_trim() => {
            let result = op.of_numbers(*x, *y);
            if op.is_comparison() { kept(result == 1.0) } else { Outcome::Value(result.into()) }
        }
        (SampleValue::Float(_), SampleValue::Float(_)) => notes.incompatible(op, a, b),
        (SampleValue::Float(x), SampleValue::Histogram(y)) => match op {
            BinaryOp::Multiply => value(scaled(y, *x)),
            _ => notes.incompatible(op, a, b),
        },
        (SampleValue::Histogram(x), SampleValue::Float(y)) => match op {
            BinaryOp::Multiply => value(scaled(x, *y)),
            BinaryOp::Divide => value(divided(x, *y)),
            BinaryOp::TrimUpper => value(trimmed(x, *y, Keep::Below)),
            BinaryOp::TrimLower => value(trimmed(x, *y, Keep::Above)),
            _ => notes.incompatible(op, a, b),
        },
        (SampleValue::Histogram(x), SampleValue::Histogram(y)) => {
            let result = match op {
                BinaryOp::Add => notes.combined(op, sum(x, y)),
                // A difference may go down, as only gauges do.
                BinaryOp::Subtract => notes
                    .combined(op, difference(x, y))
                    .map(|h| Histogram { counter_reset: CounterReset::Gauge, ..h }),
                BinaryOp::Equal => return kept(is_same(x, y)),
                BinaryOp::NotEqual => return kept(!is_same(x, y)),
                _ => return notes.incompatible(op, a, b),
            };
            result.map_or(Outcome::Nothing, value)
        }
    }
}

impl Outcome {
    /// The value of the result, where there is one.
    pub(super) fn result(self, is_bool: bool) -> Option<SampleValue> {
        match self {
            Self::Value(_) if is_bool => Some(SampleValue::Float(1.0)),
            Self::Filtered if is_bool => Some(SampleValue::Float(0.0)),
            Self::Value(value) => Some(value),
            Self::Filtered | Self::Nothing => None,
        }
    }
}

impl Evaluator<'_> {
    /// An operator between series that may have histograms and numbers.
    pub(super) fn mixed_with_numbers(
        &mut self,
        binary: &Binary,
        series: &mut Series,
        numbers: &[f64],
        number_is_left: bool,
    ) -> Result<(), EvalError> {
        let mut notes = BinaryNotes::default();
        for (step, number) in numbers.iter().enumerate() {
            let Some(own) = series.value(step) else { continue };
            if let SampleValue::Histogram(histogram) = &own {
                self.cost.spend((histogram.positive.len() + histogram.negative.len()) as u64)?;
            }
            let number = SampleValue::Float(*number);
            let (a, b) = if number_is_left { (&number, &own) } else { (&own, &number) };
            let outcome = match of_values(binary.op, a, b, &mut notes) {
                // The series' own value is what a comparison keeps, wherever it stands.
                Outcome::Value(_) if binary.op.is_comparison() => Outcome::Value(own),
                outcome => outcome,
            };
            series.put(step, outcome.result(binary.is_bool));
        }
        self.note_binary(notes, binary);
        self.hold_histograms(series)
    }

    pub(super) fn note_binary(&mut self, notes: BinaryNotes, binary: &Binary) {
        let span: Span = binary.left.span.start..binary.right.span.end;
        notes.infos.into_iter().for_each(|message| self.info(&span, message));
        notes.warnings.into_iter().for_each(|message| self.warn(&span, message));
    }
}

/// What a series has at one step, or what stands in for it.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    pub(super) number: f64,
    pub(super) histogram: Option<&'a Arc<Histogram>>,
}

impl<'a> Slot<'a> {
    pub(super) fn of(series: &'a Series, step: usize) -> Self {
        Self { number: series.values[step], histogram: series.histogram(step) }
    }

    pub(super) fn number(number: f64) -> Self {
        Self { number, histogram: None }
    }

    /// What calculating with it takes besides what a number takes.
    pub(super) fn work(self) -> u64 {
        self.histogram.map_or(0, |h| (h.positive.len() + h.negative.len()) as u64)
    }

    pub(super) fn value(self) -> SampleValue {
        match self.histogram {
            Some(histogram) => SampleValue::Histogram(Arc::clone(histogram)),
            None => SampleValue::Float(self.number),
        }
    }
}
