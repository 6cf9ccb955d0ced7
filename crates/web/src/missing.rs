//! What of the samples an answer rests on is missing, for the warnings that stand beside it: every selection of a query is
//! noted, since only they tell which stretch of time was read.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_model::{Labels, Matcher, SeriesSource, SeriesView, SourceError, TimeRange};

/// Sentences of one answer; a query reads no end of stretches.
const SENTENCES_MAX: usize = 10;

/// A source that notes what is missing of what is read from it.
pub(crate) struct Noting {
    inner: Arc<dyn SeriesSource>,
    missing: Mutex<BTreeSet<String>>,
}

impl Noting {
    pub(crate) fn new(inner: Arc<dyn SeriesSource>) -> Self {
        Self { inner, missing: Mutex::default() }
    }

    /// A sentence for each file.
    pub(crate) fn noted(&self) -> Vec<String> {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let more = missing.len().saturating_sub(SENTENCES_MAX);
        let told = missing.iter().take(SENTENCES_MAX).cloned();
        told.chain((more > 0).then(|| format!("and {more} more files"))).collect()
    }

    fn note(&self, matchers: &[Matcher], range: TimeRange) {
        let missing = self.inner.missing(matchers, range);
        if !missing.is_empty() {
            self.missing.lock().unwrap_or_else(PoisonError::into_inner).extend(missing);
        }
    }
}

impl SeriesSource for Noting {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        self.note(matchers, range);
        self.inner.select(matchers, range)
    }

    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SourceError> {
        self.note(matchers, range);
        self.inner.series(matchers, range)
    }

    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SourceError> {
        self.note(matchers, range);
        self.inner.label_names(matchers, range)
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Vec<String>, SourceError> {
        self.note(matchers, range);
        self.inner.label_values(name, matchers, range)
    }

    fn missing(&self, matchers: &[Matcher], range: TimeRange) -> Vec<String> {
        self.inner.missing(matchers, range)
    }
}
