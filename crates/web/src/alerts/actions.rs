//! What people do with alerts and with whole groups, from plain forms. Each leads back to the page it was on, so that
//! reloading never repeats a change; the script sends the quick ones in place and offers to undo them.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use bellwether_model::{TimeDelta, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use super::Frame;
use crate::forms::NAME_CHARS_MAX;
use crate::holder::Holder;
use crate::view::{ActionDeed, ActionSubject, AlertState, AlertView, NewAction, Refused};
use crate::{Shared, forms, parts, url};

/// Longest note: it is kept with the alert for as long as that lives.
const NOTE_CHARS_MAX: usize = 4000;
/// Most alerts that one address names.
const MANY_MAX: usize = 100;

/// For how long somebody takes an alert; the empty text means until it is over.
const LENGTHS: [(&str, &str); 6] = [
    ("", "until it is over"),
    ("30m", "30 minutes"),
    ("1h", "1 hour"),
    ("2h", "2 hours"),
    ("4h", "4 hours"),
    ("8h", "8 hours"),
];

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct ActForm {
    by: String,
    note: String,
    /// For how long, of an acknowledgement.
    r#for: String,
    /// The group, where the deed is done to one.
    key: String,
    back: String,
}

/// One alert, or several with commas between: an objective's card stands for all of its alerts.
pub(super) async fn on_alert(
    State(app): State<Shared>,
    Path((fingerprints, deed)): Path<(String, String)>,
    Form(form): Form<ActForm>,
) -> Response {
    let back = if form.back.is_empty() { "/".to_owned() } else { forms::local(&form.back) };
    let subjects = fingerprints.split(',').take(MANY_MAX).map(|f| ActionSubject::Alert(f.to_owned()));
    act(&app, subjects.collect(), &deed, &form, &back).await
}

pub(super) async fn on_group(
    State(app): State<Shared>,
    Path(deed): Path<String>,
    Form(form): Form<ActForm>,
) -> Response {
    let back = if form.back.is_empty() { super::group_href(&form.key) } else { forms::local(&form.back) };
    let groups = app.alert_groups();
    let group = groups.iter().find(|group| deed == "ack" && group.key == form.key);
    let subjects = match group.and_then(|group| some_of(&group.alerts, app.now())) {
        Some(some) => some.into_iter().map(|a| ActionSubject::Alert(a.fingerprint.clone())).collect(),
        None => vec![ActionSubject::Group(form.key.clone())],
    };
    act(&app, subjects, &deed, &form, &back).await
}

/// The alerts that nobody has, where somebody has others of the group: what they have stays theirs.
fn some_of(alerts: &[AlertView], now: Timestamp) -> Option<Vec<&AlertView>> {
    let is_taken = |a: &AlertView| matches!(Holder::of(a, now), Holder::Taken(_));
    let wanted = || alerts.iter().filter(|a| Holder::of(a, now).is_wanted());
    (alerts.iter().any(is_taken) && wanted().next().is_some()).then(|| wanted().collect())
}

/// Does it to each, and says what was refused first if anything was.
async fn act(app: &Shared, subjects: Vec<ActionSubject>, deed: &str, form: &ActForm, back: &str) -> Response {
    let mut done = Ok(());
    for subject in subjects {
        let result = match new_action(subject, deed, form, app.now()) {
            Ok(action) => app.act(action).await.map(|_| ()),
            Err(refused) => Err(refused),
        };
        done = done.and(result);
    }
    forms::answer(app, done, back, form.by.trim())
}

fn new_action(
    subject: ActionSubject,
    deed: &str,
    form: &ActForm,
    now: Timestamp,
) -> Result<NewAction, Refused> {
    let deed = match deed {
        "ack" => ActionDeed::Acknowledge { until: until(&form.r#for, now)? },
        "unack" => ActionDeed::Unacknowledge,
        "resolve" => ActionDeed::Resolve,
        "note" => ActionDeed::Note,
        "false-positive" => ActionDeed::FalsePositive,
        "real" => ActionDeed::Real,
        other => return Err(Refused::NotFound(format!("nothing is called {other:?} that one could do"))),
    };
    let (by, note) = (form.by.trim().to_owned(), form.note.trim().to_owned());
    if by.is_empty() {
        return Err(Refused::Invalid("say who: the name is empty".to_owned()));
    }
    for (what, text, chars_max) in [("name", &by, NAME_CHARS_MAX), ("note", &note, NOTE_CHARS_MAX)] {
        if text.chars().count() > chars_max {
            return Err(Refused::Invalid(format!("the {what} is longer than {chars_max} characters")));
        }
    }
    if deed == ActionDeed::Note && note.is_empty() {
        return Err(Refused::Invalid("say what: the note is empty".to_owned()));
    }
    Ok(NewAction { subject, deed, by, note })
}

fn until(length: &str, now: Timestamp) -> Result<Option<Timestamp>, Refused> {
    if length.trim().is_empty() {
        return Ok(None);
    }
    let length: TimeDelta =
        length.trim().parse().map_err(|error| Refused::Invalid(format!("for how long: {error}")))?;
    Ok(Some(now.saturating_add(length)))
}

/// The address at which something is done to alerts.
fn href(alerts: &[&AlertView]) -> String {
    let fingerprints: Vec<&str> = alerts.iter().map(|a| a.fingerprint.as_str()).collect();
    format!("/alerts/{}", url::encode(&fingerprints.join(","), ","))
}

/// A button that takes alerts: one tap for whoever has given a name before.
pub(crate) fn ack_form(alerts: &[&AlertView], viewer: &str, back: &str) -> Markup {
    let Some(first) = alerts.first() else { return html! {} };
    let address = href(&alerts[..alerts.len().min(MANY_MAX)]);
    html! {
        form id={ "ack-" (first.fingerprint) } method="post" action={ (address) "/ack" }
            data-key="a" data-undo={ (address) "/unack" } data-said={ "You have " (super::name(first)) } {
            input type="hidden" name="back" value=(back);
            (ack_button("Ack", viewer))
        }
    }
}

/// Takes every alert of a group that nobody has; shown where there is one.
pub(super) fn ack_group_form(key: &str, alerts: &[AlertView], frame: &Frame<'_>) -> Markup {
    let wanted: Vec<_> = alerts.iter().filter(|a| Holder::of(a, frame.now).is_wanted()).collect();
    if wanted.is_empty() {
        return html! {};
    }
    let firing = alerts.iter().filter(|a| a.state == AlertState::Firing).count();
    let word = match (wanted.len(), firing) {
        (_, 1) => "Ack".to_owned(),
        (wanted, firing) if wanted < firing => format!("Ack {wanted} of {firing}"),
        (_, firing) => format!("Ack all {firing}"),
    };
    // What somebody else has is not given back; too many to name are not offered back at once.
    let undo = match wanted.len() {
        wanted if wanted == firing => "/groups/unack".to_owned(),
        1..=MANY_MAX => format!("{}/unack", href(&wanted)),
        _ => String::new(),
    };
    html! {
        form method="post" action="/groups/ack" data-key="a" data-undo=(undo) data-said={ "You have " (parts::plural(wanted.len(), "alert")) } {
            input type="hidden" name="key" value=(key);
            input type="hidden" name="back" value=(frame.back);
            (ack_button(&word, frame.viewer))
        }
    }
}

fn ack_button(word: &str, viewer: &str) -> Markup {
    html! {
        @if viewer.is_empty() {
            input name="by" required placeholder="your name" autocomplete="name" aria-label="Your name";
            button.go { (word) }
        } @else {
            button.go name="by" value=(viewer) { (word) " as " (viewer) }
        }
    }
}

/// Everything that can be done to an alert, on its own page.
pub(super) fn forms_of(alert: &AlertView, frame: &Frame<'_>) -> Markup {
    let address = href(&[alert]);
    let fires = alert.state == AlertState::Firing;
    let taken = match Holder::of(alert, frame.now) {
        Holder::Taken(ack) => Some(ack),
        Holder::Lapsed(..) | Holder::Nobody | Holder::NotAsked => None,
    };
    html! {
        section aria-labelledby="act-title" {
            h2 #act-title { "Do" }
            div.deeds {
                @if fires {
                    details #do-ack {
                        summary { @if taken.is_some() { "Take it over, or for longer" } @else { "Acknowledge with a note, or for some time" } }
                        form.form method="post" action={ (address) "/ack" } {
                            (back(frame))
                            div.pair {
                                (name_field(frame.viewer))
                                label { "For" select name="for" { @for (value, name) in LENGTHS { option value=(value) { (name) } } } }
                            }
                            label { "Note, for whoever looks next (may be empty)" input name="note" autocomplete="off"; }
                            p.dim.small { "Repeats stop. A new alert in its group is told all the same, and if your time ends while it fires, everybody hears of it again." }
                            div.acts { button.go { "Acknowledge" } }
                        }
                    }
                }
                @if taken.is_some() {
                    details #do-unack {
                        summary { "Give it back" }
                        form.form method="post" action={ (address) "/unack" } {
                            (back(frame)) (name_field(frame.viewer))
                            p.dim.small { "Nobody has it then: it is told again as if nobody had taken it." }
                            div.acts { button { "Give it back" } }
                        }
                    }
                }
                details #do-note {
                    summary { "Write a note" }
                    form.form method="post" action={ (address) "/note" } {
                        (back(frame))
                        label { "Note" textarea name="note" rows="2" required {} }
                        (name_field(frame.viewer))
                        div.acts { button.go { "Keep the note" } }
                    }
                }
                details #do-judge {
                    summary { "Was it right?" }
                    form.form method="post" action={ (address) "/real" } {
                        (back(frame))
                        (name_field(frame.viewer))
                        p.dim.small { "Counts in the " a href="/statistics" { "statistics" } " of this alert. It changes nothing about what is sent." }
                        div.acts {
                            button { "Something was wrong" }
                            button formaction={ (address) "/false-positive" } { "False positive" }
                        }
                    }
                }
                @if fires {
                    details #do-resolve {
                        summary { "Resolve by hand" }
                        form.form method="post" action={ (address) "/resolve" } {
                            (back(frame))
                            p.note.warn {
                                "◆ Whoever was told of it hears that it is over, although its condition still holds. "
                                "It stays quiet until the condition has cleared once, and fires again only after that. "
                                "To be left alone for some time, acknowledge or silence it instead."
                            }
                            (name_field(frame.viewer))
                            label { "Why (may be empty)" input name="note" autocomplete="off"; }
                            div.acts { button.danger { "Resolve by hand" } }
                        }
                    }
                }
            }
        }
    }
}

fn back(frame: &Frame<'_>) -> Markup {
    html! { input type="hidden" name="back" value=(frame.back); }
}

fn name_field(viewer: &str) -> Markup {
    html! { label { "Your name" input name="by" value=(viewer) required autocomplete="name"; } }
}
