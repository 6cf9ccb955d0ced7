//! Which routes an alert would take and which not, each with the reason. The walk is that of [`Route::matching`]; here
//! it also says what it saw on the way, for whoever asks why somebody was or was not told.

use std::fmt;

use bellwether_model::{Labels, Matcher};
use serde::Serialize;

use crate::Route;

/// What becomes of labels at a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// They end here: its receiver hears of them.
    Ends,
    /// They go on to a route below it.
    Passes,
    /// They do not match.
    No,
    /// They were not held against it.
    NotReached,
}

/// Why a route took labels or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenWhy {
    /// It matches, and no route below it does.
    NoneBelow,
    /// It matches, and it has no routes below it.
    Leaf,
    /// It matches, and so does a route below it.
    Below {
        /// How many below it take the labels.
        routes: usize,
    },
    /// The first of its matchers that does not match, and what the label says; nothing if it is missing.
    Mismatch {
        /// The matcher.
        matcher: Matcher,
        /// The label's value.
        value: Option<String>,
    },
    /// An earlier sibling took the labels and does not continue.
    TakenBy {
        /// The identity of that route.
        id: String,
    },
    /// The route above was not taken, so that none below it was asked.
    ParentNotTaken,
}

/// A route, and what became of labels at it.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedRoute<'a> {
    /// The route.
    pub route: &'a Route,
    /// How deep it lies below the root, which is 0.
    pub depth: usize,
    /// What became of the labels.
    pub taken: Taken,
    /// Why.
    pub why: TakenWhy,
}

impl fmt::Display for TakenWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneBelow => f.write_str("it matches, and no route below it does"),
            Self::Leaf => f.write_str("it matches"),
            Self::Below { routes: 1 } => f.write_str("it matches, and a route below it takes the alert"),
            Self::Below { routes } => write!(f, "it matches, and {routes} routes below it take the alert"),
            Self::Mismatch { matcher, value: Some(value) } => {
                write!(f, "{matcher} does not match: {} is {value:?}", matcher.name)
            }
            Self::Mismatch { matcher, value: None } => {
                write!(f, "{matcher} does not match: the alert has no label {}", matcher.name)
            }
            Self::TakenBy { id } => write!(f, "{id} took the alert before, and does not continue"),
            Self::ParentNotTaken => f.write_str("the route above it was not taken"),
        }
    }
}

impl Route {
    /// Every route from here down in the order in which they are asked, and what became of the labels at each.
    pub fn trace(&self, labels: &Labels) -> Vec<TracedRoute<'_>> {
        let mut traced = Vec::new();
        ask(self, 0, labels, &mut traced);
        traced
    }
}

/// Returns in how many routes, this one included, the labels end.
fn ask<'a>(route: &'a Route, depth: usize, labels: &Labels, traced: &mut Vec<TracedRoute<'a>>) -> usize {
    if let Some(matcher) = route.matchers.iter().find(|matcher| !matcher.matches(labels)) {
        let why = TakenWhy::Mismatch {
            matcher: matcher.clone(),
            value: labels.get(&matcher.name).map(str::to_owned),
        };
        traced.push(TracedRoute { route, depth, taken: Taken::No, why });
        pass_over(route, depth, &TakenWhy::ParentNotTaken, traced);
        return 0;
    }
    let own = traced.len();
    let why = if route.routes.is_empty() { TakenWhy::Leaf } else { TakenWhy::NoneBelow };
    traced.push(TracedRoute { route, depth, taken: Taken::Ends, why });
    let (mut below, mut taken_by) = (0, None);
    for child in &route.routes {
        if let Some(id) = &taken_by {
            let why = TakenWhy::TakenBy { id: String::clone(id) };
            traced.push(TracedRoute {
                route: child,
                depth: depth + 1,
                taken: Taken::NotReached,
                why: why.clone(),
            });
            pass_over(child, depth + 1, &why, traced);
            continue;
        }
        let took = ask(child, depth + 1, labels, traced);
        below += took;
        if took > 0 && !child.continues {
            taken_by = Some(child.id.clone());
        }
    }
    if below > 0 {
        traced[own] = TracedRoute {
            taken: Taken::Passes,
            why: TakenWhy::Below { routes: below },
            ..traced[own].clone()
        };
    }
    below.max(1)
}

/// Nothing below a route is asked.
fn pass_over<'a>(route: &'a Route, depth: usize, why: &TakenWhy, traced: &mut Vec<TracedRoute<'a>>) {
    for child in &route.routes {
        traced.push(TracedRoute {
            route: child,
            depth: depth + 1,
            taken: Taken::NotReached,
            why: why.clone(),
        });
        pass_over(child, depth + 1, why, traced);
    }
}
