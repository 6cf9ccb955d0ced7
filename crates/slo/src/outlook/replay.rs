//! When burn-rate alerts would have fired: their conditions asked again of what the ledger has kept. It draws marks on
//! charts, and counts the pages that another goal would have meant.

use bellwether_model::{Labels, TimeDelta, Timestamp};
use serde::Serialize;

use crate::burn::{AlertWindows, condition};
use crate::burn_alert::BurnAlert;
use crate::engine::SloEngine;
use crate::goal::Goal;
use crate::ledger::stream::Window;
use crate::measure::Measure;
use crate::period::Stretch;

/// Most moments that one replay looks at; its step grows until they suffice.
const MOMENTS_MAX: i64 = 50_000;

/// What to ask again.
#[derive(Clone, Copy, Debug)]
pub struct Replay<'a> {
    /// The objective whose events they are.
    pub slo_id: &'a str,
    /// Its stream.
    pub labels: &'a Labels,
    /// From when until when.
    pub stretch: Stretch,
    /// Distance of two moments at which the conditions are asked; at least a slot of the ledger.
    pub step: TimeDelta,
    /// The goal, be it the objective's or another.
    pub goal: Goal,
    /// The alerts, be they the objective's or others.
    pub alerts: &'a [BurnAlert],
}

/// A stretch of time in which an alert's condition held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// Name of the alert.
    pub alert: String,
    /// Its severity.
    pub severity: String,
    /// First moment asked at which it held.
    pub from: Timestamp,
    /// First moment asked at which it no longer did; `None` if it held to the end.
    pub until: Option<Timestamp>,
}

impl SloEngine {
    /// When the objective's own alerts fired, as far as a step can tell.
    pub fn fired(&self, slo_id: &str, labels: &Labels, stretch: Stretch, step: TimeDelta) -> Vec<Fired> {
        let Some(slo) = self.slo(slo_id) else { return Vec::new() };
        let Some(goal) = slo.goal else { return Vec::new() };
        self.replay(&Replay { slo_id, labels, stretch, step, goal, alerts: &slo.alerts })
    }

    /// When each alert's condition held, in order of time. Corrections count as they do today.
    pub fn replay(&self, replay: &Replay<'_>) -> Vec<Fired> {
        let Some(slo) = self.slo(replay.slo_id) else { return Vec::new() };
        let stream = self.ledger().stream_of(&slo.indicator.key(), replay.labels);
        let Some(stream) = stream else { return Vec::new() };
        let measure = Measure { engine: self, slo, stream };
        let mut fired: Vec<Fired> =
            replay.alerts.iter().flat_map(|alert| replay_one(&measure, replay, alert)).collect();
        fired.sort_by_key(|fired| fired.from);
        fired
    }
}

fn replay_one(measure: &Measure<'_>, replay: &Replay<'_>, alert: &BurnAlert) -> Vec<Fired> {
    let Some(known) = measure.watermark() else { return Vec::new() };
    let stretch = Stretch { end: replay.stretch.end.min(known), ..replay.stretch };
    let fitting = stretch.length().0 / MOMENTS_MAX + 1;
    let step = TimeDelta(replay.step.0.max(measure.engine.settings.slot.0).max(fitting));
    replay_alert(alert, replay.goal, stretch, step, &|stretch| measure.over(stretch))
}

/// When an alert's condition held, of whatever tells what a stretch of time holds.
pub(crate) fn replay_alert(
    alert: &BurnAlert,
    goal: Goal,
    stretch: Stretch,
    step: TimeDelta,
    over: &dyn Fn(Stretch) -> Option<Window>,
) -> Vec<Fired> {
    let mut fired: Vec<Fired> = Vec::new();
    let mut holds = false;
    let mut at = stretch.begin.ceil_to(step);
    while at <= stretch.end {
        // Nothing measured: the alert keeps its state, as it does live.
        let windows = windows_at(alert, at, over);
        let holds_now = windows.and_then(|windows| condition(alert, goal, &windows)).unwrap_or(holds);
        match (holds, holds_now) {
            (false, true) => fired.push(Fired {
                alert: alert.name.clone(),
                severity: alert.severity.clone(),
                from: at,
                until: None,
            }),
            (true, false) => fired.iter_mut().last().into_iter().for_each(|last| last.until = Some(at)),
            (true, true) | (false, false) => {}
        }
        holds = holds_now;
        at += step;
    }
    fired
}

fn windows_at(
    alert: &BurnAlert,
    end: Timestamp,
    over: &dyn Fn(Stretch) -> Option<Window>,
) -> Option<AlertWindows> {
    let last = |length: TimeDelta| over(Stretch { begin: end - length, end });
    let short = match alert.short {
        Some(short) => Some(last(short)?),
        None => None,
    };
    Some(AlertWindows { long: last(alert.long)?, short })
}
