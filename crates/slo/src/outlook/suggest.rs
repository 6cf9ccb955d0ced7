//! Which goal the history supports, and what the next one would take.
//!
//! *Achievable* is the highest of the usual goals that every period seen would have met, with a tenth of its budget to
//! spare, and that periods put together from the days of the past would break at most one time in twenty.
//! *Aspirational* is the next nine above it. For each, its default alerts are replayed over the history.
//!
//! No goal is achievable that so few events cannot tell from a lower one: n good events in a row only say that fewer
//! than 3/n are bad, most probably (the rule of three: Hanley, Lippman-Hand, "If nothing goes wrong, is everything all
//! right?", 1983).
//!
//! What has not happened in the history is not in the answer: a week without an outage says nothing of outages.

use bellwether_model::TimeDelta;
use serde::Serialize;

use crate::alert::defaults::{SCRAPE_USUAL, default_alerts};
use crate::goal::{Counts, Goal};
use crate::outlook::past::Past;
use crate::outlook::resample::Dice;
use crate::outlook::what_if::{incidents, replay};
use crate::period::{Period, Stretch};

/// The usual goals, low to high.
const GOALS: [&str; 19] = [
    "50%", "60%", "70%", "75%", "80%", "85%", "90%", "95%", "97.5%", "98%", "99%", "99.5%", "99.8%", "99.9%",
    "99.95%", "99.99%", "99.995%", "99.999%", "99.9999%",
];
/// Periods put together from the past.
const PERIODS_DRAWN: usize = 2000;
/// Share of them that may break an achievable goal.
const BREACHES_MAX: f64 = 0.05;
/// Share of the budget that must be left in every period seen.
const MARGIN: f64 = 0.1;
/// Fewer blocks of history say nothing about how they vary.
const BLOCKS_MIN: usize = 7;
/// Bad events that may have been missed, most probably.
const MISSED_EVENTS: f64 = 3.0;
/// Pages of a shorter history say little of a month.
const HISTORY_FOR_PAGES: TimeDelta = TimeDelta(7 * TimeDelta::DAY.0);
/// A month, for pages per month.
const MONTH: TimeDelta = TimeDelta(30 * TimeDelta::DAY.0);

/// What the history of a stream supports.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// How much history there is.
    pub history: TimeDelta,
    /// The unit in which the past is put together anew.
    pub block: TimeDelta,
    /// Blocks that were measured.
    pub blocks: usize,
    /// Whole periods seen, each ending a block after the other.
    pub periods_seen: usize,
    /// `good / total` of all of it; `None` without events.
    pub sli_ratio: Option<f64>,
    /// The goal that history supports; `None` when there is too little of it, or when it supports none.
    pub achievable: Option<GoalOutlook>,
    /// The next nine above.
    pub aspirational: Option<GoalOutlook>,
    /// The objective's own goal, for comparison; `None` when there is too little history.
    pub present: Option<GoalOutlook>,
    /// What has to be said about it.
    pub notes: Vec<String>,
}

/// What may be expected of a goal, going by the past.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoalOutlook {
    /// The goal as people read it.
    pub goal_text: String,
    /// The goal as a number.
    pub goal_ratio: f64,
    /// Periods seen that would have met it.
    pub periods_met: usize,
    /// The least that was left of its budget in any period seen; `None` when no whole period was seen.
    pub left_ratio_min: Option<f64>,
    /// The share of periods drawn that break it.
    pub breach_ratio: f64,
    /// How often somebody would be paged in thirty days, by its default alerts.
    pub pages_per_month: f64,
    /// The same for everything less urgent.
    pub tickets_per_month: f64,
}

/// What the past of a stream supports over a period. `present` is the goal it has.
pub fn suggest(past: &Past, period: &Period, present: Option<Goal>) -> Suggestion {
    let block = block_length(period.length(), past.step());
    let steps = (block.0 / past.step().0) as usize;
    let all = past.blocks(steps);
    let known: Vec<Counts> = all.iter().flatten().copied().collect();
    let window = past.over(Stretch { begin: past.begin(), end: past.end() });
    let history = past.end() - past.begin();
    let whole = ((period.length().0 + block.0 / 2) / block.0).max(1) as usize;
    let evidence =
        Evidence { past, period, seen: periods_seen(&all, whole), drawn: periods_drawn(&known, whole) };
    let mut suggestion = Suggestion {
        history,
        block,
        blocks: known.len(),
        periods_seen: evidence.seen.len(),
        sli_ratio: (window.counts.total > 0.0).then(|| window.counts.good() / window.counts.total),
        achievable: None,
        aspirational: None,
        present: None,
        notes: Vec::new(),
    };
    if window.counts.total <= 0.0 {
        suggestion.notes.push("no events were seen".to_owned());
        return suggestion;
    }
    if known.len() < BLOCKS_MIN {
        let short = format!(
            "too little history: {} times {block} measured, at least {BLOCKS_MIN} times are needed to suggest a goal",
            known.len()
        );
        suggestion.notes.push(short);
        return suggestion;
    }
    suggestion.present = present.map(|goal| evidence.outlook(goal));
    if evidence.seen.is_empty() {
        let missing = format!(
            "not one whole period of {} has been seen yet; it is put together from {} pieces of {block}",
            period.length(),
            known.len()
        );
        suggestion.notes.push(missing);
    }
    let goals: Vec<Goal> = GOALS.iter().filter_map(|text| Goal::parse(text).ok()).collect();
    let achievable = goals.iter().rposition(|goal| evidence.supports(*goal));
    suggestion.achievable = achievable.map(|index| evidence.outlook(goals[index]));
    let next = next_nine(&goals, achievable);
    suggestion.aspirational = next.map(|goal| evidence.outlook(goal));
    if suggestion.achievable.is_none() {
        suggestion.notes.push(format!("history does not even support a goal of {}", GOALS[0]));
    }
    if history < HISTORY_FOR_PAGES {
        suggestion.notes.push(format!("pages and tickets of a month are extrapolated from {history}"));
    }
    if evidence.all().bad == 0.0 {
        let untried = "nothing bad has been seen yet: the goal is the highest that so many events can tell, and untested";
        suggestion.notes.push(untried.to_owned());
    }
    suggestion
}

/// A day where the period has at least two; otherwise a twenty-fourth of it.
fn block_length(period: TimeDelta, step: TimeDelta) -> TimeDelta {
    let wanted = if period >= TimeDelta::DAY * 2 { TimeDelta::DAY } else { TimeDelta(period.0 / 24) };
    TimeDelta((wanted.0 / step.0).max(1) * step.0)
}

/// Every run of so many blocks that were all measured.
fn periods_seen(blocks: &[Option<Counts>], whole: usize) -> Vec<Counts> {
    let sum = |run: &[Option<Counts>]| {
        run.iter().copied().try_fold(Counts::default(), |sum, block| block.map(|block| plus(sum, block)))
    };
    blocks.windows(whole).filter_map(sum).collect()
}

fn periods_drawn(known: &[Counts], whole: usize) -> Vec<Counts> {
    let mut dice = Dice::fixed();
    let mut draw =
        || (0..whole).filter_map(|_| dice.pick(known)).fold(Counts::default(), |sum, c| plus(sum, *c));
    (0..PERIODS_DRAWN).map(|_| draw()).collect()
}

fn plus(a: Counts, b: Counts) -> Counts {
    Counts { bad: a.bad + b.bad, total: a.total + b.total }
}

/// What is left of a goal's budget; all of it without events.
fn left_ratio(counts: Counts, goal: Goal) -> f64 {
    let allowed = counts.total * (goal.scale() - goal.good()) as f64 / goal.scale() as f64;
    if allowed > 0.0 { 1.0 - counts.bad / allowed } else { 1.0 }
}

struct Evidence<'a> {
    past: &'a Past,
    period: &'a Period,
    seen: Vec<Counts>,
    drawn: Vec<Counts>,
}

impl Evidence<'_> {
    fn all(&self) -> Counts {
        self.past.over(Stretch { begin: self.past.begin(), end: self.past.end() }).counts
    }

    fn breach_ratio(&self, goal: Goal) -> f64 {
        let breached = self.drawn.iter().filter(|counts| left_ratio(**counts, goal) < 0.0).count();
        breached as f64 / self.drawn.len().max(1) as f64
    }

    fn supports(&self, goal: Goal) -> bool {
        let is_kept = self.seen.iter().all(|counts| left_ratio(*counts, goal) >= MARGIN);
        let Counts { bad, total } = self.all();
        let is_told_apart = left_ratio(Counts { bad: bad + MISSED_EVENTS, total }, goal) >= 0.0;
        is_kept && is_told_apart && self.breach_ratio(goal) <= BREACHES_MAX
    }

    fn outlook(&self, goal: Goal) -> GoalOutlook {
        let left = |counts: &Counts| left_ratio(*counts, goal);
        let stretch = Stretch { begin: self.past.begin(), end: self.past.end() };
        let alerts = default_alerts(goal, self.period, SCRAPE_USUAL).alerts;
        let fired = replay(self.past, stretch, goal, &alerts);
        let months = stretch.length().0 as f64 / MONTH.0 as f64;
        let per_month = |count: usize| if months > 0.0 { count as f64 / months } else { 0.0 };
        GoalOutlook {
            goal_text: goal.to_string(),
            goal_ratio: goal.ratio(),
            periods_met: self.seen.iter().filter(|counts| left(counts) >= 0.0).count(),
            left_ratio_min: self.seen.iter().map(left).min_by(f64::total_cmp),
            breach_ratio: self.breach_ratio(goal),
            pages_per_month: per_month(incidents(&fired, true)),
            tickets_per_month: per_month(incidents(&fired, false)),
        }
    }
}

/// The lowest usual goal with one nine more; where there is none, the next usual one.
fn next_nine(goals: &[Goal], achievable: Option<usize>) -> Option<Goal> {
    let Some(index) = achievable else { return goals.first().copied() };
    let above = &goals[index + 1..];
    let nines = |goal: &Goal| (-goal.allowed_ratio().log10() + 1e-9).floor() as u32;
    let more = above.iter().find(|goal| nines(goal) > nines(&goals[index]));
    more.or(above.first()).copied()
}
