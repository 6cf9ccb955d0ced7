//! Resolves a series to the streams it counts for, once, when it is announced: after that, a sample only needs its
//! number.

use std::collections::BTreeMap;

use bellwether_model::{Labels, SeriesId};

use crate::ledger::sli::{Part, Role, Weight, role};
use crate::ledger::{Credit, Ledger, NONE, Source, TargetKey};

impl Ledger {
    /// Resolves a new series to its streams, once. Its first value counts from zero if its target was watched.
    pub fn series_born(&mut self, id: SeriesId, labels: &Labels) {
        self.announce(id, labels, false);
    }

    /// Resolves a series that existed before; its first value is a baseline.
    pub fn series_known(&mut self, id: SeriesId, labels: &Labels) {
        self.announce(id, labels, true);
    }

    fn announce(&mut self, id: SeriesId, labels: &Labels, is_known: bool) {
        let concerned = |name: &str| self.slis_by_name.get(name).cloned().unwrap_or_default();
        let mut indices = concerned(labels.metric_name().unwrap_or_default());
        indices.extend(concerned(""));
        indices.sort_unstable();
        indices.dedup();
        for index in indices {
            let Some(sli) = &self.slis[index] else { continue };
            let Some(role) = role(&sli.indicator, labels) else { continue };
            let source = self.source_for(id, labels, is_known);
            match role {
                Role::Counter(weight) => {
                    if self.sources[source as usize].credits.iter().all(|c| c.sli as usize != index) {
                        self.set_credits(index, source, labels, weight);
                    }
                }
                Role::Part(part) => self.join_histogram(index, source, labels, part),
            }
        }
    }

    fn source_for(&mut self, id: SeriesId, labels: &Labels, is_known: bool) -> u32 {
        if let Some(source) = self.source_of(id) {
            return source;
        }
        let pushed = self.target_for(TargetKey::Pushed {
            job: labels.value_or_empty("job").to_owned(),
            instance: labels.value_or_empty("instance").to_owned(),
        });
        let source = self.sources.len() as u32;
        self.sources.push(Source {
            id,
            previous: None,
            started: None,
            is_known,
            pushed,
            credits: Vec::new(),
        });
        self.index_source(id, source);
        source
    }

    fn join_histogram(&mut self, index: usize, source: u32, labels: &Labels, part: Part) {
        let Some(sli) = &mut self.slis[index] else { return };
        let threshold = sli.threshold();
        let name = labels.without(&["__name__", "le"]);
        let histogram = sli.histograms.entry(name.clone()).or_default();
        let members = match part {
            Part::Bucket(bound) => histogram.buckets.entry(bound).or_default(),
            Part::Infinite => &mut histogram.infinite,
            Part::Count => &mut histogram.counts,
            Part::Native => {
                if histogram.natives.insert(source) {
                    self.natives.entry(source).or_default().groups.push((index as u32, name));
                }
                return;
            }
        };
        if !members.insert(source) {
            return;
        }
        let weights: BTreeMap<u32, Weight> = histogram.weights(threshold).into_iter().collect();
        let members: Vec<u32> = histogram.members().collect();
        for member in members {
            let weight = weights.get(&member).copied().unwrap_or_default();
            self.set_credits(index, member, labels, weight);
        }
        self.mix(index as u32, &name);
    }

    /// Gives a source its weight in the streams of an indicator, keeping its place in their coverage.
    pub(crate) fn set_credits(&mut self, index: usize, source: u32, labels: &Labels, weight: Weight) {
        let streams = self.streams_of(index, labels);
        let credits = &mut self.sources[source as usize].credits;
        for stream in streams {
            match credits.iter_mut().find(|c| c.stream == stream) {
                Some(credit) => credit.weight = weight,
                None => credits.push(Credit { sli: index as u32, stream, target: NONE, weight }),
            }
        }
    }

    /// The streams a series belongs to, and a note of it if its own could not be made.
    fn streams_of(&mut self, index: usize, labels: &Labels) -> Vec<u32> {
        let Some(sli) = &self.slis[index] else { return Vec::new() };
        let group = sli.group(labels);
        let streams = self.streams_for(index, &group);
        if let (true, 1, Some(sli)) = (!group.is_empty(), streams.len(), &mut self.slis[index]) {
            sli.refused += 1;
        }
        streams
    }

    /// The streams of a group: everything, and one of its own while there are not too many.
    pub(crate) fn streams_for(&mut self, index: usize, group: &Labels) -> Vec<u32> {
        let Some(sli) = &self.slis[index] else { return Vec::new() };
        let (everything, known) = (sli.everything, sli.groups.get(group).copied());
        let is_full = sli.groups.len() >= sli.indicator.streams_max as usize;
        match known {
            _ if group.is_empty() => vec![everything],
            Some(stream) => vec![everything, stream],
            None if is_full => vec![everything],
            None => {
                let stream = self.new_stream(index as u32, group.clone());
                if let Some(sli) = &mut self.slis[index] {
                    sli.groups.insert(group.clone(), stream);
                }
                vec![everything, stream]
            }
        }
    }
}
