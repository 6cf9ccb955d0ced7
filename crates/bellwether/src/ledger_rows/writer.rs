//! Writes rows that are final into their store. They follow from the ledger, which survives a crash: what of them was not
//! stored before it is written again, and what was is not, since the store is asked for the last row of each stream.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{
    Batch, Labels, METRIC_NAME, Matcher, Origin, Sample, SeriesId, SeriesSource, SeriesView, SourceError,
    TimeDelta, TimeRange, Timestamp,
};
use bellwether_slo::{RowRange, RowStream, Slo, SloEngine};
use bellwether_tsdb::{AppendError, Store};
use tracing::warn;

use super::course::{Course, Stored};
use super::{COUNTERS, Courses, GOAL, labels_of};

/// Most rows that are written in one step: what the ledger has kept of a year is written in many.
const ROWS_MAX: usize = 20_000;
/// Where the last row of a stream that goes on lies; only of others all segments are asked.
const RECENT: TimeDelta = TimeDelta(2 * TimeDelta::DAY.0);

/// Writes rows.
pub struct RowsWriter {
    store: Arc<Store>,
    /// By labels without a name.
    streams: BTreeMap<Labels, Known>,
    goals: BTreeMap<Labels, SeriesId>,
    goals_at: Timestamp,
}

/// What is known of the rows of a stream.
struct Known {
    ids: [SeriesId; 3],
    last: Option<Stored>,
    course: Option<Course>,
}

/// What is to be written.
#[derive(Default)]
pub struct Step {
    samples: Vec<(SeriesId, Sample)>,
    courses: Vec<(Labels, Course)>,
    goals: Vec<(Labels, f64)>,
    at: Timestamp,
    /// Whether there is more to write at once.
    pub has_more: bool,
}

impl RowsWriter {
    /// Goes on from what is stored.
    pub fn new(store: Arc<Store>, now: Timestamp) -> Result<Self, String> {
        let mut writer =
            Self { store, streams: BTreeMap::new(), goals: BTreeMap::new(), goals_at: Timestamp::MIN };
        let recent = TimeRange::new(now - RECENT, Timestamp::MAX);
        let mut lasts = BTreeMap::<Labels, Vec<Option<Sample>>>::new();
        for (column, name) in COUNTERS.into_iter().enumerate() {
            let matchers = [Matcher::equal(METRIC_NAME, name)];
            for view in writer.store.snapshot().select(&matchers, recent).map_err(unread)? {
                let columns = lasts.entry(view.labels.without_name()).or_insert_with(|| vec![None; 3]);
                columns[column] = last(&view);
            }
        }
        for (labels, columns) in lasts {
            if let Some(stored) = row(&columns) {
                let ids = writer.ids(&labels).map_err(|error| error.to_string())?;
                writer.streams.insert(labels, Known { ids, last: Some(stored), course: None });
            }
        }
        Ok(writer)
    }

    /// Streams whose rows nothing is known of yet: learn about them first.
    pub fn unknown(&self, engine: &SloEngine) -> Vec<Labels> {
        let labels = engine.row_streams().map(|stream| labels_of(stream.slo, stream.labels));
        labels.filter(|labels| !self.streams.contains_key(labels)).collect()
    }

    /// Looks up how far the rows of a stream are stored.
    pub fn learn(&mut self, labels: Labels) -> Result<(), String> {
        let last = last_stored(&self.store.snapshot(), &labels).map_err(unread)?;
        let ids = self.ids(&labels).map_err(|error| error.to_string())?;
        self.streams.insert(labels, Known { ids, last, course: None });
        Ok(())
    }

    /// What is final and not stored yet, as much of it as is written at a time. Waits for nothing.
    pub fn gather(&self, engine: &SloEngine, now: Timestamp) -> Step {
        let mut step = Step { at: now.floor_to(TimeDelta::MINUTE), ..Step::default() };
        let mut room = ROWS_MAX;
        for stream in engine.row_streams() {
            let labels = labels_of(stream.slo, stream.labels);
            if let Some(known) = self.streams.get(&labels) {
                room -= gather_stream(engine, &stream, known, room, &mut step, &labels);
            }
        }
        step.has_more = room == 0;
        if step.at > self.goals_at {
            let goal = |slo: &Arc<Slo>| Some((labels_of(slo, &Labels::empty()), slo.goal?.ratio()));
            step.goals = engine.objectives().filter_map(goal).collect();
        }
        step
    }

    /// Stores it. What the disk does not take at once is written with the next step.
    pub fn write(&mut self, step: Step) -> Result<(), String> {
        let mut samples = step.samples;
        for (labels, ratio) in step.goals {
            let id = match self.goals.get(&labels) {
                Some(id) => *id,
                None => {
                    let id = self.store.own_series(&labels.with(METRIC_NAME, GOAL)).map_err(unwritten)?;
                    self.goals.insert(labels, id);
                    id
                }
            };
            samples.push((id, Sample::new(step.at, ratio)));
        }
        if !samples.is_empty() {
            let done =
                self.store.append(&Batch::floats(Origin::Rules, step.at, samples)).map_err(unwritten)?;
            if let Some(first) = done.refused.first() {
                // A clock that was set back, or minutes that the ledger keeps a little longer than rows are.
                warn!(rows = done.refused.len(), why = %first.reason, "rows of objectives were not taken");
            }
            self.goals_at = step.at;
        }
        for (labels, course) in step.courses {
            if let Some(known) = self.streams.get_mut(&labels) {
                (known.last, known.course) = (course.last, Some(course));
            }
        }
        let position = self.store.sync().map_err(unwritten)?;
        // Nothing follows from this log but what is stored.
        self.store.release(position);
        Ok(())
    }

    /// How the rows of each stream go on.
    pub fn courses(&self) -> Courses {
        let courses = self.streams.iter().filter_map(|(labels, known)| Some((labels.clone(), known.course?)));
        courses.collect()
    }

    fn ids(&self, labels: &Labels) -> Result<[SeriesId; 3], AppendError> {
        let id = |name: &str| self.store.own_series(&labels.with(METRIC_NAME, name));
        Ok([id(COUNTERS[0])?, id(COUNTERS[1])?, id(COUNTERS[2])?])
    }
}

/// Adds the rows of one stream; gives how many.
fn gather_stream(
    engine: &SloEngine,
    stream: &RowStream<'_>,
    known: &Known,
    room: usize,
    step: &mut Step,
    labels: &Labels,
) -> usize {
    let is_its = |course: &Course| course.stream == stream.id;
    let course = known.course.filter(is_its).or_else(|| Course::of(engine, stream.id, known.last));
    let Some(mut course) = course else { return 0 };
    let mut count = 0;
    if let Some(until) = engine.rows_final_until(stream.id) {
        let rows = engine.rows(stream.id, course.unstored(RowRange { after: None, until }), room);
        count = rows.len();
        for row in rows {
            let Stored { at, values } = course.push(&row);
            let samples = known.ids.into_iter().zip(values);
            step.samples.extend(samples.map(|(id, value)| (id, Sample::new(at, value))));
        }
    }
    step.courses.push((labels.clone(), course));
    count
}

/// The last row of a stream in the store.
pub(super) fn last_stored(source: &dyn SeriesSource, labels: &Labels) -> Result<Option<Stored>, SourceError> {
    let mut columns = Vec::new();
    for name in COUNTERS {
        let wanted = labels.with(METRIC_NAME, name);
        let matchers: Vec<Matcher> = wanted.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
        let views = source.select(&matchers, TimeRange::ALL)?;
        columns.push(views.iter().find(|view| view.labels == wanted).and_then(last));
    }
    Ok(row(&columns))
}

fn unread(error: SourceError) -> String {
    format!("rows of objectives cannot be read: {error}")
}

fn unwritten(error: AppendError) -> String {
    format!("rows of objectives cannot be stored: {error}")
}

/// The last value of a series.
fn last(view: &SeriesView) -> Option<Sample> {
    let summaries = view.chunks.iter().rev().map(|chunk| chunk.summary());
    summaries.filter(|summary| summary.count > 0).map(|summary| summary.last).next()
}

/// The row that lies in all of the columns: they are written together.
fn row(columns: &[Option<Sample>]) -> Option<Stored> {
    let [Some(events), Some(bad), Some(measured)] = columns else { return None };
    Some(Stored {
        at: events.at.min(bad.at).min(measured.at),
        values: [events.value, bad.value, measured.value],
    })
}
