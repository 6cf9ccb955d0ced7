//! What the reader of a result is told about native histograms, in Prometheus' words.

use crate::syntax::Span;

use super::Evaluator;

/// What happened while histograms were combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Addition,
    Subtraction,
    Aggregation,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// Something about a metric's histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// Numbers and histograms where only one kind makes sense.
    FloatsAndHistograms,
    /// Custom bounds and calculated ones.
    SchemasMixed,
    /// A gauge where a counter is needed.
    NotCounter,
    /// A counter where a gauge is needed.
    NotGauge,
    /// Custom bounds differed.
    BoundsReconciled(Operation),
    /// One histogram's counters began anew, another's went on.
    HintsCollide(Operation),
    /// Numbers were used, histograms among them were not.
    HistogramsIgnored,
    /// A counter is said to have begun before the sample before it.
    StartTimesOverlap,
    /// A quantile lies among observations that are no number.
    QuantileIsNan,
    /// Observations that are no number make a quantile higher.
    QuantileIsSkewed,
    /// Observations that are no number are in no fraction.
    FractionLeavesNanOut,
    /// The same histogram as classic buckets and as a native one.
    ClassicAndNative,
}

impl Note {
    const fn is_warning(self) -> bool {
        match self {
            Self::FloatsAndHistograms
            | Self::SchemasMixed
            | Self::NotCounter
            | Self::NotGauge
            | Self::HintsCollide(_)
            | Self::StartTimesOverlap
            | Self::ClassicAndNative => true,
            Self::BoundsReconciled(_)
            | Self::HistogramsIgnored
            | Self::QuantileIsNan
            | Self::QuantileIsSkewed
            | Self::FractionLeavesNanOut => false,
        }
    }

    fn message(self, metric: &str) -> String {
        let with_name = |text: &str| {
            if metric.is_empty() { text.to_owned() } else { format!("{text} for metric name {metric:?}") }
        };
        match self {
            Self::FloatsAndHistograms => {
                format!("encountered a mix of histograms and floats for metric name {metric:?}")
            }
            Self::SchemasMixed => format!(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name \
                 {metric:?}"
            ),
            Self::NotCounter => format!("this native histogram metric is not a counter: {metric:?}"),
            Self::NotGauge => format!("this native histogram metric is not a gauge: {metric:?}"),
            Self::BoundsReconciled(operation) => {
                format!("mismatched custom buckets were reconciled during {}", operation.as_str())
            }
            Self::HintsCollide(operation) => {
                format!("conflicting counter resets during histogram {}", operation.as_str())
            }
            Self::HistogramsIgnored => format!(
                "ignored histograms in a range containing both floats and histograms for metric name {metric:?}"
            ),
            Self::StartTimesOverlap => format!(
                "sample has start time that overlaps with previous sample timestamp for metric {metric:?}"
            ),
            Self::QuantileIsNan => {
                with_name("input to histogram_quantile has NaN observations, result is NaN")
            }
            Self::QuantileIsSkewed => {
                with_name("input to histogram_quantile has NaN observations, result is skewed higher")
            }
            Self::FractionLeavesNanOut => with_name(
                "input to histogram_fraction has NaN observations, which are excluded from all fractions",
            ),
            Self::ClassicAndNative => with_name("vector contains a mix of classic and native histograms"),
        }
    }
}

/// Notes on one series, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Vec<Note>);

impl Notes {
    pub(super) fn add(&mut self, note: Note) {
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }

    pub(super) fn add_all(&mut self, others: Self) {
        others.0.into_iter().for_each(|note| self.add(note));
    }

    /// Adds a note where there is reason to.
    pub(super) fn add_if(&mut self, condition: bool, note: Note) {
        if condition {
            self.add(note);
        }
    }
}

impl Evaluator<'_> {
    pub(super) fn note_all(&mut self, notes: &Notes, metric: &str, span: &Span) {
        for note in &notes.0 {
            let message = note.message(metric);
            if note.is_warning() { self.warn(span, message) } else { self.info(span, message) }
        }
    }
}
