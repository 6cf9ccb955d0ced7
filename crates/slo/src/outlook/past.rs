//! What a stream held in every step of its past, copied out of the ledger so that it can be asked a million times
//! without keeping anybody waiting: calculators, replays and simulations run on it.

use bellwether_model::{Labels, TimeDelta, Timestamp};

use crate::engine::SloEngine;
use crate::goal::Counts;
use crate::ledger::stream::Window;
use crate::measure::Measure;
use crate::period::Stretch;

/// Most steps of one past: a quarter of a year in minutes.
const STEPS_MAX: i64 = 92 * 1440;

/// Counts in equal steps, from `begin` on. Invariant: all three columns have one entry more than there are steps, and
/// entry `i` holds what came before step `i`.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    begin: Timestamp,
    step: TimeDelta,
    bad: Vec<f64>,
    total: Vec<f64>,
    measured_ms: Vec<i64>,
}

impl Past {
    /// Of steps that are known one by one: what happened in each, and how much of it was measured.
    pub fn of(
        begin: Timestamp,
        step: TimeDelta,
        steps: impl IntoIterator<Item = (Counts, TimeDelta)>,
    ) -> Self {
        let mut past = Self { begin, step, bad: vec![0.0], total: vec![0.0], measured_ms: vec![0] };
        let (mut bad, mut total, mut measured_ms) = (0.0, 0.0, 0);
        for (counts, measured) in steps {
            bad += counts.bad;
            total += counts.total;
            measured_ms += measured.0;
            past.bad.push(bad);
            past.total.push(total);
            past.measured_ms.push(measured_ms);
        }
        past
    }

    /// It begins after this moment.
    pub const fn begin(&self) -> Timestamp {
        self.begin
    }

    /// It ends with this moment.
    pub fn end(&self) -> Timestamp {
        self.begin + self.step * self.steps() as i64
    }

    /// Length of a step.
    pub const fn step(&self) -> TimeDelta {
        self.step
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.bad.len() - 1
    }

    /// What it holds from one moment to another; edges lie on its steps.
    pub fn over(&self, stretch: Stretch) -> Window {
        let index = |at: Timestamp| {
            (at - self.begin).0.div_euclid(self.step.0).clamp(0, self.steps() as i64) as usize
        };
        let (from, to) = (index(stretch.begin), index(stretch.end));
        let to = to.max(from);
        let measured = TimeDelta(self.measured_ms[to] - self.measured_ms[from]);
        Window {
            counts: Counts { bad: self.bad[to] - self.bad[from], total: self.total[to] - self.total[from] },
            measured,
            watched: self.step * (to - from) as i64,
            length: stretch.length(),
            ..Window::default()
        }
    }

    /// Consecutive blocks of so many steps, the last of which ends with the past; what is left over at its beginning
    /// is left out. A block of which less than half was measured says too little and is `None`.
    pub fn blocks(&self, steps: usize) -> Vec<Option<Counts>> {
        let steps = steps.max(1);
        let first = self.steps() % steps;
        let block = |from: usize| {
            let to = from + steps;
            let measured = self.measured_ms[to] - self.measured_ms[from];
            let counts =
                Counts { bad: self.bad[to] - self.bad[from], total: self.total[to] - self.total[from] };
            (measured * 2 >= self.step.0 * steps as i64).then_some(counts)
        };
        (first..self.steps()).step_by(steps).map(block).collect()
    }
}

impl SloEngine {
    /// The past of a stream, as far back as it is kept and at most so far, as corrections see it today.
    pub fn past(&self, slo_id: &str, labels: &Labels, reach: TimeDelta) -> Option<Past> {
        let slo = self.slo(slo_id)?;
        let stream = self.ledger().stream_of(&slo.indicator.key(), labels)?;
        let measure = Measure { engine: self, slo, stream };
        let step = TimeDelta::MINUTE;
        let end = measure.watermark()?.floor_to(step);
        let reach = TimeDelta(reach.0.min(STEPS_MAX * step.0) / step.0 * step.0);
        let begin = measure.known_from()?.floor_to(step).max(end - reach).min(end);
        let steps = (end - begin).0 / step.0;
        let window = |index: i64| {
            let from = begin + step * index;
            let window = measure.over(Stretch { begin: from, end: from + step });
            window.map_or((Counts::default(), TimeDelta::ZERO), |window| (window.counts, window.measured))
        };
        Some(Past::of(begin, step, (0..steps).map(window)))
    }
}
