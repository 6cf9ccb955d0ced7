//! Silences: what they hide now, until when, who made them and why; and the form that makes one.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bellwether_model::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::view::{AlertState, SilenceState, SilenceView};
use crate::{App, Shared, digits, forms, matcher_text, url};

/// What the address asks for: an alert, or matchers, to fill the form with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    alert: String,
    matchers: String,
}

pub(crate) async fn silences(
    State(app): State<Shared>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
) -> Response {
    let mut silences = app.silences();
    silences.sort_by_key(|s| (s.state, s.ends_at, s.id.clone()));
    let (past, present): (Vec<_>, Vec<_>) = silences.iter().partition(|s| s.state == SilenceState::Expired);
    let now = app.now();
    let main = html! {
        h1 { "Silences" }
        @if present.is_empty() {
            (parts::empty("Nothing is silenced", html! { "Make one below, or with " (parts::command("bellwether silence add alertname=Name --duration 2h --comment why")) }))
        } @else {
            div.cards { @for silence in &present { (card(silence, now)) } }
        }
        (new_form(app.as_ref(), &ask, &forms::viewer(&headers)))
        @if !past.is_empty() {
            details #past {
                summary { (parts::plural(past.len(), "expired silence")) }
                div.cards { @for silence in &past { (card(silence, now)) } }
            }
        }
    };
    page::respond(app.as_ref(), Nav::Silences, "Silences", &main)
}

fn card(silence: &SilenceView, now: Timestamp) -> Markup {
    let (tone, word) = match silence.state {
        SilenceState::Active => (Tone::Warn, "active"),
        SilenceState::Pending => (Tone::Quiet, "pending"),
        SilenceState::Expired => (Tone::Quiet, "expired"),
    };
    html! {
        article id={ "s-" (silence.id) } class={ "card " (tone.class()) } aria-label={ "Silence by " (silence.created_by) } {
            div.row {
                (parts::tag(tone, word))
                @match silence.state {
                    SilenceState::Active => { b { "hides " (parts::plural(silence.hidden_alerts, "alert")) " now" } }
                    SilenceState::Pending => { "starts " (parts::relative(silence.starts_at, now)) }
                    SilenceState::Expired => {}
                }
            }
            p.labels { @for matcher in &silence.matchers { span { (matcher) } } }
            p { (silence.comment) }
            p.dim.small {
                (silence.created_by) ", "
                @match silence.state {
                    SilenceState::Active | SilenceState::Pending => { "ends " (parts::relative(silence.ends_at, now)) ", " (parts::moment(silence.ends_at, now)) }
                    SilenceState::Expired => { "ended " (parts::relative(silence.ends_at, now)) }
                }
            }
            @if silence.state != SilenceState::Expired {
                form.acts method="post" action={ "/silences/" (url::encode(&silence.id, "")) "/expire" } { button { "Expire now" } }
            }
        }
    }
}

fn new_form(app: &dyn App, ask: &Ask, viewer: &str) -> Markup {
    let alerts = app.alerts();
    let of_alert = alerts.iter().find(|a| a.fingerprint == ask.alert).map(|alert| {
        let texts = alert.labels.iter().map(|(name, value)| matcher_text::write_equal(name, value));
        texts.collect::<Vec<_>>().join("\n")
    });
    let text = of_alert.unwrap_or_else(|| ask.matchers.clone());
    html! {
        section #new aria-labelledby="new-title" {
            h2 #new-title { "New silence" }
            (preview(app, &text))
            form.form method="post" action="/silences" {
                label {
                    "Hide alerts that match all of (one a line)"
                    textarea name="matchers" rows=(text.lines().count().clamp(2, 8)) required placeholder="alertname=\"DiskFull\"" { (text) }
                }
                div.pair {
                    label { "For" select name="for" { @for (value, name) in LENGTHS { option value=(value) selected[value == "2h"] { (name) } } } }
                    label { "Your name" input name="by" value=(viewer) required autocomplete="name"; }
                }
                label { "Why" input name="comment" required placeholder="what is being done, and a link"; }
                div.acts {
                    button.go { "Silence" }
                    button formmethod="get" formaction="/silences#new" formnovalidate { "Show what it would hide" }
                }
            }
        }
    }
}

const LENGTHS: [(&str, &str); 6] = [
    ("30m", "30 minutes"),
    ("1h", "1 hour"),
    ("2h", "2 hours"),
    ("8h", "8 hours"),
    ("1d", "1 day"),
    ("1w", "1 week"),
];

/// What the matchers in the form would hide if it were sent.
fn preview(app: &dyn App, text: &str) -> Markup {
    if text.trim().is_empty() {
        return html! {};
    }
    let matchers = match matcher_text::read(text) {
        Ok(matchers) => matchers,
        Err(reason) => return html! { p.note.bad role="alert" { "▲ " (reason) } },
    };
    let alerts = app.alerts();
    let now = app.now();
    let is_open = |state: AlertState| matches!(state, AlertState::Firing | AlertState::Pending);
    let hidden: Vec<_> = alerts
        .iter()
        .filter(|a| is_open(a.state) && bellwether_model::matches_all(&matchers, &a.labels))
        .collect();
    html! {
        div.note {
            b { "Would hide " (parts::plural(hidden.len(), "alert")) " now" }
            ul { @for alert in hidden.iter().take(10) {
                li { (alert.labels.value_or_empty("alertname")) " " span.dim { "for " (digits::length(now - alert.starts_at)) } " " (parts::labels(&alert.labels.without(&["alertname"]))) }
            } }
        }
    }
}
