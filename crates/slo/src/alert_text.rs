//! What a burn-rate alert is called and what it says. Every number in it is computed here and now; a template that
//! shows an annotation computes nothing.

use bellwether_model::{Labels, LabelsBuilder, TimeDelta, Timestamp};

use crate::budget::{Spending, budget, exhaustion};
use crate::burn::burn_rate;
use crate::burn_alert::{BurnAlert, short_number};
use crate::definition::Slo;
use crate::measure::Measure;
use crate::status::Exhaustion;

/// What an alert is about.
pub(crate) struct Subject<'a> {
    pub(crate) slo: &'a Slo,
    /// The `group_by` labels of its stream.
    pub(crate) labels: &'a Labels,
    pub(crate) kind: AlertKind<'a>,
}

pub(crate) enum AlertKind<'a> {
    Burn(&'a BurnAlert),
    NotMeasured { severity: &'a str },
}

/// Identity: the objective's and the alert's labels, those of the stream, and what names the alert.
pub(crate) fn alert_labels(subject: &Subject<'_>) -> Labels {
    let mut labels = LabelsBuilder::from(&subject.slo.labels);
    let (suffix, severity, name) = match subject.kind {
        AlertKind::Burn(alert) => {
            alert.labels.iter().for_each(|(name, value)| {
                labels.set(name, value);
            });
            ("BurnRate", alert.severity.as_str(), alert.name.as_str())
        }
        AlertKind::NotMeasured { severity } => ("NotMeasured", severity, "not-measured"),
    };
    for (name, value) in subject.labels.iter() {
        labels.set(name, value);
    }
    let alert_name = match (&subject.kind, subject.slo.alert_name.as_str()) {
        (AlertKind::Burn(_), stated) if !stated.is_empty() => stated.to_owned(),
        _ => format!("{}{suffix}", camel_case(&subject.slo.name)),
    };
    labels.set("alertname", alert_name);
    labels.set("slo", subject.slo.name.as_str());
    if !subject.slo.service.is_empty() {
        labels.set("service", subject.slo.service.as_str());
    }
    labels.set("severity", severity);
    labels.set("alert", name);
    labels.build()
}

/// `chat-latency` becomes `ChatLatency`.
fn camel_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<Vec<_>>()
        })
        .collect()
}

/// What people read. What the objective's author wrote wins over what is computed.
pub(crate) fn alert_annotations(subject: &Subject<'_>, measure: &Measure<'_>) -> Labels {
    let slo = subject.slo;
    let mut annotations = LabelsBuilder::default();
    let title = match subject.labels.is_empty() {
        true => slo.id(),
        false => format!("{} {}", slo.id(), subject.labels),
    };
    let (summary, description, own) = match subject.kind {
        AlertKind::Burn(alert) => {
            let text = burn_text(alert, measure);
            (format!("{title}: {}", text.summary), text.description, Some(&alert.annotations))
        }
        AlertKind::NotMeasured { .. } => {
            let since = measure.watermark().map_or_else(String::new, |at| format!(" since {}", moment(at)));
            let description = format!(
                "Nothing of {} has arrived{since}. Burn-rate alerts keep the state they had.",
                slo.indicator.text()
            );
            (format!("{title} is not measured"), description, None)
        }
    };
    annotations.set("summary", summary);
    annotations.set("description", description);
    annotations.set("runbook_url", slo.about.runbook.as_str());
    for (name, value) in slo.annotations.iter().chain(own.into_iter().flat_map(Labels::iter)) {
        annotations.set(name, value);
    }
    annotations.build()
}

struct BurnText {
    summary: String,
    description: String,
}

fn burn_text(alert: &BurnAlert, measure: &Measure<'_>) -> BurnText {
    let slo = measure.slo;
    let windows = measure.alert_windows(alert);
    let rate =
        |window| slo.goal.and_then(|goal| burn_rate(&window, goal)).map_or("unknown".to_owned(), rate_text);
    let long = windows.map_or("unknown".to_owned(), |w| rate(w.long));
    let mut description = format!("Burn rate {long} over {}", alert.long);
    if let (Some(length), Some(window)) = (alert.short, windows.and_then(|w| w.short)) {
        description.push_str(&format!(" and {} over {length}", rate(window)));
    }
    description.push_str(&format!("; the alert fires above {}.", short_number(alert.factor.as_f64())));
    let of_period = |goal| measure.period().and_then(|period| Some((period, budget(&period, goal)?)));
    if let Some((goal, (period, budget))) = slo.goal.and_then(|goal| Some((goal, of_period(goal)?))) {
        description.push_str(&format!(
            " {} of the error budget of {} ({}) is left",
            percent_text(budget.left_ratio),
            slo.period.length(),
            goal
        ));
        if period.watched < slo.period.length() {
            description.push_str(&format!(", seen over {} of {}", period.watched, slo.period.length()));
        }
        description.push('.');
        if let (Some(known_until), Some(windows)) = (measure.watermark(), windows) {
            let spending = Spending { goal, budget: &budget, period: slo.period.length(), known_until };
            let used: Vec<_> = [Some(windows.long), windows.short].into_iter().flatten().collect();
            description.push_str(&exhaustion_text(exhaustion(&spending, &used), known_until));
        }
    }
    BurnText {
        summary: format!("error budget burns at {long} times the sustainable rate ({})", alert.name),
        description,
    }
}

fn exhaustion_text(exhaustion: Option<Exhaustion>, now: Timestamp) -> String {
    match exhaustion {
        None => String::new(),
        Some(Exhaustion { earliest, .. }) if earliest <= now => " It is exhausted.".to_owned(),
        Some(Exhaustion { earliest, latest: Some(latest) }) if latest - earliest < TimeDelta::MINUTE => {
            format!(" At this rate it is gone in {}, at {}.", span(earliest - now), moment(earliest))
        }
        Some(Exhaustion { earliest, latest: Some(latest) }) => format!(
            " At this rate it is gone in {} to {}, between {} and {}.",
            span(earliest - now),
            span(latest - now),
            moment(earliest),
            moment(latest)
        ),
        Some(Exhaustion { earliest, latest: None }) => {
            format!(
                " At this rate it is gone in {} at the earliest, at {}.",
                span(earliest - now),
                moment(earliest)
            )
        }
    }
}

/// Whole minutes, or seconds below two minutes.
fn span(delta: TimeDelta) -> String {
    let unit = if delta.0 < 2 * TimeDelta::MINUTE.0 { TimeDelta::SECOND.0 } else { TimeDelta::MINUTE.0 };
    TimeDelta(delta.0 / unit * unit).to_string()
}

/// A clock time without the milliseconds.
fn moment(at: Timestamp) -> String {
    let text = Timestamp(at.0.div_euclid(1000) * 1000).to_string();
    text.replace(".000Z", "Z")
}

/// Three significant digits are enough for people; whole large numbers stay whole.
fn rate_text(rate: f64) -> String {
    match rate {
        r if r >= 100.0 => format!("{r:.0}"),
        r if r >= 10.0 => short_number((r * 10.0).round() / 10.0),
        r => short_number((r * 100.0).round() / 100.0),
    }
}

/// A percentage with enough digits to tell it from 0 % and from 100 %.
pub(crate) fn percent_text(ratio: f64) -> String {
    let percent = ratio * 100.0;
    for decimals in 0..12 {
        let text = format!("{percent:.decimals$}");
        let shown: f64 = text.parse().unwrap_or(percent);
        let hides = (shown == 100.0 && ratio != 1.0) || (shown == 0.0 && ratio != 0.0);
        if !hides && (decimals >= 1 || percent.abs() >= 10.0 || percent.fract() == 0.0) {
            return format!("{text} %");
        }
    }
    format!("{percent} %")
}
