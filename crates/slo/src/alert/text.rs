//! What an objective's alert is called and what it says. Every number in it is computed here and now; a template that
//! shows an annotation computes nothing.

use bellwether_model::{Labels, LabelsBuilder, Timestamp};

use crate::alert::facts::{AlertFacts, budget_facts, burn_facts, end_text, moment};
use crate::alert::template::render;
use crate::alert::verdict::short_number;
use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::definition::Slo;
use crate::goal::Share;
use crate::measure::Measure;
use crate::period::Period;
use crate::sampled::whole_threshold::{Seen, check, text};
use crate::threshold_alert::ThresholdAlert;

/// What an alert is about.
pub(crate) struct Subject<'a> {
    pub(crate) slo: &'a Slo,
    /// The `group_by` labels of its stream.
    pub(crate) labels: &'a Labels,
    pub(crate) kind: AlertKind<'a>,
}

#[derive(Clone, Copy)]
pub(crate) enum AlertKind<'a> {
    Burn(&'a BurnAlert),
    Budget(&'a BudgetAlert),
    Threshold(&'a ThresholdAlert),
    NotMeasured { severity: &'a str },
}

impl<'a> AlertKind<'a> {
    fn severity(self) -> &'a str {
        match self {
            Self::Burn(alert) => &alert.severity,
            Self::Budget(alert) => &alert.severity,
            Self::Threshold(alert) => &alert.severity,
            Self::NotMeasured { severity } => severity,
        }
    }

    /// What it is called within the objective.
    fn name(self) -> &'a str {
        match self {
            Self::Burn(alert) => &alert.name,
            Self::Budget(alert) => &alert.name,
            Self::Threshold(alert) => &alert.name,
            Self::NotMeasured { .. } => "not-measured",
        }
    }

    /// The end of the name that is made of the objective's.
    fn suffix(self) -> &'static str {
        match self {
            Self::Burn(_) => "BurnRate",
            Self::Budget(_) => "ErrorBudget",
            Self::Threshold(_) => "NotMet",
            Self::NotMeasured { .. } => "NotMeasured",
        }
    }

    fn own_labels(self) -> Option<&'a Labels> {
        match self {
            Self::Burn(alert) => Some(&alert.labels),
            Self::Budget(alert) => Some(&alert.labels),
            Self::Threshold(alert) => Some(&alert.labels),
            Self::NotMeasured { .. } => None,
        }
    }

    fn own_annotations(self) -> Option<&'a Labels> {
        match self {
            Self::Burn(alert) => Some(&alert.annotations),
            Self::Budget(alert) => Some(&alert.annotations),
            Self::Threshold(alert) => Some(&alert.annotations),
            Self::NotMeasured { .. } => None,
        }
    }
}

/// Identity: what names the alert, the labels of its stream, its own, those of its severity, those of the objective.
/// What stands first here wins.
pub(crate) fn alert_labels(subject: &Subject<'_>) -> Labels {
    let Subject { slo, kind, .. } = subject;
    let mut labels = LabelsBuilder::from(&slo.labels);
    let stated = [slo.severity_labels.get(kind.severity()), kind.own_labels(), Some(subject.labels)];
    for (name, value) in stated.into_iter().flatten().flat_map(Labels::iter) {
        labels.set(name, value);
    }
    let alert_name = match (kind, slo.alert_name.as_str()) {
        (AlertKind::Burn(_), stated) if !stated.is_empty() => stated.to_owned(),
        (
            AlertKind::Burn(_)
            | AlertKind::Budget(_)
            | AlertKind::Threshold(_)
            | AlertKind::NotMeasured { .. },
            _,
        ) => format!("{}{}", camel_case(&slo.name), kind.suffix()),
    };
    labels.set("alertname", alert_name);
    labels.set("slo", slo.name.as_str());
    if !slo.service.is_empty() {
        labels.set("service", slo.service.as_str());
    }
    labels.set("severity", kind.severity());
    labels.set("alert", kind.name());
    labels.build()
}

/// The labels of the alert that an objective calls so within itself, e.g. `fast-burn`, for a stream of it.
pub fn labels_of_alert(slo: &Slo, stream: &Labels, name: &str) -> Option<Labels> {
    let burns = slo.alerts.iter().map(AlertKind::Burn);
    let budgets = slo.budget_alerts.iter().map(AlertKind::Budget);
    let thresholds = slo.threshold_alerts.iter().map(AlertKind::Threshold);
    let kind = burns.chain(budgets).chain(thresholds).find(|kind| kind.name() == name)?;
    Some(alert_labels(&Subject { slo, labels: stream, kind }))
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

/// What people read. What the objective's author wrote wins over what is computed. `labels` are the alert's.
pub(crate) fn alert_annotations(subject: &Subject<'_>, labels: &Labels, measure: &Measure<'_>) -> Labels {
    let Subject { slo, kind, .. } = subject;
    let mut annotations = LabelsBuilder::default();
    let title = match subject.labels.is_empty() {
        true => slo.id(),
        false => format!("{} {}", slo.id(), subject.labels),
    };
    let (text, facts) = match kind {
        AlertKind::Burn(alert) => {
            let facts = burn_facts(alert, measure);
            (burn_text(&title, alert, measure, &facts), facts)
        }
        AlertKind::Budget(alert) => {
            let facts = budget_facts(measure);
            (budget_text(&title, alert, measure, &facts), facts)
        }
        AlertKind::Threshold(alert) => {
            let seen = measure.engine.whole_thresholds.seen(&slo.id());
            let facts = AlertFacts { value: seen.and_then(|seen| seen.value), ..AlertFacts::default() };
            (threshold_text(&title, alert, measure, seen), facts)
        }
        AlertKind::NotMeasured { .. } => (not_measured_text(&title, measure), AlertFacts::default()),
    };
    annotations.set("summary", text.summary);
    annotations.set("description", text.description);
    annotations.set("runbook_url", slo.about.runbook.as_str());
    for (name, value) in facts.annotations() {
        annotations.set(name, value);
    }
    let of_severity = slo.severity_annotations.get(kind.severity());
    let stated = [Some(&slo.annotations), of_severity, kind.own_annotations()];
    let now = measure.watermark().unwrap_or(Timestamp(0));
    for (name, value) in stated.into_iter().flatten().flat_map(Labels::iter) {
        annotations.set(name, render(value, labels, &facts, now));
    }
    annotations.build()
}

struct Text {
    summary: String,
    description: String,
}

fn burn_text(title: &str, alert: &BurnAlert, measure: &Measure<'_>, facts: &AlertFacts) -> Text {
    let long = facts.burn_rate_long.as_deref().unwrap_or("unknown");
    let mut description = format!("Burn rate {long} over {}", alert.long);
    if let Some(length) = alert.short {
        let short = facts.burn_rate_short.as_deref().unwrap_or("unknown");
        description.push_str(&format!(" and {short} over {length}"));
    }
    let factor = short_number(alert.factor.as_f64());
    description.push_str(&format!("; the alert fires above {factor}.{}", left_text(measure, facts)));
    let summary =
        format!("{title}: error budget burns at {long} times the sustainable rate ({})", alert.name);
    Text { summary, description }
}

fn budget_text(title: &str, alert: &BudgetAlert, measure: &Measure<'_>, facts: &AlertFacts) -> Text {
    let left = facts.budget_left.as_deref().unwrap_or("unknown");
    let description = left_text(measure, facts);
    match alert.left_below == Share::NONE {
        true => Text {
            summary: format!("{title}: error budget is exhausted, {left} is left ({})", alert.name),
            description: format!("The alert fires when more than the whole budget is spent.{description}"),
        },
        false => Text {
            summary: format!(
                "{title}: {left} of the error budget is left, less than {} ({})",
                alert.left_below, alert.name
            ),
            description: format!("The alert fires below {}.{description}", alert.left_below),
        },
    }
}

fn threshold_text(title: &str, alert: &ThresholdAlert, measure: &Measure<'_>, seen: Option<Seen>) -> Text {
    let Some(check) = check(measure.slo) else {
        return Text { summary: title.to_owned(), description: String::new() };
    };
    let value = seen.and_then(|seen| seen.value).map_or("unknown".to_owned(), short_number);
    let (op, bound, period) = (check.op.as_str(), check.bound.get(), measure.slo.period.text());
    let since = seen
        .and_then(|seen| seen.failing_since)
        .map_or_else(String::new, |at| format!(" It has not since {}.", moment(at)));
    Text {
        summary: format!("{title}: {value} over {period} is not {op} {bound} ({})", alert.name),
        description: format!("{} must be {op} {bound} over {period}, and is {value}.{since}", check.query),
    }
}

/// What is left of the budget and when it ends.
fn left_text(measure: &Measure<'_>, facts: &AlertFacts) -> String {
    let (Some(goal), Some(left), Some(period)) = (measure.slo.goal, &facts.budget_left, facts.period) else {
        return String::new();
    };
    let seen = measure.watched_text(&period).map_or_else(String::new, |text| format!(", seen over {text}"));
    let of = match &measure.slo.period {
        Period::Rolling(length) => length.to_string(),
        Period::Calendar(_) => format!("the {}", measure.slo.period.text()),
    };
    format!(" {left} of the error budget of {of} ({goal}) is left{seen}.{}", end_text(facts))
}

fn not_measured_text(title: &str, measure: &Measure<'_>) -> Text {
    let since = measure.watermark().map_or_else(String::new, |at| format!(" since {}", moment(at)));
    Text {
        summary: format!("{title} is not measured"),
        description: format!(
            "Nothing of {} has arrived{since}. Its alerts keep the state they had.",
            text(measure.slo).unwrap_or_else(|| measure.slo.indicator.text())
        ),
    }
}
