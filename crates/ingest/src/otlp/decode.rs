//! An OTLP request from protobuf. Fields that are not known are passed over; a list is bounded by the budget of the
//! whole body, and values are nested only so deep.

use super::DecodeError;
use super::message::{
    AnyValue, Buckets, ExemplarPoint, ExponentialMetric, ExponentialPoint, Gauge, HistogramMetric,
    HistogramPoint, KeyValue, Metric, NumberPoint, QuantileValue, Request, Resource, ResourceMetrics, Scope,
    ScopeMetrics, Sum, SummaryMetric, SummaryPoint, Temporality,
};
use super::wire::{Budget, Field, Fields};

/// How deep the values of attributes may be nested.
const DEPTH_MAX: usize = 32;
/// Bytes that the parts of a body (points, attributes, buckets, …) may take, whatever its size.
const PARTS_BYTES_MAX: usize = 256 << 20;

/// Reads a request.
pub fn decode_protobuf(body: &[u8]) -> Result<Request<'_>, DecodeError> {
    let mut budget = Budget::new(PARTS_BYTES_MAX);
    let mut request = Request::default();
    let mut fields = Fields::of(body);
    while let Some((number, field)) = fields.next()? {
        if number == 1 {
            request.resource_metrics.push(part(field, &mut budget)?);
        }
    }
    Ok(request)
}

/// A message inside another.
trait Part<'a>: Default {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError>;
}

fn part<'a, P: Part<'a>>(field: Field<'a>, budget: &mut Budget) -> Result<P, DecodeError> {
    let mut part = P::default();
    merge(&mut part, field, budget)?;
    Ok(part)
}

/// Of a part that comes twice, the second adds to the first.
fn merge<'a, P: Part<'a>>(part: &mut P, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
    budget.take::<P>(1)?;
    let mut fields = Fields::of(field.bytes()?);
    while let Some((number, field)) = fields.next()? {
        part.take(number, field, budget)?;
    }
    Ok(())
}

impl<'a> Part<'a> for ResourceMetrics<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => merge(&mut self.resource, field, budget)?,
            2 => self.scope_metrics.push(part(field, budget)?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for Resource<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        if number == 1 {
            self.attributes.push(key_value(field, DEPTH_MAX, budget)?);
        }
        Ok(())
    }
}

impl<'a> Part<'a> for ScopeMetrics<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => merge(&mut self.scope, field, budget)?,
            2 => self.metrics.push(part(field, budget)?),
            3 => self.schema_url = field.text()?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for Scope<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => self.name = field.text()?,
            2 => self.version = field.text()?,
            3 => self.attributes.push(key_value(field, DEPTH_MAX, budget)?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for Metric<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => self.name = field.text()?,
            2 => self.description = field.text()?,
            3 => self.unit = field.text()?,
            5 => merge(self.gauge.get_or_insert_default(), field, budget)?,
            7 => merge(self.sum.get_or_insert_default(), field, budget)?,
            9 => merge(self.histogram.get_or_insert_default(), field, budget)?,
            10 => merge(self.exponential_histogram.get_or_insert_default(), field, budget)?,
            11 => merge(self.summary.get_or_insert_default(), field, budget)?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for Gauge<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        if number == 1 {
            self.data_points.push(part(field, budget)?);
        }
        Ok(())
    }
}

impl<'a> Part<'a> for Sum<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => self.data_points.push(part(field, budget)?),
            2 => self.aggregation_temporality = Temporality::from_number(field.varint()?),
            3 => self.is_monotonic = field.varint()? != 0,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for HistogramMetric<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => self.data_points.push(part(field, budget)?),
            2 => self.aggregation_temporality = Temporality::from_number(field.varint()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for ExponentialMetric<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => self.data_points.push(part(field, budget)?),
            2 => self.aggregation_temporality = Temporality::from_number(field.varint()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for SummaryMetric<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        if number == 1 {
            self.data_points.push(part(field, budget)?);
        }
        Ok(())
    }
}

impl<'a> Part<'a> for NumberPoint<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            2 => self.start_time_unix_nano = field.fixed64()?,
            3 => self.time_unix_nano = field.fixed64()?,
            // One of the two: the last one counts.
            4 => (self.as_double, self.as_int) = (Some(field.double()?), None),
            6 => (self.as_double, self.as_int) = (None, Some(field.fixed64()?.cast_signed())),
            5 => self.exemplars.push(part(field, budget)?),
            7 => self.attributes.push(key_value(field, DEPTH_MAX, budget)?),
            8 => self.flags = field.varint()?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for HistogramPoint<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            2 => self.start_time_unix_nano = field.fixed64()?,
            3 => self.time_unix_nano = field.fixed64()?,
            4 => self.count = field.fixed64()?,
            5 => self.sum = Some(field.double()?),
            6 => field.fixed64s(&mut self.bucket_counts, budget)?,
            7 => {
                let mut bits = Vec::new();
                field.fixed64s(&mut bits, budget)?;
                self.explicit_bounds.extend(bits.into_iter().map(f64::from_bits));
            }
            8 => self.exemplars.push(part(field, budget)?),
            9 => self.attributes.push(key_value(field, DEPTH_MAX, budget)?),
            10 => self.flags = field.varint()?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for ExponentialPoint<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => self.attributes.push(key_value(field, DEPTH_MAX, budget)?),
            2 => self.start_time_unix_nano = field.fixed64()?,
            3 => self.time_unix_nano = field.fixed64()?,
            4 => self.count = field.fixed64()?,
            5 => self.sum = Some(field.double()?),
            6 => self.scale = field.zigzag32()?,
            7 => self.zero_count = field.fixed64()?,
            8 => merge(&mut self.positive, field, budget)?,
            9 => merge(&mut self.negative, field, budget)?,
            10 => self.flags = field.varint()?,
            11 => self.exemplars.push(part(field, budget)?),
            14 => self.zero_threshold = Some(field.double()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for Buckets {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => self.offset = field.zigzag32()?,
            2 => field.varints(&mut self.bucket_counts, budget)?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for SummaryPoint<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            2 => self.start_time_unix_nano = field.fixed64()?,
            3 => self.time_unix_nano = field.fixed64()?,
            4 => self.count = field.fixed64()?,
            5 => self.sum = Some(field.double()?),
            6 => self.quantile_values.push(part(field, budget)?),
            7 => self.attributes.push(key_value(field, DEPTH_MAX, budget)?),
            8 => self.flags = field.varint()?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for QuantileValue {
    fn take(&mut self, number: u32, field: Field<'a>, _: &mut Budget) -> Result<(), DecodeError> {
        match number {
            1 => self.quantile = Some(field.double()?),
            2 => self.value = Some(field.double()?),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Part<'a> for ExemplarPoint<'a> {
    fn take(&mut self, number: u32, field: Field<'a>, budget: &mut Budget) -> Result<(), DecodeError> {
        match number {
            2 => self.time_unix_nano = field.fixed64()?,
            3 => (self.as_double, self.as_int) = (Some(field.double()?), None),
            4 => self.span_id = field.bytes()?.into(),
            5 => self.trace_id = field.bytes()?.into(),
            6 => (self.as_double, self.as_int) = (None, Some(field.fixed64()?.cast_signed())),
            7 => self.filtered_attributes.push(key_value(field, DEPTH_MAX, budget)?),
            _ => {}
        }
        Ok(())
    }
}

fn key_value<'a>(
    field: Field<'a>,
    depth_left: usize,
    budget: &mut Budget,
) -> Result<KeyValue<'a>, DecodeError> {
    budget.take::<KeyValue<'_>>(1)?;
    let mut attribute = KeyValue::default();
    let mut fields = Fields::of(field.bytes()?);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => attribute.key = field.text()?,
            2 => attribute.value = value(field, depth_left, budget)?,
            _ => {}
        }
    }
    Ok(attribute)
}

fn value<'a>(field: Field<'a>, depth_left: usize, budget: &mut Budget) -> Result<AnyValue<'a>, DecodeError> {
    let depth_left = depth_left.checked_sub(1).ok_or(DecodeError::TooDeep { max: DEPTH_MAX })?;
    budget.take::<AnyValue<'_>>(1)?;
    let mut found = AnyValue::Empty;
    let mut fields = Fields::of(field.bytes()?);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => found = AnyValue::Text(field.text()?),
            2 => found = AnyValue::Bool(field.varint()? != 0),
            3 => found = AnyValue::Int(field.varint()?.cast_signed()),
            4 => found = AnyValue::Double(field.double()?),
            5 => {
                let mut list = Vec::new();
                let mut inside = Firsts::of(field)?;
                while let Some(field) = inside.next()? {
                    list.push(value(field, depth_left, budget)?);
                }
                found = AnyValue::List(list);
            }
            6 => {
                let mut map = Vec::new();
                let mut inside = Firsts::of(field)?;
                while let Some(field) = inside.next()? {
                    map.push(key_value(field, depth_left, budget)?);
                }
                found = AnyValue::Map(map);
            }
            7 => found = AnyValue::Bytes(field.bytes()?.into()),
            _ => {}
        }
    }
    Ok(found)
}

/// Fields of number 1, which is where both kinds of lists have their values.
struct Firsts<'a>(Fields<'a>);

impl<'a> Firsts<'a> {
    fn of(field: Field<'a>) -> Result<Self, DecodeError> {
        Ok(Self(Fields::of(field.bytes()?)))
    }

    fn next(&mut self) -> Result<Option<Field<'a>>, DecodeError> {
        while let Some((number, field)) = self.0.next()? {
            if number == 1 {
                return Ok(Some(field));
            }
        }
        Ok(None)
    }
}
