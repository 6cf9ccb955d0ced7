//! Challenge 5: the four objectives are watched, and one was made through the API.

use bellwether_model::TimeDelta;

use super::seen::Objective;
use super::{Item, Seen};

/// An objective that is asked for.
struct Wanted {
    name: &'static str,
    /// All of these stand in what it counts.
    counts: &'static [&'static str],
    /// None of these does.
    not: &'static [&'static str],
    goal: f64,
    /// Any of these.
    windows: &'static [TimeDelta],
}

const DAY: TimeDelta = TimeDelta::DAY;
const WEEK: TimeDelta = TimeDelta(7 * TimeDelta::DAY.0);
/// Goals are written with a few digits; what differs by less is the same.
const GOAL_TOLERANCE: f64 = 1e-9;

const WANTED: [Wanted; 4] = [
    Wanted {
        name: "chat latency",
        counts: &["movieguru_chat_latency_milliseconds", "5000"],
        not: &[],
        goal: 0.99,
        windows: &[DAY],
    },
    Wanted {
        name: "chat engagement",
        counts: &["movieguru_chat_outcome_counter_total", "Engaged"],
        not: &["Acknowledged"],
        goal: 0.7,
        windows: &[DAY],
    },
    Wanted {
        name: "startup latency",
        counts: &["movieguru_startup_latency_milliseconds", "1000"],
        not: &[],
        goal: 0.99,
        windows: &[DAY, WEEK],
    },
    Wanted {
        name: "startup success",
        counts: &["movieguru_startup_success_total", "movieguru_startup_attempts_total"],
        not: &[],
        goal: 0.9,
        windows: &[WEEK],
    },
];

pub(super) fn watched(seen: &Seen) -> Vec<Item> {
    let mut items: Vec<Item> = WANTED.iter().map(|wanted| item(wanted, &seen.objectives)).collect();
    items.push(through_the_api(&seen.objectives));
    items
}

fn item(wanted: &Wanted, all: &[Objective]) -> Item {
    let windows: Vec<String> = wanted.windows.iter().map(ToString::to_string).collect();
    let asked = format!("{} % over {}", shown(wanted.goal), windows.join(" or "));
    let criterion = format!("{}: {asked}", wanted.name);
    let counting: Vec<&Objective> = all.iter().filter(|slo| wanted.is_counted_by(slo)).collect();
    if let Some(found) = counting.iter().find(|slo| wanted.is_promised_by(slo)) {
        return Item::met(criterion, found.id.clone());
    }
    let Some(near) = counting.first() else {
        let detail = format!("no objective counts {}", wanted.counts.join(" with "));
        return Item::missing(criterion, detail, "docs/workshop/challenge-5.md shows how one is written");
    };
    let goal = near.goal_ratio.map_or("no goal".to_owned(), |goal| format!("{} %", shown(goal)));
    let detail = format!("{} counts it, and promises {goal} over {}", near.id, near.period_text);
    Item::missing(criterion, detail, format!("give it a goal of {asked}"))
}

impl Wanted {
    fn is_counted_by(&self, slo: &Objective) -> bool {
        let says = |part: &&str| slo.indicator_text.contains(part);
        self.counts.iter().all(says) && !self.not.iter().any(says)
    }

    fn is_promised_by(&self, slo: &Objective) -> bool {
        let is_goal = slo.goal_ratio.is_some_and(|goal| (goal - self.goal).abs() < GOAL_TOLERANCE);
        is_goal && slo.period_text.starts_with("rolling") && self.windows.contains(&slo.period)
    }
}

fn shown(ratio: f64) -> f64 {
    (ratio * 1e8).round() / 1e6
}

fn through_the_api(all: &[Objective]) -> Item {
    let criterion = "at least one was made through the API";
    let made: Vec<&str> = all.iter().filter(|slo| slo.source == "api").map(|slo| slo.id.as_str()).collect();
    if made.is_empty() {
        let detail = format!("all {} come from the configuration", all.len());
        let next = "POST one to /v3/projects/workshop/services/…/serviceLevelObjectives: docs/workshop/challenge-5.md";
        return Item::missing(criterion, detail, next);
    }
    Item::met(criterion, made.join(", "))
}
