//! The samples and the rows of objectives as one source. Rows are read from their own store, those of the last hours
//! from the ledger itself. Series of others that have the name of a row are read as `exported_…`, so that nobody takes
//! what was scraped from elsewhere for what was counted here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use bellwether_model::{
    Labels, METRIC_NAME, MatchOp, Matcher, PlainChunk, Sample, SeriesSource, SeriesView, SourceError,
    TimeDelta, TimeRange, Timestamp, matches_all,
};
use bellwether_slo::RowRange;

use super::course::{Course, Stored};
use super::writer::last_stored;
use super::{COUNTERS, Courses, NAMES, is_row, labels_of};
use crate::pipeline::Pipeline;

/// What a foreign series is called that has the name of a row.
const EXPORTED: &str = "exported_";

/// Rows beside another source.
pub struct WithRows {
    /// What there is besides.
    pub other: Arc<dyn SeriesSource>,
    /// The rows that are stored.
    pub stored: Arc<dyn SeriesSource>,
    /// What counts.
    pub pipeline: Arc<RwLock<Pipeline>>,
    /// How the rows go on from those stored, or from a little before.
    pub courses: Arc<Courses>,
}

/// Who is asked for a selection.
struct Asked {
    rows: bool,
    others: bool,
    /// Names of rows whose foreign namesakes are selected.
    exported: Vec<&'static str>,
}

impl Asked {
    fn of(matchers: &[Matcher]) -> Self {
        let names: Vec<&Matcher> = matchers.iter().filter(|matcher| matcher.name == METRIC_NAME).collect();
        let is_selected = |name: &str| names.iter().all(|matcher| matcher.matches_value(name));
        let is_one = names.iter().any(|matcher| matcher.op == MatchOp::Equal && is_row(&matcher.value));
        let exported = NAMES.into_iter().filter(|name| is_selected(&format!("{EXPORTED}{name}")));
        Self { rows: NAMES.into_iter().any(is_selected), others: !is_one, exported: exported.collect() }
    }
}

impl SeriesSource for WithRows {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let asked = Asked::of(matchers);
        let mut views = Vec::new();
        if asked.others {
            views = self.other.select(matchers, range)?;
        }
        if !asked.rows && asked.exported.is_empty() {
            return Ok(views); // most queries
        }
        views.retain(|view| !is_named_as_row(&view.labels));
        for name in &asked.exported {
            views.extend(
                self.other
                    .select(&namesakes(matchers, name), range)?
                    .into_iter()
                    .map(|view| SeriesView { labels: exported(&view.labels), chunks: view.chunks }),
            );
        }
        if asked.rows {
            views.extend(self.rows(matchers, range)?);
        }
        views.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(views)
    }

    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SourceError> {
        let asked = Asked::of(matchers);
        let mut series = Vec::new();
        if asked.others {
            series = self.other.series(matchers, range)?;
        }
        if !asked.rows && asked.exported.is_empty() {
            return Ok(series);
        }
        series.retain(|labels| !is_named_as_row(labels));
        for name in &asked.exported {
            series.extend(self.other.series(&namesakes(matchers, name), range)?.iter().map(exported));
        }
        if asked.rows {
            series.extend(self.stored.series(matchers, range)?);
            series.extend(self.unstored(matchers, range, 2)?.into_keys());
        }
        series.sort();
        series.dedup();
        Ok(series)
    }

    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SourceError> {
        let asked = Asked::of(matchers);
        let mut names = BTreeSet::new();
        if asked.others {
            names.extend(self.other.label_names(matchers, range)?);
        }
        if asked.rows {
            let rows = self.row_series(matchers, range)?;
            names.extend(rows.iter().flat_map(Labels::iter).map(|(name, _)| name.to_owned()));
        }
        Ok(names.into_iter().collect())
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Vec<String>, SourceError> {
        let asked = Asked::of(matchers);
        let mut values = BTreeSet::new();
        if asked.others {
            let others = self.other.label_values(name, matchers, range)?;
            let shown = |value: String| match name == METRIC_NAME && is_row(&value) {
                true => format!("{EXPORTED}{value}"),
                false => value,
            };
            values.extend(others.into_iter().map(shown));
        }
        if asked.rows {
            let rows = self.row_series(matchers, range)?;
            values.extend(rows.iter().filter_map(|labels| labels.get(name)).map(str::to_owned));
        }
        Ok(values.into_iter().collect())
    }

    fn missing(&self, matchers: &[Matcher], range: TimeRange) -> Vec<String> {
        let asked = Asked::of(matchers);
        let mut missing = Vec::new();
        if asked.others {
            missing.extend(self.other.missing(matchers, range));
        }
        if asked.rows {
            missing.extend(self.stored.missing(matchers, range));
        }
        missing
    }
}

impl WithRows {
    fn row_series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SourceError> {
        let mut series = self.stored.series(matchers, range)?;
        series.extend(self.unstored(matchers, range, 2)?.into_keys());
        Ok(series)
    }

    /// What is stored, and what follows.
    fn rows(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let stored = self.stored.select(matchers, range)?;
        let mut views: BTreeMap<Labels, SeriesView> =
            stored.into_iter().map(|view| (view.labels.clone(), view)).collect();
        for (labels, mut samples) in self.unstored(matchers, range, usize::MAX)? {
            let view =
                views.entry(labels.clone()).or_insert_with(|| SeriesView { labels, chunks: Vec::new() });
            if let Some(last) = view.chunks.last() {
                // Stored between the look at the courses and the look at the store.
                let end = last.summary().range.end;
                samples.retain(|sample| sample.at > end);
            }
            view.chunks.extend(PlainChunk::of(samples));
        }
        Ok(views.into_values().filter(|view| !view.chunks.is_empty()).collect())
    }

    /// Rows that are not stored yet, of each series `most` at most.
    fn unstored(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        most: usize,
    ) -> Result<BTreeMap<Labels, Vec<Sample>>, SourceError> {
        let mut found = BTreeMap::new();
        let new = self.new_courses(matchers)?;
        let pipeline = self.pipeline.read().unwrap_or_else(PoisonError::into_inner);
        for stream in pipeline.slo.row_streams() {
            let labels = labels_of(stream.slo, stream.labels);
            let named = COUNTERS.map(|name| labels.with(METRIC_NAME, name));
            let is_wanted = named.each_ref().map(|labels| matches_all(matchers, labels));
            if !is_wanted.contains(&true) {
                continue;
            }
            let course = match self.courses.get(&labels) {
                Some(course) if course.stream == stream.id => Some(*course),
                Some(course) => Course::of(&pipeline.slo, stream.id, course.last),
                None => new.get(&labels).and_then(|last| Course::of(&pipeline.slo, stream.id, *last)),
            };
            let Some(mut course) = course else { continue };
            let before = range.start.0.checked_sub(TimeDelta::MINUTE.0).map(Timestamp);
            let wanted = course.unstored(RowRange { after: before, until: range.end });
            let rows = pipeline.slo.rows(stream.id, wanted, most);
            let rows: Vec<Stored> = rows.iter().map(|row| course.push(row)).collect();
            for (column, labels) in named.into_iter().enumerate().filter(|(column, _)| is_wanted[*column]) {
                let samples = rows.iter().map(|row| Sample::new(row.at, row.values[column]));
                let samples: Vec<Sample> = samples.filter(|sample| range.contains(sample.at)).collect();
                if !samples.is_empty() {
                    found.insert(labels, samples);
                }
            }
        }
        Ok(found)
    }

    /// The last rows of streams that the writer has not looked at yet; it does so within a minute.
    fn new_courses(&self, matchers: &[Matcher]) -> Result<BTreeMap<Labels, Option<Stored>>, SourceError> {
        let is_wanted = |labels: &Labels| {
            COUNTERS.iter().any(|name| matches_all(matchers, &labels.with(METRIC_NAME, name)))
        };
        let new: Vec<Labels> = {
            let pipeline = self.pipeline.read().unwrap_or_else(PoisonError::into_inner);
            let labels = pipeline.slo.row_streams().map(|stream| labels_of(stream.slo, stream.labels));
            labels.filter(|labels| !self.courses.contains_key(labels) && is_wanted(labels)).collect()
        };
        new.into_iter()
            .map(|labels| {
                let last = last_stored(&*self.stored, &labels)?;
                Ok((labels, last))
            })
            .collect()
    }
}

fn is_named_as_row(labels: &Labels) -> bool {
    labels.metric_name().is_some_and(is_row)
}

/// Selects the foreign series of a row's name as they are called there.
fn namesakes(matchers: &[Matcher], name: &str) -> Vec<Matcher> {
    let others = matchers.iter().filter(|matcher| matcher.name != METRIC_NAME).cloned();
    others.chain([Matcher::equal(METRIC_NAME, name)]).collect()
}

fn exported(labels: &Labels) -> Labels {
    labels.with(METRIC_NAME, &format!("{EXPORTED}{}", labels.metric_name().unwrap_or_default()))
}
