//! Alerts that say the same thing at different speeds: while the faster one fires, the slower ones are not told. Who
//! precedes whom is handed in, so that nothing here needs to know what an objective is, and looked up by the labels
//! that name the subject: a thousand subjects cost what one costs.
//!
//! Every source counts, as with rules of inhibition: the slower one is told again when the last faster one is over.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Alert, AlertFingerprint, Labels, Timestamp};

/// Who precedes whom, by subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Precedence {
    /// Labels that name a subject.
    pub subject: Vec<String>,
    /// The label that tells the alerts of a subject apart.
    pub by: String,
    /// What holds within each subject, by the values of its labels.
    pub subjects: BTreeMap<Vec<String>, Preceding>,
}

/// Who precedes whom within one subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preceding {
    /// Labels that must be equal besides.
    pub equal: Vec<String>,
    /// For each alert the ones that keep it quiet.
    pub quieted_by: BTreeMap<String, BTreeSet<String>>,
}

/// Values of the subject's labels, of those that must be equal besides, and which alert it is.
type Place = (Vec<String>, Vec<String>, String);

/// The alerts that may keep others quiet, by place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faster {
    precedence: std::sync::Arc<Precedence>,
    alerts: BTreeMap<Place, BTreeSet<AlertFingerprint>>,
}

impl Faster {
    pub(crate) fn new(precedence: std::sync::Arc<Precedence>) -> Self {
        Self { precedence, alerts: BTreeMap::new() }
    }

    /// Where an alert stands, and what is to be known of its subject.
    fn place(&self, labels: &Labels) -> Option<(Place, &Preceding)> {
        let alert = labels.get(&self.precedence.by)?;
        let values = |names: &[String]| -> Vec<String> {
            names.iter().map(|name| labels.value_or_empty(name).to_owned()).collect()
        };
        let subject = values(&self.precedence.subject);
        let preceding = self.precedence.subjects.get(&subject)?;
        Some(((subject, values(&preceding.equal), alert.to_owned()), preceding))
    }

    pub(crate) fn add(&mut self, fingerprint: AlertFingerprint, labels: &Labels) {
        if let Some((place, _)) = self.place(labels) {
            self.alerts.entry(place).or_default().insert(fingerprint);
        }
    }

    pub(crate) fn remove(&mut self, fingerprint: AlertFingerprint, labels: &Labels) {
        let Some((place, _)) = self.place(labels) else { return };
        if let Some(set) = self.alerts.get_mut(&place) {
            set.remove(&fingerprint);
            if set.is_empty() {
                self.alerts.remove(&place);
            }
        }
    }

    /// The alerts that fire at `now` and precede one with these labels, each with its name within the subject.
    pub(crate) fn before<'a>(
        &self,
        labels: &Labels,
        now: Timestamp,
        alert: impl Fn(AlertFingerprint) -> Option<&'a Alert>,
    ) -> BTreeMap<AlertFingerprint, String> {
        let Some(((subject, equal, name), preceding)) = self.place(labels) else { return BTreeMap::new() };
        let fires = |f: &AlertFingerprint| alert(*f).is_some_and(|alert| !alert.is_resolved(now));
        let names = preceding.quieted_by.get(&name).into_iter().flatten();
        names
            .flat_map(|name| {
                let place = (subject.clone(), equal.clone(), name.clone());
                let firing = self.alerts.get(&place).into_iter().flatten().filter(|f| fires(f));
                firing.map(|f| (*f, name.clone())).collect::<Vec<_>>()
            })
            .collect()
    }
}
