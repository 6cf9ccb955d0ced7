//! What to look at or do next: answers to the four questions people ask of an alerting system. Why does nothing fire?
//! Why does the alert not arrive where it is routed? Why was nobody notified? Why does it fire though all is well?

use bellwether_model::{TimeDelta, Timestamp};

use super::facts::{AlertFacts, Facts, Measured, RuleFacts, RuleState, Way};
use super::hearing::{Heard, heard};
use super::verdict::holds;
use super::words::{between, clock, lasted, listed, number};
use crate::{DeliveryStatus, EpisodeRow, Judgement, Receipt, ReceiverState};

/// Fewer lives than this say nothing about a rule.
const LIVES_MIN: usize = 5;
/// A value this close to its bound comes and goes with noise.
const NEAR_RATIO: f64 = 0.05;
/// Targets that are named; of the others only how many there are.
const TARGETS_MAX: usize = 3;

pub(super) fn advice(facts: &Facts, now: Timestamp) -> Vec<String> {
    let mut all = Vec::new();
    not_firing(facts, &mut all);
    not_routed(facts, now, &mut all);
    not_notified(facts, now, &mut all);
    false_positives(facts, &mut all);
    for trouble in &facts.troubles {
        all.push(format!("this server is in trouble: {trouble}"));
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|sentence| seen.insert(sentence.clone()));
    all
}

/// Is the rule loaded, is it evaluated, are there series, how far is the value from its bound?
fn not_firing(facts: &Facts, all: &mut Vec<String>) {
    let Some(rule) = facts.rule.as_ref().filter(|rule| rule.state == RuleState::Inactive) else { return };
    if let Some(error) = &rule.error {
        all.push(format!("mend the query of {}, which fails: {error}", rule.place));
    }
    if rule.evaluated_at.is_none() && rule.is_objective {
        all.push(format!(
            "check that the series which {} counts exist, and that their targets are scraped",
            rule.place
        ));
    } else if rule.evaluated_at.is_none() {
        all.push(format!(
            "wait for the first evaluation of {}, which happens every {}",
            rule.place,
            lasted(rule.interval)
        ));
    }
    if rule.missed > 0 {
        all.push(format!(
            "{} evaluations of {} did not happen in time: make its queries cheaper or its interval longer",
            rule.missed, rule.place
        ));
    }
    if !rule.absent.is_empty() {
        all.push(format!(
            "nothing exports {}: check the name and the labels, and that its target is scraped",
            listed(&rule.absent)
        ));
    }
    for target in facts.targets_down.iter().take(TARGETS_MAX) {
        all.push(format!("target {} of job {} does not answer: {}", target.url, target.job, target.error));
    }
    let more = facts.targets_down.len().saturating_sub(TARGETS_MAX);
    if more > 0 {
        all.push(format!("{more} more targets do not answer; see /targets"));
    }
    for measured in rule.measured.iter().filter(|measured| !holds(measured)) {
        all.extend(out_of_reach(measured));
    }
}

/// A bound that was not reached lately, where lately is known.
fn out_of_reach(measured: &Measured) -> Option<String> {
    let Measured { what, op, bound, past: Some(past), .. } = measured else { return None };
    let (extreme, word) = match *op {
        ">" | ">=" => (past.highest, "highest"),
        "<" | "<=" => (past.lowest, "lowest"),
        _ => return None,
    };
    let reached = holds(&Measured { value: Some(extreme), ..measured.clone() });
    let (extreme, bound, over) = (number(extreme), number(*bound), lasted(past.over));
    Some(match reached {
        true => format!(
            "{what} crossed {bound} within the last {over}, but not for long enough or not now: look at `for`"
        ),
        false => format!(
            "the {word} value of {what} in the last {over} was {extreme}: if that should have fired, change the bound {bound}"
        ),
    })
}

/// Rules here and Prometheus elsewhere say that it fires: does routing hear of it?
fn not_routed(facts: &Facts, now: Timestamp, all: &mut Vec<String>) {
    for member in &facts.members_failing {
        all.push(format!(
            "Alertmanager {} takes no alerts since {} ({}): check its address and the network between",
            member.name,
            clock(member.since, now),
            member.error
        ));
    }
    if let (None, Some(RuleState::Firing { .. })) = (&facts.alert, facts.rule.as_ref().map(|rule| rule.state))
    {
        all.push("the rule fires and routing does not know of it: look again after the next evaluation, and at the log if it stays so".to_owned());
    }
    let Some(alert) = facts.alert.as_ref().filter(|alert| !alert.view.resolved) else { return };
    let ends_at = alert.view.alert.ends_at.filter(|_| facts.rule.is_none());
    if let Some(end) = ends_at {
        let heard = lasted(between(now, alert.view.updated_at));
        all.push(format!(
            "its sender last repeated it {heard} ago, and it is over at {} unless it is repeated: if that is too soon, check the sender's alerting section and that it reaches this server",
            clock(end, now)
        ));
    }
}

/// What stands between a firing alert and people, and how to take it away.
fn not_notified(facts: &Facts, now: Timestamp, all: &mut Vec<String>) {
    if let Some(alert) = facts.alert.as_ref().filter(|alert| !alert.view.resolved) {
        kept_quiet(alert, all);
        for way in &alert.ways {
            of_way(way, now, all);
        }
    }
    for entry in &facts.ledger {
        if let DeliveryStatus::Failed { last } = &entry.row.status {
            all.push(mend(&entry.row.delivery.integration.to_string(), last));
        }
    }
}

fn kept_quiet(alert: &AlertFacts, all: &mut Vec<String>) {
    for silence in &alert.silences {
        all.push(format!("to hear of it all the same: bellwether silence expire {}", silence.id));
    }
    for source in &alert.inhibitors {
        let name = source.labels.value_or_empty("alertname");
        all.push(format!("look at {name} first: while it fires, this one is not told"));
    }
    if alert.view.handled.ack.is_some() {
        let fingerprint = alert.view.fingerprint;
        all.push(format!("to have it repeated again: bellwether unack {fingerprint}"));
    }
}

fn of_way(way: &Way, now: Timestamp, all: &mut Vec<String>) {
    if way.hearings.is_empty() {
        all.push(format!(
            "give receiver {} an integration, or route these labels to another one: `bellwether routes test`",
            way.receiver
        ));
    }
    if let Some(until) = way.muted_until {
        let names = listed(&way.muted_by);
        all.push(format!("receiver {} hears of it at {}: {names}", way.receiver, clock(until, now)));
    }
    for hearing in &way.hearings {
        let Some(health) = &hearing.health else { continue };
        if let Some(why) = &health.template_error {
            all.push(format!(
                "the template of {} fails, so that it is told plainly: {why}",
                hearing.integration
            ));
        }
        if let (ReceiverState::Partial, Some(why)) = (health.state, &health.last_failure) {
            all.push(format!("{} does not tell everyone ({why}): check whom it names", hearing.integration));
        }
        let pending = hearing.pending.as_ref().and_then(|pending| pending.last.as_ref());
        match (heard(way, hearing), pending) {
            (Heard::Waits { .. }, Some(last)) => all.push(mend(&hearing.integration.to_string(), last)),
            (Heard::Refused { why }, _) if health.state == ReceiverState::Failing => {
                all.push(format!(
                    "{} refuses messages ({why}): check its settings, then `bellwether drill {}`",
                    hearing.integration, hearing.integration.receiver
                ));
            }
            _ => {}
        }
    }
}

/// What usually helps against an answer like this.
fn mend(integration: &str, last: &Receipt) -> String {
    let what = match last {
        Receipt::Accepted { .. } => "it was taken in the end",
        Receipt::AcceptedInPart { .. } => "it was taken, but not for everyone: check who is left out",
        Receipt::Refused { status: 401 | 403, .. } => {
            "it does not accept the key or token: check it in the configuration"
        }
        Receipt::Refused { status: 404 | 410, .. } => "nothing is at its address any more: check the URL",
        Receipt::Refused { status: 429, .. } => {
            "it asks for fewer messages: group more, or raise group_interval"
        }
        Receipt::Refused { status: 413, .. } => "the message is too long for it: shorten the template",
        Receipt::Refused { status: 400..=499, .. } => {
            "it does not understand the message: check the template and the settings"
        }
        Receipt::Refused { .. } => "it is in trouble itself: look at its own status; attempts go on",
        Receipt::MailRefused { code: 400..=499, .. } => "the mail server takes it later; attempts go on",
        Receipt::MailRefused { code: 530..=539, .. } => {
            "the mail server does not accept the login: check user and password"
        }
        Receipt::MailRefused { .. } => "the mail server does not take it: check sender, addresses and login",
        Receipt::Unreachable { .. } => {
            "it cannot be reached: check the address, the network and any proxy; attempts go on"
        }
        Receipt::Unsendable { .. } => "it cannot be sent from here: check the file with the address or key",
    };
    format!("{integration}: {what} ({})", last.describe())
}

/// Does it cry wolf: by what people said, by how short its lives are, by how close the value is to its bound?
fn false_positives(facts: &Facts, all: &mut Vec<String>) {
    let lives = &facts.episodes;
    let judged = |judgement| lives.iter().filter(|life| says(life, judgement)).count();
    let (wrong, right) = (judged(Judgement::FalsePositive), judged(Judgement::Real));
    if wrong > 0 {
        all.push(format!(
            "people called {wrong} of {} judged alerts of this name false: raise its bound, lengthen `for`, or add a condition",
            wrong + right
        ));
    }
    all.extend(flapping(facts));
    let firing = facts.rule.as_ref().filter(|rule| rule.state != RuleState::Inactive);
    for measured in firing.iter().flat_map(|rule: &&RuleFacts| &rule.measured) {
        all.extend(near(measured));
    }
    if let Some(alert) = facts.alert.as_ref().filter(|alert| alert.view.handled.judged.is_none())
        && !alert.view.resolved
    {
        let fingerprint = alert.view.fingerprint;
        all.push(format!("if nothing is wrong, say so: bellwether mark --false-positive {fingerprint}"));
    }
}

fn says(life: &EpisodeRow, judgement: Judgement) -> bool {
    life.handled.judged.as_ref().is_some_and(|judged| judged.judgement == judgement)
}

/// Half of its lives were over soon: a longer `for` would have kept those quiet.
fn flapping(facts: &Facts) -> Option<String> {
    let mut lengths: Vec<TimeDelta> = (facts.episodes.iter())
        .map(|life| between(life.alert.ends_at.unwrap_or(life.alert.starts_at), life.alert.starts_at))
        .collect();
    if lengths.len() < LIVES_MIN {
        return None;
    }
    lengths.sort();
    let median = lengths[(lengths.len() - 1) / 2];
    if median > TimeDelta::MINUTE * 5 {
        return None;
    }
    let minutes = (median.0 + TimeDelta::MINUTE.0 - 1).div_euclid(TimeDelta::MINUTE.0).max(1);
    let longer = facts.rule.as_ref().map_or(TimeDelta::ZERO, |rule| rule.hold) + TimeDelta::MINUTE * minutes;
    let quiet = lengths.iter().filter(|length| length.0 <= TimeDelta::MINUTE.0 * minutes).count();
    Some(format!(
        "{quiet} of its last {} lives were over within {}: `for: {longer}` would have kept them quiet",
        lengths.len(),
        lasted(TimeDelta::MINUTE * minutes)
    ))
}

fn near(measured: &Measured) -> Option<String> {
    let value = measured.value?;
    let distance = (value - measured.bound).abs();
    let is_near = measured.bound != 0.0 && distance / measured.bound.abs() < NEAR_RATIO && distance > 0.0;
    is_near.then(|| {
        format!(
            "{} is {}, within 5% of its bound {}: it may come and go with noise",
            measured.what,
            number(value),
            number(measured.bound)
        )
    })
}
