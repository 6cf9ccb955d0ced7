//! The form that makes or changes a silence. All of it can be filled in from the address, so that asking what it would
//! hide without a script loses nothing that was typed.

use bellwether_model::{TimeDelta, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use super::preview;
use crate::view::{AlertView, NewSilence, SilenceState, SilenceView};
use crate::{matcher_text, routing_text};

/// What the address asks for, and what the form holds when it is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    /// Which silences to show.
    pub(super) q: String,
    pub(super) page: String,
    /// An alert to fill the form with.
    alert: String,
    /// A silence to fill the form with.
    edit: String,
    /// The silence that is changed.
    id: String,
    matchers: String,
    r#for: String,
    /// Instead of now, and instead of a length; UTC.
    from: String,
    until: String,
    pub(super) by: String,
    comment: String,
}

/// Lengths; the empty text keeps the end that a silence has.
const LENGTHS: [(&str, &str); 7] = [
    ("30m", "30 minutes"),
    ("1h", "1 hour"),
    ("2h", "2 hours"),
    ("4h", "4 hours"),
    ("8h", "8 hours"),
    ("1d", "1 day"),
    ("1w", "1 week"),
];

impl Ask {
    /// Whether somebody came to make or to change a silence.
    pub(super) fn is_filled(&self) -> bool {
        [&self.alert, &self.edit, &self.matchers].iter().any(|text| !text.is_empty())
    }

    pub(super) fn finds(&self, silence: &SilenceView) -> bool {
        let matchers: Vec<_> = silence.matchers.iter().map(ToString::to_string).collect();
        let text =
            format!("{} {} {}", silence.created_by, silence.comment, matchers.join(" ")).to_lowercase();
        self.q.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }

    /// The silence that the form describes.
    pub(super) fn into_new(self, silences: &[SilenceView], now: Timestamp) -> Result<NewSilence, String> {
        let old = silences.iter().find(|s| !self.id.is_empty() && s.id == self.id);
        let matchers = matcher_text::read(&self.matchers)?;
        let started = old.filter(|s| s.state != SilenceState::Expired).map(|s| s.starts_at);
        let starts_at = match moment("from", &self.from)? {
            Some(at) => at,
            None => started.unwrap_or(now),
        };
        let ends_at = self.ends_at(old, starts_at.max(now))?;
        let (created_by, comment) = (self.by.trim().to_owned(), self.comment.trim().to_owned());
        if created_by.is_empty() {
            return Err("say who silences: the name is empty".to_owned());
        }
        if comment.is_empty() {
            return Err("say why: the reason is empty".to_owned());
        }
        let id = old.map(|s| s.id.clone());
        let annotations = old.map(|s| s.annotations.clone()).unwrap_or_default();
        Ok(NewSilence { id, matchers, starts_at, ends_at, created_by, comment, annotations })
    }

    fn ends_at(&self, old: Option<&SilenceView>, starts_at: Timestamp) -> Result<Timestamp, String> {
        if let Some(at) = moment("until", &self.until)? {
            return Ok(at);
        }
        if let (true, Some(old)) = (self.r#for.is_empty(), old) {
            return Ok(old.ends_at);
        }
        let length: TimeDelta = self.r#for.trim().parse().map_err(|error| format!("length: {error}"))?;
        Ok(starts_at.saturating_add(length))
    }
}

/// What `datetime-local` sends, taken as UTC.
fn moment(name: &str, text: &str) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let at: jiff::civil::DateTime =
        text.parse().map_err(|_| format!("{name}: {text:?} is no moment; write 2026-11-21T03:04"))?;
    let zoned = at.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| format!("{name}: {error}"))?;
    Ok(Some(Timestamp(zoned.timestamp().as_millisecond())))
}

/// What the page was made from.
pub(super) struct Seen<'a> {
    pub(super) alerts: &'a [AlertView],
    pub(super) silences: &'a [SilenceView],
    pub(super) now: Timestamp,
}

/// What the fields hold at first: what was typed, or the silence that is changed, or the alert that shall be quiet.
struct Fields {
    id: String,
    matchers: String,
    by: String,
    comment: String,
}

impl Fields {
    fn of(seen: &Seen<'_>, ask: &Ask, viewer: &str) -> Self {
        let name = |text: &str| if text.is_empty() { viewer.to_owned() } else { text.to_owned() };
        if let Some(old) = seen.silences.iter().find(|s| !ask.edit.is_empty() && s.id == ask.edit) {
            let lines: Vec<_> = old.matchers.iter().map(ToString::to_string).collect();
            let id = if old.state == SilenceState::Expired { String::new() } else { old.id.clone() };
            let (matchers, comment) = (lines.join("\n"), old.comment.clone());
            return Self { id, matchers, by: name(""), comment };
        }
        let of_alert =
            seen.alerts.iter().find(|a| a.fingerprint == ask.alert).map(|a| routing_text::write(&a.labels));
        Self {
            id: ask.id.clone(),
            matchers: of_alert.unwrap_or_else(|| ask.matchers.clone()),
            by: name(&ask.by),
            comment: ask.comment.clone(),
        }
    }
}

pub(super) fn section(seen: &Seen<'_>, ask: &Ask, viewer: &str) -> Markup {
    let fields = Fields::of(seen, ask, viewer);
    let title = if fields.id.is_empty() { "New silence" } else { "Change a silence" };
    let rows = fields.matchers.lines().count().clamp(2, 8);
    html! {
        section #new aria-labelledby="new-title" {
            h2 #new-title { (title) }
            form.form method="post" action="/silences" data-preview="/silences/preview" {
                input type="hidden" name="id" value=(fields.id);
                label {
                    "Hide alerts that match all of (one a line)"
                    textarea name="matchers" rows=(rows) required spellcheck="false" autocapitalize="off" placeholder="alertname=\"DiskFull\"" { (fields.matchers) }
                }
                div #preview data-live aria-live="polite" { (preview::of(&fields.matchers, seen.alerts, seen.now)) }
                div.pair {
                    label { "For" select name="for" { (lengths(ask, !fields.id.is_empty())) } }
                    label { "Your name" input name="by" value=(fields.by) required autocomplete="name"; }
                }
                label { "Why" input name="comment" value=(fields.comment) required autocomplete="off" placeholder="what is being done, and a link"; }
                details open[!ask.from.is_empty() || !ask.until.is_empty()] {
                    summary { "Start later, or end at an exact time" }
                    div.pair {
                        label { "From (UTC), otherwise now" input type="datetime-local" name="from" value=(ask.from); }
                        label { "Until (UTC), instead of a length" input type="datetime-local" name="until" value=(ask.until); }
                    }
                }
                div.acts {
                    button.go { @if fields.id.is_empty() { "Silence" } @else { "Change" } }
                    button formmethod="get" formaction="/silences#new" formnovalidate { "Show what it would hide" }
                }
            }
        }
    }
}

fn lengths(ask: &Ask, is_change: bool) -> Markup {
    let chosen = if ask.r#for.is_empty() && !is_change { "2h" } else { &ask.r#for };
    html! {
        @if is_change { option value="" selected[chosen.is_empty()] { "until its present end" } }
        @for (value, name) in LENGTHS { option value=(value) selected[value == chosen] { (name) @if is_change { " from now" } } }
    }
}
