//! Small pieces that several pages share. Text from outside enters only through maud, which escapes it, and addresses
//! only through [`safe_href`].

use bellwether_model::{Labels, Timestamp};
use bellwether_slo::{BudgetStatus, BurnAlertState, SloStatus, StreamStatus};
use maud::{Markup, html};

use crate::view::{AlertState, AlertView};
use crate::{digits, url};

/// How bad something is. Shown by icon and word and colour, never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    Bad,
    Warn,
    Quiet,
    Ok,
}

impl Tone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Quiet => "quiet",
            Self::Ok => "ok",
        }
    }

    const fn icon(self) -> &'static str {
        match self {
            Self::Bad => "▲",
            Self::Warn => "◆",
            Self::Quiet => "○",
            Self::Ok => "✓",
        }
    }

    /// Severity words of the common vocabularies; an unknown word is a warning.
    pub(crate) fn of_severity(severity: &str) -> Self {
        match severity.to_ascii_lowercase().as_str() {
            "page" | "critical" | "emergency" | "sev1" | "p1" => Self::Bad,
            "info" | "none" | "low" => Self::Quiet,
            _ => Self::Warn,
        }
    }
}

/// A rounded label with an icon and a word.
pub(crate) fn tag(tone: Tone, word: &str) -> Markup {
    html! { span class={ "tag " (tone.class()) } { span aria-hidden="true" { (tone.icon()) } (word) } }
}

/// A moment: UTC in the page, turned into local time (with UTC on hover) by the script.
pub(crate) fn moment(at: Timestamp, now: Timestamp) -> Markup {
    let full = at.to_string();
    let full_seconds = format!("{}Z", full.split('.').next().unwrap_or(&full));
    html! { time datetime=(full_seconds) { (utc(at, now)) } }
}

/// `03:04 UTC`, with the day when it is not today's.
pub(crate) fn utc(at: Timestamp, now: Timestamp) -> String {
    let (text, today) = (at.to_string(), now.to_string());
    let (Some(clock), Some(day)) = (text.get(11..16), text.get(..10)) else { return text };
    if today.get(..10) == Some(day) { format!("{clock} UTC") } else { format!("{day} {clock} UTC") }
}

/// `4 m ago` or `in 4 m`.
pub(crate) fn relative(at: Timestamp, now: Timestamp) -> String {
    let length = digits::length(at - now);
    if at <= now { format!("{length} ago") } else { format!("in {length}") }
}

/// `s` behind a number that is not one.
pub(crate) fn plural(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// All labels of a set.
pub(crate) fn labels(labels: &Labels) -> Markup {
    html! { span.labels { @for (name, value) in labels.iter() { span { (name) "=" (value) } } } }
}

/// An address that may stand in a link: of the web or of this site. Anything else (`javascript:`) is shown as text.
pub(crate) fn safe_href(url: &str) -> Option<&str> {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let here = url.starts_with('/') && !url.starts_with("//");
    (web || here).then_some(url)
}

/// Where an objective's page is. The id's own slash stays; everything unusual is escaped.
pub(crate) fn slo_href(id: &str) -> String {
    format!("/slos/{}", url::encode(id, "/"))
}

/// How good a budget is to look at.
pub(crate) fn budget_tone(left_ratio: f64) -> Tone {
    match left_ratio {
        x if x <= 0.0 => Tone::Bad,
        x if x < 0.25 => Tone::Warn,
        _ => Tone::Ok,
    }
}

/// What is left of a budget as text: one number, or its bounds where time went unmeasured.
pub(crate) fn budget_text(budget: &BudgetStatus) -> String {
    let (low, high) = budget.left_of_period_bounds();
    let (low, high) = (digits::percent_short(low), digits::percent_short(high));
    if low == high {
        digits::percent_short(budget.left_of_period_ratio())
    } else {
        format!("{low} to {high}")
    }
}

/// A bar that is as full as the budget.
pub(crate) fn budget_bar(budget: Option<&BudgetStatus>) -> Markup {
    let left_ratio = budget.map_or(0.0, |b| b.left_of_period_ratio());
    bar(left_ratio, None, budget_tone(left_ratio))
}

/// A bar filled to a fraction, perhaps with a tick.
pub(crate) fn bar(fraction: f64, tick: Option<f64>, tone: Tone) -> Markup {
    let width = if fraction.is_finite() { (fraction.clamp(0.0, 1.0) * 100.0).round() } else { 0.0 };
    html! {
        svg class={ "meter " (tone.class()) } viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
            rect width=(width) height="8" {}
            @if let Some(tick) = tick.map(|t| (t.clamp(0.0, 1.0) * 100.0).round()) {
                line x1=(tick) x2=(tick) y1="0" y2="8" {}
            }
        }
    }
}

/// A page's one heading with nothing surprising in it.
pub(crate) fn empty(text: &str, hint: Markup) -> Markup {
    html! { div.calm { p.big { (text) } div.dim { (hint) } } }
}

/// A command to type.
pub(crate) fn command(text: &str) -> Markup {
    html! { code { (text) } }
}

/// Whether an alert reaches people: firing and not held back.
pub(crate) fn is_loud(alert: &AlertView) -> bool {
    let held_back =
        [&alert.silenced_by, &alert.inhibited_by, &alert.muted_by].iter().any(|by| !by.is_empty());
    alert.state == AlertState::Firing && !held_back
}

/// What stands in the place of a severity that an alert does not have.
pub(crate) const NO_SEVERITY: &str = "alert";

/// The severity an alert carries; `critical` and `page` are the loud ones.
pub(crate) fn severity_of(alert: &AlertView) -> &str {
    alert.labels.get("severity").unwrap_or(NO_SEVERITY)
}

/// Whether any burn-rate alert of a stream fires.
pub(crate) fn is_burning(stream: &StreamStatus) -> bool {
    stream.alerts.iter().any(|alert| alert.state == BurnAlertState::Firing)
}

/// Finds an objective.
pub(crate) fn find_slo<'a>(slos: &'a [SloStatus], id: &str) -> Option<&'a SloStatus> {
    slos.iter().find(|slo| slo.id == id)
}

/// That there is no such objective. Who leaves out the service is told the whole name.
pub(crate) fn no_such_slo(slos: &[SloStatus], id: &str) -> String {
    let sentence = format!("no objective is called {id:?}");
    match slos.iter().find(|slo| slo.name == id) {
        Some(slo) => format!("{sentence}; did you mean {}?", slo.id),
        None => format!("{sentence}; /api/bellwether/v1/slos lists all"),
    }
}
