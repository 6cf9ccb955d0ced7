//! Values at equal distances, with their repetitions written out.

use std::sync::Arc;

use bellwether_model::{Histogram, STALE_NAN};

use super::SeriesValue;
use super::cursor::Cursor;
use super::histogram::{Literal, read_histogram};
use crate::histogram::{Combined, IncompatibleSchemas, difference, sum};
use crate::parse_error::ParseError;
use crate::value::SampleValue;

/// Values that one text may stand for, the buckets of histograms counted too.
const VALUES_MAX: usize = 2_000_000;

const LEFT_OUT: SeriesValue = SeriesValue { value: None, states_counter_reset: false };

pub(super) fn read_values(cursor: &mut Cursor<'_>) -> Result<Vec<SeriesValue>, ParseError> {
    let mut values = Values { list: Vec::new(), room: VALUES_MAX };
    cursor.skip_blanks();
    while !cursor.is_at_end() {
        values.read_item(cursor)?;
        if !cursor.skip_blanks() && !cursor.is_at_end() {
            let error = cursor.error("expected a blank after the value");
            return Err(error.with_help("write values as 1, 1x5, 1+2x5, _, _x5, stale or {{…}}"));
        }
    }
    Ok(values.list)
}

struct Values {
    list: Vec<SeriesValue>,
    /// What may still be added.
    room: usize,
}

impl Values {
    fn read_item(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
        let start = cursor.at;
        let item = Item::read(cursor)?;
        let cost = item.count().checked_mul(item.size());
        match cost.and_then(|cost| self.room.checked_sub(cost)) {
            Some(room) => self.room = room,
            None => {
                let message = format!("the text stands for more than {VALUES_MAX} values");
                return Err(ParseError::new(start..cursor.at, message).with_help("repeat less often"));
            }
        }
        item.write_out(&mut self.list).map_err(|message| ParseError::new(start..cursor.at, message))
    }
}

/// What is written between two blanks.
enum Item {
    LeftOut { count: usize },
    Numbers { first: f64, step: f64, count: usize },
    Histograms { first: Box<Literal>, step: Option<Step>, count: usize },
}

/// What is added to a histogram at every step.
struct Step {
    is_negative: bool,
    histogram: Box<Histogram>,
}

impl Item {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        if cursor.take("_") {
            let count = if cursor.take("x") { cursor.repetitions()? } else { 1 };
            return Ok(Self::LeftOut { count });
        }
        if cursor.rest().starts_with("{{") {
            return Self::read_histograms(cursor);
        }
        if cursor.take("stale") {
            return Ok(Self::Numbers { first: STALE_NAN, step: 0.0, count: 1 });
        }
        let first = cursor.signed_number().map_err(|error| {
            let help = "write values as 1, 1x5, 1+2x5, _, _x5, stale or {{…}}";
            ParseError { message: "expected a value".to_owned(), ..error }.with_help(help)
        })?;
        let has_step = cursor.rest().starts_with(['+', '-']);
        let step = if has_step { cursor.signed_number()? } else { 0.0 };
        let count = read_count(cursor, has_step)?;
        Ok(Self::Numbers { first, step, count })
    }

    fn read_histograms(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let mut first = read_histogram(cursor)?;
        let is_negative = cursor.rest().starts_with('-');
        if !is_negative && !cursor.rest().starts_with('+') {
            let count = read_count(cursor, false)?;
            return Ok(Self::Histograms { first: Box::new(first), step: None, count });
        }
        cursor.at += 1;
        if !cursor.rest().starts_with("{{") {
            return Err(cursor.error("expected a histogram to add").with_help("write {{…}}+{{…}}x5"));
        }
        let step = read_histogram(cursor)?;
        first.states_counter_reset = step.states_counter_reset;
        let count = read_count(cursor, true)?;
        let step = Step { is_negative, histogram: Box::new(step.histogram) };
        Ok(Self::Histograms { first: Box::new(first), step: Some(step), count })
    }

    fn count(&self) -> usize {
        match self {
            Self::LeftOut { count } | Self::Numbers { count, .. } | Self::Histograms { count, .. } => *count,
        }
    }

    /// What one of its values occupies, compared with a number.
    fn size(&self) -> usize {
        let buckets = |h: &Histogram| h.positive.len() + h.negative.len();
        match self {
            Self::LeftOut { .. } | Self::Numbers { .. } => 1,
            Self::Histograms { first, step, .. } => {
                let added = step.as_ref().map_or(0, |step| buckets(&step.histogram));
                10 + buckets(&first.histogram) + added
            }
        }
    }

    fn write_out(self, out: &mut Vec<SeriesValue>) -> Result<(), String> {
        match self {
            Self::LeftOut { count } => out.extend(std::iter::repeat_n(LEFT_OUT, count)),
            Self::Numbers { mut first, step, count } => {
                for _ in 0..count {
                    out.push(SeriesValue { value: Some(first.into()), states_counter_reset: false });
                    first += step;
                }
            }
            Self::Histograms { first, step, count } => {
                let states_counter_reset = first.states_counter_reset;
                let mut histogram = Arc::new(first.histogram);
                for index in 0..count {
                    if let Some(step) = step.as_ref().filter(|_| index > 0) {
                        histogram = Arc::new(stepped(&histogram, &step.histogram, step.is_negative)?);
                    }
                    let value = Some(SampleValue::Histogram(Arc::clone(&histogram)));
                    out.push(SeriesValue { value, states_counter_reset });
                }
            }
        }
        Ok(())
    }
}

fn stepped(histogram: &Histogram, step: &Histogram, is_negative: bool) -> Result<Histogram, String> {
    if histogram.schema.number() > step.schema.number() {
        let (schema, coarser) = (histogram.schema.number(), step.schema.number());
        return Err(format!("a histogram of schema {coarser} cannot be added to one of schema {schema}"));
    }
    let combined = if is_negative { difference(histogram, step) } else { sum(histogram, step) };
    match combined {
        Ok(Combined { histogram, .. }) => Ok(histogram),
        Err(IncompatibleSchemas) => {
            Err("a histogram with custom bounds and one without cannot be added".to_owned())
        }
    }
}

/// How many values follow from `x5`: the first one and five more.
fn read_count(cursor: &mut Cursor<'_>, is_needed: bool) -> Result<usize, ParseError> {
    if cursor.take("x") {
        return Ok(cursor.repetitions()?.saturating_add(1));
    }
    if is_needed {
        let error = cursor.error("expected \"x\" and a number of repetitions");
        return Err(error.with_help("write 1+2x3 for 1 3 5 7"));
    }
    Ok(1)
}
