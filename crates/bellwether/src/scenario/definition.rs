//! What a simulated service exposes and how it behaves, as written: plain data without counts. A fault changes one
//! setting of it, named by a path.

use bellwether_model::{Labels, Matcher, matches_all};
use serde_json::json;

use super::quantity::{Rate, Shares, Sizes, share_text};
use crate::workshop::{CallRates, Endpoint, Phase};

/// A service: processes that expose metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceDefinition {
    /// What paths of settings call it.
    pub name: String,
    /// Its job, as a label of all of its series.
    pub job: String,
    /// Its processes, each a target of its own.
    pub instances: Vec<String>,
    /// Further labels of its targets.
    pub labels: Labels,
    /// Whether its processes live. Whoever is killed has forgotten all counts when it comes back.
    pub up: bool,
    /// Whether a scrape reaches it; what cannot be reached goes on counting.
    pub reachable: bool,
    /// What it exposes.
    pub kind: ServiceKind,
}

/// What a service exposes.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceKind {
    /// Metrics as stated.
    Metrics(Vec<MetricDefinition>),
    /// The workshop's service.
    MovieGuru(Box<GuruDefinition>),
}

/// One metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricDefinition {
    /// Its name.
    pub name: String,
    /// What it means.
    pub help: String,
    /// Labels of all of its series.
    pub labels: Labels,
    /// What it counts or shows.
    pub kind: MetricBehaviour,
}

/// What a metric counts or shows.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricBehaviour {
    /// Events.
    Counter {
        /// How many.
        drive: Drive,
        /// By which labels they are told apart, each with the shares of its values.
        split: Vec<(String, Shares)>,
        /// Whether parts of an event are counted too, as with seconds.
        continuous: bool,
    },
    /// A value for each set of labels.
    Gauge {
        /// The label by which they are told apart; empty for one value.
        label: String,
        /// The label's values with those of the gauge.
        values: Vec<(String, f64)>,
    },
    /// Sizes of events.
    Histogram {
        /// How many.
        drive: Drive,
        /// By which labels they are told apart.
        split: Vec<(String, Shares)>,
        /// Upper bounds of its buckets, going up, without the infinite one.
        bounds: Vec<f64>,
        /// How large events are.
        values: Mixture,
    },
}

/// How many events there are.
#[derive(Clone, Debug, PartialEq)]
pub enum Drive {
    /// So many per time.
    Rate(Rate),
    /// As many as a counter of the same service counts under these matchers.
    Each {
        /// Name of the counter.
        metric: String,
        /// Which of its series.
        matchers: Vec<Matcher>,
        /// As it was written.
        text: String,
    },
}

/// Sizes with the share of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    sizes: Vec<Sizes>,
    shares: Shares,
}

/// The workshop's service.
#[derive(Clone, Debug, PartialEq)]
pub struct GuruDefinition {
    /// How it behaves.
    pub phase: Phase,
    /// How often it is called.
    pub rates: CallRates,
}

/// A value that a fault sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetValue {
    /// A text, a number, a truth value.
    Text(String),
    /// Parts with their shares.
    Parts(Vec<(String, String)>),
}

impl SetValue {
    fn text(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Parts(_) => Err("write one value, not parts".to_owned()),
        }
    }

    fn parts(&self) -> Result<&[(String, String)], String> {
        match self {
            Self::Parts(parts) => Ok(parts),
            Self::Text(text) => Err(format!("write parts with their shares, not {text:?}")),
        }
    }

    /// As people write it.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => {
                let parts: Vec<String> =
                    parts.iter().map(|(name, share)| format!("{name}: {share}")).collect();
                format!("{{{}}}", parts.join(", "))
            }
        }
    }
}

impl Mixture {
    /// Reads a size alone, or sizes with their shares.
    pub fn parse(value: &SetValue) -> Result<Self, String> {
        let alone;
        let parts = match value {
            SetValue::Text(text) => {
                alone = [(text.clone(), "1".to_owned())];
                &alone[..]
            }
            SetValue::Parts(parts) => parts,
        };
        let sizes = parts.iter().map(|(text, _)| Sizes::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { sizes, shares: Shares::parse(parts)? })
    }

    /// As a fault could set it.
    pub fn shown(&self) -> String {
        let parts: Vec<(Sizes, i128)> = self.all().collect();
        match parts.as_slice() {
            [(alone, _)] => alone.to_string(),
            parts => {
                let part = |(sizes, share): &(Sizes, i128)| format!("{sizes}: {}", share_text(*share));
                format!("{{{}}}", parts.iter().map(part).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Sizes with the share of each, in billionths.
    pub fn all(&self) -> impl Iterator<Item = (Sizes, i128)> {
        self.sizes.iter().copied().zip(self.shares.all().map(|(_, share)| share))
    }
}

impl MetricDefinition {
    /// Sets what the rest of a path names.
    fn set(&mut self, path: &[&str], value: &SetValue) -> Result<(), String> {
        let name = &self.name;
        let no_setting =
            |known: &str| Err(format!("{name} has no setting {:?}; it has {known}", path.join(".")));
        match (&mut self.kind, path) {
            (MetricBehaviour::Gauge { label, values }, [] | ["value"]) if label.is_empty() => {
                values[0].1 = number(value.text()?)?;
                Ok(())
            }
            (MetricBehaviour::Gauge { label, values }, ["by", by, of]) if label == by => {
                let Some(place) = values.iter_mut().find(|(known, _)| known == of) else {
                    return Err(format!("{name} has no value for {by}={of:?}"));
                };
                place.1 = number(value.text()?)?;
                Ok(())
            }
            (MetricBehaviour::Gauge { label, .. }, _) if label.is_empty() => no_setting("value"),
            (MetricBehaviour::Gauge { label, .. }, _) => no_setting(&format!("by.{label}.VALUE")),
            (MetricBehaviour::Counter { drive, .. } | MetricBehaviour::Histogram { drive, .. }, ["rate"]) => {
                match drive {
                    Drive::Rate(rate) => {
                        *rate = Rate::parse(value.text()?)?;
                        Ok(())
                    }
                    Drive::Each { text, .. } => {
                        Err(format!("{name} counts as often as {text} does; set the rate of that"))
                    }
                }
            }
            (
                MetricBehaviour::Counter { split, .. } | MetricBehaviour::Histogram { split, .. },
                ["split", label, rest @ ..],
            ) => {
                let Some((_, shares)) = split.iter_mut().find(|(known, _)| known == label) else {
                    return Err(format!("{name} is not split by {label:?}"));
                };
                *shares = match rest {
                    [] => shares.replaced(value.parts()?)?,
                    part => shares.with(&part.join("."), value.text()?)?,
                };
                Ok(())
            }
            (MetricBehaviour::Histogram { values, .. }, ["values"]) => {
                *values = Mixture::parse(value)?;
                Ok(())
            }
            (MetricBehaviour::Counter { .. }, _) => no_setting("rate, split.LABEL.VALUE"),
            (MetricBehaviour::Histogram { .. }, _) => no_setting("rate, split.LABEL.VALUE, values"),
        }
    }

    /// The label sets of its events with their shares in billionths; together the whole.
    pub fn parts(&self) -> Vec<(Labels, i128)> {
        let split = match &self.kind {
            MetricBehaviour::Counter { split, .. } | MetricBehaviour::Histogram { split, .. } => split,
            MetricBehaviour::Gauge { .. } => return vec![(self.labels.clone(), 0)],
        };
        let mut parts = vec![(self.labels.clone(), super::quantity::WHOLE)];
        for (label, shares) in split {
            let with = |(labels, outer): &(Labels, i128)| {
                let one = |(value, share): (&str, i128)| {
                    (labels.with(label, value), outer * share / super::quantity::WHOLE)
                };
                shares.all().map(one).collect::<Vec<_>>()
            };
            parts = parts.iter().flat_map(with).collect();
        }
        parts
    }
}

impl GuruDefinition {
    /// Sets what the rest of a path names.
    pub(crate) fn set(&mut self, path: &[&str], value: &SetValue) -> Result<(), String> {
        match path {
            ["phase"] => {
                let number = value.text()?.parse().ok();
                self.phase = number
                    .and_then(Phase::challenge)
                    .ok_or_else(|| "a phase is the number of a challenge: 1, 5, 6 or 7".to_owned())?;
                Ok(())
            }
            ["users"] => {
                let users = value.text()?.parse().map_err(|_| "write a number of users".to_owned())?;
                self.rates = CallRates::of_users(users);
                Ok(())
            }
            ["calls", endpoint] => {
                let place = endpoint_of(endpoint)?;
                self.rates.0[place] = Rate::parse(value.text()?)?.per_second();
                Ok(())
            }
            [field] => {
                let mut body = self.phase.to_json();
                let Some(place) = body.get_mut(*field) else {
                    return Err(format!("a phase has no field {field:?}"));
                };
                *place = json!(number(value.text()?)?);
                if field.ends_with("MS") {
                    *place = json!(number(value.text()?)? as u64);
                }
                self.phase = Phase::from_json(body.to_string().as_bytes()).map_err(|problems| {
                    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
                })?;
                Ok(())
            }
            _ => Err(format!(
                "there is no setting {:?}; there are phase, users, calls.CALL and the phase's fields",
                path.join(".")
            )),
        }
    }
}

/// What paths of settings name a call.
pub(super) const fn name_of(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Chat => "chat",
        Endpoint::PreferencesUpdate => "preferences_update",
        Endpoint::PreferencesGet => "preferences_get",
        Endpoint::Login => "login",
        Endpoint::Logout => "logout",
        Endpoint::HistoryDelete => "history_delete",
        Endpoint::HistoryGet => "history_get",
        Endpoint::Startup => "startup",
    }
}

/// The place of a call among all, by its name.
pub fn endpoint_of(name: &str) -> Result<usize, String> {
    Endpoint::ALL.into_iter().position(|endpoint| name_of(endpoint) == name).ok_or_else(|| {
        format!("there is no call {name:?}; there are {}", Endpoint::ALL.map(name_of).join(", "))
    })
}

impl ServiceDefinition {
    /// Sets what a path within it names: `up`, `METRIC.rate`, `METRIC.split.LABEL.VALUE`, `METRIC.values`, `phase`.
    pub fn set(&mut self, path: &str, value: &SetValue) -> Result<(), String> {
        let parts: Vec<&str> = path.splitn(4, '.').collect();
        match (parts.as_slice(), &mut self.kind) {
            (["up"], _) => {
                self.up = truth(value.text()?)?;
                Ok(())
            }
            (["reachable"], _) => {
                self.reachable = truth(value.text()?)?;
                Ok(())
            }
            (path, ServiceKind::MovieGuru(guru)) => guru.set(path, value),
            ([metric, rest @ ..], ServiceKind::Metrics(metrics)) => {
                let names: Vec<String> = metrics.iter().map(|metric| metric.name.clone()).collect();
                match metrics.iter_mut().find(|known| known.name == *metric) {
                    Some(metric) => metric.set(rest, value),
                    None => {
                        let near = bellwether_diag::suggest(metric, names.iter().map(String::as_str));
                        let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                        Err(format!("{} has no metric {metric:?}{hint}", self.name))
                    }
                }
            }
            ([], ServiceKind::Metrics(_)) => Err("a path names a metric".to_owned()),
        }
    }

    /// The counter that a drive refers to, and the places of its parts that it selects.
    pub fn driven_by(&self, metric: &str, matchers: &[Matcher]) -> Option<(usize, Vec<usize>)> {
        let ServiceKind::Metrics(metrics) = &self.kind else { return None };
        let place = metrics.iter().position(|known| known.name == metric)?;
        let parts = metrics[place].parts();
        let chosen = parts.iter().enumerate().filter(|(_, (labels, _))| matches_all(matchers, labels));
        Some((place, chosen.map(|(index, _)| index).collect()))
    }
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| !number.is_nan());
    number.ok_or_else(|| format!("{text:?} is not a number"))
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "true" | "yes" | "on" => Ok(true),
        "false" | "no" | "off" => Ok(false),
        other => Err(format!("{other:?} is not a truth value; write true or false")),
    }
}
