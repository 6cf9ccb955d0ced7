//! The records as a database would keep them: a restart in a test knows only what was written down.

use std::collections::BTreeMap;

use bellwether_alerts::{Effect, Record, Restored};

#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    alerts: BTreeMap<String, bellwether_alerts::AlertRow>,
    silences: BTreeMap<String, bellwether_alerts::Silence>,
    groups: BTreeMap<String, bellwether_alerts::GroupRow>,
    told: BTreeMap<(String, String), bellwether_alerts::ToldRow>,
    pub(crate) deliveries: BTreeMap<String, bellwether_alerts::DeliveryRow>,
    /// By fingerprint and start.
    pub(crate) episodes: BTreeMap<(String, i64), bellwether_alerts::EpisodeRow>,
    /// What was done, and to what.
    pub(crate) audit: Vec<String>,
    /// How often a row of an alert was written.
    pub(crate) alerts_written: usize,
}

impl Ledger {
    /// Applies the records of one step; panics if anything is sent before it is written down.
    pub(crate) fn commit(&mut self, effects: &[Effect]) {
        let mut sending = false;
        for effect in effects {
            match effect {
                Effect::Record(record) => {
                    assert!(!sending, "a record comes after a delivery");
                    self.write(record);
                }
                Effect::Answer(_) => assert!(!sending, "an answer comes after a delivery"),
                Effect::Deliver(delivery) => {
                    sending = true;
                    let row = self
                        .deliveries
                        .get(&delivery.key.0)
                        .expect("a delivery is written down before it is sent");
                    assert_eq!(&row.delivery, delivery.as_ref());
                    assert!(row.status.is_open());
                }
            }
        }
    }

    fn write(&mut self, record: &Record) {
        match record.clone() {
            Record::Alert(row) => {
                self.alerts_written += 1;
                self.alerts.insert(row.alert.fingerprint().to_string(), *row);
            }
            Record::AlertGone(fingerprint) => _ = self.alerts.remove(&fingerprint.to_string()),
            Record::Silence(row) => _ = self.silences.insert(row.id.0.clone(), row),
            Record::SilenceGone(id) => _ = self.silences.remove(&id.0),
            Record::Group(row) => _ = self.groups.insert(row.id.0.clone(), row),
            Record::GroupGone(id) => {
                self.told.retain(|(group, _), _| *group != id.0);
                self.groups.remove(&id.0);
            }
            Record::Told(row) => {
                _ = self.told.insert((row.group.0.clone(), row.integration.to_string()), row)
            }
            Record::Delivery(row) => _ = self.deliveries.insert(row.delivery.key.0.clone(), *row),
            Record::Attempt(_) => {}
            Record::Audit(row) => self.audit.push(format!("{} {} {}", row.who, row.action, row.subject)),
            Record::Episode(row) => {
                let key = (row.alert.fingerprint().to_string(), row.alert.starts_at.0);
                self.episodes.insert(key, *row);
            }
        }
    }

    pub(crate) fn restored(&self) -> Restored {
        Restored {
            alerts: self.alerts.values().cloned().collect(),
            silences: self.silences.values().cloned().collect(),
            groups: self.groups.values().cloned().collect(),
            told: self.told.values().cloned().collect(),
            deliveries: self.deliveries.values().filter(|d| d.status.is_open()).cloned().collect(),
        }
    }
}
