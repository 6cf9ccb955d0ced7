//! What the words of the label `severity` ask of people.

use crate::Rule;

/// How soon somebody must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Now, at night too.
    Page,
    /// On a working day.
    Ticket,
    /// Nobody must.
    Info,
    /// Not said, or in words of the author's own.
    Unknown,
}

/// The urgency of a rule by its label `severity`.
pub(crate) fn urgency(rule: &Rule) -> Urgency {
    let Some(severity) = rule.label("severity").or_else(|| rule.label("priority")) else {
        return Urgency::Unknown;
    };
    match severity.text().to_ascii_lowercase().as_str() {
        "critical" | "crit" | "page" | "pager" | "paging" | "emergency" | "fatal" | "disaster" | "urgent"
        | "sev1" | "sev-1" | "sev0" | "p0" | "p1" => Urgency::Page,
        "warning" | "warn" | "ticket" | "error" | "major" | "minor" | "average" | "sev2" | "sev3" | "p2"
        | "p3" => Urgency::Ticket,
        "info" | "information" | "informational" | "notice" | "debug" | "none" | "ok" | "low" | "p4" => {
            Urgency::Info
        }
        _ => Urgency::Unknown,
    }
}

/// Where a rule says where to read on, in an annotation or (misplaced) in a label.
pub(crate) fn has_runbook(rule: &Rule) -> bool {
    let is_named = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("runbook") || name.contains("playbook")
    };
    rule.annotations.iter().chain(&rule.labels).any(|field| is_named(&field.name.value))
}
