//! What an indicator's queries count: counters where they are counters in disguise, else what they say when asked.

use bellwether_model::TimeDelta;

use super::query::{Query, windowed};
use super::source::{Asks, Share};
use crate::dialect::draft::indicator;
use crate::indicator::{Ask, Events, Indicator, QueryEvents};
use crate::recognise::recognise;

/// A share of events, asked in slices where it cannot be counted.
pub(super) fn of_share(share: &Share, slice: TimeDelta) -> Indicator {
    let asked = |ask: Ask| QueryEvents { ask, slice };
    if let Some(found) = anywhere(share).map(asked).as_ref().and_then(recognise) {
        return Indicator { group_by: found.group_by, ..indicator(found.events) };
    }
    let text = |query: &Query| query.text.clone();
    let ask = match &share.asks {
        Asks::GoodTotal(good, total) => Ask::GoodTotal { good: text(good), total: text(total) },
        Asks::BadTotal(bad, total) => Ask::BadTotal { bad: text(bad), total: text(total) },
        Asks::Success(ratio) => Ask::GoodRatio(text(ratio)),
        Asks::Failure(ratio) => Ask::BadRatio(text(ratio)),
    };
    // Counters are asked how much they grew; what they are by now says nothing of a slice.
    indicator(Events::Query(asked(anywhere(share).filter(|_| share.is_counter).unwrap_or(ask))))
}

/// The same queries, about any window; `None` where they speak of windows of their own.
fn anywhere(share: &Share) -> Option<Ask> {
    let pair = |part: &Query, whole: &Query| {
        let part = windowed(&part.text, share.is_counter)?;
        let whole = windowed(&whole.text, share.is_counter)?;
        (part.length == whole.length).then_some((part.text, whole.text))
    };
    match &share.asks {
        Asks::GoodTotal(good, total) => pair(good, total).map(|(good, total)| Ask::GoodTotal { good, total }),
        Asks::BadTotal(bad, total) => pair(bad, total).map(|(bad, total)| Ask::BadTotal { bad, total }),
        Asks::Success(ratio) => Some(Ask::GoodRatio(windowed(&ratio.text, false)?.text)),
        Asks::Failure(ratio) => Some(Ask::BadRatio(windowed(&ratio.text, false)?.text)),
    }
}
