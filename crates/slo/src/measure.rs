//! What a stream of an objective holds over any stretch of time: the one way to budgets, burn rates, alerts and charts,
//! so that whatever changes a count changes all of them.

use bellwether_model::{TimeDelta, Timestamp};

use crate::burn::AlertWindows;
use crate::burn_alert::BurnAlert;
use crate::definition::Slo;
use crate::engine::SloEngine;
use crate::ledger::StreamId;
use crate::period::Stretch;
use crate::stream::Window;

/// One stream of an objective.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure<'a> {
    pub(crate) engine: &'a SloEngine,
    pub(crate) slo: &'a Slo,
    pub(crate) stream: StreamId,
}

impl<'a> Measure<'a> {
    /// The time up to which it is known.
    pub(crate) fn watermark(&self) -> Option<Timestamp> {
        self.engine.ledger.watermark(self.stream)
    }

    /// The last so much time, up to the watermark; `None` before anything is known.
    pub(crate) fn last(&self, length: TimeDelta) -> Option<Window> {
        let end = self.watermark()?;
        self.over(Stretch { begin: end - length, end })
    }

    /// What has been seen of the present period.
    pub(crate) fn period(&self) -> Option<Window> {
        self.period_ending(self.watermark()?)
    }

    /// What had been seen at a moment of the period it lies in.
    pub(crate) fn period_ending(&self, end: Timestamp) -> Option<Window> {
        let begin = self.slo.period.range_at(end).begin;
        self.over(Stretch { begin, end })
    }

    /// Any stretch of time.
    pub(crate) fn over(&self, stretch: Stretch) -> Option<Window> {
        Some(self.engine.ledger.stream(self.stream)?.over(stretch))
    }

    /// The windows an alert looks at; `None` before anything is known.
    pub(crate) fn alert_windows(&self, alert: &BurnAlert) -> Option<AlertWindows> {
        let long = self.last(alert.long)?;
        let short = match alert.short {
            Some(short) => Some(self.last(short)?),
            None => None,
        };
        Some(AlertWindows { long, short })
    }
}
