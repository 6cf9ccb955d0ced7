//! Why something that was pushed is not stored. Where Prometheus has words for it, they are the same, since senders'
//! dashboards and people look for them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bellwether_ingest::PushedLabelProblem;
use bellwether_model::Labels;
use bellwether_tsdb::{AppendError, Refusal};

/// A reason; all of them are the sender's to mend, and sending the same again would be refused again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PushRefusal {
    /// Labels that name no series.
    InvalidLabels,
    /// Older than the newest of its series.
    OutOfOrder,
    /// The series has another value at that moment.
    Duplicate,
    /// Further behind than late samples may be.
    TooOld,
    /// Older than anything that is kept.
    BeforeRetention,
    /// Later than any clock that is merely wrong.
    Future,
    /// A histogram that is none.
    InvalidHistogram,
    /// There are as many series as there may be; those that exist go on.
    SeriesLimit,
}

impl PushRefusal {
    /// All of them, for metrics that are there before the first refusal.
    pub const ALL: [Self; 8] = [
        Self::InvalidLabels,
        Self::OutOfOrder,
        Self::Duplicate,
        Self::TooOld,
        Self::BeforeRetention,
        Self::Future,
        Self::InvalidHistogram,
        Self::SeriesLimit,
    ];

    /// As the metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidLabels => "invalid_labels",
            Self::OutOfOrder => "out_of_order",
            Self::Duplicate => "duplicate",
            Self::TooOld => "too_old",
            Self::BeforeRetention => "before_retention",
            Self::Future => "future",
            Self::InvalidHistogram => "invalid_histogram",
            Self::SeriesLimit => "series_limit",
        }
    }

    /// As the sender is told, before the series it is about.
    pub const fn message(self) -> &'static str {
        match self {
            Self::InvalidLabels => "invalid metric name or labels",
            Self::OutOfOrder => "out of order sample",
            Self::Duplicate => "duplicate sample for timestamp",
            Self::TooOld => "too old sample",
            Self::BeforeRetention => "out of bounds",
            Self::Future => "out of bounds: timestamp is too far in the future",
            Self::InvalidHistogram => "invalid histogram",
            Self::SeriesLimit => "new series refused, there are as many as there may be",
        }
    }

    /// The reason behind a refusal of the store; none where the series is not there any more.
    pub const fn of_store(refusal: Refusal) -> Option<Self> {
        match refusal {
            Refusal::OutOfOrder { .. } => Some(Self::OutOfOrder),
            Refusal::Duplicate { .. } => Some(Self::Duplicate),
            Refusal::TooOld { .. } => Some(Self::TooOld),
            Refusal::BeforeRetention { .. } => Some(Self::BeforeRetention),
            Refusal::MalformedHistogram => Some(Self::InvalidHistogram),
            Refusal::UnknownSeries { .. } => None,
        }
    }
}

/// What was refused, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals(BTreeMap<PushRefusal, Refused>);

/// How often something was refused, and the first that was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Samples and histograms; of labels that name no series, one at least.
    pub count: u64,
    /// The first, as the sender is told.
    pub example: String,
}

impl Refusals {
    /// Notes a refusal; the example is made for the first of its reason only.
    pub fn add(&mut self, reason: PushRefusal, count: u64, example: impl FnOnce() -> String) {
        let refused = self.0.entry(reason).or_default();
        refused.count += count;
        if refused.example.is_empty() {
            refused.example = example();
        }
    }

    /// Notes a refusal about a series.
    pub fn add_series(&mut self, reason: PushRefusal, count: u64, labels: &Labels) {
        self.add(reason, count, || format!("{} for series {}", reason.message(), spelled(labels.iter())));
    }

    /// Notes that the store made no series for these labels, for a reason that is for the sender to mend.
    pub fn add_unresolved(&mut self, error: &AppendError, reason: PushRefusal, count: u64, labels: &Labels) {
        match error {
            AppendError::LabelsTooLarge { .. } => self.add(reason, count, || {
                format!("{}: {error}; series {}", reason.message(), spelled(labels.iter()))
            }),
            AppendError::BatchTooLarge { .. }
            | AppendError::SeriesLimit(_)
            | AppendError::SeriesExhausted
            | AppendError::Log(_) => self.add_series(reason, count, labels),
        }
    }

    /// Notes one refusal about a series that is named only if it is the first.
    pub fn add_one(&mut self, reason: PushRefusal, labels: impl FnOnce() -> Labels) {
        self.add(reason, 1, || format!("{} for series {}", reason.message(), spelled(labels().iter())));
    }

    /// Notes labels that name no series.
    pub fn add_labels<'a>(
        &mut self,
        problem: &PushedLabelProblem,
        count: u64,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        self.add(PushRefusal::InvalidLabels, count, || format!("{problem}, got {}", spelled(pairs)));
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By reason.
    pub fn iter(&self) -> impl Iterator<Item = (PushRefusal, &Refused)> {
        self.0.iter().map(|(reason, refused)| (*reason, refused))
    }

    /// How much was refused in all.
    pub fn count(&self) -> u64 {
        self.0.values().map(|refused| refused.count).sum()
    }

    /// A line for each reason, as the sender is told.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for refused in self.0.values() {
            let others = refused.count.saturating_sub(1);
            let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
            let _ = writeln!(text, "{}{more}", refused.example);
        }
        text
    }
}

/// Bytes of an example that are told.
const EXAMPLE_BYTES_MAX: usize = 1024;

/// A label set as Prometheus writes it in its messages.
fn spelled<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::from("{");
    for (name, value) in pairs {
        let comma = if text.len() > 1 { ", " } else { "" };
        let _ = match bellwether_model::is_valid_legacy_name(name, false) {
            true => write!(text, "{comma}{name}={value:?}"),
            false => write!(text, "{comma}{name:?}={value:?}"),
        };
        if text.len() > EXAMPLE_BYTES_MAX {
            let end = (0..=EXAMPLE_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
            return text + "…}";
        }
    }
    text + "}"
}
