//! Over how long the budget is counted that an alert burns.

use bellwether_model::TimeDelta;

use crate::{Burn, BurnTier, Goal, Setup, spoken};

/// The usual period where none is stated.
const USUAL: TimeDelta = TimeDelta(30 * TimeDelta::DAY.0);

/// A period and where it comes from.
pub(super) struct Period<'a> {
    pub(super) length: TimeDelta,
    pub(super) goal: Option<&'a Goal>,
}

impl Period<'_> {
    /// As it is said: `the 30 d of "Reads"`.
    pub(super) fn text(&self) -> String {
        let of = self.goal.and_then(|goal| goal.name.as_deref());
        match (of, self.goal) {
            (Some(name), _) => format!("the {} of \"{name}\"", spoken(self.length)),
            (None, Some(_)) => format!("the {} of the goal", spoken(self.length)),
            (None, None) => spoken(self.length),
        }
    }
}

/// The window of the goal the tier burns the budget of, else the longest that any goal near it states, else 30 days.
pub(super) fn of_tier<'a>(setup: &'a Setup, burn: &Burn, tier: &BurnTier) -> Period<'a> {
    if let Some(goal) = setup.goal_of(burn, tier)
        && let Some(length) = goal.window
    {
        return Period { length, goal: Some(goal) };
    }
    let near = setup.goals_near(setup.rule_of(burn)).filter_map(|goal| goal.window).max();
    Period { length: near.unwrap_or(USUAL), goal: None }
}

/// The longest window that goals of a document state, or the usual one.
pub(super) fn of_document(setup: &Setup, document: usize) -> TimeDelta {
    let of_document =
        setup.goals.iter().filter(|goal| goal.section.is_some_and(|section| section.document == document));
    of_document.filter_map(|goal| goal.window).max().unwrap_or(USUAL)
}
