//! Puts what the ledger knows into the words of `status`: the only place where they are put together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Labels, TimeDelta, TimeRange, Timestamp};

use crate::alert::facts::moment;
use crate::alert::state::{AlertKey, AlertName};
use crate::alert::verdict::{alert_notes, budget_verdict, burn_verdict};
use crate::budget::{Spending, budget, exhaustion};
use crate::burn::{WINDOWS_USUAL, burn_rate, spending_windows, window_status};
use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::correction::Correction;
use crate::definition::{Criticality, Slo};
use crate::engine::SloEngine;
use crate::goal::Goal;
use crate::indicator::{Events, Member};
use crate::ledger::stream::Window;
use crate::ledger::{StreamId, TargetCount, lag_allowed};
use crate::measure::{Known, Measure};
use crate::period::Stretch;
use crate::sampled::whole_threshold::{check, text};
use crate::status::{
    BudgetAlertStatus, BudgetStatus, BurnAlertState, BurnAlertStatus, CorrectionMark, Exhaustion,
    HistoryPoint, Measurement, MemberStatus, PeriodStatus, SloStatus, StreamStatus, TargetStatus,
    ThresholdAlertStatus, ThresholdStatus, WindowStatus,
};

/// So long after a start nobody is told that a metric is missing: the first scrapes are still to come.
const WAIT_FOR_SERIES: TimeDelta = TimeDelta::MINUTE;
/// Most points of one chart.
const POINTS_MAX: i64 = 11_000;

impl SloEngine {
    /// What is known of every objective, in order of identity.
    pub fn status(&self, now: Timestamp) -> Vec<SloStatus> {
        let targets = self.ledger.target_counts(now);
        self.slos.values().map(|slo| slo_status(self, slo, &targets, now)).collect()
    }

    /// The identities of all objectives, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.slos.keys().map(String::as_str)
    }

    /// What the last so much time of an objective holds, up to the moment it is known; `None` before anything is.
    pub fn window(&self, slo_id: &str, length: TimeDelta) -> Option<WindowStatus> {
        let slo = self.slos.get(slo_id)?;
        let stream = self.ledger.everything(&slo.indicator.key())?;
        let window = Measure { engine: self, slo, stream }.last(length)?;
        Some(window_status(&window, length, slo.goal))
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
        let Some((id, stream)) = id.and_then(|id| Some((id, self.ledger.stream(id)?))) else {
            return Vec::new();
        };
        let Some(watermark) = stream.watermark else { return Vec::new() };
        let measure = Measure { engine: self, slo, stream: id };
        let grid = stream.grid;
        let step = TimeDelta(step.0.max(grid.slot_ms));
        let last = range.end.min(grid.end(grid.slot(watermark)));
        // Ends lie on the grid of the step, so that a chart does not tremble from one refresh to the next.
        let kept_from = grid.end(stream.oldest_slot() - 1);
        let oldest = match measure.composite() {
            Some(_) => measure.known_from().unwrap_or(last), // nothing is kept but its members
            None => kept_from,
        };
        let mut at =
            range.start.max(oldest).max(last - TimeDelta(step.0.saturating_mul(POINTS_MAX))).ceil_to(step);
        let mut whole = WholePeriod { measure, watermark, known: None };
        let mut points = Vec::new();
        while at <= last {
            let Some(window) = measure.over(Stretch { begin: at - step, end: at }) else { break };
            let shown = window_status(&window, step, slo.goal);
            let seen = measure.period_ending(at);
            let budget = slo.goal.and_then(|goal| budget(&seen?, goal));
            points.push(HistoryPoint {
                at,
                good: shown.good,
                total: shown.total,
                measured_ratio: shown.measured_ratio,
                budget_left_ratio: budget.map(|budget| budget.left_ratio),
                budget_left_of_period_ratio: whole.left_ratio(at, seen.as_ref()),
            });
            at += step;
        }
        points
    }
}

/// What a period of the calendar has to spend in all, remembered from one point of a chart to the next.
struct WholePeriod<'a> {
    measure: Measure<'a>,
    watermark: Timestamp,
    /// Of the period that ends then.
    known: Option<(Timestamp, Option<f64>)>,
}

impl WholePeriod<'_> {
    /// `1 − bad / allowed in all` at a moment, with what had been seen of the period by then.
    fn left_ratio(&mut self, at: Timestamp, seen: Option<&Window>) -> Option<f64> {
        let turn = self.measure.slo.period.turn_after(at)?;
        let allowed = match self.known {
            Some((end, allowed)) if end == turn => allowed,
            Some(_) | None => {
                let budget = self.measure.budget_at(turn.min(self.watermark), Known::Now);
                let allowed = budget.and_then(|budget| Some(budget.expected?.allowed_events));
                self.known = Some((turn, allowed));
                allowed
            }
        };
        let allowed = allowed.filter(|allowed| *allowed > 0.0)?;
        Some(1.0 - seen?.counts.bad / allowed)
    }
}

fn members(events: &Events) -> Vec<MemberStatus> {
    let Events::Composite(composite) = events else { return Vec::new() };
    let status = |member: &Member| MemberStatus { slo: member.slo.clone(), weight: member.weight.get() };
    composite.members.iter().map(status).collect()
}

fn slo_status(
    engine: &SloEngine,
    slo: &Slo,
    targets: &BTreeMap<StreamId, TargetCount>,
    now: Timestamp,
) -> SloStatus {
    let key = slo.indicator.key();
    let mut notes = slo.notes.clone();
    notes.extend(alert_notes(slo));
    notes.extend(
        engine
            .taken_out_since(slo, now, now)
            .map(|end| format!("taken out by a correction until {}", moment(end))),
    );
    notes.extend(engine.ledger.notes(&key));
    notes.extend(engine.sampler.notes(slo, now));
    let is_young = engine.resumed_at.is_some_and(|at| now - at < WAIT_FOR_SERIES);
    notes.extend(engine.known_metrics.notes(slo).into_iter().filter(|_| !is_young));
    if let Some(why) = engine.whole_thresholds.trouble(&slo.id()) {
        notes.push(format!("its query has no answer: {why}"));
    }
    if let Some(stream) = engine.ledger.everything(&key)
        && let Some(member) = (Measure { engine, slo, stream }).critical_member()
    {
        notes.push(format!("its status is that of {member}, the member with the least budget left"));
    }
    let streams = engine.ledger.streams(&key).into_iter();
    SloStatus {
        id: slo.id(),
        name: slo.name.clone(),
        service: slo.service.clone(),
        description: slo.description.clone(),
        display_name: slo.display_name.clone(),
        owner: slo.about.owner.clone(),
        criticality: slo.about.criticality.map_or("", Criticality::as_str).to_owned(),
        contacts: slo.about.contacts.clone(),
        links: slo.about.links.clone(),
        runbook: slo.about.runbook.clone(),
        goal_ratio: slo.goal.map(Goal::ratio),
        goal_text: slo.goal.map_or("no goal".to_owned(), |goal| goal.to_string()),
        aspirational_ratio: slo.aspirational.map(Goal::ratio),
        aspirational_text: slo.aspirational.map(|goal| goal.to_string()).unwrap_or_default(),
        dialect: slo.dialect.as_str().to_owned(),
        origin: slo.origin.clone(),
        source: if slo.span.is_some() { "file" } else { "api" }.to_owned(),
        period_text: slo.period.text(),
        period: slo.period.range_at(now).length(),
        indicator_text: text(slo).unwrap_or_else(|| slo.indicator.text()),
        kind: slo.indicator.events.kind(),
        members: members(&slo.indicator.events),
        notes,
        threshold: threshold_status(engine, slo),
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

impl<'a> Place<'a> {
    fn measure(&self) -> Measure<'a> {
        Measure { engine: self.engine, slo: self.slo, stream: self.id }
    }
}

fn stream_status(place: &Place<'_>, labels: Labels, targets: TargetCount) -> StreamStatus {
    let Place { engine, slo, id, .. } = *place;
    let ledger = &engine.ledger;
    let measure = place.measure();
    let length = measure.watermark().map_or(slo.period.length(), |at| slo.period.range_at(at).length());
    let period = measure.period().unwrap_or(Window { length, ..Window::default() });
    let budget = measure.budget();
    let marks = present_corrections(&measure);
    let raw = if marks.is_empty() {
        budget
    } else {
        measure.watermark().and_then(|at| measure.budget_at(at, Known::Nothing))
    };
    let burns = windows_of(slo)
        .into_iter()
        .map(|asked| {
            let window = measure.last(asked).unwrap_or(Window { length: asked, ..Window::default() });
            window_status(&window, asked, slo.goal)
        })
        .collect();
    StreamStatus {
        measurement: measurement(place, &period, budget.as_ref(), targets),
        watermark: ledger.watermark(id),
        total: window_status(&period, length, slo.goal),
        watched: period.watched.min(length),
        aspirational: slo.aspirational.map(|goal| target_status(&period, budget.as_ref(), goal)),
        exhaustion: budget.as_ref().and_then(|budget| exhaustion_of(place, budget)),
        budget_raw: raw.filter(|_| raw != budget),
        corrections: marks,
        period: period_status(&measure, &period),
        burns,
        alerts: slo.alerts.iter().map(|alert| alert_status(place, &labels, alert)).collect(),
        budget_alerts: slo
            .budget_alerts
            .iter()
            .map(|alert| budget_alert_status(place, &labels, alert, budget.as_ref()))
            .collect(),
        budget,
        labels,
    }
}

/// Judged as the objective's own budget is: in a period of the calendar against what is expected of all of it.
fn target_status(period: &Window, own: Option<&BudgetStatus>, goal: Goal) -> TargetStatus {
    let mut judged = *period;
    if let Some(expected) = own.and_then(|own| own.expected) {
        judged.counts.total = expected.total_events;
    }
    let left_ratio = budget(&judged, goal).map(|budget| budget.left_ratio);
    TargetStatus { is_met: left_ratio.map(|left| left >= 0.0), left_ratio }
}

fn present_corrections(measure: &Measure<'_>) -> Vec<CorrectionMark> {
    let Some(at) = measure.watermark() else { return Vec::new() };
    let touching = measure.corrections_touching(measure.slo.period.range_at(at), Known::Now);
    let mark =
        |c: &Arc<Correction>| CorrectionMark { id: c.id.clone(), kind: c.kind, begin: c.begin, end: c.end };
    touching.iter().map(mark).collect()
}

fn period_status(measure: &Measure<'_>, seen: &Window) -> Option<PeriodStatus> {
    let at = measure.watermark()?;
    let Stretch { begin, end } = measure.slo.period.range_at(at);
    let raw = measure.over_as(Stretch { begin, end: at }, Known::Nothing)?;
    Some(PeriodStatus {
        begin,
        end,
        passed: seen.length,
        taken_out: raw.length - seen.length,
        watched_text: measure.watched_text(seen).unwrap_or_default(),
    })
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

fn exhaustion_of(place: &Place<'_>, budget: &BudgetStatus) -> Option<Exhaustion> {
    let (goal, measure) = (place.slo.goal?, place.measure());
    let lengths = spending_windows(place.slo).into_iter();
    let windows: Vec<Window> = lengths.filter_map(|length| measure.last(length)).collect();
    let known_until = measure.watermark()?;
    exhaustion(&Spending { goal, budget, period: place.slo.period.length(), known_until }, &windows)
}

fn alert_status(place: &Place<'_>, labels: &Labels, alert: &BurnAlert) -> BurnAlertStatus {
    let slo = place.slo;
    let windows = place.measure().alert_windows(alert);
    let rate = |window: Window| burn_rate(&window, slo.goal?);
    let (state, since) = state_of(place, labels, AlertName::Burn(alert.name.clone()));
    BurnAlertStatus {
        name: alert.name.clone(),
        severity: alert.severity.clone(),
        long: alert.long,
        short: alert.short,
        factor: alert.factor.as_f64(),
        burn_rate_long: windows.and_then(|w| rate(w.long)),
        burn_rate_short: windows.and_then(|w| w.short).and_then(rate),
        state,
        since,
        verdict: burn_verdict(alert, slo),
    }
}

fn budget_alert_status(
    place: &Place<'_>,
    labels: &Labels,
    alert: &BudgetAlert,
    budget: Option<&BudgetStatus>,
) -> BudgetAlertStatus {
    let (state, since) = state_of(place, labels, AlertName::Budget(alert.name.clone()));
    BudgetAlertStatus {
        name: alert.name.clone(),
        severity: alert.severity.clone(),
        left_below_ratio: alert.left_below.ratio(),
        left_below_text: alert.left_below.to_string(),
        left_ratio: budget.map(BudgetStatus::left_of_period_ratio),
        state,
        since,
        verdict: budget_verdict(alert, place.slo),
    }
}

fn threshold_status(engine: &SloEngine, slo: &Slo) -> Option<ThresholdStatus> {
    let check = check(slo).filter(|_| slo.goal.is_none())?;
    let seen = engine.whole_thresholds.seen(&slo.id());
    let value = seen.and_then(|seen| seen.value);
    let alerts = slo.threshold_alerts.iter().map(|alert| {
        let name = AlertName::Threshold(alert.name.clone());
        let (state, since) =
            state_in(engine, AlertKey { slo: slo.id(), labels: Labels::empty(), alert: name });
        let (name, severity) = (alert.name.clone(), alert.severity.clone());
        ThresholdAlertStatus { name, severity, hold: alert.hold, state, since }
    });
    Some(ThresholdStatus {
        value,
        op: check.op.as_str(),
        bound: check.bound.get(),
        passes: value.map(|value| check.op.holds(value, check.bound.get())),
        failing_since: seen.and_then(|seen| seen.failing_since),
        at: seen.map(|seen| seen.at),
        alerts: alerts.collect(),
    })
}

fn state_of(place: &Place<'_>, labels: &Labels, alert: AlertName) -> (BurnAlertState, Option<Timestamp>) {
    state_in(place.engine, AlertKey { slo: place.slo.id(), labels: labels.clone(), alert })
}

fn state_in(engine: &SloEngine, key: AlertKey) -> (BurnAlertState, Option<Timestamp>) {
    match engine.alerts.get(&key) {
        Some(state) if state.is_firing => (BurnAlertState::Firing, Some(state.since)),
        Some(state) => (BurnAlertState::Inactive, Some(state.since)),
        None => (BurnAlertState::Inactive, None),
    }
}
