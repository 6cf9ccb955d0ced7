//! What probes see from outside: every target of every probe, the failing ones first, with what was expected and found.

use bellwether_model::Timestamp;
use maud::{Markup, html};

use crate::parts::{self, Tone};
use crate::view::{CheckVerdict, ProbeView, TargetHealth};

pub(crate) fn section(probes: &[ProbeView], now: Timestamp) -> Markup {
    let mut probes: Vec<&ProbeView> = probes.iter().collect();
    probes.sort_by(|a, b| (a.health, &a.probe, &a.instance).cmp(&(b.health, &b.probe, &b.instance)));
    let well = probes.iter().filter(|probe| probe.health == TargetHealth::Up).count();
    html! {
        h2 #probes { (well) " of " (parts::plural(probes.len(), "probed target")) " as expected" }
        div.scroll { table.stack {
            thead { tr { th scope="col" { "Probe" } th scope="col" { "State" } th scope="col" { "Last attempt" } th scope="col" { "Took" } th scope="col" { "Failed" } } }
            tbody { @for probe in probes { (row(probe, now)) } }
        } }
    }
}

fn row(probe: &ProbeView, now: Timestamp) -> Markup {
    let (tone, word) = match probe.health {
        TargetHealth::Up => (Tone::Ok, "as expected"),
        TargetHealth::Down => (Tone::Bad, "failed"),
        TargetHealth::Unknown => (Tone::Quiet, "not tried"),
    };
    html! {
        tr {
            th.w scope="row" {
                (probe.probe) " "
                @if let Some(href) = parts::safe_href(&probe.target) { a.mono href=(href) { (probe.target) } } @else { code { (probe.target) } }
                div { (parts::labels(&probe.labels.without(&["probe"]))) }
                @if !probe.last_error.is_empty() { p.note.bad { (probe.last_error) } }
                @if !probe.checks.is_empty() { (checks(probe)) }
            }
            td { (parts::tag(tone, word)) div.dim.small { (probe.kind) } }
            td data-k="Last attempt" {
                @match probe.last_at { Some(at) => (parts::relative(at, now)), None => { span.dim { "never" } } }
                div.dim.small { "every " (probe.interval) }
            }
            td data-k="Took" { @match probe.last_duration { Some(took) => { (took.0) " ms" }, None => { span.dim { "unknown" } } } }
            td data-k="Failed" { (probe.failures) " of " (probe.attempts) }
        }
    }
}

fn checks(probe: &ProbeView) -> Markup {
    html! {
        details {
            summary.small { "What was expected" }
            ul.small { @for check in &probe.checks {
                li { (match check.verdict { CheckVerdict::Met => "met", CheckVerdict::Unmet => "not met", CheckVerdict::NotReached => "not reached" })
                    ": " (check.expected) @if !check.found.is_empty() { " (" (check.found) ")" } }
            } }
            p.small.dim { @for phase in &probe.phases { (phase.phase) " " (format!("{:.1}", phase.seconds * 1000.0)) " ms  " } }
        }
    }
}
