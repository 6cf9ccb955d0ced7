//! One alert, by its fingerprint or its name: the verdict first, then what it is and what can be done, then every
//! decision on its way. An alert that never fired has a page too: it says why.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};

use super::{Frame, actions, card, explanation, group_href, href, name, since, state_word, summary, tone};
use crate::page::{self, Nav};
use crate::parts;
use crate::view::{AlertGroupView, AlertView, ExplanationView, Refused};
use crate::{App, Shared, digits, forms, holder, routing_text, url};

/// Cards of alerts that share a name.
const CARDS: usize = 30;

pub(super) async fn detail(
    State(app): State<Shared>,
    Path(what): Path<String>,
    headers: HeaderMap,
) -> Response {
    let viewer = forms::viewer(&headers);
    let here = href(&what);
    let frame = Frame { now: app.now(), viewer: &viewer, back: &here };
    let explained = match app.explain(what.clone()).await {
        Ok(explained) if !explained.is_empty() => explained,
        Err(refused @ (Refused::Invalid(_) | Refused::Unavailable(_) | Refused::Conflict(_))) => {
            let status = forms::status_of(&refused);
            return page::refused(app.as_ref(), status, refused.message(), "/alerts");
        }
        Ok(_) | Err(Refused::NotFound(_)) => known(app.as_ref(), &what),
    };
    match explained.as_slice() {
        [] => unknown(app.as_ref(), &what),
        [one] => page::respond(
            app.as_ref(),
            Nav::Alerts,
            &title(one, &what),
            &whole(app.as_ref(), one, &what, &frame),
        ),
        many => page::respond(app.as_ref(), Nav::Alerts, &what, &choice(many, &what, &frame)),
    }
}

/// Alerts of that fingerprint or name as the list knows them, where nothing explains them.
fn known(app: &dyn App, what: &str) -> Vec<ExplanationView> {
    let alerts = app.alerts();
    let is_it = |a: &&AlertView| a.fingerprint == what || a.labels.get("alertname") == Some(what);
    alerts.iter().filter(is_it).map(explanation::of_alert).collect()
}

fn unknown(app: &dyn App, what: &str) -> Response {
    let main = html! {
        h1 { "No alert is called " (what) }
        (parts::empty("Nothing of that name fires, and no rule makes it", html! {
            p { "It may be over for longer than alerts are remembered: "
                a href={ "/deliveries?alert=" (url::encode(what, "")) } { "what was sent for it" } "." }
            p { "A rule of that name would be in a rule file: " (parts::command("bellwether check bellwether.yml")) }
            a.btn href="/alerts" { "All alerts" }
        }))
    };
    page::respond_with(app, StatusCode::NOT_FOUND, Nav::Alerts, "Alert", &main)
}

fn title(explanation: &ExplanationView, what: &str) -> String {
    explanation.alert.as_ref().map_or_else(|| what.to_owned(), name)
}

/// Several alerts of one name.
fn choice(many: &[ExplanationView], what: &str, frame: &Frame<'_>) -> Markup {
    html! {
        h1 { (what) ": " (parts::plural(many.len(), "alert")) }
        div.cards { @for explanation in many.iter().take(CARDS) {
            @match &explanation.alert {
                Some(alert) => (card::card(alert, frame)),
                None => article.card { p { (explanation.verdict) } },
            }
        } }
        @if many.len() > CARDS { p { a.btn href={ "/alerts?q=" (url::encode(what, "")) } { "All " (many.len()) } } }
    }
}

fn whole(app: &dyn App, explanation: &ExplanationView, what: &str, frame: &Frame<'_>) -> Markup {
    let groups = app.alert_groups();
    let alert = explanation.alert.as_ref();
    html! {
        div data-item {
            h1 { (title(explanation, what)) }
            @if let Some(alert) = alert { (head(alert, explanation, frame)) }
            @else { (explanation::verdict(explanation)) }
        }
        @if let Some(alert) = alert { (actions::forms_of(alert, frame)) }
        (explanation::people(alert, &explanation.notes, frame.now))
        (explanation::sections(explanation, frame.now))
        @if let Some(alert) = alert {
            (in_groups(alert, &groups, frame))
            (about(alert, frame))
        }
    }
}

/// What somebody needs who was just woken: all of it on the first screen.
fn head(alert: &AlertView, explanation: &ExplanationView, frame: &Frame<'_>) -> Markup {
    let tone = tone(alert);
    html! {
        section class={ "card " (tone.class()) } aria-label="The alert" {
            div.row {
                (parts::tag(tone, &parts::severity_of(alert).to_uppercase()))
                b { (state_word(alert)) }
                span.dim.small { (since(alert, frame.now)) }
            }
            @if let Some(text) = summary(alert) { p { (text) } }
            (holder::line(alert, frame.now))
            (explanation::verdict(explanation))
            (card::held_by(alert))
            @if !alert.next_step.is_empty() { p.next { b { "Next: " } (alert.next_step) } }
            (card::buttons(alert, frame))
        }
    }
}

fn in_groups(alert: &AlertView, groups: &[AlertGroupView], frame: &Frame<'_>) -> Markup {
    let now = frame.now;
    let is_in = |group: &&AlertGroupView| group.alerts.iter().any(|a| a.fingerprint == alert.fingerprint);
    let groups: Vec<_> = groups.iter().filter(is_in).collect();
    html! {
        @if !groups.is_empty() {
            section aria-labelledby="groups-title" {
                h2 #groups-title { "Travels in" }
                ul.rows { @for group in groups {
                    li {
                        a href=(group_href(&group.key)) { (group.receiver) } " " (parts::labels(&group.labels))
                        div.dim.small {
                            "with " (parts::plural(group.alerts.len().saturating_sub(1), "other alert")) ", by route " code { (group.route) } " · "
                            @match group.notified_at { Some(at) => { "told " (parts::relative(at, now)) }, None => "nobody told yet" }
                            @if let Some(at) = group.next_at { " · looked at again " (parts::relative(at, now)) ", at " (parts::moment(at, now)) }
                        }
                    }
                } }
            }
        }
    }
}

/// Labels, texts, value and source, and what routing would do with these labels.
fn about(alert: &AlertView, frame: &Frame<'_>) -> Markup {
    let now = frame.now;
    let labels = routing_text::write(&alert.labels);
    html! {
        section aria-labelledby="about-title" {
            h2 #about-title { "The alert itself" }
            dl.about {
                div { dt { "Labels" } dd { (parts::labels(&alert.labels)) } }
                @for (name, value) in alert.annotations.iter() { div { dt { (name) } dd { (value) } } }
                @if let Some(value) = alert.value { div { dt { "Value" } dd { (digits::value(value)) } } }
                div { dt { "Started" } dd { (parts::moment(alert.starts_at, now)) } }
                @if let Some(at) = alert.ends_at { div { dt { "Ends unless heard of" } dd { (parts::moment(at, now)) } } }
                div { dt { "Last heard of" } dd { (parts::moment(alert.updated_at, now)) ", " (parts::relative(alert.updated_at, now)) } }
                div { dt { "Fingerprint" } dd { code { (alert.fingerprint) } } }
            }
            div.acts {
                a.btn href={ "/routing?labels=" (url::encode(&labels, "")) } { "What would happen to these labels now?" }
                a.btn href={ "/deliveries?alert=" (url::encode(&alert.fingerprint, "")) } { "All its deliveries" }
                @if let Some(href) = parts::safe_href(&alert.generator_url) { a.btn href=(href) { "Source" } }
            }
        }
    }
}
