//! What a stream of an objective holds over any stretch of time: the one way to budgets, burn rates, alerts and charts,
//! so that whatever changes a count changes all of them.

use std::borrow::Cow;
use std::sync::Arc;

use bellwether_model::{Labels, TimeDelta, Timestamp};

use crate::alert::verdict::slice;
use crate::budget::{Ahead, budget, expected_budget};
use crate::burn::AlertWindows;
use crate::burn_alert::BurnAlert;
use crate::correction::Correction;
use crate::correction::engine::{Cutting, Narrowing, Piece, Treatment, pieces};
use crate::definition::Slo;
use crate::engine::SloEngine;
use crate::ledger::StreamId;
use crate::ledger::stream::{Stream, Window};
use crate::period::Stretch;
use crate::status::BudgetStatus;

/// Through which corrections a stretch of time is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// None: as it was measured.
    Nothing,
    /// Those in force.
    Now,
    /// Those that were in force at a moment.
    At(Timestamp),
}

/// What lies above a member of a composite.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outer<'a> {
    /// Corrections of the composites it is part of.
    pub(crate) corrections: &'a [Arc<Correction>],
    /// How many composites lie above it.
    pub(crate) depth: usize,
}

/// One stream of an objective.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure<'a> {
    pub(crate) engine: &'a SloEngine,
    pub(crate) slo: &'a Slo,
    pub(crate) stream: StreamId,
}

impl<'a> Measure<'a> {
    /// The time up to which it is known.
    pub(crate) fn watermark(&self) -> Option<Timestamp> {
        self.engine.ledger.watermark(self.stream)
    }

    /// The last so much time, up to the watermark; `None` before anything is known.
    pub(crate) fn last(&self, length: TimeDelta) -> Option<Window> {
        let end = self.watermark()?;
        self.over(Stretch { begin: end - length, end })
    }

    /// What has been seen of the present period.
    pub(crate) fn period(&self) -> Option<Window> {
        self.period_ending(self.watermark()?)
    }

    /// What had been seen at a moment of the period it lies in.
    pub(crate) fn period_ending(&self, end: Timestamp) -> Option<Window> {
        let begin = self.slo.period.range_at(end).begin;
        self.over(Stretch { begin, end })
    }

    /// Any stretch of time.
    pub(crate) fn over(&self, stretch: Stretch) -> Option<Window> {
        self.over_as(stretch, Known::Now)
    }

    /// Any stretch of time, as corrected by what was known.
    pub(crate) fn over_as(&self, stretch: Stretch, known: Known) -> Option<Window> {
        self.over_within(stretch, known, &Outer::default())
    }

    /// The same, as a part of the composites above it, whose corrections are laid over it too.
    pub(crate) fn over_within(&self, stretch: Stretch, known: Known, outer: &Outer<'_>) -> Option<Window> {
        let mut corrections = self.corrections(known);
        if !outer.corrections.is_empty() {
            corrections.to_mut().extend_from_slice(outer.corrections);
        }
        if let Some(composite) = self.composite() {
            let outer = Outer { corrections: &corrections, depth: outer.depth + 1 };
            return self.over_members(composite, stretch, known, &outer);
        }
        let stream = self.engine.ledger.stream(self.stream)?;
        Some(match corrections.is_empty() {
            true => stream.over(stretch),
            false => self.corrected(stream, &corrections, stretch),
        })
    }

    /// The corrections that apply to the objective.
    pub(crate) fn corrections(&self, known: Known) -> Cow<'a, [Arc<Correction>]> {
        match known {
            Known::Nothing => Cow::Borrowed(&[]),
            Known::Now => Cow::Borrowed(self.engine.corrections.of(self.slo)),
            Known::At(at) => Cow::Owned(self.engine.corrections.known(self.slo, at)),
        }
    }

    /// Those of them that touch a stretch of this stream.
    pub(crate) fn corrections_touching(&self, stretch: Stretch, known: Known) -> Vec<Arc<Correction>> {
        let Some(stream) = self.engine.ledger.stream(self.stream) else { return Vec::new() };
        let is_its = |c: &&Arc<Correction>| {
            // What is taken out of a part is taken out of the sum.
            let is_stream = stream.labels.is_empty() || c.covers_stream(&stream.labels);
            is_stream && c.begin < stretch.end && stretch.begin < c.end
        };
        self.corrections(known).iter().filter(is_its).cloned().collect()
    }

    fn corrected(&self, stream: &Stream, corrections: &[Arc<Correction>], stretch: Stretch) -> Window {
        let whole = self.pieces(corrections, stretch, &stream.labels);
        if !stream.labels.is_empty() {
            return stream.over_corrected(stretch, &whole);
        }
        let mut window = stream.over_corrected(stretch, &whole);
        let grain = slice(self.slo).unwrap_or(TimeDelta::MINUTE);
        let narrowed: Vec<&Arc<Correction>> = corrections
            .iter()
            .filter(|c| !c.labels.is_empty())
            .filter(|c| c.begin < stretch.end + grain && stretch.begin < c.end + grain)
            .collect();
        if narrowed.is_empty() {
            return window;
        }
        // The sum loses what its parts lose, but not its time: the rest of it went on.
        for (labels, id) in self.engine.ledger.streams(&self.slo.indicator.key()) {
            let is_touched = !labels.is_empty() && narrowed.iter().any(|c| c.covers_stream(&labels));
            let Some(part) = self.engine.ledger.stream(id).filter(|_| is_touched) else { continue };
            let own = self.pieces(corrections, stretch, &labels);
            let (before, after) = (part.over_corrected(stretch, &whole), part.over_corrected(stretch, &own));
            window.counts.bad -= before.counts.bad - after.counts.bad;
            window.counts.total -= before.counts.total - after.counts.total;
        }
        window.counts.total = window.counts.total.max(0.0);
        window.counts.bad = window.counts.bad.clamp(0.0, window.counts.total);
        window
    }

    /// The pieces of a stretch to which corrections apply in the stream with these labels.
    fn pieces(&self, corrections: &[Arc<Correction>], stretch: Stretch, labels: &Labels) -> Vec<Piece> {
        let narrowing = if labels.is_empty() { Narrowing::Whole } else { Narrowing::Stream(labels) };
        let grain = slice(self.slo).unwrap_or(TimeDelta::MINUTE);
        pieces(corrections, stretch, Cutting { narrowing, grain })
    }

    /// The moment from which on anything is kept of it.
    pub(crate) fn known_from(&self) -> Option<Timestamp> {
        if let Some(composite) = self.composite() {
            return self.members_known_from(composite);
        }
        let stream = self.engine.ledger.stream(self.stream)?;
        let first = stream.oldest_slot().max(stream.start_slot?);
        Some(stream.grid.end(first - 1))
    }

    /// The budget of the present period.
    pub(crate) fn budget(&self) -> Option<BudgetStatus> {
        self.budget_at(self.watermark()?, Known::Now)
    }

    /// The budget of the period that a moment lies in, as it was seen then.
    pub(crate) fn budget_at(&self, at: Timestamp, known: Known) -> Option<BudgetStatus> {
        let goal = self.slo.goal?;
        let period = self.slo.period.range_at(at);
        let seen = self.over_as(Stretch { begin: period.begin, end: at }, known)?;
        let mut budget = budget(&seen, goal)?;
        if let Some(ends_at) = self.slo.period.turn_after(at) {
            let ahead = self.ahead(Stretch { begin: at, end: ends_at }, period.begin, known);
            budget.expected = Some(expected_budget(&seen, goal, &ahead));
        }
        Some(budget)
    }

    /// The present period as its budget is judged: one of the calendar with the events expected of all of it.
    pub(crate) fn period_expected(&self) -> Option<Window> {
        let mut period = self.period()?;
        if let Some(expected) = self.budget().and_then(|budget| budget.expected) {
            period.counts.total = expected.total_events;
        }
        Some(period)
    }

    /// How much of the present period was watched, if not all of it: `3d of 30d`, `2d of 3d so far, 30d in all`.
    pub(crate) fn watched_text(&self, seen: &Window) -> Option<String> {
        let whole = self.slo.period.range_at(self.watermark()?);
        let is_calendar = self.slo.period.turn_after(whole.end).is_some();
        // A window's edge may lie a minute further back than the period's.
        let (watched, passed) = (seen.watched.min(seen.length), seen.length.min(whole.length()));
        let is_young = passed - watched > TimeDelta::MINUTE;
        match (is_calendar, is_young) {
            (false, false) => None,
            (false, true) => Some(format!("{} of {}", about(watched), about(passed))),
            (true, true) => Some(format!(
                "{} of {} so far, {} in all",
                about(watched),
                about(passed),
                about(whole.length())
            )),
            (true, false) => Some(format!("{} of {}", about(watched.min(passed)), about(whole.length()))),
        }
    }

    /// What is to be expected of the rest of a period of the calendar.
    fn ahead(&self, rest: Stretch, begin: Timestamp, known: Known) -> Ahead {
        let before = self.slo.period.range_at(begin);
        let is_kept = self.known_from().is_some_and(|from| from <= before.begin);
        let previous = self.over_as(before, known).filter(|_| is_kept);
        let labels = self.engine.ledger.stream(self.stream).map_or(Labels::empty(), |s| s.labels.clone());
        let taken_out = self
            .pieces(&self.corrections(known), rest, &labels)
            .iter()
            .filter(|piece| piece.treatment == Treatment::TakenOut)
            .map(|piece| piece.stretch.end.min(rest.end) - piece.stretch.begin.max(rest.begin))
            .fold(TimeDelta::ZERO, |sum, length| sum + length);
        Ahead { rest: rest.length() - taken_out, ends_at: rest.end, previous }
    }

    /// The windows an alert looks at; `None` before anything is known.
    pub(crate) fn alert_windows(&self, alert: &BurnAlert) -> Option<AlertWindows> {
        let long = self.last(alert.long)?;
        let short = match alert.short {
            Some(short) => Some(self.last(short)?),
            None => None,
        };
        Some(AlertWindows { long, short })
    }
}

/// A length without what does not matter at its size: minutes of days, seconds of hours.
fn about(length: TimeDelta) -> TimeDelta {
    let unit = match length.0 {
        ms if ms >= 2 * TimeDelta::DAY.0 => TimeDelta::HOUR.0,
        ms if ms >= 2 * TimeDelta::HOUR.0 => TimeDelta::MINUTE.0,
        _ => TimeDelta::SECOND.0,
    };
    TimeDelta(length.0 / unit * unit)
}
