//! An objective's budget over one period or any stretch, as measured and as corrected by what was known on some day:
//! what was reported then can be read again to the digit.

use std::sync::Arc;

use bellwether_model::{Labels, TimeDelta, Timestamp};
use serde::Serialize;

use crate::budget::budget;
use crate::burn::window_status;
use crate::correction::Correction;
use crate::engine::SloEngine;
use crate::goal::Goal;
use crate::ledger::StreamId;
use crate::ledger::stream::Window;
use crate::measure::{Known, Measure};
use crate::period::Stretch;
use crate::status::{BudgetStatus, WindowStatus};

/// What is to be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportRequest {
    /// Over which time.
    pub over: ReportSpan,
    /// With the corrections that were in force at this moment; `None` for those in force.
    pub known: Option<Timestamp>,
}

/// Over which time a report goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportSpan {
    /// The period that ends at a moment, or the one of the calendar that the moment lies in, up to the moment.
    PeriodAt(Timestamp),
    /// From one moment to another.
    Between(Stretch),
}

/// An objective over some time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SloReport {
    /// Identity of the objective.
    pub id: String,
    /// Its goal as people read it.
    pub goal_text: String,
    /// Its period as people read it.
    pub period_text: String,
    /// The report begins after this moment.
    pub begin: Timestamp,
    /// It ends with this moment.
    pub end: Timestamp,
    /// The moment whose corrections it shows; `None` for those in force.
    pub known: Option<Timestamp>,
    /// What has to be said about it: that history does not reach so far, or the present does not.
    pub notes: Vec<String>,
    /// The stream of everything first; then one per value of `group_by`.
    pub streams: Vec<StreamReport>,
    /// The corrections that touch it, in order of their begin.
    pub corrections: Vec<Arc<Correction>>,
}

/// One stream over some time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamReport {
    /// The `group_by` labels; empty for the stream of everything.
    pub labels: Labels,
    /// What it holds, corrected.
    pub total: WindowStatus,
    /// What it holds, as it was measured.
    pub total_raw: WindowStatus,
    /// Time that was watched, without what is taken out.
    pub watched: TimeDelta,
    /// Time that corrections take out.
    pub taken_out: TimeDelta,
    /// The budget, corrected.
    pub budget: Option<BudgetStatus>,
    /// The budget, as it was measured.
    pub budget_raw: Option<BudgetStatus>,
}

impl SloEngine {
    /// Reports on an objective; `None` if there is none of this identity.
    pub fn report(&self, slo_id: &str, request: &ReportRequest) -> Option<SloReport> {
        let slo = self.slo(slo_id)?;
        let key = slo.indicator.key();
        let streams = self.ledger.streams(&key);
        let everything = Measure { engine: self, slo, stream: streams.first()?.1 };
        let known = request.known.map_or(Known::Now, Known::At);
        let stretch = stretch_of(&everything, request.over);
        let report = |(labels, id): (Labels, StreamId)| {
            let measure = Measure { engine: self, slo, stream: id };
            stream_report(&measure, labels, &Asked { stretch, over: request.over, known })
        };
        Some(SloReport {
            id: slo.id(),
            goal_text: slo.goal.map_or("no goal".to_owned(), |goal| goal.to_string()),
            period_text: slo.period.text(),
            begin: stretch.begin,
            end: stretch.end,
            known: request.known,
            notes: notes(&everything, request.over, stretch),
            streams: streams.into_iter().filter_map(report).collect(),
            corrections: everything.corrections_touching(stretch, known),
        })
    }

    /// What a stream of an objective holds over any stretch of time, with the corrections in force.
    pub fn window_over(&self, slo_id: &str, labels: &Labels, stretch: Stretch) -> Option<Window> {
        let slo = self.slo(slo_id)?;
        let stream = self.ledger.stream_of(&slo.indicator.key(), labels)?;
        Measure { engine: self, slo, stream }.over(stretch)
    }
}

struct Asked {
    stretch: Stretch,
    over: ReportSpan,
    known: Known,
}

/// In whole minutes, as the past is kept, so that it comes out the same whenever it is asked for; and no further than
/// the present.
fn stretch_of(measure: &Measure<'_>, over: ReportSpan) -> Stretch {
    let present = measure.watermark();
    let until = |at: Timestamp| present.map_or(at, |present| at.min(present)).floor_to(TimeDelta::MINUTE);
    match over {
        ReportSpan::PeriodAt(at) => {
            let end = until(at);
            Stretch { begin: measure.slo.period.range_at(end).begin, end }
        }
        ReportSpan::Between(Stretch { begin, end }) => {
            let end = until(end);
            Stretch { begin: begin.floor_to(TimeDelta::MINUTE).min(end), end }
        }
    }
}

fn notes(measure: &Measure<'_>, over: ReportSpan, stretch: Stretch) -> Vec<String> {
    let Some(from) = measure.known_from() else { return vec!["nothing of it was ever measured".to_owned()] };
    let mut notes = Vec::new();
    if stretch.begin < from {
        notes.push(format!("nothing is known of the time before {from}"));
    }
    let (ReportSpan::PeriodAt(asked) | ReportSpan::Between(Stretch { end: asked, .. })) = over;
    if stretch.end < asked.floor_to(TimeDelta::MINUTE) {
        notes.push(format!("known up to {}", stretch.end));
    }
    notes
}

fn stream_report(measure: &Measure<'_>, labels: Labels, asked: &Asked) -> Option<StreamReport> {
    let goal = measure.slo.goal;
    let (seen, raw) = (seen(measure, asked, asked.known)?, seen(measure, asked, Known::Nothing)?);
    let budget_of = |window: &Window, known: Known| match asked.over {
        ReportSpan::PeriodAt(_) => measure.budget_at(asked.stretch.end, known),
        ReportSpan::Between(_) => goal.and_then(|goal: Goal| budget(window, goal)),
    };
    Some(StreamReport {
        labels,
        total: window_status(&seen, asked.stretch.length(), goal),
        total_raw: window_status(&raw, asked.stretch.length(), goal),
        watched: seen.watched,
        taken_out: raw.length - seen.length,
        budget: budget_of(&seen, asked.known),
        budget_raw: budget_of(&raw, Known::Nothing),
    })
}

/// What is kept of it: before that the ledger knows nothing, which is not the same as no events.
fn seen(measure: &Measure<'_>, asked: &Asked, known: Known) -> Option<Window> {
    let from = measure.known_from()?.min(asked.stretch.end);
    let kept = Stretch { begin: asked.stretch.begin.max(from), ..asked.stretch };
    measure.over_as(kept, known)
}
