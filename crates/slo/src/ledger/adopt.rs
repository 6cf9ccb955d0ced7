//! The past of a new indicator: whose is wanted, and how it is taken, folded from raw samples in a ledger of its own,
//! into the ledger that lives.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Batch, Origin};

use crate::definition::Slo;
use crate::engine::SloEngine;
use crate::event::{Backfill, WantedBackfill};
use crate::ledger::sli::Sli;
use crate::ledger::stream::Stream;
use crate::ledger::{Credit, Ledger, NONE, Source, Target, TargetKey};

impl SloEngine {
    /// Indicators whose past has still to be read, with what to read. Answer with [`crate::Event::Backfill`], also when
    /// nothing was found.
    pub fn wanted_backfill(&self) -> Vec<WantedBackfill> {
        // Of what is asked, the past is asked for too.
        let is_wanted = |sli: &&Sli| sli.is_new && !sli.indicator.selectors().is_empty();
        let new = self.ledger.slis.iter().flatten().filter(is_wanted);
        new.map(|sli| {
            let wants = |slo: &&Arc<Slo>| slo.indicator.with_base().iter().any(|i| i.key() == sli.key);
            let slos = self.slos.values().filter(wants);
            WantedBackfill {
                key: sli.key.clone(),
                selectors: sli.indicator.selectors(),
                reach: slos.map(|slo| slo.period.reach()).max().unwrap_or_default(),
            }
        })
        .collect()
    }

    /// Says that every indicator's past has been counted: the engine was folded over the whole log.
    pub fn past_is_counted(&mut self) {
        self.ledger.slis.iter_mut().flatten().for_each(|sli| sli.is_new = false);
    }

    pub(crate) fn backfill(&mut self, backfill: Backfill<'_>) {
        let Some(sli) = self.ledger.sli(backfill.key).filter(|sli| sli.is_new) else { return };
        // Series that were there before a reload are not announced again.
        backfill.series.iter().for_each(|(_, labels)| self.known_metrics.hear(labels));
        let mut past = Ledger::new(self.ledger.settings);
        past.set_indicators([&sli.indicator]);
        for (id, labels) in backfill.series {
            past.series_born(*id, labels);
        }
        for batch in backfill.batches {
            past.apply(&Batch { origin: Origin::Backfill, ..batch.clone() });
        }
        self.ledger.adopt(past, backfill.key);
    }
}

impl Ledger {
    /// Takes over the past of one indicator from a ledger that was folded over it alone.
    ///
    /// A series that both know keeps the previous value of this ledger, which has seen its latest samples.
    pub(crate) fn adopt(&mut self, past: Ledger, key: &str) {
        let Some(index) = self.slis.iter().position(|sli| sli.as_ref().is_some_and(|sli| sli.key == key))
        else {
            return;
        };
        // With the past of slices comes that of the events they judge, which has a question of its own.
        let is_it = |sli: &Option<Sli>| sli.as_ref().is_some_and(|sli| sli.key == key);
        let Some(past_index) = past.slis.iter().position(is_it).map(|index| index as u32) else { return };
        let past = past.only(past_index);
        let Some(mut sli) = past.slis.into_iter().flatten().next() else { return };
        self.forget(index);
        let (streams_before, sources_of_past) = (self.streams.len() as u32, past.sources);
        let targets: Vec<u32> = self.adopt_targets(past.targets, &past.target_by_key, streams_before);
        self.streams.extend(
            past.streams
                .into_iter()
                .map(|stream| stream.map(|stream| Stream { sli: index as u32, grid: self.grid, ..stream })),
        );
        sli.everything += streams_before;
        sli.groups.values_mut().for_each(|stream| *stream += streams_before);
        let mut renumbered = BTreeMap::new();
        for (old, source) in sources_of_past.into_iter().enumerate() {
            let credits = source.credits.into_iter().map(|credit| Credit {
                sli: index as u32,
                stream: credit.stream + streams_before,
                target: targets.get(credit.target as usize).copied().unwrap_or(NONE),
                weight: credit.weight,
            });
            let pushed = targets[source.pushed as usize];
            let new = match self.source_of(source.id) {
                Some(known) => {
                    // What its first sample was worth here is known of the other indicators alone.
                    self.recent.entry(known).and_modify(|recent| recent.born = None);
                    known
                }
                None => {
                    let new = self.sources.len() as u32;
                    self.sources.push(Source { pushed, credits: Vec::new(), ..source });
                    self.index_source(self.sources[new as usize].id, new);
                    new
                }
            };
            self.sources[new as usize].credits.extend(credits);
            renumbered.insert(old as u32, new);
        }
        sli.histograms.values_mut().for_each(|histogram| histogram.renumber(&renumbered));
        sli.is_new = false;
        self.slis[index] = Some(sli);
        self.adopt_natives(past.natives, &renumbered, index as u32);
    }

    /// The ledger without all indicators but one.
    fn only(mut self, kept: u32) -> Self {
        let others = (0..self.slis.len() as u32).filter(|index| *index != kept);
        others.for_each(|index| self.forget(index as usize));
        self
    }

    /// Adds targets and what they vouch for; gives their new numbers.
    fn adopt_targets(
        &mut self,
        targets: Vec<Target>,
        keys: &BTreeMap<TargetKey, u32>,
        streams_before: u32,
    ) -> Vec<u32> {
        let key_of: BTreeMap<u32, &TargetKey> = keys.iter().map(|(key, index)| (*index, key)).collect();
        let mut numbers = Vec::new();
        for (old, mut target) in targets.into_iter().enumerate() {
            target.contributions.iter_mut().for_each(|c| c.stream += streams_before);
            let known = key_of.get(&(old as u32)).and_then(|key| self.target_by_key.get(*key).copied());
            let number = match known {
                Some(number) => {
                    let mine = &mut self.targets[number as usize];
                    mine.contributions.append(&mut target.contributions);
                    mine.first_ok = [mine.first_ok, target.first_ok].into_iter().flatten().min();
                    mine.last_ok = mine.last_ok.max(target.last_ok);
                    mine.last_attempt = mine.last_attempt.max(target.last_attempt);
                    number
                }
                None => {
                    self.targets.push(target);
                    let number = (self.targets.len() - 1) as u32;
                    if let Some(key) = key_of.get(&(old as u32)) {
                        self.target_by_key.insert((*key).clone(), number);
                    }
                    number
                }
            };
            numbers.push(number);
        }
        numbers
    }
}
