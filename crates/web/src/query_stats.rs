//! What a query cost, for clients that ask for `stats`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether_model::{Labels, Matcher, SeriesSource, SeriesView, SourceError, TimeRange};

/// What a query cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stats {
    /// How long it waited for its turn.
    pub(crate) waited: Duration,
    /// How long its evaluation took.
    pub(crate) evaluated: Duration,
    /// Samples in the chunks it looked at, whether they were decoded or their summaries sufficed.
    pub(crate) samples_read: u64,
    /// Samples held at one time, at most.
    pub(crate) samples_peak: u64,
}

/// A source that counts what is read from it.
pub(crate) struct Counted {
    inner: Arc<dyn SeriesSource>,
    samples: AtomicU64,
}

impl Counted {
    pub(crate) fn new(inner: Arc<dyn SeriesSource>) -> Self {
        Self { inner, samples: AtomicU64::new(0) }
    }

    pub(crate) fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }
}

impl SeriesSource for Counted {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let views = self.inner.select(matchers, range)?;
        let chunks = views.iter().flat_map(|view| &view.chunks);
        let samples: u64 = chunks.map(|chunk| u64::from(chunk.summary().count)).sum();
        self.samples.fetch_add(samples, Ordering::Relaxed);
        Ok(views)
    }

    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SourceError> {
        self.inner.series(matchers, range)
    }
}
