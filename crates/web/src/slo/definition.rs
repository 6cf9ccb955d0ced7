//! What the objective promises, of what, and whom it concerns.

use maud::{Markup, html};

use super::Detail;
use crate::{parts, url};

impl Detail<'_> {
    pub(super) fn definition(&self) -> Markup {
        html! {
            h2 { "Definition" }
            section.card aria-label="Definition" {
                // The text of a threshold without a goal says over which window it holds.
                @if self.slo.threshold.is_none() {
                    p { b { (self.slo.goal_text) } " over " b { (self.slo.period_text) } " of" }
                }
                p { code { (self.slo.indicator_text) } }
                // What is counted has labels to split by; what is asked has those that its query keeps.
                @if self.slo.streams.len() == 1 && matches!(self.slo.kind, "ratio" | "latency" | "probe") {
                    p.small.dim { "Not split: " code { "group_by: [instance]" } " would show which part of it spends the budget." }
                }
                (self.people())
                @for note in &self.slo.notes { p.note.warn { "◆ " (note) } }
                (self.written())
                p.small { a href={ "/api/bellwether/v1/slos/" (url::encode(&self.slo.id, "/")) } { "As JSON" } }
            }
        }
    }

    /// The definition as a file, and the rules that follow from it.
    fn written(&self) -> Markup {
        let Some(definition) = &self.definition else { return html! {} };
        html! {
            details { summary { "As YAML" } pre { (definition.yaml) } }
            details {
                summary { "Rules for Prometheus" }
                @if definition.rules.is_empty() { p.dim { "No rule can express it." } } @else { pre { (definition.rules) } }
                @for note in &definition.notes { p.note { "○ " (note) } }
            }
        }
    }

    /// Whom to reach, and where to look further.
    fn people(&self) -> Markup {
        let slo = self.slo;
        html! {
            @if !slo.contacts.is_empty() || !slo.links.is_empty() {
                dl.facts.wide {
                    @for (how, whom) in &slo.contacts { div { dt { (how) } dd { (contact(whom)) } } }
                    @for (name, address) in &slo.links {
                        div { dt { (name) } dd {
                            @if let Some(href) = parts::safe_href(address) { a href=(href) { (address) } } @else { (address) }
                        } }
                    }
                }
            }
            p.small.dim {
                "Written"
                @if slo.source == "api" { " through the API" }
                @else if !slo.origin.is_empty() { " in " code { (slo.origin) } }
                @if slo.dialect != "bellwether" { ", in the words of " b { (slo.dialect) } }
                "."
            }
        }
    }
}

/// An address one can write to becomes a link.
fn contact(whom: &str) -> Markup {
    let is_mail = whom.split_once('@').is_some_and(|(name, host)| {
        let plain = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c))
        };
        plain(name) && plain(host)
    });
    html! {
        @if is_mail { a href={ "mailto:" (whom) } { (whom) } }
        @else if let Some(href) = parts::safe_href(whom) { a href=(href) { (whom) } }
        @else { (whom) }
    }
}
