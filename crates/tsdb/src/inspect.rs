//! What a store is made of: segments and what they hold, the log, the head; which metrics and labels make the most
//! series and take the most bytes; files that were set aside.

use std::collections::HashMap;

use bellwether_model::{METRIC_NAME, SeriesId, SourceError, TimeRange};
use roaring::RoaringBitmap;

use crate::missing::{self, Missing};
use crate::store::{Stats, Store};

/// A store in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// Counts of all.
    pub stats: Stats,
    /// Segments, the oldest first.
    pub segments: Vec<SegmentFacts>,
    /// Metrics, those with the most series first.
    pub metrics: Vec<MetricFacts>,
    /// Labels, those with the most values first.
    pub labels: Vec<LabelFacts>,
    /// Pairs of a label and a value, those of the most series first.
    pub pairs: Vec<(String, String, u64)>,
    /// Damaged files that were set aside.
    pub quarantined: Vec<Missing>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFacts {
    /// The file's name.
    pub name: String,
    /// From its first to its last sample.
    pub range: TimeRange,
    /// Series in it.
    pub series: u64,
    /// Of these, how many the segment before it does not have.
    pub series_new: u64,
    /// Samples in it.
    pub samples: u64,
    /// Bytes it takes.
    pub bytes: u64,
}

/// One metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricFacts {
    /// Its name.
    pub name: String,
    /// Series of that name.
    pub series: u64,
    /// Their samples.
    pub samples: u64,
    /// Bytes these take on disk and in memory.
    pub bytes: u64,
}

/// One label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFacts {
    /// Its name.
    pub name: String,
    /// How many values it has.
    pub values: u64,
    /// Bytes in them, each counted once for every series.
    pub bytes: u64,
}

/// What one series takes.
#[derive(Clone, Copy, Default)]
struct Taken {
    samples: u64,
    bytes: u64,
}

impl Store {
    /// Looks at everything but the samples themselves. Takes a while when there are very many series.
    pub fn inspect(&self) -> Result<Inspection, SourceError> {
        let (segments, mut taken) = {
            let state = self.shared.read();
            let in_head = state
                .heads
                .iter()
                .map(|head| Taken { samples: head.sample_count(), bytes: head.heap_bytes() as u64 });
            (state.segments.clone(), in_head.collect::<Vec<_>>())
        };
        let mut facts = Vec::with_capacity(segments.len());
        let mut before = RoaringBitmap::new();
        let mut by_time = segments.clone();
        by_time.sort_by_key(|segment| (segment.range.start, segment.number));
        for segment in &by_time {
            segment.sizes(&mut |id, samples, bytes| {
                let place = id.0 as usize;
                if taken.len() <= place {
                    taken.resize(place + 1, Taken::default());
                }
                taken[place].samples += samples;
                taken[place].bytes += bytes;
            })?;
            facts.push(SegmentFacts {
                name: segment.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                range: segment.range,
                series: segment.series.len(),
                series_new: segment.series.len() - segment.series.intersection_len(&before),
                samples: segment.sample_count,
                bytes: segment.bytes,
            });
            before = segment.series.clone();
        }
        let Counted { metrics, labels, pairs } = self.count_labels(&taken);
        Ok(Inspection {
            stats: self.stats(),
            segments: facts,
            metrics,
            labels,
            pairs,
            quarantined: self.quarantined(),
        })
    }

    /// Damaged files that were set aside, now or earlier, by name, whether or not retention would keep what was in them.
    pub fn quarantined(&self) -> Vec<Missing> {
        missing::find(&*self.shared.disk, &self.shared.dir, &[])
    }

    fn count_labels(&self, taken: &[Taken]) -> Counted {
        let all = self.shared.read().index.labels_from(0);
        let mut metrics: HashMap<&str, MetricFacts> = HashMap::new();
        let mut pairs: HashMap<&str, HashMap<&str, u64>> = HashMap::new();
        for (id, labels) in (0..).map(SeriesId).zip(&all) {
            let Some(labels) = labels else { continue };
            let of_series = taken.get(id.0 as usize).copied().unwrap_or_default();
            let metric = metrics.entry(labels.metric_name().unwrap_or_default()).or_default();
            metric.series += 1;
            metric.samples += of_series.samples;
            metric.bytes += of_series.bytes;
            for (name, value) in labels.iter() {
                *pairs.entry(name).or_default().entry(value).or_default() += 1;
            }
        }
        let mut metrics: Vec<MetricFacts> =
            metrics.into_iter().map(|(name, facts)| MetricFacts { name: name.to_owned(), ..facts }).collect();
        metrics.sort_by(|a, b| b.series.cmp(&a.series).then_with(|| a.name.cmp(&b.name)));
        let mut labels: Vec<LabelFacts> = pairs
            .iter()
            .filter(|(name, _)| **name != METRIC_NAME)
            .map(|(name, values)| LabelFacts {
                name: (*name).to_owned(),
                values: values.len() as u64,
                bytes: values.iter().map(|(value, series)| value.len() as u64 * series).sum(),
            })
            .collect();
        labels.sort_by(|a, b| b.values.cmp(&a.values).then_with(|| a.name.cmp(&b.name)));
        let each = pairs
            .iter()
            .filter(|(name, _)| **name != METRIC_NAME)
            .flat_map(|(name, values)| values.iter().map(|(value, series)| (*name, *value, *series)));
        let mut pairs: Vec<_> = each.collect();
        pairs.sort_unstable_by(|a, b| b.2.cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
        pairs.truncate(PAIRS_MAX);
        let owned = |(name, value, series): (&str, &str, u64)| (name.to_owned(), value.to_owned(), series);
        Counted { metrics, labels, pairs: pairs.into_iter().map(owned).collect() }
    }
}

/// Pairs that are given at most: there are as many as label values.
const PAIRS_MAX: usize = 1000;

struct Counted {
    metrics: Vec<MetricFacts>,
    labels: Vec<LabelFacts>,
    pairs: Vec<(String, String, u64)>,
}
