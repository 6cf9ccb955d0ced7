//! One batch made of what was pushed: series resolved to numbers, what can be stored collected in columns, what cannot
//! be noted. Nothing is stored here.

use bellwether_ingest::{PushedLabelProblem, PushedSeries};
use bellwether_model::{Batch, Exemplar, Labels, METRIC_NAME, Origin, SeriesId, TimeDelta, Timestamp};
use bellwether_tsdb::AppendError;

use super::refusal::{PushRefusal, Refusals};
use super::{Received, Unavailable};

/// So far ahead of our clock a sample may be, as in Prometheus: whoever is further ahead would block its series for
/// everything that is right.
pub const AHEAD_MAX: TimeDelta = TimeDelta(10 * TimeDelta::MINUTE.0);

/// When what is pushed may have been measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Era {
    earliest: Timestamp,
    latest: Timestamp,
}

impl Era {
    /// What may be pushed at a moment: nothing far ahead, and nothing that housekeeping would remove again after its
    /// sender was told that it is stored.
    pub fn at(now: Timestamp, retention: TimeDelta) -> Self {
        Self { earliest: now - retention, latest: now + AHEAD_MAX }
    }

    /// The same without what the store has dropped already, be it to make room.
    pub fn since(self, floor: Timestamp) -> Self {
        Self { earliest: self.earliest.max(floor), ..self }
    }

    /// Why something of that moment is not taken.
    pub fn refusal(self, at: Timestamp) -> Option<PushRefusal> {
        match at {
            at if at < self.earliest => Some(PushRefusal::BeforeRetention),
            at if at > self.latest => Some(PushRefusal::Future),
            _ => None,
        }
    }
}

/// A batch in the making.
#[derive(Debug)]
pub struct Assembly {
    batch: Batch,
    /// Since when histograms count, by their place among histograms: where samples end is not known yet.
    histogram_starts: Vec<(u32, Timestamp)>,
    /// In each series' order.
    exemplars: Vec<(SeriesId, Exemplar)>,
    era: Era,
    refused: Refusals,
}

impl Assembly {
    /// One that is empty. What was measured at another time is refused.
    pub fn new(era: Era) -> Self {
        Self {
            batch: Batch::floats(Origin::Pushed, Timestamp::MIN, Vec::new()),
            histogram_starts: Vec::new(),
            exemplars: Vec::new(),
            era,
            refused: Refusals::default(),
        }
    }

    /// Adds a series with all it brought.
    pub fn add(
        &mut self,
        pushed: &PushedSeries,
        resolve: &mut dyn FnMut(&Labels) -> Result<SeriesId, AppendError>,
    ) -> Result<(), Unavailable> {
        let (samples, histograms) = (pushed.samples.len(), pushed.histograms.len());
        let entries = (samples + histograms) as u64;
        if pushed.labels.value_or_empty(METRIC_NAME).is_empty() {
            let problem = PushedLabelProblem::NoMetricName;
            self.refused.add_labels(&problem, entries, pushed.labels.iter());
            return Ok(());
        }
        if entries == 0 {
            return Ok(()); // a series without samples is not made
        }
        let times = pushed.samples.iter().map(|one| one.sample.at);
        let times = times.chain(pushed.histograms.iter().map(|one| one.sample.at));
        if !times.clone().any(|at| self.era.refusal(at).is_none()) {
            // A series of which nothing can be stored is not made.
            for reason in times.filter_map(|at| self.era.refusal(at)) {
                self.refused.add_series(reason, 1, &pushed.labels);
            }
            return Ok(());
        }
        let Some(id) = self.resolved(resolve(&pushed.labels), entries, &pushed.labels)? else {
            return Ok(());
        };
        for sample in &pushed.samples {
            if let Some(reason) = self.era.refusal(sample.sample.at) {
                self.refused.add_series(reason, 1, &pushed.labels);
                continue;
            }
            let place = self.batch.samples.len() as u32;
            self.batch.start_times.extend(sample.since.map(|since| (place, since)));
            self.batch.samples.push((id, sample.sample));
        }
        for histogram in &pushed.histograms {
            if let Some(reason) = self.era.refusal(histogram.sample.at) {
                self.refused.add_series(reason, 1, &pushed.labels);
                continue;
            }
            let place = self.batch.histograms.len() as u32;
            self.histogram_starts.extend(histogram.since.map(|since| (place, since)));
            self.batch.histograms.push((id, histogram.sample.clone()));
        }
        self.exemplars.extend(pushed.exemplars.iter().map(|exemplar| (id, exemplar.clone())));
        Ok(())
    }

    /// The number of a series, or `None` when what it brought is refused.
    fn resolved(
        &mut self,
        found: Result<SeriesId, AppendError>,
        entries: u64,
        labels: &Labels,
    ) -> Result<Option<SeriesId>, Unavailable> {
        match found {
            Ok(id) => Ok(Some(id)),
            Err(error) => {
                self.refused.add_unresolved(&error, reason_of(&error)?, entries, labels);
                Ok(None)
            }
        }
    }

    /// The batch, the exemplars of its series, and what is known of it before it is stored: that all of it will be.
    pub fn finish(mut self) -> (Batch, Vec<(SeriesId, Exemplar)>, Received) {
        let numbers = self.batch.samples.len();
        let starts = self.histogram_starts.iter().map(|(place, since)| (place + numbers as u32, *since));
        self.batch.start_times.extend(starts);
        self.batch.at = self.batch.times().max().unwrap_or(Timestamp::MIN);
        let received = Received {
            samples: numbers as u64,
            histograms: self.batch.histograms.len() as u64,
            refused: self.refused,
            ..Received::default()
        };
        (self.batch, self.exemplars, received)
    }
}

/// Why a series was not made, if that is for its sender to mend.
pub(super) fn reason_of(error: &AppendError) -> Result<PushRefusal, Unavailable> {
    match error {
        AppendError::LabelsTooLarge { .. } => Ok(PushRefusal::InvalidLabels),
        AppendError::SeriesLimit(_) | AppendError::SeriesExhausted => Ok(PushRefusal::SeriesLimit),
        AppendError::BatchTooLarge { .. } | AppendError::Log(_) => Err(Unavailable(error.to_string())),
    }
}
