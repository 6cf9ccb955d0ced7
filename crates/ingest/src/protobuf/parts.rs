//! The small messages inside a metric: labels, quantiles, buckets, exemplars, moments.

use bellwether_model::Timestamp;

use super::problem::ProtobufProblem;
use super::wire::{Fields, Value, WireError};
use crate::entry::{ScrapedExemplar, WrittenLabels};

pub(super) fn label_pair(value: Value<'_>) -> Result<(&str, &str), ProtobufProblem> {
    let (mut fields, mut pair): (_, (&[u8], &[u8])) = (value.message("label")?, (&[], &[]));
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => pair.0 = value.bytes("name")?,
            2 => pair.1 = value.bytes("value")?,
            _ => {}
        }
    }
    let name = std::str::from_utf8(pair.0).ok().filter(|name| !name.is_empty());
    let value = std::str::from_utf8(pair.1).map_err(|_| ProtobufProblem::NotUtf8("a label value"))?;
    Ok((name.ok_or(ProtobufProblem::LabelName)?, value))
}

pub(super) fn quantile(value: Value<'_>) -> Result<(f64, f64), WireError> {
    let (mut fields, mut quantile) = (value.message("quantile")?, (0.0, 0.0));
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => quantile.0 = value.double("quantile")?,
            2 => quantile.1 = value.double("value")?,
            _ => {}
        }
    }
    Ok(quantile)
}

/// A bucket of a classic histogram.
pub(super) struct ClassicBucket<'a> {
    pub(super) count: f64,
    pub(super) upper_bound: f64,
    pub(super) exemplar: Option<ScrapedExemplar<'a>>,
}

pub(super) fn bucket(value: Value<'_>) -> Result<ClassicBucket<'_>, WireError> {
    let mut fields = value.message("bucket")?;
    let (mut count, mut count_float, mut upper_bound, mut found) = (0, 0.0, 0.0, None);
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => count = value.number("cumulative_count")?,
            2 => upper_bound = value.double("upper_bound")?,
            3 => found = Some(exemplar(value)?),
            4 => count_float = value.double("cumulative_count_float")?,
            _ => {}
        }
    }
    let count = if count_float == 0.0 { count as f64 } else { count_float };
    Ok(ClassicBucket { count, upper_bound, exemplar: found })
}

pub(super) fn exemplar(value: Value<'_>) -> Result<ScrapedExemplar<'_>, WireError> {
    let message = value.bytes("exemplar")?;
    let mut exemplar = ScrapedExemplar { written: WrittenLabels::Protobuf(message), value: 0.0, at: None };
    let mut fields = Fields::new(message);
    while let Some((field, value)) = fields.next()? {
        match field {
            2 => exemplar.value = value.double("value")?,
            3 => exemplar.at = Some(moment(value)?),
            _ => {}
        }
    }
    Ok(exemplar)
}

/// When counting began; zero is not said.
pub(super) fn created(value: Value<'_>) -> Result<Option<Timestamp>, WireError> {
    moment(value).map(|at| Some(at).filter(|at| at.0 != 0))
}

pub(super) fn moment(value: Value<'_>) -> Result<Timestamp, WireError> {
    let (mut fields, mut seconds, mut nanos) = (value.message("timestamp")?, 0i64, 0i32);
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => seconds = value.number("seconds")? as i64,
            2 => nanos = value.number("nanos")? as i32,
            _ => {}
        }
    }
    Ok(Timestamp(seconds.saturating_mul(1000).saturating_add(i64::from(nanos / 1_000_000))))
}
