//! One silence: what it hides, why, until when, and what can be done to it.

use bellwether_model::Timestamp;
use maud::{Markup, html};

use crate::parts::{self, Tone};
use crate::view::{AlertState, AlertView, SilenceState, SilenceView};
use crate::{alerts, url};

/// Hidden alerts that are named.
const NAMED: usize = 5;

pub(super) fn card(silence: &SilenceView, alerts: &[AlertView], now: Timestamp) -> Markup {
    let hides = |a: &&AlertView| a.state == AlertState::Firing && a.silenced_by.contains(&silence.id);
    let hidden: Vec<_> = alerts.iter().filter(hides).collect();
    let ends_soon = silence.ends_soon(now);
    let (tone, word) = match silence.state {
        SilenceState::Active if ends_soon => (Tone::Bad, "ends soon"),
        SilenceState::Active => (Tone::Warn, "active"),
        SilenceState::Pending => (Tone::Quiet, "pending"),
        SilenceState::Expired => (Tone::Quiet, "expired"),
    };
    html! {
        article id={ "s-" (silence.id) } class={ "card " (tone.class()) } aria-label={ "Silence by " (silence.created_by) } data-item {
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
            @if !silence.annotations.is_empty() {
                dl.about { @for (name, value) in &silence.annotations { div { dt { (name) } dd { (value) } } } }
            }
            p.dim.small {
                (silence.created_by) ", "
                @match silence.state {
                    SilenceState::Active | SilenceState::Pending => { "ends " (parts::relative(silence.ends_at, now)) ", " (parts::moment(silence.ends_at, now)) }
                    SilenceState::Expired => { "ended " (parts::relative(silence.ends_at, now)) }
                }
            }
            @if ends_soon {
                p.note.bad { "▲ Ends " (parts::relative(silence.ends_at, now)) " while it hides " (parts::plural(hidden.len(), "firing alert")) ": people will be told then." }
            }
            (hidden_alerts(&hidden))
            (buttons(silence))
        }
    }
}

fn hidden_alerts(hidden: &[&AlertView]) -> Markup {
    html! {
        @if !hidden.is_empty() {
            ul.rows {
                @for alert in hidden.iter().take(NAMED) {
                    li { a href=(alerts::href(&alert.fingerprint)) { (alert.labels.value_or_empty("alertname")) } " " (parts::labels(&alert.labels.without(&["alertname"]))) }
                }
                @if hidden.len() > NAMED { li.dim { "and " (hidden.len() - NAMED) " more" } }
            }
        }
    }
}

fn buttons(silence: &SilenceView) -> Markup {
    let address = format!("/silences/{}", url::encode(&silence.id, ""));
    let edit = format!("/silences?edit={}#new", url::encode(&silence.id, ""));
    html! {
        div.acts {
            @if silence.state == SilenceState::Expired {
                a.btn href=(edit) data-main { "Make it anew" }
            } @else {
                a.btn href=(edit) data-main { "Edit" }
                form method="post" action={ (address) "/extend" } {
                    button name="for" value="1h" { "1 h longer" }
                    button name="for" value="8h" { "8 h longer" }
                }
                form method="post" action={ (address) "/expire" } { button { "Expire now" } }
            }
        }
    }
}
