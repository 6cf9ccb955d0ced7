//! Every setting of a service with its value, as a fault would write it.

use super::definition::{Drive, MetricBehaviour, MetricDefinition, ServiceDefinition, ServiceKind};
use super::quantity::{Shares, share_text};
use crate::workshop::Endpoint;

impl ServiceDefinition {
    /// Paths within it and their values, in the order written.
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut all = vec![
            ("up".to_owned(), self.up.to_string()),
            ("reachable".to_owned(), self.reachable.to_string()),
        ];
        match &self.kind {
            ServiceKind::Metrics(metrics) => metrics.iter().for_each(|metric| metric.settings(&mut all)),
            ServiceKind::MovieGuru(guru) => {
                for (endpoint, rate) in Endpoint::ALL.into_iter().zip(guru.rates.0) {
                    all.push((format!("calls.{}", super::definition::name_of(endpoint)), rate.to_string()));
                }
                let phase = guru.phase.to_json();
                let fields = phase.as_object().into_iter().flatten();
                all.extend(fields.map(|(field, value)| (field.clone(), value.to_string())));
            }
        }
        all
    }
}

impl MetricDefinition {
    fn settings(&self, all: &mut Vec<(String, String)>) {
        let name = &self.name;
        match &self.kind {
            MetricBehaviour::Gauge { label, values } => {
                for (of, value) in values {
                    let path =
                        if label.is_empty() { name.clone() } else { format!("{name}.by.{label}.{of}") };
                    all.push((path, value.to_string()));
                }
            }
            MetricBehaviour::Counter { drive, split, .. } => self.driven(drive, split, all),
            MetricBehaviour::Histogram { drive, split, values, .. } => {
                self.driven(drive, split, all);
                all.push((format!("{name}.values"), values.shown()));
            }
        }
    }

    fn driven(&self, drive: &Drive, split: &[(String, Shares)], all: &mut Vec<(String, String)>) {
        let name = &self.name;
        // What counts as often as another has no rate to be set.
        if let Drive::Rate(rate) = drive {
            all.push((format!("{name}.rate"), rate.to_string()));
        }
        for (label, shares) in split {
            let part = |(value, share)| (format!("{name}.split.{label}.{value}"), share_text(share));
            all.extend(shares.all().map(part));
        }
    }
}
