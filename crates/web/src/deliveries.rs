//! The ledger of notifications: what was decided, how it went, and the receipt.

use axum::extract::{Query, State};
use axum::response::Response;
use bellwether_model::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use crate::Shared;
use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::view::{DeliveryFilter, DeliveryOutcome, DeliveryView};

/// Rows of a page.
const LIMIT: usize = 200;

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    receiver: String,
    outcome: String,
}

impl Ask {
    /// An unknown outcome asks for all.
    pub(crate) fn filter(&self) -> DeliveryFilter {
        let outcome = OUTCOMES.iter().find(|(_, name)| *name == self.outcome).map(|(outcome, _)| *outcome);
        let receiver = Some(self.receiver.clone()).filter(|name| !name.is_empty());
        DeliveryFilter { receiver, outcome, limit: LIMIT, ..DeliveryFilter::default() }
    }
}

const OUTCOMES: [(DeliveryOutcome, &str); 5] = [
    (DeliveryOutcome::Pending, "pending"),
    (DeliveryOutcome::Retrying, "retrying"),
    (DeliveryOutcome::Delivered, "delivered"),
    (DeliveryOutcome::Failed, "failed"),
    (DeliveryOutcome::Superseded, "superseded"),
];

const fn tone(outcome: DeliveryOutcome) -> (Tone, &'static str) {
    match outcome {
        DeliveryOutcome::Pending => (Tone::Quiet, "pending"),
        DeliveryOutcome::Retrying => (Tone::Warn, "retrying"),
        DeliveryOutcome::Delivered => (Tone::Ok, "delivered"),
        DeliveryOutcome::Failed => (Tone::Bad, "failed"),
        DeliveryOutcome::Superseded => (Tone::Quiet, "superseded"),
    }
}

pub(crate) async fn deliveries(State(app): State<Shared>, Query(ask): Query<Ask>) -> Response {
    let answer = app.deliveries(ask.filter()).await;
    let main = html! {
        h1 { "Deliveries" }
        (filters(&ask))
        @match &answer {
            Err(reason) => { p.note.bad role="alert" { "▲ The ledger cannot be read: " (reason) } }
            Ok(rows) if rows.is_empty() => {
                (parts::empty("No notification has been sent", html! {
                    "Messages are listed here from the moment they are decided. What fires now: " (parts::command("bellwether alerts"))
                }))
            }
            Ok(rows) => {
                (table(rows, app.now()))
                @if rows.len() == LIMIT { p.dim { "The newest " (LIMIT) "; narrow the filter to see older ones." } }
            }
        }
    };
    page::respond(app.as_ref(), Nav::Deliveries, "Deliveries", &main)
}

fn filters(ask: &Ask) -> Markup {
    html! {
        form.filters method="get" action="/deliveries" role="search" {
            label { "Receiver" input type="search" name="receiver" value=(ask.receiver) placeholder="any"; }
            label { "Outcome" select name="outcome" {
                option value="" { "any" }
                @for (_, name) in OUTCOMES { option value=(name) selected[ask.outcome == name] { (name) } }
            } }
            button { "Filter" }
        }
    }
}

fn table(rows: &[DeliveryView], now: Timestamp) -> Markup {
    html! {
        div.scroll { table.stack {
            thead { tr { th scope="col" { "Outcome" } th scope="col" { "When" } th scope="col" { "Receiver" } th scope="col" { "Why" } th scope="col" { "About" } th scope="col" { "Receipt or answer" } } }
            tbody { @for row in rows { (delivery(row, now)) } }
        } }
    }
}

fn delivery(row: &DeliveryView, now: Timestamp) -> Markup {
    let (tone, word) = tone(row.outcome);
    html! {
        tr {
            td {
                (parts::tag(tone, word))
                @if row.attempts > 1 { div.dim.small { (row.attempts) " attempts" } }
                @if let Some(at) = row.next_attempt_at { div.dim.small { "again " (parts::relative(at, now)) } }
            }
            td data-k="When" { (parts::moment(row.decided_at, now)) div.dim.small { (parts::relative(row.decided_at, now)) } }
            td data-k="Receiver" { b { (row.receiver) } div.dim.small { (row.integration) } }
            td data-k="Why" { (row.why) div.dim.small { (row.firing) " firing, " (row.resolved) " resolved" } }
            td.w { (parts::labels(&row.group_labels)) }
            td.w { @if row.detail.is_empty() { span.dim { "none yet" } } @else { span.small { (row.detail) } } }
        }
    }
}
