//! The part of the first page about alerts of rules, and of whoever sends them, rather than of objectives on cards:
//! the worst come first, and among equals those that nobody has.

use bellwether_model::Timestamp;
use maud::{Markup, html};

use crate::parts::{self, Tone};
use crate::view::{AlertState, AlertView};
use crate::{alerts, holder};

/// Cards on the first page; the others are one tap away.
const CARDS: usize = 12;

/// Firing alerts that no card of an objective stands for, the most urgent first.
pub(crate) struct Others<'a>(Vec<&'a AlertView>);

impl<'a> Others<'a> {
    pub(crate) fn of(
        alerts: &'a [AlertView],
        is_on_a_card: impl Fn(&AlertView) -> bool,
        now: Timestamp,
    ) -> Self {
        let fires = |a: &&AlertView| a.state == AlertState::Firing && !is_on_a_card(a);
        let mut others: Vec<_> = alerts.iter().filter(fires).collect();
        others.sort_by_key(|a| {
            let (tone, is_had) =
                (Tone::of_severity(parts::severity_of(a)), holder::wanted_since(a, now).is_none());
            (!parts::is_loud(a), tone, is_had, a.starts_at, &a.fingerprint)
        });
        Self(others)
    }

    /// How many reach people.
    pub(crate) fn loud(&self) -> usize {
        self.0.iter().filter(|a| parts::is_loud(a)).count()
    }

    /// Since when each of those that nobody has waits for somebody.
    pub(crate) fn waiting(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> + Clone {
        self.0.iter().filter_map(move |a| holder::wanted_since(a, now))
    }

    pub(crate) fn section(&self, viewer: &str, now: Timestamp) -> Markup {
        let total = self.0.len();
        html! {
            @if total > 0 {
                section aria-labelledby="others" {
                    h2 #others { "Other alerts firing" }
                    div.cards { @for alert in self.0.iter().take(CARDS) { (alerts::card_at(alert, viewer, "/", now)) } }
                    @if total > CARDS { p { a.btn href="/alerts" { "All " (total) } } }
                }
            }
        }
    }
}
