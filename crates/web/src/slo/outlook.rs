//! What may be expected: when the budget will be gone, and which goals the past supports. The past is drawn anew many
//! times for it, so that it is shown to whoever asks.

use bellwether_slo::{Forecast, ForecastMethod, GoalOutlook, Suggestion};
use maud::{Markup, html};

use super::Detail;
use crate::{digits, parts};

impl Detail<'_> {
    /// A way to the outlook, or the outlook.
    pub(super) fn outlook(&self) -> Markup {
        html! {
            h2 #outlook { "Outlook" }
            @if let Some(outlook) = &self.outlook {
                section.card aria-label="Outlook" {
                    @match &outlook.forecast {
                        Some(forecast) => (self.forecast(forecast)),
                        None => p.dim { "There is no past to go by yet." },
                    }
                    @if let Some(suggestion) = &outlook.suggestion { (suggested(suggestion)) }
                }
            } @else {
                p { a href={ (self.href(self.range_name, self.stream)) "&outlook=yes#outlook" } { "When will the budget be gone, and which goals does the past support?" } }
            }
        }
    }

    fn forecast(&self, forecast: &Forecast) -> Markup {
        let how = match forecast.method {
            ForecastMethod::Weekdays => "drawn from past days, each from the same day of the week",
            ForecastMethod::Days => "drawn from past days",
            ForecastMethod::Linear => "two straight lines, since there are less than three days of history",
            ForecastMethod::Exhausted => "the budget is gone already",
        };
        html! {
            dl.facts.wide {
                @if let Some(probability) = forecast.exhausted_probability {
                    div { dt { "Gone before " (parts::moment(forecast.until, self.now)) } dd { b { (digits::percent_short(probability)) } "of the futures drawn" } }
                }
                div { dt { "Budget gone" } dd {
                    @match (forecast.earliest, forecast.likely) {
                        (_, Some(likely)) => { b { (parts::relative(likely, self.now)) } "most likely " (parts::moment(likely, self.now)) }
                        (Some(earliest), None) => { b { "not before" } (parts::moment(earliest, self.now)) }
                        (None, None) => { b { "not in sight" } }
                    }
                } }
                @if let Some(left) = forecast.left_at_end {
                    div { dt { "Left by then" } dd {
                        b { (digits::percent_short(left.middle)) }
                        (digits::percent_short(left.low)) " to " (digits::percent_short(left.high))
                        @match forecast.method {
                            ForecastMethod::Weekdays | ForecastMethod::Days => " in eight of ten futures",
                            ForecastMethod::Linear | ForecastMethod::Exhausted => " between the two lines",
                        }
                    } }
                }
                div { dt { "Rests on" } dd { b { (digits::length(forecast.history)) } (how) } }
            }
            @for note in &forecast.notes { p.note { "○ " (note) } }
        }
    }
}

fn suggested(suggestion: &Suggestion) -> Markup {
    let rows = [
        ("Goal today", &suggestion.present),
        ("Achievable", &suggestion.achievable),
        ("Aspirational", &suggestion.aspirational),
    ];
    html! {
        h3 { "Goals that the past supports" }
        @if rows.iter().any(|(_, outlook)| outlook.is_some()) { div.scroll { table.stack {
            thead { tr { th scope="col" { "Goal" } th.n scope="col" { "Asks for" } th.n scope="col" { "Periods met" } th.n scope="col" { "Breaks it" } th.n scope="col" { "Pages a month" } th.n scope="col" { "Tickets a month" } } }
            tbody { @for (name, outlook) in rows { @if let Some(outlook) = outlook { (goal_row(name, outlook, suggestion.periods_seen)) } } }
        } } }
        @for note in &suggestion.notes { p.note { "○ " (note) } }
    }
}

fn goal_row(name: &str, outlook: &GoalOutlook, periods: usize) -> Markup {
    html! {
        tr {
            th.w scope="row" { (name) }
            td.n data-k="Asks for" { (outlook.goal_text) }
            td.n data-k="Periods met" { (outlook.periods_met) " of " (periods) }
            td.n data-k="Breaks it" { (digits::percent_short(outlook.breach_ratio)) " of periods drawn" }
            td.n data-k="Pages a month" { (digits::value((outlook.pages_per_month * 10.0).round() / 10.0)) }
            td.n data-k="Tickets a month" { (digits::value((outlook.tickets_per_month * 10.0).round() / 10.0)) }
        }
    }
}
