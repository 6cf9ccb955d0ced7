//! How the indicator and the budget went: two charts with what happened marked on them, and the same as tables.

use std::collections::BTreeSet;

use bellwether_model::{TimeRange, Timestamp};
use bellwether_slo::{Fired, HistoryPoint};
use maud::{Markup, html};

use super::Detail;
use crate::parts::Tone;
use crate::svg::{Goal, Line, LineChart, Mark, Unit};
use crate::{digits, parts};

/// Rows of bars for alerts; more would hide the line.
const MARK_ROWS: usize = 6;

impl Detail<'_> {
    pub(super) fn charts(&self) -> Markup {
        if self.history.is_empty() {
            return parts::empty(
                "No history in this range",
                html! { "It fills as data arrives; look at a shorter range." },
            );
        }
        let gaps = self.gaps();
        let series = |pick: fn(&HistoryPoint) -> Option<f64>| -> Vec<_> {
            self.history.iter().map(|p| (p.at, pick(p))).collect()
        };
        let sli = LineChart {
            id: "sli".to_owned(),
            title: format!("Good events per {}, goal {}", digits::length(self.step), self.slo.goal_text),
            unit: Unit::Percent,
            range: self.range,
            lines: vec![Line {
                label: "good".to_owned(),
                points: series(|p| (p.total > 0.0).then(|| p.good / p.total)),
            }],
            levels: self.goal_levels(),
            include: Some(1.0),
            gaps: gaps.clone(),
            marks: Vec::new(),
            step: None,
        };
        let burndown = LineChart {
            id: "budget".to_owned(),
            title: format!("Budget left of {}", self.slo.period_text),
            unit: Unit::Percent,
            range: self.range,
            lines: vec![Line { label: "left".to_owned(), points: series(|p| p.left_of_period_ratio()) }],
            levels: vec![Goal { at: 0.0, label: "gone".to_owned() }],
            include: Some(1.0),
            gaps,
            marks: self.marks(),
            step: None,
        };
        html! {
            div.charts {
                figure { figcaption { (sli.title) } (sli.draw()) }
                figure { figcaption { (burndown.title) } (burndown.draw()) (self.legend()) }
            }
            (self.fired())
            (self.table_twin())
        }
    }

    fn goal_levels(&self) -> Vec<Goal> {
        let targets = [
            (self.slo.goal_ratio, "goal", &self.slo.goal_text),
            (self.slo.aspirational_ratio, "aspirational", &self.slo.aspirational_text),
        ];
        let stated = targets.into_iter().filter_map(|(ratio, word, text)| Some((ratio?, word, text)));
        stated.map(|(at, word, text)| Goal { at, label: format!("{word} {text}") }).collect()
    }

    /// Bars for alerts that fired, one row per alert, pages above the rest, and below them what was corrected.
    fn marks(&self) -> Vec<Mark> {
        let names: BTreeSet<(Tone, &str)> =
            self.fired.iter().map(|f| (Tone::of_severity(&f.severity), f.alert.as_str())).collect();
        let row = |fired: &Fired| names.iter().position(|(_, name)| *name == fired.alert).unwrap_or(0);
        let mark = |fired: &Fired| Mark {
            range: TimeRange::new(fired.from, fired.until.unwrap_or(self.range.end).max(fired.from)),
            label: format!("{} ({})", fired.alert, fired.severity),
            class: Tone::of_severity(&fired.severity).class(),
            row: row(fired).min(MARK_ROWS - 1),
        };
        let corrected = self.corrections.iter().map(|correction| Mark {
            range: TimeRange::new(correction.begin, correction.end),
            label: format!("corrected: {}", correction.reason),
            class: "corrected",
            row: names.len().min(MARK_ROWS),
        });
        self.fired.iter().map(mark).chain(corrected).collect()
    }

    /// What the bars and the grey stretches mean, when there are any.
    fn legend(&self) -> Markup {
        let tones: BTreeSet<(Tone, &str)> =
            self.fired.iter().map(|f| (Tone::of_severity(&f.severity), f.severity.as_str())).collect();
        html! {
            @let corrected = !self.corrections.is_empty();
            @if !tones.is_empty() || !self.gaps().is_empty() || corrected {
                ul.legend.keys {
                    @for (tone, severity) in tones { li { span class={ "key mark-key " (tone.class()) } {} "alert fired (" (severity) ")" } }
                    @if corrected { li { span.key.mark-key.corrected {} a href="#corrections" { "corrected" } } }
                    @if !self.gaps().is_empty() { li { span.key.gap-key {} "not measured" } }
                }
            }
        }
    }

    /// The bars of the chart as a list.
    fn fired(&self) -> Markup {
        html! {
            @if !self.fired.is_empty() {
                details #fired {
                    summary { (parts::plural(self.fired.len(), "alert")) " fired in this range" }
                    div.scroll { table {
                        thead { tr { th scope="col" { "Alert" } th scope="col" { "From (UTC)" } th scope="col" { "Until (UTC)" } } }
                        tbody { @for fired in self.fired.iter().rev() { tr {
                            th scope="row" { (fired.alert) " " span.dim { (fired.severity) } }
                            td.t { (parts::utc(fired.from, self.now)) }
                            td.t { @match fired.until { Some(until) => (parts::utc(until, self.now)), None => "still firing" } }
                        } } }
                    } }
                }
            }
        }
    }

    /// Steps of which less than all was measured.
    fn gaps(&self) -> Vec<TimeRange> {
        let mut gaps: Vec<TimeRange> = Vec::new();
        for (index, point) in self.history.iter().enumerate().filter(|(_, p)| p.measured_ratio < 0.999) {
            // The last step may have only begun.
            let before = index.checked_sub(1).map_or(Timestamp::MIN, |before| self.history[before].at);
            let start = before.max(point.at - self.step);
            match gaps.last_mut() {
                Some(last) if last.end >= start => last.end = point.at,
                Some(_) | None => gaps.push(TimeRange::new(start, point.at)),
            }
        }
        gaps
    }

    fn table_twin(&self) -> Markup {
        html! {
            details #table {
                summary { "The same as a table" }
                div.scroll { table {
                    thead { tr { th scope="col" { "Until (UTC)" } th.n scope="col" { "Good" } th.n scope="col" { "All" } th.n scope="col" { "Good share" } th.n scope="col" { "Measured" } th.n scope="col" { "Budget left" } } }
                    tbody { @for point in self.history.iter().rev() { tr {
                        td.t { (parts::utc(point.at, self.now)) }
                        td.n { (digits::count(point.good)) } td.n { (digits::count(point.total)) }
                        td.n { @if point.total > 0.0 { (digits::percent(point.good / point.total, self.slo.goal_ratio.as_slice())) } @else { "no events" } }
                        td.n { (digits::percent(point.measured_ratio, &[])) }
                        td.n { (point.left_of_period_ratio().map_or("unknown".to_owned(), digits::percent_short)) }
                    } } }
                } }
            }
        }
    }
}
