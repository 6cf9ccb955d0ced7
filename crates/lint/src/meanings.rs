//! What the burn-rate alerts of a setup mean to whoever is woken by them: those of rules, whatever shape they are written
//! in, and those of objectives. Alerts that mean the same are told of once.

use std::collections::BTreeSet;

use bellwether_model::TimeDelta;
use bellwether_slo::{BurnAlert, ExplainedAlert, Factor, Goal, Period, alert_meanings, burn_meaning};

use crate::Setup;
use crate::setup::burn::{Burn, BurnTier};

/// What is assumed where no goal says over how long it holds.
const PERIOD_USUAL: TimeDelta = TimeDelta::from_secs(30 * 24 * 3600);

/// Alerts with one meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Meaning {
    /// Their names.
    pub alerts: BTreeSet<String>,
    /// The goal whose budget they watch, such as `99.9%`.
    pub goal: String,
    /// Over which time, such as `rolling 30d`.
    pub period: String,
    /// Whether nothing says so, and 30 days are taken.
    pub is_period_assumed: bool,
    /// When they fire, and what follows.
    pub explained: ExplainedAlert,
}

/// The meaning of every burn-rate alert whose goal is known.
pub fn meanings(setup: &Setup) -> Vec<Meaning> {
    let mut found: Vec<Meaning> = Vec::new();
    let burns = setup.burns.iter().flat_map(|burn| burn.tiers.iter().map(move |tier| (burn, tier)));
    let of_rules = burns.filter_map(|(burn, tier)| of_tier(setup, burn, tier));
    for meaning in of_rules.chain(of_objectives(setup)) {
        let same = |other: &&mut Meaning| {
            let known = (&other.goal, &other.period, &other.explained.condition, &other.explained.troubles);
            let new = &meaning;
            known == (&new.goal, &new.period, &new.explained.condition, &new.explained.troubles)
                && other.is_period_assumed == new.is_period_assumed
        };
        match found.iter_mut().find(same) {
            Some(known) => known.alerts.extend(meaning.alerts),
            None => found.push(meaning),
        }
    }
    found
}

fn of_tier(setup: &Setup, burn: &Burn, tier: &BurnTier) -> Option<Meaning> {
    let rule = setup.rule_of(burn);
    let stated = setup.goal_of(burn, tier);
    let share = tier.budget().map(|budget| 1.0 - budget).or(stated.map(|goal| goal.share))?;
    // A budget such as 0.001 has digits that its complement in floating point has not.
    let goal = Goal::parse(format!("{share:.8}").trim_end_matches('0')).ok()?;
    let known = stated.and_then(|goal| goal.window);
    let period = Period::Rolling(known.unwrap_or(PERIOD_USUAL));
    let (long, short) = (tier.long()?.window?, tier.short().and_then(|term| term.window));
    let alert = BurnAlert {
        name: rule.name.value.clone(),
        severity: rule.label("severity").map_or("", |label| label.text()).to_owned(),
        long,
        short: short.filter(|short| *short < long),
        factor: Factor::parse(&format!("{}", tier.factor()))?,
        min_bad_events: 0,
        labels: Default::default(),
        annotations: Default::default(),
        span: None,
    };
    let explained = burn_meaning(&alert, goal, &period);
    Some(Meaning {
        alerts: BTreeSet::from([alert.name]),
        goal: goal.to_string(),
        period: period.text(),
        is_period_assumed: known.is_none(),
        explained,
    })
}

fn of_objectives(setup: &Setup) -> impl Iterator<Item = Meaning> {
    setup.slos.iter().flat_map(|slo| {
        let goal = slo.goal.map(|goal| goal.to_string());
        let of_alert = move |explained: ExplainedAlert| {
            Some(Meaning {
                alerts: BTreeSet::from([format!("{} {}", slo.id(), explained.name)]),
                goal: goal.clone()?,
                period: slo.period.text(),
                is_period_assumed: false,
                explained,
            })
        };
        alert_meanings(slo).into_iter().filter_map(of_alert)
    })
}
