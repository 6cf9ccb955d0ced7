//! What ate the budget: the streams an objective is split into, the one with the most bad events first.

use bellwether_model::Labels;
use bellwether_slo::{MemberStatus, StreamStatus};
use maud::{Markup, html};

use super::Detail;
use crate::parts::{self, Tone};
use crate::{digits, slos};

/// Streams shown at once; the rest unfold.
const STREAMS_SHOWN: usize = 12;

impl Detail<'_> {
    /// Every stream with its part in the bad events of the period.
    pub(super) fn streams(&self) -> Markup {
        let Some((everything, parts)) = self.slo.streams.split_first() else { return html! {} };
        if parts.is_empty() {
            return html! {};
        }
        let mut parts: Vec<&StreamStatus> = parts.iter().collect();
        parts.sort_by(|a, b| bad(b).total_cmp(&bad(a)).then_with(|| a.labels.cmp(&b.labels)));
        let (first, rest) = parts.split_at(parts.len().min(STREAMS_SHOWN));
        html! {
            h2 { "What ate the budget" }
            div.scroll { table.stack {
                thead { tr { th scope="col" { "Stream" } th scope="col" { "Part of all bad events" } th.n scope="col" { "Bad" } th.n scope="col" { "Now" } th.n scope="col" { "Budget left" } th scope="col" { "State" } } }
                tbody {
                    (self.stream_row(everything, everything))
                    @for stream in first { (self.stream_row(stream, everything)) }
                }
            } }
            @if !rest.is_empty() {
                details {
                    summary { (parts::plural(rest.len(), "more stream")) }
                    div.scroll { table.stack { tbody { @for stream in rest { (self.stream_row(stream, everything)) } } } }
                }
            }
        }
    }

    /// The parts of a journey, each with its own objective.
    pub(super) fn members(&self) -> Markup {
        let is_weighted = self.slo.members.iter().any(|member| member.weight != 1.0);
        html! {
            @if !self.slo.members.is_empty() {
                h2 { "Members" }
                div.scroll { table.stack {
                    thead { tr { th scope="col" { "Objective" } th scope="col" { "State" } @if is_weighted { th.n scope="col" { "Weight" } } th.n scope="col" { "Now" } th.n scope="col" { "Budget left" } } }
                    tbody { @for member in &self.slo.members { (self.member_row(member, is_weighted)) } }
                } }
            }
        }
    }

    fn member_row(&self, member: &MemberStatus, is_weighted: bool) -> Markup {
        let Some(slo) = parts::find_slo(self.all, &member.slo) else { return html! {} };
        let (tone, word) = slos::state(slo);
        let stream = slo.streams.first();
        let budget = stream.and_then(|stream| stream.budget.as_ref());
        html! {
            tr {
                th.w scope="row" { a href=(parts::slo_href(&slo.id)) { (slo.id) } }
                td { (parts::tag(tone, word)) }
                @if is_weighted { td.n data-k="Weight" { (digits::value(member.weight)) } }
                td.n data-k="Now" { (slos::sli_text(slo, stream)) " " span.dim { "of " (slo.goal_text) } }
                td.n data-k="Budget left" { (budget.map_or("unknown".to_owned(), parts::budget_text)) }
            }
        }
    }

    fn stream_row(&self, stream: &StreamStatus, everything: &StreamStatus) -> Markup {
        let share = if bad(everything) > 0.0 { bad(stream) / bad(everything) } else { 0.0 };
        // Bad events are never drawn in the colour of what is well.
        let tone = match stream.budget.map(|budget| parts::budget_tone(budget.left_of_period_ratio())) {
            Some(tone @ (Tone::Bad | Tone::Warn)) => tone,
            Some(Tone::Quiet | Tone::Ok) | None => Tone::Quiet,
        };
        html! {
            tr aria-current=[(stream.labels == self.stream.labels).then_some("true")] {
                th.w scope="row" { a href=(self.href(self.range_name, stream)) { (stream_name(&stream.labels)) } }
                td.w data-k="Part of all bad events" {
                    (digits::percent_short(share)) @if !stream.labels.is_empty() { (parts::bar(share, None, tone)) }
                }
                td.n data-k="Bad" { (digits::count(bad(stream))) }
                td.n data-k="Now" { (stream.total.sli_ratio.map_or("no events".to_owned(), |r| digits::percent(r, self.slo.goal_ratio.as_slice()))) }
                td.n data-k="Budget left" { (stream.budget.as_ref().map_or("unknown".to_owned(), parts::budget_text)) }
                td data-k="State" { @if parts::is_burning(stream) { (parts::tag(Tone::Bad, "burning")) } @else { (parts::tag(Tone::Ok, "quiet")) } }
            }
        }
    }
}

fn bad(stream: &StreamStatus) -> f64 {
    stream.total.total - stream.total.good
}

fn stream_name(labels: &Labels) -> Markup {
    html! { @if labels.is_empty() { "everything" } @else { (parts::labels(labels)) } }
}
