//! What a step decides, collected so that records always come before the answer, and both before messages.

use std::collections::BTreeSet;

use crate::{Answer, Delivery, Effect, GroupId, Record};

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) records: Vec<Record>,
    pub(crate) answer: Option<Answer>,
    pub(crate) deliveries: Vec<Delivery>,
    /// Groups that changed. Each is written down once, as it stands when the step is over: a hundred alerts that join
    /// one group at once are one row.
    pub(crate) touched: BTreeSet<GroupId>,
}

impl Outbox {
    pub(crate) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    pub(crate) fn touch(&mut self, group: &GroupId) {
        if !self.touched.contains(group) {
            self.touched.insert(group.clone());
        }
    }

    pub(crate) fn into_effects(self) -> Vec<Effect> {
        let records = self.records.into_iter().map(Effect::Record);
        let answer = self.answer.into_iter().map(Effect::Answer);
        let deliveries = self.deliveries.into_iter().map(|d| Effect::Deliver(Box::new(d)));
        records.chain(answer).chain(deliveries).collect()
    }
}
