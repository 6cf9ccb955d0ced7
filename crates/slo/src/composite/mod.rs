//! What the windows of several objectives come to together: the arithmetic of journeys.
//!
//! Shares of bad events are combined, not events: one step of a journey may be called a thousand times as often as
//! another and matter no more. All events are those of all members, so that the bad ones among them are as many as the
//! combined share says. A journey is watched since its youngest member is, and measured as badly as its worst one.

pub(crate) mod check;
pub(crate) mod measure;

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::TimeDelta;

use crate::definition::Slo;
use crate::goal::{Counts, Goal};
use crate::indicator::{Combination, Composite, Events};
use crate::ledger::stream::Window;

/// Deepest nesting of journeys in journeys.
pub(crate) const DEPTH_MAX: usize = 16;

/// One member's share of a journey.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) window: Window,
    pub(crate) weight: f64,
    /// The member's own goal.
    pub(crate) goal: Goal,
}

impl Part {
    fn bad_ratio(&self) -> Option<f64> {
        let Counts { bad, total } = self.window.counts;
        (total > 0.0).then(|| bad / total)
    }

    /// How many times its own budget is being spent.
    fn burn(&self) -> Option<f64> {
        Some(self.bad_ratio()? / (1.0 - self.goal.ratio()))
    }
}

/// The window of a journey with a goal. Members without events say nothing of it.
pub(crate) fn combine(combination: Combination, goal: Goal, parts: &[Part]) -> Window {
    // Whatever a correction has taken out altogether is not part of it.
    let parts: Vec<Part> =
        parts.iter().filter(|part| part.window.length > TimeDelta::ZERO).copied().collect();
    let bad_ratio = match combination {
        Combination::Weighted => weighted(&parts),
        Combination::Serial => {
            1.0 - parts.iter().filter_map(Part::bad_ratio).map(|bad| 1.0 - bad).product::<f64>()
        }
        // Its burn rate is the journey's, whatever the two goals are.
        Combination::CriticalMember => critical(&parts)
            .and_then(|index| parts[index].burn())
            .map_or(0.0, |burn| burn * (1.0 - goal.ratio())),
    };
    let total: f64 = parts.iter().map(|part| part.window.counts.total).sum();
    let length = parts.iter().map(|part| part.window.length).max().unwrap_or_default();
    let least = |share: &dyn Fn(&Window) -> f64| {
        parts.iter().map(|part| share(&part.window)).fold(1.0_f64, f64::min).clamp(0.0, 1.0)
    };
    let watched = length.0 as f64 * least(&|window| quotient(window.watched, window.length));
    let measured = watched * least(&|window| quotient(window.measured, window.watched));
    let sum = |of: &dyn Fn(&Window) -> Counts| {
        parts.iter().map(|part| of(&part.window)).fold(Counts::default(), |sum, counts| Counts {
            bad: sum.bad + counts.bad,
            total: sum.total + counts.total,
        })
    };
    Window {
        counts: Counts { bad: bad_ratio.clamp(0.0, 1.0) * total, total },
        measured: TimeDelta(measured as i64),
        watched: TimeDelta(watched as i64),
        length,
        unlocated: sum(&|window| window.unlocated),
        displaced: sum(&|window| window.displaced),
    }
}

/// The member that spends its own budget fastest, the first of equals; `None` when none has events.
pub(crate) fn critical(parts: &[Part]) -> Option<usize> {
    let mut worst: Option<(usize, f64)> = None;
    for (index, part) in parts.iter().enumerate() {
        let Some(burn) = part.burn() else { continue };
        if worst.is_none_or(|(_, most)| burn > most) {
            worst = Some((index, burn));
        }
    }
    worst.map(|(index, _)| index)
}

fn weighted(parts: &[Part]) -> f64 {
    let with_events = parts.iter().filter_map(|part| Some((part.weight, part.bad_ratio()?)));
    let (weights, bad) =
        with_events.fold((0.0, 0.0), |(weights, sum), (weight, bad)| (weights + weight, sum + weight * bad));
    if weights > 0.0 { bad / weights } else { 0.0 }
}

fn quotient(part: TimeDelta, whole: TimeDelta) -> f64 {
    match whole.0 {
        0 => 0.0,
        whole => part.0 as f64 / whole as f64,
    }
}

/// What an objective is made of, if it is made of others.
pub(crate) fn composite_of(slo: &Slo) -> Option<&Composite> {
    match &slo.indicator.events {
        Events::Composite(composite) => Some(composite),
        Events::Ratio(_)
        | Events::Latency(_)
        | Events::Probe(_)
        | Events::Threshold(_)
        | Events::Query(_) => None,
    }
}

/// Composites by the identity of each of their members.
pub(crate) fn by_member(slos: impl Iterator<Item = Arc<Slo>>) -> BTreeMap<String, Vec<Arc<Slo>>> {
    let mut by_member = BTreeMap::<String, Vec<Arc<Slo>>>::new();
    for slo in slos {
        for member in composite_of(&slo).into_iter().flat_map(|composite| &composite.members) {
            by_member.entry(member.slo.clone()).or_default().push(Arc::clone(&slo));
        }
    }
    by_member
}
