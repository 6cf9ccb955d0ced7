//! The ledger of notifications: what was decided, how it went, and the receipt; and what was sent, message by message.

mod detail;
mod filter;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use bellwether_model::Timestamp;
use maud::{Markup, html};

pub(crate) use filter::Ask;

use crate::Shared;
use crate::page::{self, Nav};
use crate::parts;
use crate::sent::{href, tone};
use crate::view::DeliveryView;

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/deliveries", get(deliveries)).route("/deliveries/{id}", get(detail::detail))
}

/// The pages about what is sent.
pub(crate) fn tabs(here: &str) -> Markup {
    let tabs = [("/deliveries", "Messages"), ("/receivers", "Receivers"), ("/statistics", "Statistics")];
    html! {
        div.tabs role="group" aria-label="Views" {
            @for (href, name) in tabs { a href=(href) aria-current=[(href == here).then_some("page")] { (name) } }
        }
    }
}

async fn deliveries(State(app): State<Shared>, Query(ask): Query<Ask>) -> Response {
    let now = app.now();
    let answer = app.deliveries(ask.page_filter(now)).await;
    let names: Vec<String> = app.receivers().into_iter().map(|receiver| receiver.name).collect();
    let main = html! {
        h1 { "Deliveries" }
        (tabs("/deliveries"))
        (ask.form(&names))
        @match &answer {
            Err(reason) => { p.note.bad role="alert" { "▲ The ledger cannot be read: " (reason) } }
            Ok(rows) => (listed(&ask, rows, now)),
        }
    };
    page::respond(app.as_ref(), Nav::Deliveries, "Deliveries", &main)
}

fn listed(ask: &Ask, rows: &[DeliveryView], now: Timestamp) -> Markup {
    let (rows, older) = ask.cut(rows);
    html! {
        @if rows.is_empty() {
            @if ask.narrows() {
                (parts::empty("No notification matches", html! { a href="/deliveries" { "Show all" } }))
            } @else {
                (parts::empty("No notification has been sent", html! {
                    "Messages are listed here from the moment they are decided. What fires now: " (parts::command("bellwether alerts"))
                    ". To try a receiver: " a href="/receivers" { "send a drill" } " or " (parts::command("bellwether drill --all"))
                }))
            }
        } @else {
            (table(rows, now))
        }
        @if !ask.before.is_empty() || older.is_some() {
            nav.pager aria-label="Pages of this list" {
                @if !ask.before.is_empty() { a.btn href=(ask.newest()) { "Newest" } }
                @if let Some(href) = older { a.btn rel="next" href=(href) { "Older" } }
            }
        }
    }
}

fn table(rows: &[DeliveryView], now: Timestamp) -> Markup {
    html! {
        div.scroll { table.stack {
            thead { tr { th scope="col" { "Outcome" } th scope="col" { "When" } th scope="col" { "Receiver" } th scope="col" { "Why" } th scope="col" { "About" } th scope="col" { "Receipt or answer" } } }
            tbody { @for row in rows { (line(row, now)) } }
        } }
    }
}

fn line(row: &DeliveryView, now: Timestamp) -> Markup {
    let (tone, word) = tone(row.outcome);
    html! {
        tr {
            td {
                (parts::tag(tone, word))
                @if row.attempts > 1 { div.dim.small { (row.attempts) " attempts" } }
                @if let Some(at) = row.next_attempt_at { div.dim.small { "again " (parts::relative(at, now)) } }
            }
            td data-k="When" { (parts::moment(row.decided_at, now)) div.dim.small { (parts::relative(row.decided_at, now)) } }
            th scope="row" data-k="Receiver" { a href=(href(&row.id)) { (row.receiver) } div.dim.small { (row.integration) } }
            td data-k="Why" { (row.why) div.dim.small { (row.firing) " firing, " (row.resolved) " resolved" } }
            td.w { (parts::labels(&row.group_labels)) }
            td.w { @if row.detail.is_empty() { span.dim { "none yet" } } @else { span.small { (row.detail) } } }
        }
    }
}
