//! What others push: that it arrives, when it last did, and what of it could not be taken, in the words its sender read.

use bellwether_model::Timestamp;
use maud::{Markup, html};

use crate::digits;
use crate::parts;
use crate::view::PushedView;

pub(crate) fn section(pushed: &[PushedView], now: Timestamp) -> Markup {
    html! {
        h2 #pushed { "Pushed" }
        div.scroll { table.stack {
            thead { tr { th scope="col" { "By" } th scope="col" { "Last" } th scope="col" { "Requests" } th scope="col" { "Samples" } th scope="col" { "Not taken" } } }
            tbody { @for one in pushed { (row(one, now)) } }
        } }
    }
}

fn row(pushed: &PushedView, now: Timestamp) -> Markup {
    html! {
        tr {
            th.w scope="row" {
                (pushed.format)
                @if let Some((at, why)) = &pushed.last_refusal {
                    p.note { (parts::relative(*at, now)) ": " (why) }
                }
            }
            td.t data-k="Last" { (parts::relative(pushed.last_at, now)) }
            td.t data-k="Requests" { (digits::count(pushed.requests as f64)) }
            td.t data-k="Samples" { (digits::count(pushed.samples as f64)) }
            td.t data-k="Not taken" { (digits::count(pushed.refused as f64)) }
        }
    }
}
