//! How well alerts and receivers serve, added up from lives of alerts and from messages, one at a time: what 400 days
//! hold need not be in memory at once.
//!
//! Who says that alerting is bad says it with numbers: how often does an alert fire, how often was nothing wrong, does
//! somebody take it in time, does anybody do anything at all? Everything is exact while there are few; of very many
//! lengths of time only the distribution is kept ([`Lengths`]).

mod deadline;
mod lengths;

use std::collections::BTreeMap;

use bellwether_model::{Alert, TimeDelta, Timestamp};

use crate::{AlertRow, EpisodeRow, Handled, Judgement};

pub use deadline::AckDeadlines;
pub use lengths::Lengths;

/// A life of an alert, over or not.
#[derive(Clone, Copy, Debug)]
pub struct Life<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// When it ended; `None` while it goes on.
    pub ended_at: Option<Timestamp>,
    /// When somebody was first told.
    pub told_at: Option<Timestamp>,
    /// What people did with it.
    pub handled: &'a Handled,
}

impl<'a> Life<'a> {
    /// One that is over.
    pub fn over(row: &'a EpisodeRow) -> Self {
        let ended_at = Some(row.alert.ends_at.unwrap_or(row.alert.starts_at));
        Self { alert: &row.alert, ended_at, told_at: row.told_at, handled: &row.handled }
    }

    /// One that routing still knows.
    pub fn known(row: &'a AlertRow, now: Timestamp) -> Self {
        let ended_at = row.alert.ends_at.filter(|end| *end <= now);
        Self { alert: &row.alert, ended_at, told_at: row.told_at, handled: &row.handled }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageEnd {
    /// How it ended.
    pub end: EndOfMessage,
    /// Attempts that the receiver did not take.
    pub attempts_failed: u64,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOfMessage {
    /// The receiver took it, so long after it was decided.
    Delivered {
        /// How long after.
        after: TimeDelta,
    },
    /// The receiver never took it.
    Failed,
    /// It is on its way, or a later one says it all.
    Neither,
}

/// Of the alerts of one name and severity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertService {
    /// How often it fired.
    pub fired: u64,
    /// How often people said that nothing was wrong.
    pub false_positives: u64,
    /// How often people said that something was.
    pub real: u64,
    /// From firing until somebody took it.
    pub ack: Lengths,
    /// Lives of which somebody was told and that had the time to be taken.
    pub due: u64,
    /// Those of them that were taken within the deadline.
    pub in_time: u64,
    /// From firing to the end.
    pub resolve: Lengths,
    /// Lives that are over without anybody taking, ending or noting anything.
    pub never_acted_on: u64,
}

/// Of one integration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntegrationService {
    /// Messages it took.
    pub delivered: u64,
    /// Messages it never took.
    pub failed: u64,
    /// Attempts it did not take.
    pub attempts_failed: u64,
    /// From the decision to the receipt.
    pub latency: Lengths,
}

/// Adds up.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    since: Timestamp,
    until: Timestamp,
    deadlines: AckDeadlines,
    alerts: BTreeMap<(String, String), AlertService>,
    integrations: BTreeMap<String, IntegrationService>,
}

impl Statistics {
    /// Of what happened from `since` until just before `until`, which is now.
    pub fn new(since: Timestamp, until: Timestamp, deadlines: AckDeadlines) -> Self {
        Self { since, until, deadlines, ..Self::default() }
    }

    /// Counts a life that began within the time; others are left out.
    pub fn life(&mut self, life: Life<'_>) {
        let begun = life.alert.starts_at;
        if begun < self.since || begun >= self.until {
            return;
        }
        let label = |name: &str| life.alert.labels.value_or_empty(name).to_owned();
        let deadline = self.deadlines.of(life.alert.labels.value_or_empty("severity"));
        let service = self.alerts.entry((label("alertname"), label("severity"))).or_default();
        service.fired += 1;
        match life.handled.judged.as_ref().map(|judged| judged.judgement) {
            Some(Judgement::FalsePositive) => service.false_positives += 1,
            Some(Judgement::Real) => service.real += 1,
            None => {}
        }
        let taken_after = life.handled.first_ack_at.map(|at| between(at, begun));
        service.ack.extend(taken_after);
        if let Some(ended_at) = life.ended_at {
            service.resolve.add(between(ended_at, begun));
            let Handled { first_ack_at, resolved, notes, .. } = life.handled;
            service.never_acted_on +=
                u64::from(first_ack_at.is_none() && resolved.is_none() && notes.is_empty());
        }
        let Some(deadline) = deadline else { return };
        // Who was told of nothing is late with nothing, nor whoever still had time when it was over or now.
        let had = between(life.ended_at.unwrap_or(self.until), begun);
        let is_due = (life.told_at.is_some() && had >= deadline) || taken_after.is_some();
        service.due += u64::from(is_due);
        service.in_time += u64::from(taken_after.is_some_and(|after| after <= deadline));
    }

    /// Counts a message.
    pub fn message(&mut self, integration: &str, message: MessageEnd) {
        let service = match self.integrations.get_mut(integration) {
            Some(service) => service,
            None => self.integrations.entry(integration.to_owned()).or_default(),
        };
        service.attempts_failed += message.attempts_failed;
        match message.end {
            EndOfMessage::Delivered { after } => {
                service.delivered += 1;
                service.latency.add(after);
            }
            EndOfMessage::Failed => service.failed += 1,
            EndOfMessage::Neither => {}
        }
    }

    /// By name and severity, the most frequent first.
    pub fn alerts(&self) -> Vec<(&str, &str, &AlertService)> {
        let mut all: Vec<_> = (self.alerts.iter())
            .map(|((name, severity), service)| (name.as_str(), severity.as_str(), service))
            .collect();
        all.sort_by(|a, b| (b.2.fired, a.0, a.1).cmp(&(a.2.fired, b.0, b.1)));
        all
    }

    /// By integration.
    pub fn integrations(&self) -> impl Iterator<Item = (&str, &IntegrationService)> {
        self.integrations.iter().map(|(integration, service)| (integration.as_str(), service))
    }

    /// The time they are of, in days.
    pub fn days(&self) -> f64 {
        between(self.until, self.since).as_secs_f64() / 86_400.0
    }

    /// How soon somebody should take an alert of a severity.
    pub fn deadline(&self, severity: &str) -> Option<TimeDelta> {
        self.deadlines.of(severity)
    }
}

/// A share of a number; `None` of nothing.
pub fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

fn between(later: Timestamp, earlier: Timestamp) -> TimeDelta {
    TimeDelta(later.0.saturating_sub(earlier.0))
}
