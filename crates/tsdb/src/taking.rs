//! What becomes of the entries of a batch: taken in order, taken late, known already, left to the log alone, or
//! refused. And what becomes of them when the log is read again.
//!
//! An entry that is not after the last of its series is late. It is taken if the window reaches back to it: the window
//! is measured from the last of its own series, so that one series with a clock in the future shuts out no other. What
//! a scrape or a rule found at the time of the batch itself is never late: only a clock that was set back makes it so, and
//! then it is taken all the same if the clock had been far ahead (`present.rs`).

use std::sync::Arc;

use bellwether_model::{Batch, HistogramSample, Origin, Sample, SeriesId, TimeDelta, Timestamp};

use crate::entry::{Entry, EntryValue};
use crate::error::Refusal;
use crate::head::Verdict;
use crate::log_read::empty_batch;
use crate::log_record::LatePlace;
use crate::sealed_values::SealedValues;
use crate::state::{Appended, Refused, State, for_each_entry, is_storable};

/// What of a batch goes into the log; the room is used again for the next batch.
pub(crate) struct Taken {
    pub(crate) batch: Batch,
    /// Entries that did not come in order.
    pub(crate) late: Vec<LatePlace>,
}

impl Default for Taken {
    fn default() -> Self {
        Self { batch: empty_batch(), late: Vec::new() }
    }
}

impl Taken {
    fn begin(&mut self, batch: &Batch) {
        (self.batch.origin, self.batch.at) = (batch.origin, batch.at);
        self.batch.samples.clear();
        self.batch.histograms.clear();
        self.batch.start_times.clear();
        self.late.clear();
    }

    fn push(&mut self, id: SeriesId, entry: &Entry<'_>, late: Option<Late>) {
        // Fits: a batch has fewer entries than a record may hold.
        let place = self.batch.len() as u32;
        self.batch.start_times.extend(entry.since.map(|since| (place, since)));
        self.late.extend(late.map(|late| LatePlace { place, is_taken: late == Late::Taken }));
        match entry.value {
            EntryValue::Float(value) => self.batch.samples.push((id, Sample::new(entry.at, value))),
            EntryValue::Histogram(histogram) => {
                self.batch.histograms.push((id, HistogramSample::new(entry.at, Arc::clone(histogram))));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    Taken,
    /// Only the log has it.
    Logged,
}

/// Where an entry of the log stands.
#[derive(Clone, Copy)]
pub(crate) struct Logged {
    /// The number of the file.
    pub(crate) file: u64,
    /// Whether the file is of a version in which whatever was late was left to the log.
    pub(crate) is_old: bool,
}

/// How many entries were taken, and how many were not for what reason.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) taken: u64,
    pub(crate) late: u64,
    pub(crate) known: u64,
    pub(crate) out_of_order: u64,
    pub(crate) too_old: u64,
    pub(crate) duplicate: u64,
    pub(crate) before_retention: u64,
    pub(crate) unknown_series: u64,
    pub(crate) malformed: u64,
}

impl Counts {
    fn of(&mut self, reason: Refusal) -> &mut u64 {
        match reason {
            Refusal::OutOfOrder { .. } => &mut self.out_of_order,
            Refusal::TooOld { .. } => &mut self.too_old,
            Refusal::Duplicate { .. } => &mut self.duplicate,
            Refusal::BeforeRetention { .. } => &mut self.before_retention,
            Refusal::UnknownSeries { .. } => &mut self.unknown_series,
            Refusal::MalformedHistogram => &mut self.malformed,
        }
    }
}

impl State {
    /// Puts a batch's entries into the head; `taken` collects what goes into the log.
    pub(crate) fn take(&mut self, batch: &Batch, sealed: &SealedValues, taken: &mut Taken) -> Appended {
        let mut appended = Appended::default();
        taken.begin(batch);
        for_each_entry(batch, &mut |index, id, entry| {
            let window = window_of(self.out_of_order_window, batch, entry.at);
            match self.take_entry(id, &entry, window, sealed.is_same(index)) {
                Ok(Verdict::InOrder) => {
                    appended.taken += 1;
                    taken.push(id, &entry, None);
                }
                Ok(Verdict::Late) => {
                    appended.taken += 1;
                    self.counts.late += 1;
                    taken.push(id, &entry, Some(Late::Taken));
                }
                Ok(Verdict::Known) => appended.known += 1,
                Err(reason) if batch.origin.may_be_late() && is_merely_late(reason) => {
                    appended.late += 1;
                    taken.push(id, &entry, Some(Late::Logged));
                }
                Err(reason) => {
                    *self.counts.of(reason) += 1;
                    appended.refused.push(Refused { index, reason });
                }
            }
        });
        self.counts.taken += appended.taken as u64;
        self.counts.known += appended.known as u64;
        appended
    }

    /// `is_sealed` says whether a segment has the same value for the moment, if it has one.
    fn take_entry(
        &mut self,
        id: SeriesId,
        entry: &Entry<'_>,
        window: TimeDelta,
        is_sealed: Option<bool>,
    ) -> Result<Verdict, Refusal> {
        if self.is_forgotten(id) {
            return Err(Refusal::UnknownSeries { series: id });
        }
        let head = self.heads.get_mut(id.0 as usize).ok_or(Refusal::UnknownSeries { series: id })?;
        if let EntryValue::Histogram(histogram) = entry.value
            && !is_storable(histogram)
        {
            return Err(Refusal::MalformedHistogram);
        }
        let oldest = self.clock.oldest().max(self.floor);
        if entry.at < oldest {
            return Err(Refusal::BeforeRetention { floor: oldest });
        }
        let window = window.max(self.clock.window_behind(head.last(), self.out_of_order_window));
        let verdict = match is_sealed.filter(|_| window > TimeDelta::ZERO) {
            Some(true) => Verdict::Known,
            Some(false) => return Err(Refusal::Duplicate { at: entry.at }),
            None => head.judge(entry, window)?,
        };
        head.take(id, entry, verdict);
        Ok(verdict)
    }

    /// Puts an entry of the log into the head again, unless it is in a segment. Says whether it did.
    pub(crate) fn take_again(&mut self, id: SeriesId, entry: &Entry<'_>, logged: Logged) -> bool {
        if entry.at < self.floor || self.sealed.iter().any(|sealed| sealed.covers(logged.file, entry.at)) {
            return false;
        }
        if let EntryValue::Histogram(histogram) = entry.value
            && !is_storable(histogram)
        {
            return false;
        }
        let head = self.head(id);
        if logged.is_old && head.last().is_some_and(|last| entry.at <= last) {
            return false;
        }
        // It was taken once. If something newer is there by now, it lies in a segment that came otherwise.
        match head.judge(entry, TimeDelta(i64::MAX)) {
            Ok(verdict) => {
                head.take(id, entry, verdict);
                verdict != Verdict::Known
            }
            Err(_) => false,
        }
    }
}

/// How late an entry may be.
fn window_of(window: TimeDelta, batch: &Batch, at: Timestamp) -> TimeDelta {
    match batch.origin {
        Origin::Scrape { .. } | Origin::Rules if at == batch.at => TimeDelta::ZERO,
        Origin::Scrape { .. }
        | Origin::Rules
        | Origin::Backfill
        | Origin::Remote { .. }
        | Origin::RemotePushed { .. }
        | Origin::Pushed => window,
    }
}

/// Whether time alone is against it.
const fn is_merely_late(reason: Refusal) -> bool {
    match reason {
        Refusal::OutOfOrder { .. } | Refusal::TooOld { .. } | Refusal::BeforeRetention { .. } => true,
        Refusal::Duplicate { .. } | Refusal::UnknownSeries { .. } | Refusal::MalformedHistogram => false,
    }
}
