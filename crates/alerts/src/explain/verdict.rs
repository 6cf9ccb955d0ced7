//! The sentence at the head of an explanation: was somebody told, and if not, what stood in the way.

use bellwether_model::{Alert, TimeDelta, Timestamp};

use super::facts::{AlertFacts, Facts, LifeFacts, Measured, RuleFacts, RuleState};
use super::hearing::{accepted_at, calls, kept_quiet, not_told, silenced, taken, told_by_ledger};
use super::words::{between, clock, lasted, listed, number};
use crate::{DeliveryStatus, LedgerEntry, Status};

pub(super) fn verdict(facts: &Facts, now: Timestamp) -> String {
    match (&facts.alert, &facts.life, &facts.rule) {
        (Some(alert), _, _) if !alert.view.resolved => firing(facts, alert, now),
        (Some(alert), _, _) => ended(&alert.view.alert, facts, now),
        (None, Some(life), _) => over(life, facts, now),
        (None, None, Some(rule)) => unrouted(rule, now),
        (None, None, None) => "it is not known here: no rule raises it, and nobody has sent it".to_owned(),
    }
}

fn firing(facts: &Facts, alert: &AlertFacts, now: Timestamp) -> String {
    let quiet = kept_quiet(alert, now);
    let Some(mut sentence) = told(facts, alert, now) else {
        return match quiet {
            Some(why) => format!("nobody was told: {why}"),
            None => untold(alert, now),
        };
    };
    if let Some(who) = taken(alert, now) {
        sentence += &format!("; {who}, so that it is not repeated");
    }
    match quiet {
        Some(why) => sentence += &format!("; now {why}"),
        None => {
            let missing = alert
                .ways
                .iter()
                .flat_map(|way| way.hearings.iter().filter_map(move |hearing| not_told(way, hearing, now)));
            let missing: Vec<String> = missing.map(|not| not.why).collect();
            if let Some(first) = missing.first() {
                sentence += &format!("; not everybody was: {first}");
            }
        }
    }
    sentence
}

/// `oncall and chat were told at 03:04:10 UTC, 31s after it fired`; `None` when nobody was.
fn told(facts: &Facts, alert: &AlertFacts, now: Timestamp) -> Option<String> {
    let starts_at = alert.view.alert.starts_at;
    let mut told = told_by_ledger(&facts.ledger, alert.view.fingerprint, starts_at);
    for way in &alert.ways {
        for hearing in way.hearings.iter().filter(|hearing| hearing.knows) {
            let receiver = &hearing.integration.receiver;
            let at = hearing.told_at.filter(|_| told.iter().all(|(known, _)| known != receiver));
            // Who stands in was not the first to be told.
            let first = alert.view.told_at.filter(|_| !hearing.stands_in);
            told.extend(at.map(|at| (receiver.clone(), first.unwrap_or(at))));
        }
    }
    told_sentence(told, alert.view.told_at, starts_at, now)
}

/// `earliest` is when anybody was told first: of an alert that is often repeated only the latest messages are looked at.
fn told_sentence(
    mut told: Vec<(String, Timestamp)>,
    earliest: Option<Timestamp>,
    starts_at: Timestamp,
    now: Timestamp,
) -> Option<String> {
    told.sort();
    told.dedup_by(|a, b| a.0 == b.0);
    let first = told.iter().map(|(_, at)| *at).min()?;
    let first = earliest.map_or(first, |at| at.min(first));
    let who: Vec<String> = told.into_iter().map(|(receiver, _)| receiver).collect();
    let were = if who.len() == 1 { "was" } else { "were" };
    let after = lasted(between(first, starts_at));
    Some(format!("{} {were} told at {}, {after} after it fired", listed(&who), clock(first, now)))
}

fn untold(alert: &AlertFacts, now: Timestamp) -> String {
    let Some(way) = alert.ways.first() else {
        return "nobody has been told yet: no group has it".to_owned();
    };
    let mut reasons: Vec<_> = alert
        .ways
        .iter()
        .flat_map(|way| way.hearings.iter().filter_map(move |hearing| not_told(way, hearing, now)))
        .collect();
    // What needs somebody comes before what only takes time.
    reasons.sort_by_key(|reason| reason.yet);
    match reasons.first() {
        None => format!("nobody was told: receiver {} has no integrations", way.receiver),
        Some(reason) if reason.yet => format!("nobody has been told yet: {}", reason.why),
        Some(reason) => format!("nobody was told: {}", reason.why),
    }
}

/// It is over, and routing still has it, because somebody has to be told of the end.
fn ended(alert: &Alert, facts: &Facts, now: Timestamp) -> String {
    let handled = facts.alert.as_ref().and_then(|alert| alert.view.handled.resolved.as_ref());
    let by_hand = handled.map(|by| format!(" (ended by {} by hand)", by.by)).unwrap_or_default();
    let told = told_of_life(alert, facts, now).unwrap_or_else(nobody);
    format!("it is over: {}{by_hand}; {told}", life_of(alert, now))
}

fn nobody() -> String {
    "nobody was told of it".to_owned()
}

fn over(life: &LifeFacts, facts: &Facts, now: Timestamp) -> String {
    let alert = &life.row.alert;
    let told = told_of_life(alert, facts, now).unwrap_or_else(|| untold_life(life, facts, now));
    let by_hand = (life.row.handled.resolved.as_ref()).map(|by| format!(" (ended by {} by hand)", by.by));
    format!("it is over: {}{}; {told}", life_of(alert, now), by_hand.unwrap_or_default())
}

fn life_of(alert: &Alert, now: Timestamp) -> String {
    let end = alert.ends_at.unwrap_or(now);
    let (from, to) = (clock(alert.starts_at, now), clock(end, now));
    format!("it fired from {from} to {to} ({})", lasted(between(end, alert.starts_at)))
}

fn told_of_life(alert: &Alert, facts: &Facts, now: Timestamp) -> Option<String> {
    let (fingerprint, starts_at) = (alert.fingerprint(), alert.starts_at);
    let told = told_by_ledger(&facts.ledger, fingerprint, starts_at);
    let recorded = facts.life.as_ref().and_then(|life| Some((&life.row.receivers, life.row.told_at?)));
    let told = match (told.as_slice(), recorded) {
        ([], Some((receivers, at))) => receivers.iter().map(|receiver| (receiver.clone(), at)).collect(),
        _ => told,
    };
    let earliest = facts.life.as_ref().and_then(|life| life.row.told_at);
    let kept = facts.alert.as_ref().filter(|alert| alert.view.alert.starts_at == starts_at);
    let earliest = earliest.or_else(|| kept.and_then(|alert| alert.view.told_at));
    let sentence = told_sentence(told, earliest, starts_at, now)?;
    let ends = facts.ledger.iter().filter(|entry| calls(entry, fingerprint, Status::Resolved, starts_at));
    Some(match ends.filter_map(accepted_at).min() {
        Some(at) => format!("{sentence}, and of the end at {}", clock(at, now)),
        None => sentence,
    })
}

/// Why nobody heard of a life that is over, as far as that is still known.
fn untold_life(life: &LifeFacts, facts: &Facts, now: Timestamp) -> String {
    let lasted_for = between(life.row.alert.ends_at.unwrap_or(now), life.row.alert.starts_at);
    if let Some(why) = silenced(&life.silences, now) {
        return format!("nobody was told: {why}");
    }
    if let Some(why) = facts.ledger.iter().find_map(failed) {
        return format!("nobody was told: {why}");
    }
    match life.group_wait.filter(|wait| lasted_for < *wait) {
        Some(wait) => {
            format!(
                "nobody was told: it was over before its group was first looked at (group_wait {})",
                lasted(wait)
            )
        }
        None => nobody(),
    }
}

fn failed(entry: &LedgerEntry) -> Option<String> {
    let DeliveryStatus::Failed { last } = &entry.row.status else { return None };
    Some(format!("{} did not take the message ({})", entry.row.delivery.integration, last.describe()))
}

/// Routing has never heard of it.
fn unrouted(rule: &RuleFacts, now: Timestamp) -> String {
    match (&rule.error, rule.state) {
        (Some(error), RuleState::Inactive) => format!("it cannot fire: its query fails: {error}"),
        (_, RuleState::Pending { since }) => {
            let held = between(now, since);
            let left = TimeDelta(rule.hold.0.saturating_sub(held.0).max(0));
            format!(
                "nobody is told yet: its condition has held for {}, and must hold for {} ({} left)",
                lasted(held),
                lasted(rule.hold),
                lasted(left)
            )
        }
        (_, RuleState::Firing { since, .. }) => {
            format!(
                "nobody has been told yet: it fires since {}, and routing has not heard of it",
                clock(since, now)
            )
        }
        (None, RuleState::Inactive) if rule.evaluated_at.is_none() && rule.is_objective => {
            "it does not fire: nothing of its objective has been measured yet".to_owned()
        }
        (None, RuleState::Inactive) if rule.evaluated_at.is_none() => {
            "it does not fire: its rule has not been evaluated yet".to_owned()
        }
        (None, RuleState::Inactive) if !rule.absent.is_empty() => {
            format!(
                "it does not fire: its query gives nothing, because no series matches {}",
                listed(&rule.absent)
            )
        }
        (None, RuleState::Inactive) => match rule.measured.iter().find(|measured| !holds(measured)) {
            Some(measured) => format!("it does not fire: {}", compared(measured)),
            None => "it does not fire: its query gives nothing".to_owned(),
        },
    }
}

/// `rate(errors_total[5m]) is 4.2, and must be > 10`.
pub(super) fn compared(measured: &Measured) -> String {
    let Measured { what, value, op, bound, .. } = measured;
    match value {
        Some(value) => format!("{what} is {}, and must be {op} {}", number(*value), number(*bound)),
        None => format!("{what} has no value, and must be {op} {}", number(*bound)),
    }
}

/// Whether a comparison is so.
pub(super) fn holds(measured: &Measured) -> bool {
    let (Some(value), bound) = (measured.value, measured.bound) else { return false };
    match measured.op {
        ">" => value > bound,
        ">=" => value >= bound,
        "<" => value < bound,
        "<=" => value <= bound,
        "==" => value == bound,
        _ => value != bound,
    }
}
