//! Sealed histograms of one series: a compressed column per bucket, so that each count is told by the same bucket's
//! count before it and by how that bucket usually grows.

use std::sync::Arc;

use bellwether_model::{CounterReset, Histogram, HistogramSample, Timestamp};

use crate::codec::{Reader, put_varint};
use crate::column::{
    Column, Purpose, put_float_column, put_stale, put_whole_column, read_column, read_stale,
};
use crate::histogram_layout::Layout;
use crate::histogram_row::{excess, reset_number, reset_of, whole};

/// Counts in one chunk: buckets times samples. Decoding refuses more before it allocates.
pub(crate) const CELLS_MAX: usize = 1 << 20;

const COUNT_PLAIN: u8 = 0;
const COUNT_EXCESS: u8 = 1;

/// Appends samples whose buckets have the same bounds. `None` when nothing would be gained by columns.
pub(crate) fn encode(out: &mut Vec<u8>, samples: &[HistogramSample]) -> Option<()> {
    let times: Vec<i64> = samples.iter().map(|sample| sample.at.0).collect();
    put_whole_column(out, &times, Purpose::File)?;
    put_stale(out, samples.iter().map(HistogramSample::is_stale));
    let values: Vec<&Histogram> =
        samples.iter().filter(|sample| !sample.is_stale()).map(|sample| &*sample.histogram).collect();
    let layout = values.iter().skip(1).fold(Layout::of(values.first()?), |layout, histogram| {
        if layout.covers(histogram) { layout } else { layout.widened(histogram) }
    });
    put_resets(out, &values);
    layout.put(out);
    put_float_column(out, &values.iter().map(|histogram| histogram.sum).collect::<Vec<_>>(), Purpose::File)?;
    put_counts(out, &layout, &values)
}

/// Hints come in runs.
fn put_resets(out: &mut Vec<u8>, values: &[&Histogram]) {
    let runs: Vec<_> = values.chunk_by(|a, b| a.counter_reset == b.counter_reset).collect();
    put_varint(out, runs.len() as u64);
    for run in runs {
        out.push(reset_number(run[0].counter_reset));
        put_varint(out, run.len() as u64);
    }
}

fn put_counts(out: &mut Vec<u8>, layout: &Layout, values: &[&Histogram]) -> Option<()> {
    let (slots, mut row) = (layout.slots(), Vec::new());
    let mut columns = vec![Vec::with_capacity(values.len()); slots];
    for histogram in values {
        layout.counts(histogram, &mut row);
        columns.iter_mut().zip(&row).for_each(|(column, count)| column.push(*count));
    }
    columns.iter().try_for_each(|column| put_float_column(out, column, Purpose::File))?;
    let excesses = (0..values.len()).map(|index| {
        let parts: Option<Vec<i64>> = columns.iter().map(|column| whole(column[index])).collect();
        Some(excess(whole(values[index].count)?, parts?.into_iter()))
    });
    match excesses.collect::<Option<Vec<i64>>>() {
        Some(excesses) => {
            out.push(COUNT_EXCESS);
            put_whole_column(out, &excesses, Purpose::File)
        }
        None => {
            out.push(COUNT_PLAIN);
            put_float_column(
                out,
                &values.iter().map(|histogram| histogram.count).collect::<Vec<_>>(),
                Purpose::File,
            )
        }
    }
}

/// Appends `count` samples; `None` when the bytes are not columns of that many.
pub(crate) fn decode(reader: &mut Reader<'_>, count: usize, out: &mut Vec<HistogramSample>) -> Option<()> {
    let times = read_column(reader, count)?;
    let stale = read_stale(reader, count)?;
    let value_count = count - stale.len();
    let resets = read_resets(reader, value_count)?;
    let layout = Layout::read(reader)?;
    if layout.slots().checked_mul(value_count)? > CELLS_MAX {
        return None;
    }
    let sums = read_column(reader, value_count)?;
    let columns: Option<Vec<Column>> =
        (0..layout.slots()).map(|_| read_column(reader, value_count)).collect();
    let columns = columns?;
    let is_excess = match reader.byte()? {
        COUNT_PLAIN => false,
        COUNT_EXCESS => true,
        _ => return None,
    };
    let counts = read_column(reader, value_count)?;
    let (mut stale, mut value, mut row) = (stale.into_iter().peekable(), 0, Vec::new());
    let marker = Arc::new(Histogram::stale());
    out.reserve(count);
    for index in 0..count {
        let at = Timestamp(times.whole(index)?);
        if stale.next_if_eq(&index).is_some() {
            out.push(HistogramSample::new(at, Arc::clone(&marker)));
            continue;
        }
        let reset = *resets.get(value)?;
        row.clear();
        row.extend(columns.iter().map(|column| column.float(value)));
        let count = if is_excess {
            // The inverse of `excess`: what is over, and all the parts.
            let parts = row.iter().map(|count| whole(*count).unwrap_or(0));
            parts.fold(counts.whole(value)?, i64::wrapping_add) as f64
        } else {
            counts.float(value)
        };
        let histogram = layout.histogram(reset, &row, count, sums.float(value));
        out.push(HistogramSample::new(at, Arc::new(histogram)));
        value += 1;
    }
    reader.is_at_end().then_some(())
}

fn read_resets(reader: &mut Reader<'_>, count: usize) -> Option<Vec<CounterReset>> {
    let runs = reader.varint_usize()?;
    let mut resets = Vec::with_capacity(count);
    for _ in 0..runs {
        let (reset, length) = (reset_of(reader.byte()?), reader.varint_usize()?);
        if length > count - resets.len() {
            return None;
        }
        resets.resize(resets.len() + length, reset);
    }
    (resets.len() == count).then_some(resets)
}
