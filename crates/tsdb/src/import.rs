//! History that somebody else measured, written as segments at once: it does not go through log and head, which are
//! for what is measured now, and a month of it needs no more memory than an hour.
//!
//! What is there already stays as it is: of two entries of one moment the stored one counts, and the other is not
//! written. So an import that was interrupted may begin anew at any point before.

use std::collections::HashMap;
use std::sync::Arc;

use bellwether_model::{
    Chunk, CounterReset, Histogram, HistogramSample, Sample, SeriesId, SourceError, TimeRange, Timestamp,
};
use roaring::RoaringBitmap;

use crate::histogram_row::fingerprint;
use crate::lineage::Lineage;
use crate::run::Run;
use crate::seal::SealError;
use crate::segment_batch::SeriesRuns;
use crate::segment_draft::SegmentDraft;
use crate::state::{Shared, is_storable};
use crate::store::Store;

/// A segment covers whole days, so that retention can drop it by the day ...
const DAY: i64 = 24 * 3_600_000;
/// ... but as many as it takes to hold about so many samples: thousands of tiny files would help nobody.
const SEGMENT_SAMPLES: u64 = 500_000;
/// Series written together.
const GROUP_SERIES: usize = 256;
/// In memory a histogram takes the room of so many numbers, and that of one more for each bucket.
const HISTOGRAM_WEIGHT: u64 = 10;

/// What was written of what was handed over, and what was not. The counts of samples add up to those handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Samples written.
    pub samples: u64,
    /// Samples that were there already.
    pub known: u64,
    /// Samples for whose moment another value is there, which stays.
    pub conflicting: u64,
    /// Samples older than what is kept.
    pub too_old: u64,
    /// Samples later than what was allowed.
    pub too_new: u64,
    /// Histograms that are none.
    pub malformed: u64,
    /// Segments written.
    pub segments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// From the first sample written to the last.
    pub range: Option<TimeRange>,
}

impl ImportReport {
    /// Adds up two.
    pub fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.known += other.known;
        self.conflicting += other.conflicting;
        self.too_old += other.too_old;
        self.too_new += other.too_new;
        self.malformed += other.malformed;
        self.segments += other.segments;
        self.bytes += other.bytes;
        if let Some(other) = other.range {
            let range = self.range.get_or_insert(other);
            range.start = range.start.min(other.start);
            range.end = range.end.max(other.end);
        }
    }

    /// All that were handed over.
    pub fn seen(&self) -> u64 {
        self.samples + self.known + self.conflicting + self.too_old + self.too_new + self.malformed
    }
}

/// Collects history until [`SegmentImporter::write`] makes segments of it.
pub struct SegmentImporter<'a> {
    store: &'a Store,
    /// What is kept of what comes.
    range: TimeRange,
    series: HashMap<u32, Pending>,
    waiting: u64,
    report: ImportReport,
}

/// What one series was given, in any order.
#[derive(Default)]
struct Pending {
    floats: Vec<Sample>,
    histograms: Vec<HistogramSample>,
}

impl Store {
    /// Begins an import. What lies in memory is sealed first, so that it counts as stored before what is imported. Only
    /// what lies inside the range, and is not older than retention keeps, is taken.
    pub fn importer(&self, range: TimeRange) -> Result<SegmentImporter<'_>, SealError> {
        self.seal(Timestamp::MAX)?;
        Ok(self.importer_beside(range))
    }

    /// Goes on importing, beside what has come since an import began: what is in memory stays there. A log of before version
    /// 5 would lose by that what it has of times before those imported, so that an import begins with
    /// [`importer`](Self::importer) once after every opening.
    pub fn importer_beside(&self, range: TimeRange) -> SegmentImporter<'_> {
        let floor = self.shared.read().floor;
        // Segments take what is before a moment, and the last of all moments is before none.
        let end = range.end.min(Timestamp(i64::MAX - 1));
        let range = TimeRange::new(range.start.max(floor), end);
        SegmentImporter {
            store: self,
            range,
            series: HashMap::new(),
            waiting: 0,
            report: ImportReport::default(),
        }
    }
}

impl SegmentImporter<'_> {
    /// Takes a number.
    pub fn push(&mut self, id: SeriesId, sample: Sample) {
        if self.admits(sample.at) {
            self.series.entry(id.0).or_default().floats.push(sample);
            self.waiting += 1;
        }
    }

    /// Takes a histogram.
    pub fn push_histogram(&mut self, id: SeriesId, sample: HistogramSample) {
        if !is_storable(&sample.histogram) {
            self.report.malformed += 1;
        } else if self.admits(sample.at) {
            let buckets = sample.histogram.positive.len() + sample.histogram.negative.len();
            self.waiting += HISTOGRAM_WEIGHT + buckets as u64;
            self.series.entry(id.0).or_default().histograms.push(sample);
        }
    }

    /// Takes many numbers of one series.
    pub fn extend(&mut self, id: SeriesId, samples: &[Sample]) {
        let pending = self.series.entry(id.0).or_default();
        let before = pending.floats.len();
        pending.floats.reserve(samples.len());
        for sample in samples {
            match self.range {
                range if sample.at < range.start => self.report.too_old += 1,
                range if sample.at > range.end => self.report.too_new += 1,
                _ => pending.floats.push(*sample),
            }
        }
        self.waiting += (pending.floats.len() - before) as u64;
    }

    /// How much waits to be written, in numbers of sixteen bytes.
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    fn admits(&mut self, at: Timestamp) -> bool {
        self.report.too_old += u64::from(at < self.range.start);
        self.report.too_new += u64::from(at > self.range.end);
        self.range.contains(at)
    }

    /// Writes what waits. Once this returns it is durable and visible, and a crash before leaves some of it or none.
    pub fn write(&mut self) -> Result<ImportReport, SealError> {
        let mut report = std::mem::take(&mut self.report);
        let mut pending = std::mem::take(&mut self.series);
        self.waiting = 0;
        let mut ids: Vec<u32> = pending.keys().copied().collect();
        ids.sort_unstable();
        let Some(range) = range_of(pending.values()) else { return Ok(report) };
        let shared = &self.store.shared;
        let there = there(shared, &ids, range)?;
        let mut series = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(pending) = pending.remove(&id) else { continue };
            let fresh = fresh(pending, there.get(&id).map_or(&[], Vec::as_slice), &mut report)?;
            if !fresh.is_empty() {
                series.push((SeriesId(id), fresh));
            }
        }
        let mut maintenance = shared.maintain();
        maintenance.table.write(|first| shared.read().index.labels_from(first))?;
        for window in windows(range, series.iter().map(|(_, runs)| count(runs)).sum()) {
            let number = maintenance.next_segment_number();
            write_segment(shared, number, &mut series, window, &mut report)?;
        }
        Ok(report)
    }
}

fn range_of<'a>(pending: impl Iterator<Item = &'a Pending>) -> Option<TimeRange> {
    let times = |pending: &'a Pending| {
        let histograms = pending.histograms.iter().map(|sample| sample.at);
        pending.floats.iter().map(|sample| sample.at).chain(histograms)
    };
    pending.flat_map(times).fold(None, |range: Option<TimeRange>, at| {
        Some(
            range.map_or(TimeRange::new(at, at), |range| {
                TimeRange::new(range.start.min(at), range.end.max(at))
            }),
        )
    })
}

fn count(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.len() as u64).sum()
}

/// Stretches of whole days that each get a segment, in order.
fn windows(range: TimeRange, samples: u64) -> Vec<TimeRange> {
    let first = range.start.0.div_euclid(DAY);
    let days = (range.end.0.div_euclid(DAY) - first + 1) as u64;
    let segments = (samples / SEGMENT_SAMPLES).clamp(1, days);
    let width = days.div_ceil(segments);
    let count = days.div_ceil(width) as i64;
    let width = width as i64;
    let window = |place: i64| {
        let start = (first + place * width).saturating_mul(DAY);
        let next = (first + (place + 1) * width).checked_mul(DAY);
        TimeRange::new(Timestamp(start), Timestamp(next.map_or(i64::MAX, |next| next - 1)))
    };
    (0..count).map(window).collect()
}

type There = HashMap<u32, Vec<Arc<dyn Chunk>>>;

/// What the store has of some series in a stretch of time, in the order in which it was stored.
fn there(shared: &Shared, ids: &[u32], range: TimeRange) -> Result<There, SourceError> {
    let set = RoaringBitmap::from_sorted_iter(ids.iter().copied()).unwrap_or_default();
    let mut there: There = HashMap::new();
    let segments = shared.read().segments_of(&set, range);
    for segment in segments {
        segment.chunks(&set, range, &mut |id, chunks| {
            if !chunks.is_empty() {
                there.entry(id.0).or_default().extend(chunks);
            }
        })?;
    }
    for id in ids {
        let view = shared.read().heads[*id as usize].view(range);
        if !view.is_empty() {
            there.entry(*id).or_default().extend(view.into_chunks(range)?);
        }
    }
    Ok(there)
}

/// What stands for the value of an entry when two are compared.
fn bits_of_float(sample: &Sample) -> u64 {
    sample.value.to_bits()
}

/// What is said of the one before it is no part of the value: the same histogram has one hint in a log, another in a chunk.
fn bits_of_histogram(sample: &HistogramSample) -> u64 {
    if sample.histogram.counter_reset == CounterReset::Unknown {
        return u64::from(fingerprint(&sample.histogram));
    }
    let bare = Histogram { counter_reset: CounterReset::Unknown, ..Histogram::clone(&sample.histogram) };
    u64::from(fingerprint(&bare))
}

/// What of a series is new, in time order.
fn fresh(
    pending: Pending,
    there: &[Arc<dyn Chunk>],
    report: &mut ImportReport,
) -> Result<Vec<Run>, SourceError> {
    let Pending { mut floats, mut histograms } = pending;
    if !floats.is_sorted_by_key(|sample| sample.at) {
        floats.sort_by_key(|sample| sample.at);
    }
    if !histograms.is_sorted_by_key(|sample| sample.at) {
        histograms.sort_by_key(|sample| sample.at);
    }
    let mut taken = Taken { there: entries(there)?, place: 0, last: None, report };
    floats.retain(|sample| taken.is_new(sample.at, bits_of_float(sample)));
    (taken.place, taken.last) = (0, None);
    if !floats.is_empty() && !histograms.is_empty() {
        taken.there.extend(floats.iter().map(|sample| (sample.at, bits_of_float(sample))));
        taken.there.sort_by_key(|(at, _)| *at);
    }
    histograms.retain(|sample| taken.is_new(sample.at, bits_of_histogram(sample)));
    Ok(Run::merged(&[Run::of_floats(floats, Vec::new()), Run::of_histograms(histograms, Vec::new())]))
}

/// All entries of some chunks, in time order.
fn entries(chunks: &[Arc<dyn Chunk>]) -> Result<Vec<(Timestamp, u64)>, SourceError> {
    let mut entries = Vec::new();
    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
    for chunk in chunks {
        chunk.decode(&mut floats)?;
        chunk.decode_histograms(&mut histograms)?;
        entries.extend(floats.drain(..).map(|sample| (sample.at, bits_of_float(&sample))));
        entries.extend(histograms.drain(..).map(|sample| (sample.at, bits_of_histogram(&sample))));
    }
    entries.sort_by_key(|(at, _)| *at);
    Ok(entries)
}

/// Walks along what is there beside what comes, both in time order.
struct Taken<'a> {
    there: Vec<(Timestamp, u64)>,
    place: usize,
    /// The last that came.
    last: Option<(Timestamp, u64)>,
    report: &'a mut ImportReport,
}

impl Taken<'_> {
    fn is_new(&mut self, at: Timestamp, bits: u64) -> bool {
        self.place += self.there[self.place..].iter().take_while(|(there, _)| *there < at).count();
        let stored = self.there[self.place..].iter().take_while(|(there, _)| *there == at);
        let mut same_moment = stored.chain(self.last.iter().filter(|(last, _)| *last == at)).peekable();
        if same_moment.peek().is_none() {
            self.last = Some((at, bits));
            return true;
        }
        let is_known = same_moment.any(|(_, stored)| *stored == bits);
        self.report.known += u64::from(is_known);
        self.report.conflicting += u64::from(!is_known);
        false
    }
}

/// Writes what lies inside a window, taking it away from the front of all series, and shows it.
fn write_segment(
    shared: &Shared,
    number: u64,
    series: &mut [(SeriesId, Vec<Run>)],
    window: TimeRange,
    report: &mut ImportReport,
) -> Result<(), SealError> {
    let end = Timestamp(window.end.0.saturating_add(1));
    if !series.iter().any(|(_, runs)| runs.first().is_some_and(|run| run.count_before(end) > 0)) {
        return Ok(());
    }
    let mut draft = SegmentDraft::create(shared, number)?;
    for group in series.chunks_mut(GROUP_SERIES) {
        let batch = group.iter_mut().map(|(id, runs)| SeriesRuns { id: *id, runs: take_before(runs, end) });
        let batch: Vec<_> = batch.filter(|series| !series.runs.is_empty()).collect();
        draft.push(&batch, &|id| shared.read().index.labels(id).cloned())?;
    }
    let mut lasts = Vec::new();
    let published = draft.publish(&Lineage::of_rank(number), &mut |id, last| lasts.push((id, last)))?;
    let Some(segment) = published else { return Ok(()) };
    report.add(&ImportReport {
        samples: segment.sample_count,
        segments: 1,
        bytes: segment.bytes,
        range: Some(segment.range),
        ..ImportReport::default()
    });
    let mut state = shared.write();
    for (id, last) in lasts {
        state.head(id).sealed_until(last);
    }
    shared.pins().imported(number);
    state.add_segment(segment);
    Ok(())
}

/// Takes away what lies before a moment.
fn take_before(runs: &mut Vec<Run>, end: Timestamp) -> Vec<Run> {
    let mut taken = Vec::new();
    while let Some(run) = runs.first_mut() {
        let later = run.split_off(end);
        let earlier = std::mem::replace(run, later);
        let is_cut = run.len() > 0;
        taken.extend(Some(earlier).filter(|run| run.len() > 0));
        if is_cut {
            break;
        }
        runs.remove(0);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_covers_days_and_as_many_as_it_takes() {
        let check = |first: i64, last: i64, samples, segments: &[(i64, i64)]| {
            let range = TimeRange::new(Timestamp(first), Timestamp(last));
            let found: Vec<_> =
                windows(range, samples).iter().map(|w| (w.start.0 / DAY, (w.end.0 + 1) / DAY)).collect();
            assert_eq!(found, segments, "{first} to {last}, {samples} samples");
        };
        check(0, DAY - 1, 10, &[(0, 1)]);
        check(5, 3 * DAY, 10, &[(0, 4)]);
        check(5, 3 * DAY, 10_000_000, &[(0, 1), (1, 2), (2, 3), (3, 4)]);
        check(DAY, 6 * DAY - 1, 1_600_000, &[(1, 3), (3, 5), (5, 7)]);
        check(-1, 0, 10_000_000, &[(-1, 0), (0, 1)]);
    }
}
