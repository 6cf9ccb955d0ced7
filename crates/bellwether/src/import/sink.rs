//! Where samples go: into the store as segments, to a server that runs, or nowhere in a dry run, which counts them all the same.

use std::collections::HashMap;

use bellwether_ingest::prometheus_block::Samples;
use bellwether_model::{HistogramSample, Labels, Sample, SeriesId, TimeRange};
use bellwether_tsdb::{ImportReport, SegmentImporter, Store};

use super::server::ServerSink;
use crate::failure::Failure;

/// More waiting than this is written: 64 MiB of numbers.
const WAITING_MAX: u64 = 4 << 20;

/// A series of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle(pub(super) u32);

/// What takes samples.
pub(super) enum Sink<'a> {
    Store(StoreSink<'a>),
    Server(ServerSink),
    DryRun(DrySink),
}

impl Sink<'_> {
    /// The series with these labels.
    pub(super) fn series(&mut self, labels: &Labels) -> Result<Handle, Failure> {
        match self {
            Self::Store(sink) => sink.series(labels),
            Self::Server(sink) => Ok(sink.series(labels)),
            Self::DryRun(sink) => Ok(sink.series(labels)),
        }
    }

    /// Takes a number.
    pub(super) fn push(&mut self, series: Handle, sample: Sample) -> Result<(), Failure> {
        match self {
            Self::Store(sink) => {
                sink.importer.push(SeriesId(series.0), sample);
                sink.write_if_full()
            }
            Self::Server(sink) => sink.push(series, sample),
            Self::DryRun(sink) => {
                sink.count(sample.at);
                Ok(())
            }
        }
    }

    /// Takes a histogram.
    pub(super) fn push_histogram(&mut self, series: Handle, sample: HistogramSample) -> Result<(), Failure> {
        match self {
            Self::Store(sink) => {
                sink.importer.push_histogram(SeriesId(series.0), sample);
                sink.write_if_full()
            }
            Self::Server(sink) => sink.push_histogram(series, sample),
            Self::DryRun(sink) => {
                sink.count(sample.at);
                Ok(())
            }
        }
    }

    /// Takes all of a series.
    pub(super) fn extend(&mut self, series: Handle, samples: &mut Samples) -> Result<(), Failure> {
        match self {
            Self::Store(sink) => {
                sink.importer.extend(SeriesId(series.0), &samples.floats);
                for sample in samples.histograms.drain(..) {
                    sink.importer.push_histogram(SeriesId(series.0), sample);
                }
                sink.write_if_full()
            }
            Self::Server(sink) => sink.extend(series, samples),
            Self::DryRun(sink) => {
                samples.floats.iter().for_each(|sample| sink.count(sample.at));
                samples.histograms.iter().for_each(|sample| sink.count(sample.at));
                Ok(())
            }
        }
    }

    /// Returns once everything taken is durable.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Store(sink) => sink.write(),
            Self::Server(sink) => sink.flush(),
            Self::DryRun(_) => Ok(()),
        }
    }

    /// What became of what was taken; of what is flushed, all.
    pub(super) const fn report(&self) -> &ImportReport {
        match self {
            Self::Store(sink) => &sink.report,
            Self::Server(sink) => sink.report(),
            Self::DryRun(sink) => &sink.report,
        }
    }

    /// How many series were given.
    pub(super) fn series_count(&self) -> usize {
        match self {
            Self::Store(sink) => sink.handles.len(),
            Self::Server(sink) => sink.series_count(),
            Self::DryRun(sink) => sink.handles.len(),
        }
    }
}

/// Into a store.
pub(super) struct StoreSink<'a> {
    store: &'a Store,
    importer: SegmentImporter<'a>,
    handles: HashMap<Labels, Handle>,
    report: ImportReport,
}

impl<'a> StoreSink<'a> {
    /// Takes what lies inside a range.
    pub(super) fn new(store: &'a Store, range: TimeRange) -> Result<Self, Failure> {
        let importer = store.importer(range).map_err(failed)?;
        Ok(Self { store, importer, handles: HashMap::new(), report: ImportReport::default() })
    }

    fn series(&mut self, labels: &Labels) -> Result<Handle, Failure> {
        if let Some(handle) = self.handles.get(labels) {
            return Ok(*handle);
        }
        let handle = Handle(self.store.series(labels).map_err(failed)?.0);
        self.handles.insert(labels.clone(), handle);
        Ok(handle)
    }

    fn write_if_full(&mut self) -> Result<(), Failure> {
        if self.importer.waiting() < WAITING_MAX { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<(), Failure> {
        let report = self.importer.write().map_err(failed)?;
        self.report.add(&report);
        Ok(())
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(error.to_string())
}

/// Counts and forgets.
pub(super) struct DrySink {
    handles: HashMap<Labels, Handle>,
    range: TimeRange,
    report: ImportReport,
}

impl DrySink {
    pub(super) fn new(range: TimeRange) -> Self {
        Self { handles: HashMap::new(), range, report: ImportReport::default() }
    }

    fn series(&mut self, labels: &Labels) -> Handle {
        let next = Handle(self.handles.len() as u32);
        *self.handles.entry(labels.clone()).or_insert(next)
    }

    fn count(&mut self, at: bellwether_model::Timestamp) {
        if at < self.range.start {
            self.report.too_old += 1;
        } else if at > self.range.end {
            self.report.too_new += 1;
        } else {
            let one = ImportReport { samples: 1, range: Some(TimeRange::new(at, at)), ..Default::default() };
            self.report.add(&one);
        }
    }
}
