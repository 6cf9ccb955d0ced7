//! Counting the past of an indicator that is new or has changed, from the raw samples that are still there.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{
    Batch, HistogramSample, Labels, Origin, Sample, SeriesId, SeriesSource, TimeDelta, TimeRange, Timestamp,
};
use bellwether_slo::{Backfill, Event, SloEngine, WantedBackfill};
use bellwether_tsdb::Store;
use tracing::{info, warn};

/// Reads and counts the past of every indicator that wants it.
pub fn fill(engine: &mut SloEngine, store: &Store, retention: TimeDelta, now: Timestamp) {
    for wanted in engine.wanted_backfill() {
        let past = match read(store, &wanted, retention, now) {
            Ok(past) => past,
            Err(why) => {
                warn!(indicator = %wanted.key, %why, "its past cannot be read and stays unmeasured");
                Past::default()
            }
        };
        if !past.batches.is_empty() {
            info!(indicator = %wanted.key, series = past.series.len(), points = past.batches.len(), "past counted");
        }
        let backfill = Backfill { key: &wanted.key, series: &past.series, batches: &past.batches };
        engine.step(Event::Backfill(backfill), now);
    }
}

#[derive(Default)]
struct Past {
    series: Vec<(SeriesId, Labels)>,
    batches: Vec<Batch>,
}

/// Everything of one moment.
#[derive(Default)]
struct Point {
    samples: Vec<(SeriesId, Sample)>,
    histograms: Vec<(SeriesId, HistogramSample)>,
}

fn read(
    store: &Store,
    wanted: &WantedBackfill,
    retention: TimeDelta,
    now: Timestamp,
) -> Result<Past, String> {
    let range = TimeRange::new(now - wanted.reach.min(retention), now);
    let snapshot = store.snapshot();
    let (mut series, mut by_time) = (BTreeSet::new(), BTreeMap::<Timestamp, Point>::new());
    for selector in &wanted.selectors {
        for view in snapshot.select(&selector.all_matchers(), range).map_err(|error| error.to_string())? {
            let Some(id) = store.find(&view.labels) else { continue };
            if !series.insert((id, view.labels.clone())) {
                continue; // two selectors may share a series
            }
            let (mut samples, mut histograms) = (Vec::new(), Vec::new());
            for chunk in &view.chunks {
                chunk.decode(&mut samples).map_err(|error| error.to_string())?;
                chunk.decode_histograms(&mut histograms).map_err(|error| error.to_string())?;
            }
            for sample in samples.into_iter().filter(|sample| range.contains(sample.at)) {
                by_time.entry(sample.at).or_default().samples.push((id, sample));
            }
            for sample in histograms.into_iter().filter(|sample| range.contains(sample.at)) {
                by_time.entry(sample.at).or_default().histograms.push((id, sample));
            }
        }
    }
    let batch = |(at, point): (Timestamp, Point)| Batch {
        histograms: point.histograms,
        ..Batch::floats(Origin::Backfill, at, point.samples)
    };
    Ok(Past { series: series.into_iter().collect(), batches: by_time.into_iter().map(batch).collect() })
}
