//! An objective of which little is said: what every dialect leaves out is empty.

use std::collections::BTreeMap;

use bellwether_diag::Span;
use bellwether_model::Labels;

use crate::decode::STREAMS_MAX_DEFAULT;
use crate::definition::{About, Dialect, Slo};
use crate::goal::Goal;
use crate::indicator::{Budgeting, Events, Indicator};
use crate::period::Period;

/// What every dialect says of an objective.
pub(crate) struct Draft {
    pub(crate) dialect: Dialect,
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) goal: Goal,
    pub(crate) period: Period,
    pub(crate) indicator: Indicator,
    pub(crate) span: Span,
}

impl Draft {
    /// The objective without alerts, and without anything for people.
    pub(crate) fn into_slo(self) -> Slo {
        Slo {
            name: self.name,
            display_name: String::new(),
            service: self.service,
            description: String::new(),
            about: About::default(),
            labels: Labels::empty(),
            annotations: Labels::empty(),
            severity_labels: BTreeMap::new(),
            severity_annotations: BTreeMap::new(),
            goal: Some(self.goal),
            aspirational: None,
            period: self.period,
            indicator: self.indicator,
            alert_name: String::new(),
            alerts: Vec::new(),
            budget_alerts: Vec::new(),
            threshold_alerts: Vec::new(),
            inhibit_slower: true,
            notes: Vec::new(),
            dialect: self.dialect,
            origin: String::new(),
            span: Some(self.span),
        }
    }
}

/// Events counted one by one, not split by anything.
pub(crate) fn indicator(events: Events) -> Indicator {
    Indicator {
        events,
        budgeting: Budgeting::Occurrences,
        group_by: Vec::new(),
        streams_max: STREAMS_MAX_DEFAULT,
    }
}

/// A name that fits into an address and a label: what is neither letter nor digit becomes one hyphen.
pub(crate) fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c.is_alphanumeric() {
            true => out.push(c),
            false if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            false => {}
        }
    }
    out.trim_end_matches('-').to_owned()
}
