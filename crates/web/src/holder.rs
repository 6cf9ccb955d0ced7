//! Who has an alert, or for how long nobody has: the one answer that every page and the header give.

use bellwether_model::Timestamp;
use maud::{Markup, html};

use crate::view::{AckView, AlertState, AlertView};
use crate::{digits, parts};

/// Who has an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder<'a> {
    /// Somebody does.
    Taken(&'a AckView),
    /// Somebody did, until then; it fires on.
    Lapsed(&'a AckView, Timestamp),
    /// Nobody, although it reaches people.
    Nobody,
    /// Nobody has to: it is pending, over, or held back.
    NotAsked,
}

impl<'a> Holder<'a> {
    pub(crate) fn of(alert: &'a AlertView, now: Timestamp) -> Self {
        let lapsed = |ack: &AckView| ack.until.filter(|until| *until <= now);
        match &alert.ack {
            _ if alert.state != AlertState::Firing => Self::NotAsked,
            Some(ack) if lapsed(ack).is_none() => Self::Taken(ack),
            _ if !parts::is_loud(alert) => Self::NotAsked,
            Some(ack) => Self::Lapsed(ack, lapsed(ack).unwrap_or(now)),
            None => Self::Nobody,
        }
    }

    /// Whether somebody should take it.
    pub(crate) const fn is_wanted(self) -> bool {
        match self {
            Self::Lapsed(..) | Self::Nobody => true,
            Self::Taken(_) | Self::NotAsked => false,
        }
    }
}

/// Since when somebody should have taken it; `None` when somebody has, or nobody has to.
pub(crate) fn wanted_since(alert: &AlertView, now: Timestamp) -> Option<Timestamp> {
    match Holder::of(alert, now) {
        Holder::Nobody => Some(alert.starts_at),
        Holder::Lapsed(_, until) => Some(until),
        Holder::Taken(_) | Holder::NotAsked => None,
    }
}

/// The same as a line of a card; nothing where nobody has to.
pub(crate) fn line(alert: &AlertView, now: Timestamp) -> Markup {
    let unacked = |since: Timestamp| format!("UNACKED {}", digits::length_coarse(now - since));
    html! {
        @match Holder::of(alert, now) {
            Holder::Taken(ack) => p.who {
                b.ok { span aria-hidden="true" { "✓ " } (ack.by) } " has it since " (parts::moment(ack.at, now))
                @if let Some(until) = ack.until { ", until " (parts::moment(until, now)) }
                @if !ack.note.is_empty() { ": " q { (ack.note) } }
            },
            Holder::Lapsed(ack, until) => p.who {
                b.bad { (unacked(until)) } " " (ack.by) " had it until " (parts::moment(until, now))
            },
            Holder::Nobody => p.who { b.bad { (unacked(alert.starts_at)) } },
            Holder::NotAsked => {},
        }
        @if let Some(by) = &alert.ended_by {
            p.who { b { "ended by hand" } " by " (by) "; fires again only after its condition has cleared" }
        }
    }
}
