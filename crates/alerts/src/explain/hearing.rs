//! Where a firing alert stands with each integration of its receivers, and what keeps it from going on: the same
//! answers make the verdict, the steps and the advice.

use bellwether_model::{AlertFingerprint, TimeDelta, Timestamp};

use super::facts::{AlertFacts, Hearing, Way};
use super::words::{clock, in_brackets, lasted, listed};
use crate::{LedgerEntry, ReceiverState, Silence};

/// Where it stands with one integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It has been told.
    Knows {
        /// When it was last told of the group.
        at: Option<Timestamp>,
    },
    /// A message is on its way.
    OnItsWay,
    /// A message waits for its next attempt.
    Waits {
        /// Until when.
        until: Timestamp,
        /// What became of the last attempt; `None` while the receiver is left alone as it asked.
        last: Option<String>,
    },
    /// The route is muted.
    Muted,
    /// The group has not been looked at.
    FirstLook,
    /// The last message was refused for good.
    Refused {
        /// Why.
        why: String,
    },
    /// The next look decides.
    NextLook,
    /// It hears only what does not reach another.
    StandsBy,
}

pub(super) fn heard(way: &Way, hearing: &Hearing) -> Heard {
    if hearing.knows {
        return Heard::Knows { at: hearing.told_at };
    }
    if let Some(pending) = &hearing.pending {
        return match pending.next_attempt_at {
            Some(until) => Heard::Waits { until, last: pending.last.as_ref().map(|last| last.describe()) },
            None => Heard::OnItsWay,
        };
    }
    if hearing.stands_in {
        return Heard::StandsBy;
    }
    if !way.muted_by.is_empty() {
        return Heard::Muted;
    }
    if !way.flushed {
        return Heard::FirstLook;
    }
    let failing = hearing.health.as_ref().filter(|health| health.state == ReceiverState::Failing);
    match failing.and_then(|health| health.last_failure.clone()) {
        Some(why) => Heard::Refused { why },
        None => Heard::NextLook,
    }
}

/// Whether somebody may still hear without anybody doing anything, and why nobody has.
pub(super) struct NotTold {
    pub(super) yet: bool,
    pub(super) why: String,
}

/// Why an integration has not been told; `None` when it has.
pub(super) fn not_told(way: &Way, hearing: &Hearing, now: Timestamp) -> Option<NotTold> {
    let who = &hearing.integration;
    let (yet, why) = match heard(way, hearing) {
        Heard::Knows { .. } | Heard::StandsBy => return None,
        Heard::OnItsWay => (true, format!("the message to {who} is on its way")),
        Heard::Waits { until, last: Some(last) } => (
            true,
            format!("{who} has not taken the message ({last}); it is tried again at {}", clock(until, now)),
        ),
        Heard::Waits { until, last: None } => {
            (true, format!("{who} asked to be left alone until {}", clock(until, now)))
        }
        Heard::Muted => (false, muted(way, now)),
        Heard::FirstLook => (true, first_look(way, now)),
        Heard::Refused { why } => {
            let next = clock(way.next_flush, now);
            (false, format!("{who} does not take the message ({why}); it is tried anew at {next}"))
        }
        Heard::NextLook => (true, format!("its group is looked at next at {}", clock(way.next_flush, now))),
    };
    Some(NotTold { yet, why })
}

pub(super) fn first_look(way: &Way, now: Timestamp) -> String {
    let (until, wait) = (clock(way.next_flush, now), lasted(way.group_wait));
    format!("its group waits for company until {until} (group_wait {wait})")
}

pub(super) fn muted(way: &Way, now: Timestamp) -> String {
    let until = way.muted_until.map(|at| format!(" until {}", clock(at, now))).unwrap_or_default();
    match way.muted_by.as_slice() {
        [one] => format!("muted by time interval {one}{until}"),
        all => format!("muted by time intervals {}{until}", listed(all)),
    }
}

/// What keeps the alert from everybody, whatever its groups.
pub(super) fn kept_quiet(alert: &AlertFacts, now: Timestamp) -> Option<String> {
    let by_hand = alert.view.handled.resolved.as_ref().map(|resolved| {
        let (at, note) = (clock(resolved.at, now), in_brackets(&resolved.note));
        format!("{} ended it by hand at {at}{note}", resolved.by)
    });
    by_hand.or_else(|| silenced(&alert.silences, now)).or_else(|| inhibited(alert))
}

/// The silence that ends last, and how many others there are.
pub(super) fn silenced(silences: &[Silence], now: Timestamp) -> Option<String> {
    let last = silences.iter().max_by_key(|silence| (silence.ends_at, &silence.id))?;
    let (until, why) = (clock(last.ends_at, now), in_brackets(&last.comment));
    let more = match silences.len() {
        1 => String::new(),
        2 => ", and by another silence".to_owned(),
        n => format!(", and by {} other silences", n - 1),
    };
    Some(format!("silenced by {} until {until}{why}{more}", last.created_by))
}

pub(super) fn inhibited(alert: &AlertFacts) -> Option<String> {
    let first = alert.inhibitors.first();
    match (first, alert.view.status.inhibited_why.as_slice()) {
        (None, []) => None,
        (None, why) => Some(format!("inhibited, {}", listed(why))),
        (Some(source), _) => {
            let name = source.labels.value_or_empty("alertname");
            let name = if name.is_empty() { source.labels.to_string() } else { name.to_owned() };
            let more = match alert.inhibitors.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            Some(format!("inhibited by {name}{more}, which fires"))
        }
    }
}

/// Who has it, as a clause.
pub(super) fn taken(alert: &AlertFacts, now: Timestamp) -> Option<String> {
    let ack = alert.view.handled.ack.as_ref().filter(|ack| ack.holds(now))?;
    let until = ack.until.map(|at| format!(" until {}", clock(at, now))).unwrap_or_default();
    Some(format!("{} has it{until}{}", ack.by, in_brackets(&ack.note)))
}

/// When a receiver first took a message that calls the alert firing in this life, by what the ledger says.
pub(super) fn told_by_ledger(
    ledger: &[LedgerEntry],
    alert: AlertFingerprint,
    starts_at: Timestamp,
) -> Vec<(String, Timestamp)> {
    let mut first: std::collections::BTreeMap<String, Timestamp> = std::collections::BTreeMap::new();
    for entry in ledger.iter().filter(|entry| calls(entry, alert, crate::Status::Firing, starts_at)) {
        let Some(at) = accepted_at(entry) else { continue };
        let receiver = entry.row.delivery.integration.receiver.clone();
        first.entry(receiver).and_modify(|known| *known = at.min(*known)).or_insert(at);
    }
    first.into_iter().collect()
}

/// Whether a message speaks of this life of an alert so.
pub(super) fn calls(
    entry: &LedgerEntry,
    alert: AlertFingerprint,
    status: crate::Status,
    starts_at: Timestamp,
) -> bool {
    let mut alerts = entry.row.delivery.notification.with_status(status);
    // Reports of two sources can move a beginning; what was decided before it speaks of another life.
    entry.row.delivery.decided_at.saturating_add(TimeDelta::MINUTE) >= starts_at
        && alerts.any(|a| a.fingerprint() == alert)
}

/// When the receiver took the message; `None` if it has not.
pub(super) fn accepted_at(entry: &LedgerEntry) -> Option<Timestamp> {
    if entry.row.status != crate::DeliveryStatus::Delivered {
        return None;
    }
    let taken = entry.attempts.iter().find(|attempt| attempt.receipt.is_taken());
    Some(taken.map_or(entry.row.updated_at, |attempt| attempt.at))
}
