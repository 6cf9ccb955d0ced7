//! All alerts, pending ones too, a card each; or the groups in which they travel, which is how Alertmanager shows them.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

use super::filter::Ask;
use super::{Frame, card, group};
use crate::page::{self, Nav};
use crate::view::{AlertGroupView, AlertView};
use crate::{App, Shared, forms, pager, parts};

/// Cards of a page: more would be neither read nor quickly loaded on a phone.
const CARDS: usize = 30;
/// Groups of a page.
const GROUPS: usize = 15;

pub(super) async fn alerts(
    State(app): State<Shared>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
) -> Response {
    let viewer = forms::viewer(&headers);
    let back = ask.href(|ask_back| ask_back.page = ask.page.clone());
    let frame = Frame { now: app.now(), viewer: &viewer, back: &back };
    if ask.by == "group" {
        return page::respond(
            app.as_ref(),
            Nav::Groups,
            "Alertmanager",
            &by_group(app.as_ref(), &ask, &frame),
        );
    }
    page::respond(app.as_ref(), Nav::Alerts, "Alerts", &by_alert(app.as_ref(), &ask, &frame))
}

fn by_alert(app: &dyn App, ask: &Ask, frame: &Frame<'_>) -> Markup {
    let all = app.alerts();
    let mut shown: Vec<AlertView> = all.iter().filter(|a| ask.passes(a, frame.now)).cloned().collect();
    ask.sort(&mut shown, frame.now);
    let pages = pager::Pages::of(&ask.page, shown.len(), CARDS);
    html! {
        h1 { "Active Alerts" }
        @if all.is_empty() {
            (parts::empty(
                "No alert is firing or pending",
                html! { "To see one come and go, break a simulated service: " (parts::command("bellwether demo")) },
            ))
        } @else {
            (ask.controls(&all, frame.now))
            @if shown.is_empty() { (none_matches(ask, all.len())) }
            div.cards { @for alert in &shown[pages.range()] { (card::card(alert, frame)) } }
            (pages.links(|n| ask.href(|a| a.page = n)))
        }
    }
}

/// What is not here may be an alert that never fired: its page says why.
fn none_matches(ask: &Ask, total: usize) -> Markup {
    let name = ask.q.trim();
    parts::empty(
        "No alert matches",
        html! {
            a href="/alerts" { "Show all " (total) }
            @if !name.is_empty() && !name.contains(char::is_whitespace) {
                ", or see " a href=(super::href(name)) { "why " (name) " does not fire" }
            }
        },
    )
}

fn by_group(app: &dyn App, ask: &Ask, frame: &Frame<'_>) -> Markup {
    let groups = app.alert_groups();
    let whole = Ask { receiver: String::new(), ..ask.clone() };
    let shown = |group: &AlertGroupView| {
        let mut alerts: Vec<AlertView> =
            group.alerts.iter().filter(|a| whole.passes(a, frame.now)).cloned().collect();
        ask.sort(&mut alerts, frame.now);
        alerts
    };
    let is_shown = |group: &&AlertGroupView| {
        let of_receiver = ask.receiver.is_empty() || group.receiver == ask.receiver;
        of_receiver && (!ask.narrows() || group.alerts.iter().any(|a| whole.passes(a, frame.now)))
    };
    let total = groups.len();
    let groups: Vec<&AlertGroupView> = groups.iter().filter(is_shown).collect();
    let pages = pager::Pages::of(&ask.page, groups.len(), GROUPS);
    html! {
        h1 { "Alertmanager: groups on their way" }
        @if total == 0 {
            (parts::empty("No group is on its way", html! {
                "Alerts travel in groups, as the routes of the configuration say; check them with "
                (parts::command("bellwether check alertmanager.yml"))
            }))
        } @else {
            (ask.controls(&app.alerts(), frame.now))
            @if groups.is_empty() { (parts::empty("No group matches", html! { a href="/alerts?by=group" { "Show all " (total) } })) }
            @for group in &groups[pages.range()] { (group::section(group, &shown(group), frame)) }
            (pages.links(|n| ask.href(|a| a.page = n)))
        }
        p.dim { "Where would other labels go? " a href="/routing" { "Try some" } }
    }
}
