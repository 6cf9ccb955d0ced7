//! Chunks that leave out what another chunk of the same segment says already: series of one target are measured at the
//! same moments, and the buckets of a histogram grow by nearly the same.
//!
//! A referring chunk has the times of the other, and either values of its own or what the other's exceed them by. It
//! names the other by its place, length and checksum. What it refers to has values of its own, and may in turn have
//! its times from a chunk that has both; that is as far as it goes.

use std::rc::Rc;

use bellwether_model::{STALE_NAN, Sample, Timestamp};

use crate::chunk::{self, KIND_COLUMNS, KIND_REFERRING};
use crate::codec::{Reader, put_u32, put_varint};
use crate::column::{
    Column, Purpose, put_float_column, put_samples, put_shaped_column, put_stale, read_column, read_stale,
    whole_numbers,
};
use crate::column_shape::Shape;

const VALUES_OWN: u8 = 0;
const VALUES_BELOW: u8 = 1;

/// Where a chunk lies in its segment, and what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) crc: u32,
}

/// What is needed of a chunk that others refer to.
pub(crate) struct Columns {
    count: usize,
    times: Rc<Column>,
    /// Only read when it is asked for.
    pub(crate) values: Option<Column>,
}

/// Which of two chunks refers to which.
pub(crate) struct Pair<'a> {
    /// The samples to be written.
    pub(crate) samples: &'a [Sample],
    /// Those of the chunk that is referred to; of the same moments.
    pub(crate) others: &'a [Sample],
    /// Whether they may count the same things.
    pub(crate) are_related: bool,
    /// Where the new chunk will lie.
    pub(crate) offset: u64,
    /// Where the other lies.
    pub(crate) target: Target,
}

/// A chunk that refers to another; `None` when nothing would be gained.
pub(crate) fn encode(pair: &Pair<'_>) -> Option<Vec<u8>> {
    let mut out = chunk::begin(KIND_REFERRING, pair.samples.len(), &[]);
    let below = if pair.are_related { below(pair.samples, pair.others) } else { None };
    if below.is_none() && !are_irregular(pair.samples) {
        return None; // first time and step take no more than a reference
    }
    out.push(if below.is_some() { VALUES_BELOW } else { VALUES_OWN });
    put_varint(&mut out, pair.offset.checked_sub(pair.target.offset)?);
    put_varint(&mut out, u64::from(pair.target.length));
    put_u32(&mut out, pair.target.crc);
    match below {
        Some((below, shape)) => put_shaped_column(&mut out, &below, shape)?,
        None => {
            put_stale(&mut out, pair.samples.iter().map(Sample::is_stale));
            put_float_column(&mut out, &chunk::filled(pair.samples), Purpose::File)?;
        }
    }
    Some(out)
}

/// What others exceed some samples by, where that takes fewer bits than the samples: never with markers among them,
/// which are no whole numbers.
fn below(samples: &[Sample], others: &[Sample]) -> Option<(Vec<i64>, Shape)> {
    let numbers = |samples: &[Sample]| whole_numbers(&samples.iter().map(|s| s.value).collect::<Vec<_>>());
    let (own, others) = (numbers(samples)?, numbers(others)?);
    let below: Vec<i64> = others.iter().zip(&own).map(|(other, own)| other - own).collect();
    let shape = Shape::of(&below);
    (shape.bits < Shape::of(&own).bits).then_some((below, shape))
}

/// Looks up the chunk that is referred to; with its values, if they are needed.
pub(crate) type Resolve<'a> = dyn FnMut(Target, bool) -> Option<Rc<Columns>> + 'a;

/// Whether a chunk refers to another.
pub(crate) fn refers(bytes: &[u8]) -> bool {
    chunk::split(bytes).is_some_and(|(_, inner)| inner.first() == Some(&KIND_REFERRING))
}

/// Appends the samples of a chunk that lies at an offset. `None`, and nothing appended, when it is no referring chunk
/// or what it refers to is not what it should be.
pub(crate) fn decode(
    bytes: &[u8],
    offset: u64,
    resolve: &mut Resolve<'_>,
    out: &mut Vec<Sample>,
) -> Option<()> {
    let (started, inner) = chunk::split(bytes)?;
    let mut reader = Reader::new(inner);
    let head = Head::read(&mut reader, offset)?;
    let is_whole = started.is_none_or(|(starts, _)| starts == head.count);
    let others =
        resolve(head.target, head.is_below).filter(|others| is_whole && others.count == head.count)?;
    let start = out.len();
    if head.is_below {
        let below = read_column(&mut reader, head.count)?;
        let values = difference(others.values.as_ref()?, &below, head.count)?;
        reader.is_at_end().then_some(())?;
        return put_samples(out, &others.times, &values, head.count);
    }
    let (stale, values) = (read_stale(&mut reader, head.count)?, read_column(&mut reader, head.count)?);
    reader.is_at_end().then_some(())?;
    put_samples(out, &others.times, &values, head.count)?;
    stale.into_iter().for_each(|index| out[start + index].value = STALE_NAN);
    Some(())
}

fn difference(others: &Column, below: &Column, count: usize) -> Option<Column> {
    if let (Column::Whole(others), Column::Whole(below)) = (others, below) {
        let values = others.iter().zip(below).map(|(other, below)| other.wrapping_sub(*below));
        return Some(Column::Whole(values.collect()));
    }
    let value = |index| Some(others.whole(index)?.wrapping_sub(below.whole(index)?));
    (0..count).map(value).collect::<Option<Vec<i64>>>().map(Column::Whole)
}

/// Reads what is needed of a chunk that another refers to. `resolve` looks up the times it may itself refer to.
pub(crate) fn columns(
    bytes: &[u8],
    offset: u64,
    with_values: bool,
    resolve: &mut Resolve<'_>,
) -> Option<Columns> {
    let (_, inner) = chunk::split(bytes)?;
    let mut reader = Reader::new(inner);
    let (count, times) = if inner.first() == Some(&KIND_COLUMNS) {
        reader.byte()?;
        let count = chunk::read_count(&mut reader)?;
        (count, Rc::new(read_column(&mut reader, count)?))
    } else {
        let head = Head::read(&mut reader, offset).filter(|head| !head.is_below)?;
        let others = resolve(head.target, false).filter(|others| others.count == head.count)?;
        (head.count, Rc::clone(&others.times))
    };
    if !with_values {
        return Some(Columns { count, times, values: None });
    }
    // Nobody refers to values among which are markers.
    read_stale(&mut reader, count).filter(Vec::is_empty)?;
    Some(Columns { count, times, values: Some(read_column(&mut reader, count)?) })
}

/// What stands in front of the columns.
struct Head {
    count: usize,
    is_below: bool,
    target: Target,
}

impl Head {
    fn read(reader: &mut Reader<'_>, offset: u64) -> Option<Self> {
        if reader.byte()? != KIND_REFERRING {
            return None;
        }
        let count = chunk::read_count(reader)?;
        let is_below = match reader.byte()? {
            VALUES_OWN => false,
            VALUES_BELOW => true,
            _ => return None,
        };
        let at = offset.checked_sub(reader.varint()?).filter(|at| *at < offset)?;
        let (length, crc) = (reader.varint_u32()?, reader.u32()?);
        let is_before = at + u64::from(length) <= offset;
        is_before.then_some(Self { count, is_below, target: Target { offset: at, length, crc } })
    }
}

/// Whether others may refer to a chunk.
pub(crate) fn may_be_referred_to(bytes: &[u8]) -> bool {
    let kind = chunk::split(bytes).and_then(|(_, inner)| inner.first().copied());
    matches!(kind, Some(KIND_COLUMNS | KIND_REFERRING))
}

/// Whether times have no step of their own, so that it pays to refer to them.
pub(crate) fn are_irregular(samples: &[Sample]) -> bool {
    let step = |pair: &[Sample]| pair[1].at.0.wrapping_sub(pair[0].at.0);
    let mut steps = samples.windows(2).map(step);
    steps.next().is_some_and(|first| steps.any(|step| step != first))
}

/// Whether samples are of the same moments.
pub(crate) fn are_simultaneous(a: &[Sample], b: &[Sample]) -> bool {
    let moments = |samples: &'_ [Sample]| -> Option<(Timestamp, Timestamp)> {
        Some((samples.first()?.at, samples.last()?.at))
    };
    a.len() == b.len() && moments(a) == moments(b) && a.iter().zip(b).all(|(a, b)| a.at == b.at)
}
