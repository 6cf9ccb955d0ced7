//! Lines for charts: what objectives and queries said in the course of a run, at a few hundred moments.

use std::collections::BTreeMap;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_promql::{EvalOptions, Expr, RangeSpec, Value, eval_range};

use super::model::{Expected, Measured, Run};
use super::quantity::Moment;
use super::story::{Track, TrackOf};
use super::world::World;

/// Points of a line, about.
const POINTS: i64 = 160;
/// Share of good events and burn rate are those of the last so much time.
const WINDOW: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);

/// Notes what objectives say as a run goes on.
#[derive(Debug)]
pub struct Recorder {
    step: TimeDelta,
    next: Option<Moment>,
    length: TimeDelta,
    tracks: BTreeMap<(String, TrackOf), Track>,
    queries: Vec<(String, Expr)>,
}

impl Recorder {
    /// For a run.
    pub fn new(run: &Run, scrape: TimeDelta) -> Self {
        let mut queries: Vec<(String, Expr)> = Vec::new();
        for one in &run.expect {
            if let Expected::Value { of: Measured::Query { text, expr }, .. } = &one.what
                && !queries.iter().any(|(known, _)| known == text)
            {
                queries.push((text.clone(), (**expr).clone()));
            }
        }
        let step = TimeDelta((run.length.0 / POINTS / scrape.0).max(1) * scrape.0);
        Self { step, next: None, length: run.length, tracks: BTreeMap::new(), queries }
    }

    /// Notes what objectives say now, if it is time to.
    pub fn record(&mut self, world: &World) {
        let now = world.moment();
        if self.next.is_some_and(|next| now < next) {
            return;
        }
        self.next = Some(Moment(now.0 + self.step));
        let engine = &world.pipeline().slo;
        for status in engine.status(world.now()) {
            let Some(goal) = status.goal_ratio else { continue };
            let window = engine.window(&status.id, WINDOW);
            let budget = status.streams.first().and_then(|stream| stream.budget);
            let mut point = |what, level, value| {
                let name = status.id.clone();
                let key = (name.clone(), what);
                let track =
                    self.tracks.entry(key).or_insert_with(|| Track { what, name, level, points: Vec::new() });
                track.points.push((now, value));
            };
            point(TrackOf::Sli, Some(goal), window.and_then(|window| window.sli_ratio));
            point(TrackOf::Burn, Some(1.0), window.and_then(|window| window.burn_rate));
            point(TrackOf::Budget, Some(0.0), budget.map(|budget| budget.left_of_period_ratio()));
        }
    }

    /// All lines; those of queries are evaluated now.
    pub fn finish(self, world: &World) -> Vec<Track> {
        let mut tracks: Vec<Track> = self.tracks.into_values().collect();
        let end = world.now();
        let start = end - self.length;
        for (text, expr) in &self.queries {
            let range = RangeSpec { start, end, step: self.step };
            let Ok(evaluated) = eval_range(expr, range, world.memory(), &EvalOptions::default()) else {
                continue;
            };
            let Value::Matrix(series) = evaluated.value else { continue };
            let Some(one) = series.first().filter(|_| series.len() == 1) else { continue };
            let values: BTreeMap<Timestamp, f64> =
                one.points.iter().map(|sample| (sample.at, sample.value)).collect();
            let moments = (0..).map(|n| start + TimeDelta(self.step.0 * n)).take_while(|at| *at <= end);
            let points = moments.map(|at| (Moment::since(start, at), values.get(&at).copied())).collect();
            tracks.push(Track { what: TrackOf::Query, name: text.clone(), level: None, points });
        }
        tracks
    }
}
