//! What another goal would have meant: the same events held against it, its budget, and the alerts it comes with.

use bellwether_model::Timestamp;
use serde::Serialize;

use crate::alert::defaults::{SCRAPE_USUAL, default_alerts};
use crate::burn_alert::BurnAlert;
use crate::goal::{Counts, Goal};
use crate::outlook::past::Past;
use crate::outlook::replay::{Fired, replay_alert};
use crate::period::{Period, Stretch};

/// What a goal would have meant over a stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhatIf {
    /// The goal as people read it.
    pub goal_text: String,
    /// It begins after this moment.
    pub begin: Timestamp,
    /// It ends with this moment.
    pub end: Timestamp,
    /// The share of it that was measured.
    pub measured_ratio: f64,
    /// Good events.
    pub good: f64,
    /// All events.
    pub total: f64,
    /// `good / total`; `None` without events.
    pub sli_ratio: Option<f64>,
    /// Bad events that the goal would have allowed.
    pub allowed_events: f64,
    /// Bad events.
    pub spent_events: f64,
    /// `1 − spent / allowed`; `None` without events.
    pub left_ratio: Option<f64>,
    /// The first moment at which more was spent than the stretch as a whole allows.
    pub exhausted_at: Option<Timestamp>,
    /// How often somebody would have been paged: stretches of time in which at least one page fired.
    pub pages: usize,
    /// The same for everything less urgent.
    pub tickets: usize,
    /// When which of the goal's default alerts would have fired.
    pub fired: Vec<Fired>,
    /// What has to be said about it.
    pub notes: Vec<String>,
}

/// Holds the past against a goal, with the default alerts of a period.
pub fn what_if(past: &Past, stretch: Stretch, goal: Goal, period: &Period) -> WhatIf {
    let begin = stretch.begin.max(past.begin());
    let end = stretch.end.min(past.end()).max(begin);
    let window = past.over(Stretch { begin, end });
    let Counts { bad, total } = window.counts;
    let allowed_events = total * (goal.scale() - goal.good()) as f64 / goal.scale() as f64;
    let defaults = default_alerts(goal, period, SCRAPE_USUAL);
    let fired = replay(past, Stretch { begin, end }, goal, &defaults.alerts);
    let mut notes = Vec::new();
    if stretch.begin < begin || stretch.end > end {
        notes.push(format!("history reaches from {begin} to {end} only"));
    }
    let measured_ratio = match (end - begin).0 {
        0 => 0.0,
        length => window.measured.0 as f64 / length as f64,
    };
    if measured_ratio < 0.99 && begin < end {
        notes.push(format!("only {:.0} % of the time was measured", measured_ratio * 100.0));
    }
    notes.extend(defaults.notes);
    WhatIf {
        goal_text: goal.to_string(),
        begin,
        end,
        measured_ratio,
        good: window.counts.good(),
        total,
        sli_ratio: (total > 0.0).then(|| window.counts.good() / total),
        allowed_events,
        spent_events: bad,
        left_ratio: (allowed_events > 0.0).then(|| 1.0 - bad / allowed_events),
        exhausted_at: (bad > allowed_events).then(|| first_above(past, begin, end, allowed_events)),
        pages: incidents(&fired, true),
        tickets: incidents(&fired, false),
        fired,
        notes,
    }
}

/// When each alert would have fired.
pub(crate) fn replay(past: &Past, stretch: Stretch, goal: Goal, alerts: &[BurnAlert]) -> Vec<Fired> {
    let over = |stretch: Stretch| Some(past.over(stretch));
    let one = |alert| replay_alert(alert, goal, stretch, past.step(), &over);
    let mut fired: Vec<Fired> = alerts.iter().flat_map(one).collect();
    fired.sort_by_key(|fired| fired.from);
    fired
}

/// Stretches of time in which at least one alert fired: of those that page, or of the others.
pub(crate) fn incidents(fired: &[Fired], of_pages: bool) -> usize {
    let (mut count, mut open_until) = (0, None::<Timestamp>);
    for fired in fired.iter().filter(|fired| (fired.severity == "page") == of_pages) {
        let until = fired.until.unwrap_or(Timestamp::MAX);
        if open_until.is_none_or(|open| fired.from > open) {
            count += 1;
        }
        open_until = open_until.max(Some(until));
    }
    count
}

fn first_above(past: &Past, begin: Timestamp, end: Timestamp, allowed: f64) -> Timestamp {
    let mut at = begin;
    while at < end && past.over(Stretch { begin, end: at }).counts.bad <= allowed {
        at += past.step();
    }
    at.min(end)
}
