//! Which alerts are shown and in which order. All of it stands in the address, so that a view can be sent to somebody.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use bellwether_model::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::state_word;
use crate::holder::Holder;
use crate::parts::{self, Tone};
use crate::url;
use crate::view::{AlertState, AlertView};

/// What the address asks for. An unknown word asks for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    pub(super) by: String,
    pub(super) q: String,
    pub(super) state: String,
    pub(super) severity: String,
    pub(super) receiver: String,
    pub(super) owner: String,
    pub(super) sort: String,
    pub(super) page: String,
}

/// Which alerts a tab shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    All,
    Unacked,
    Acked,
    HeldBack,
    Pending,
    Resolved,
}

impl Tab {
    const ALL: [Self; 6] =
        [Self::All, Self::Unacked, Self::Acked, Self::HeldBack, Self::Pending, Self::Resolved];

    /// Its word in the address, and on the page.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::All => ("", "All"),
            Self::Unacked => ("unacked", "Unacked"),
            Self::Acked => ("acked", "Acked"),
            Self::HeldBack => ("held-back", "Held back"),
            Self::Pending => ("pending", "Pending"),
            Self::Resolved => ("resolved", "Resolved"),
        }
    }

    fn from_text(text: &str) -> Self {
        Self::ALL.into_iter().find(|tab| tab.words().0 == text).unwrap_or(Self::All)
    }

    fn shows(self, alert: &AlertView, now: Timestamp) -> bool {
        let fires = alert.state == AlertState::Firing;
        match self {
            Self::All => true,
            Self::Unacked => Holder::of(alert, now).is_wanted(),
            Self::Acked => matches!(Holder::of(alert, now), Holder::Taken(_)),
            Self::HeldBack => fires && !parts::is_loud(alert),
            Self::Pending => alert.state == AlertState::Pending,
            Self::Resolved => alert.state == AlertState::Resolved,
        }
    }
}

const SORTS: [(&str, &str); 5] = [
    ("", "what is most urgent first"),
    ("oldest", "the oldest first"),
    ("newest", "the newest first"),
    ("severity", "by severity"),
    ("name", "by name"),
];

/// Who has none.
const NOBODY: &str = "nobody";

impl Ask {
    /// Whether it leaves anything out.
    pub(super) fn narrows(&self) -> bool {
        [&self.q, &self.state, &self.severity, &self.receiver, &self.owner]
            .iter()
            .any(|text| !text.is_empty())
    }

    pub(super) fn passes(&self, alert: &AlertView, now: Timestamp) -> bool {
        self.passes_but_tab(alert, now) && Tab::from_text(&self.state).shows(alert, now)
    }

    fn passes_but_tab(&self, alert: &AlertView, now: Timestamp) -> bool {
        let is_owned = match (Holder::of(alert, now), self.owner.as_str()) {
            (_, "") => true,
            (Holder::Taken(ack), owner) => ack.by == owner,
            (Holder::Lapsed(..) | Holder::Nobody | Holder::NotAsked, owner) => owner == NOBODY,
        };
        is_owned
            && (self.severity.is_empty() || parts::severity_of(alert) == self.severity)
            && (self.receiver.is_empty() || alert.receivers.contains(&self.receiver))
            && self.finds(alert)
    }

    /// Every word is somewhere in its labels, its state or its texts.
    fn finds(&self, alert: &AlertView) -> bool {
        if self.q.trim().is_empty() {
            return true;
        }
        let text = format!("{} {} {}", alert.labels, state_word(alert), alert.annotations).to_lowercase();
        self.q.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }

    pub(super) fn sort(&self, alerts: &mut [AlertView], now: Timestamp) {
        let tone = |a: &AlertView| Tone::of_severity(parts::severity_of(a));
        alerts.sort_by_cached_key(|a| a.fingerprint.clone());
        match self.sort.as_str() {
            "oldest" => alerts.sort_by_key(|a| a.starts_at),
            "newest" => alerts.sort_by_key(|a| Reverse(a.starts_at)),
            "severity" => alerts.sort_by_key(|a| (tone(a), a.state, a.starts_at)),
            "name" => alerts.sort_by_cached_key(super::name),
            _ => alerts.sort_by_key(|a| {
                (a.state, !parts::is_loud(a), tone(a), !Holder::of(a, now).is_wanted(), a.starts_at)
            }),
        }
    }

    /// The address of this view with one thing changed.
    pub(super) fn href(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut ask = Self { page: String::new(), ..self.clone() };
        change(&mut ask);
        let fields = [
            ("by", &ask.by),
            ("state", &ask.state),
            ("severity", &ask.severity),
            ("receiver", &ask.receiver),
            ("owner", &ask.owner),
            ("q", &ask.q),
            ("sort", &ask.sort),
            ("page", &ask.page),
        ];
        url::with_query("/alerts", &fields)
    }

    /// Tabs with how many each shows, and the form for everything else.
    pub(super) fn controls(&self, alerts: &[AlertView], now: Timestamp) -> Markup {
        let here = Tab::from_text(&self.state);
        let rest: Vec<_> = alerts.iter().filter(|a| self.passes_but_tab(a, now)).collect();
        html! {
            div.tabs role="group" aria-label="State" {
                @for tab in Tab::ALL {
                    @let n = rest.iter().filter(|a| tab.shows(a, now)).count();
                    @let (word, name) = tab.words();
                    a href=(self.href(|ask| ask.state = word.to_owned())) aria-current=[(tab == here).then_some("true")] { (name) " " b { (n) } }
                }
            }
            (self.form(alerts, now))
        }
    }

    fn form(&self, alerts: &[AlertView], now: Timestamp) -> Markup {
        let severities: BTreeSet<&str> = alerts.iter().map(parts::severity_of).collect();
        let receivers: BTreeSet<&str> =
            alerts.iter().flat_map(|a| a.receivers.iter().map(String::as_str)).collect();
        let owners = alerts.iter().filter_map(|a| match Holder::of(a, now) {
            Holder::Taken(ack) => Some(ack.by.as_str()),
            Holder::Lapsed(..) | Holder::Nobody | Holder::NotAsked => None,
        });
        let owners: BTreeSet<&str> = owners.chain([NOBODY]).collect();
        let is_open = [&self.severity, &self.receiver, &self.owner, &self.sort].iter().any(|t| !t.is_empty());
        html! {
            form.filters method="get" action="/alerts" role="search" {
                @for (name, value) in [("by", &self.by), ("state", &self.state)] {
                    @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
                }
                input.grow type="search" name="q" value=(self.q) placeholder="name, label, text …" aria-label="Search in alerts";
                button { "Filter" }
                details #more open[is_open] {
                    summary { "Severity, receiver, owner, order" }
                    div.filters {
                        (select("severity", "Severity", &self.severity, &severities))
                        (select("receiver", "Receiver", &self.receiver, &receivers))
                        (select("owner", "Who has it", &self.owner, &owners))
                        label { "Order" select name="sort" {
                            @for (value, name) in SORTS { option value=(value) selected[self.sort == value] { (name) } }
                        } }
                    }
                }
            }
        }
    }
}

/// A choice among what there is; what the address asks for stays a choice even if it is gone.
fn select(name: &str, title: &str, chosen: &str, values: &BTreeSet<&str>) -> Markup {
    let mut values = values.clone();
    values.extend(Some(chosen).filter(|value| !value.is_empty()));
    html! {
        label { (title) select name=(name) {
            option value="" { "any" }
            @for value in values { option value=(value) selected[value == chosen] { (value) } }
        } }
    }
}
