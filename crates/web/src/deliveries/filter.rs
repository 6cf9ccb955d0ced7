//! Which notifications are shown: all of it in the address. Pages are cut by time, so that what is new moves nothing;
//! several may be decided at one moment, and those already shown are skipped.

use bellwether_model::{TimeDelta, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use crate::url;
use crate::view::{DeliveryFilter, DeliveryOutcome, DeliveryView};

/// Rows of an answer of the API.
const LIMIT: usize = 200;
/// Rows of a page.
const ROWS: usize = 50;
/// Most rows of one moment that a page skips.
const SKIP_MAX: usize = 10_000;

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    receiver: String,
    outcome: String,
    alert: String,
    group: String,
    /// How far back, as a length of time.
    within: String,
    /// Milliseconds since 1970: only what was decided before.
    pub(super) before: String,
    /// How many of the newest rows before that were shown already.
    skip: String,
}

const OUTCOMES: [(DeliveryOutcome, &str); 5] = [
    (DeliveryOutcome::Pending, "pending"),
    (DeliveryOutcome::Retrying, "retrying"),
    (DeliveryOutcome::Delivered, "delivered"),
    (DeliveryOutcome::Failed, "failed"),
    (DeliveryOutcome::Superseded, "superseded"),
];

const LENGTHS: [(&str, &str); 5] = [
    ("", "any time"),
    ("1h", "the last hour"),
    ("1d", "the last day"),
    ("1w", "the last week"),
    ("30d", "the last 30 days"),
];

impl Ask {
    /// An unknown outcome asks for all.
    pub(crate) fn filter(&self) -> DeliveryFilter {
        let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let outcome = OUTCOMES.iter().find(|(_, name)| *name == self.outcome).map(|(outcome, _)| *outcome);
        let (receiver, alert, group) = (said(&self.receiver), said(&self.alert), said(&self.group));
        DeliveryFilter { receiver, outcome, alert, group, limit: LIMIT, ..DeliveryFilter::default() }
    }

    /// The rows of this page and one more, which says whether there is another page.
    pub(super) fn page_filter(&self, now: Timestamp) -> DeliveryFilter {
        let since = self.within.parse::<TimeDelta>().ok().map(|within| now - within);
        let limit = ROWS + 1 + self.skipped();
        DeliveryFilter { since, before: self.before_at(), limit, ..self.filter() }
    }

    fn before_at(&self) -> Option<Timestamp> {
        self.before.parse().ok().map(Timestamp)
    }

    fn skipped(&self) -> usize {
        self.skip.parse().unwrap_or(0).min(SKIP_MAX)
    }

    /// The rows to show, and the address of the next page if there is one.
    pub(super) fn cut<'a>(&self, rows: &'a [DeliveryView]) -> (&'a [DeliveryView], Option<String>) {
        let rows = rows.get(self.skipped()..).unwrap_or_default();
        let shown = &rows[..rows.len().min(ROWS)];
        let Some(last) = shown.last().filter(|_| rows.len() > ROWS) else { return (shown, None) };
        let same = shown.iter().filter(|row| row.decided_at == last.decided_at).count();
        let before = Timestamp(last.decided_at.0 + 1);
        // A moment that fills whole pages goes on counting.
        let skip = same + if self.before_at() == Some(before) { self.skipped() } else { 0 };
        (shown, Some(self.href(&before.0.to_string(), &skip.to_string())))
    }

    pub(super) fn newest(&self) -> String {
        self.href("", "")
    }

    fn href(&self, before: &str, skip: &str) -> String {
        let (before, skip) = (before.to_owned(), skip.to_owned());
        let fields = [
            ("receiver", &self.receiver),
            ("outcome", &self.outcome),
            ("within", &self.within),
            ("alert", &self.alert),
            ("group", &self.group),
            ("before", &before),
            ("skip", &skip),
        ];
        url::with_query("/deliveries", &fields)
    }

    pub(super) fn narrows(&self) -> bool {
        [&self.receiver, &self.outcome, &self.alert, &self.group, &self.within, &self.before]
            .iter()
            .any(|text| !text.is_empty())
    }

    pub(super) fn form(&self, receivers: &[String]) -> Markup {
        let gone = Some(&self.receiver).filter(|name| !name.is_empty() && !receivers.contains(name));
        html! {
            form.filters method="get" action="/deliveries" role="search" {
                label { "Receiver" select name="receiver" {
                    option value="" { "any" }
                    @for name in receivers.iter().chain(gone) { option value=(name) selected[*name == self.receiver] { (name) } }
                } }
                label { "Outcome" select name="outcome" {
                    option value="" { "any" }
                    @for (_, name) in OUTCOMES { option value=(name) selected[self.outcome == name] { (name) } }
                } }
                label { "When" select name="within" {
                    @for (value, name) in LENGTHS { option value=(value) selected[self.within == value] { (name) } }
                } }
                label { "Alert" input type="search" name="alert" value=(self.alert) placeholder="fingerprint"; }
                @if !self.group.is_empty() { label { "Group" input type="search" name="group" value=(self.group); } }
                button { "Filter" }
            }
        }
    }
}
