//! Puts what the ledger knows into the words of `status`: the only place where they are put together.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Labels, TimeDelta, TimeRange, Timestamp};

use crate::alert_state::{AlertKey, AlertName};
use crate::budget::{Spending, budget, exhaustion};
use crate::burn::{alert_windows, burn_rate, window_status};
use crate::definition::{BurnAlert, Slo, arithmetic, verdict};
use crate::engine::SloEngine;
use crate::ledger::{StreamId, TargetCount, lag_allowed};
use crate::status::{
    BudgetStatus, BurnAlertState, BurnAlertStatus, Exhaustion, HistoryPoint, Measurement, SloStatus,
    StreamStatus, Verdict,
};
use crate::stream::Window;

/// Most points of one chart.
const POINTS_MAX: i64 = 11_000;
/// Windows shown when an objective has no alerts.
const WINDOWS_USUAL: [TimeDelta; 2] = [TimeDelta(5 * TimeDelta::MINUTE.0), TimeDelta::HOUR];

impl SloEngine {
    /// What is known of every objective, in order of identity.
    pub fn status(&self, now: Timestamp) -> Vec<SloStatus> {
        let targets = self.ledger.target_counts(now);
        self.slos.values().map(|slo| slo_status(self, slo, &targets, now)).collect()
    }

    /// The history of one stream, for charts: one point per step whose end lies in the range.
    pub fn history(
        &self,
        slo_id: &str,
        labels: &Labels,
        range: TimeRange,
        step: TimeDelta,
    ) -> Vec<HistoryPoint> {
        let Some(slo) = self.slos.get(slo_id) else { return Vec::new() };
        let id = self.ledger.stream_of(&slo.indicator.key(), labels);
        let Some(stream) = id.and_then(|id| self.ledger.stream(id)) else { return Vec::new() };
        let Some(watermark) = stream.watermark else { return Vec::new() };
        let grid = stream.grid;
        let step = TimeDelta(step.0.max(grid.slot_ms));
        let last = range.end.min(grid.end(grid.slot(watermark)));
        // Ends lie on the grid of the step, so that a chart does not tremble from one refresh to the next.
        let oldest = grid.end(stream.oldest_slot() - 1);
        let mut at =
            range.start.max(oldest).max(last - TimeDelta(step.0.saturating_mul(POINTS_MAX))).ceil_to(step);
        let mut points = Vec::new();
        while at <= last {
            let end = grid.slot(at);
            let window = stream.window_ending(end, step);
            let period = stream.window_ending(end, slo.period.length());
            let shown = window_status(&window, step, slo.goal);
            points.push(HistoryPoint {
                at,
                good: shown.good,
                total: shown.total,
                measured_ratio: shown.measured_ratio,
                budget_left_ratio: budget(&period, slo.goal).map(|budget| budget.left_ratio),
            });
            at += step;
        }
        points
    }
}

fn slo_status(
    engine: &SloEngine,
    slo: &Slo,
    targets: &BTreeMap<StreamId, TargetCount>,
    now: Timestamp,
) -> SloStatus {
    let key = slo.indicator.key();
    let mut notes = slo.notes.clone();
    for alert in &slo.alerts {
        match verdict(alert, slo.goal, slo.period) {
            Verdict::Useful => {}
            Verdict::CannotFire => {
                notes.push(format!(
                    "alert {} cannot fire: {}",
                    alert.name,
                    arithmetic(alert, slo.goal, slo.period)
                ));
            }
            Verdict::FiresAfterExhaustion => notes.push(format!(
                "alert {} fires after exhaustion: {}",
                alert.name,
                arithmetic(alert, slo.goal, slo.period)
            )),
        }
    }
    notes.extend(engine.ledger.sli(&key).into_iter().flat_map(|sli| sli.notes()));
    notes.extend(engine.ledger.late_note(&key));
    let streams = engine.ledger.streams(&key).into_iter();
    SloStatus {
        id: slo.id(),
        name: slo.name.clone(),
        service: slo.service.clone(),
        description: slo.description.clone(),
        owner: slo.owner.clone(),
        runbook: slo.runbook.clone(),
        goal_ratio: slo.goal.ratio(),
        goal_text: slo.goal.to_string(),
        period_text: slo.period.text(),
        period: slo.period.length(),
        indicator_text: slo.indicator.text(),
        notes,
        streams: streams
            .map(|(labels, id)| {
                let targets = targets.get(&id).copied().unwrap_or_default();
                stream_status(&Place { engine, slo, id, now }, labels, targets)
            })
            .collect(),
    }
}

/// Which stream of which objective, and when.
struct Place<'a> {
    engine: &'a SloEngine,
    slo: &'a Slo,
    id: StreamId,
    now: Timestamp,
}

fn stream_status(place: &Place<'_>, labels: Labels, targets: TargetCount) -> StreamStatus {
    let Place { engine, slo, id, .. } = *place;
    let ledger = &engine.ledger;
    let length = slo.period.length();
    let period = ledger.window(id, length).unwrap_or(Window { length, ..Window::default() });
    let budget = budget(&period, slo.goal);
    let burns = windows_of(slo)
        .into_iter()
        .map(|asked| {
            let window = ledger.window(id, asked).unwrap_or(Window { length: asked, ..Window::default() });
            window_status(&window, asked, slo.goal)
        })
        .collect();
    StreamStatus {
        measurement: measurement(place, &period, budget.as_ref(), targets),
        watermark: ledger.watermark(id),
        total: window_status(&period, length, slo.goal),
        watched: TimeDelta(period.watched.0.min(length.0)),
        exhaustion: budget.as_ref().and_then(|budget| exhaustion_of(place, budget)),
        budget,
        burns,
        alerts: slo.alerts.iter().map(|alert| alert_status(place, &labels, alert)).collect(),
        labels,
    }
}

fn windows_of(slo: &Slo) -> BTreeSet<TimeDelta> {
    if slo.alerts.is_empty() {
        return WINDOWS_USUAL.into_iter().collect();
    }
    slo.alerts.iter().flat_map(|alert| [Some(alert.long), alert.short]).flatten().collect()
}

fn measurement(
    place: &Place<'_>,
    period: &Window,
    budget: Option<&BudgetStatus>,
    targets: TargetCount,
) -> Measurement {
    let ledger = &place.engine.ledger;
    let Some(watermark) = ledger.watermark(place.id) else { return Measurement::Unknown };
    if place.now - watermark > lag_allowed(ledger.interval(place.id)) {
        return Measurement::Unmeasured;
    }
    if period.measured <= TimeDelta::ZERO {
        return Measurement::Unknown;
    }
    let has_bounds = budget.is_some_and(|b| b.left_ratio_low != b.left_ratio_high);
    let has_holes = period.measured < period.watched;
    if targets.late > 0 || has_bounds || has_holes { Measurement::Partial } else { Measurement::Complete }
}

/// The range is that of the fastest alert's windows, which are the first to see a change.
fn exhaustion_of(place: &Place<'_>, budget: &BudgetStatus) -> Option<Exhaustion> {
    let ledger = &place.engine.ledger;
    let fastest = place.slo.alerts.iter().min_by_key(|alert| alert.long);
    let lengths: Vec<TimeDelta> = match fastest {
        Some(alert) => [Some(alert.long), alert.short].into_iter().flatten().collect(),
        None => WINDOWS_USUAL.to_vec(),
    };
    let windows: Vec<Window> =
        lengths.into_iter().filter_map(|length| ledger.window(place.id, length)).collect();
    let known_until = ledger.watermark(place.id)?;
    exhaustion(
        &Spending { goal: place.slo.goal, budget, period: place.slo.period.length(), known_until },
        &windows,
    )
}

fn alert_status(place: &Place<'_>, labels: &Labels, alert: &BurnAlert) -> BurnAlertStatus {
    let slo = place.slo;
    let windows = alert_windows(&place.engine.ledger, place.id, alert);
    let key = AlertKey { slo: slo.id(), labels: labels.clone(), alert: AlertName::Burn(alert.name.clone()) };
    let state = place.engine.alerts.get(&key);
    BurnAlertStatus {
        name: alert.name.clone(),
        severity: alert.severity.clone(),
        long: alert.long,
        short: alert.short,
        factor: alert.factor.as_f64(),
        burn_rate_long: windows.and_then(|w| burn_rate(&w.long, slo.goal)),
        burn_rate_short: windows.and_then(|w| w.short).and_then(|short| burn_rate(&short, slo.goal)),
        state: match state {
            Some(state) if state.is_firing => BurnAlertState::Firing,
            Some(_) | None => BurnAlertState::Inactive,
        },
        since: state.map(|state| state.since),
        verdict: verdict(alert, slo.goal, slo.period),
    }
}
