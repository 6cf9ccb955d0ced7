//! What the engine is told about its surroundings, with Prometheus' defaults.

use bellwether_model::{Labels, TimeDelta, Timestamp};

/// What the engine is told about its surroundings.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOptions {
    /// How often groups are evaluated that do not say.
    pub interval: TimeDelta,
    /// How far back queries look in groups that do not say.
    pub query_offset: TimeDelta,
    /// How often a firing alert is repeated.
    pub resend_delay: TimeDelta,
    /// What templates see as `$externalLabels`.
    pub external_labels: Labels,
    /// What templates see as `$externalURL`, and where alerts link to. Without a slash at its end.
    pub external_url: String,
    /// Where on their intervals' grid groups are evaluated.
    pub grid: Grid,
}

/// Which moments a group's evaluations fall on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grid {
    /// Each group has its own place on the grid of its interval ([`crate::GroupKey::offset`]), so that a thousand
    /// groups do not all ask at the full minute.
    #[default]
    Spread,
    /// Multiples of the interval since the epoch, for all groups.
    Epoch,
    /// Multiples of the interval since this moment, for all groups.
    From(Timestamp),
}

impl Default for EngineOptions {
    /// Prometheus' defaults.
    fn default() -> Self {
        Self {
            interval: TimeDelta::MINUTE,
            query_offset: TimeDelta::ZERO,
            resend_delay: TimeDelta::MINUTE,
            external_labels: Labels::empty(),
            external_url: String::new(),
            grid: Grid::Spread,
        }
    }
}

impl EngineOptions {
    /// Where the query of an alert can be looked at, in the form Prometheus' UI has made common.
    pub(crate) fn generator_url(&self, expr: &str) -> String {
        format!("{}/graph?g0.expr={}&g0.tab=1", self.external_url.trim_end_matches('/'), query_escape(expr))
    }
}

/// Text for the query part of a URL: letters, digits and `-_.~` as they are, blanks as `+`.
fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
