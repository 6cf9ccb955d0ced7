//! Lets go of what is kept of series that will never be heard of again: previous values, places in histograms, who
//! exposed them. Pods come and go, and a ledger that remembered all of them would grow for as long as it runs.
//!
//! Who is gone for good the store knows: it forgets a series when nothing of it is kept, and never gives its number to
//! another. So no sample can come any more, and no count depends on what is let go. Counts themselves are in the streams,
//! which stay. A target whose part in a stream goes on keeps it, whichever series it had it for.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::SeriesId;

use crate::engine::SloEngine;
use crate::ledger::{Ledger, NONE, TargetKey};

/// How much was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LetGo {
    /// Series.
    pub series: usize,
    /// Targets, and those who pushed.
    pub targets: usize,
}

impl SloEngine {
    /// Numbers of all series that something is remembered of, targets' own among them.
    pub fn remembered_series(&self) -> BTreeSet<SeriesId> {
        self.ledger.remembered_series()
    }

    /// Lets go of series that will never be heard of again. Changes no count.
    pub fn let_go(&mut self, gone: &BTreeSet<SeriesId>) -> LetGo {
        self.ledger.let_go(gone)
    }
}

impl Ledger {
    /// Numbers of all series that something is remembered of, targets' own among them.
    pub fn remembered_series(&self) -> BTreeSet<SeriesId> {
        let targets = self.target_by_key.keys().filter_map(|key| match key {
            TargetKey::Scraped(up) => Some(*up),
            TargetKey::Pushed { .. } | TargetKey::Asked { .. } => None,
        });
        self.sources.iter().map(|source| source.id).chain(targets).collect()
    }

    /// Lets go of series that will never be heard of again. Changes no count.
    pub fn let_go(&mut self, gone: &BTreeSet<SeriesId>) -> LetGo {
        if gone.is_empty() {
            return LetGo::default();
        }
        let series = self.let_go_of_sources(gone);
        let targets = self.let_go_of_targets(gone);
        LetGo { series, targets }
    }

    /// Those that are left keep their order, under new positions.
    fn let_go_of_sources(&mut self, gone: &BTreeSet<SeriesId>) -> usize {
        let mut positions: BTreeMap<u32, u32> = BTreeMap::new();
        let mut kept = Vec::new();
        let before = std::mem::take(&mut self.sources);
        let count = before.len();
        self.source_by_series.clear();
        for (position, source) in (0..).zip(before) {
            if !gone.contains(&source.id) {
                positions.insert(position, kept.len() as u32);
                self.source_by_series.set(source.id, kept.len() as u32);
                kept.push(source);
            }
        }
        kept.shrink_to_fit();
        self.sources = kept;
        let natives = std::mem::take(&mut self.natives).into_iter();
        self.natives = natives.filter_map(|(at, native)| Some((*positions.get(&at)?, native))).collect();
        let mixed = std::mem::take(&mut self.mixed).into_iter();
        self.mixed =
            mixed.filter_map(|((at, sli), mixed)| Some(((*positions.get(&at)?, sli), mixed))).collect();
        let recent = std::mem::take(&mut self.recent).into_iter();
        self.recent = recent.filter_map(|(at, recent)| Some((*positions.get(&at)?, recent))).collect();
        for sli in self.slis.iter_mut().flatten() {
            sli.histograms.values_mut().for_each(|histogram| histogram.renumber(&positions));
            sli.histograms.retain(|_, histogram| !histogram.is_empty());
        }
        count - self.sources.len()
    }

    fn let_go_of_targets(&mut self, gone: &BTreeSet<SeriesId>) -> usize {
        let mut is_kept: Vec<bool> =
            self.targets.iter().map(|target| !target.contributions.is_empty()).collect();
        for source in &self.sources {
            for target in source.credits.iter().map(|credit| credit.target).chain([source.pushed]) {
                if let Some(is_kept) = is_kept.get_mut(target as usize) {
                    *is_kept = true;
                }
            }
        }
        self.target_by_key.retain(|key, target| {
            let is_known = &mut is_kept[*target as usize];
            *is_known |= match key {
                TargetKey::Scraped(up) => !gone.contains(up),
                TargetKey::Asked { .. } => true,
                // Whoever comes back after all it ever pushed was forgotten is new.
                TargetKey::Pushed { .. } => false,
            };
            *is_known
        });
        let mut positions: Vec<u32> = Vec::with_capacity(is_kept.len());
        let mut next = 0;
        for is_kept in &is_kept {
            positions.push(if *is_kept { next } else { NONE });
            next += u32::from(*is_kept);
        }
        let new = |target: u32| positions.get(target as usize).copied().unwrap_or(NONE);
        let mut kept = is_kept.iter();
        self.targets.retain(|_| kept.next().copied().unwrap_or(true));
        self.targets.shrink_to_fit();
        self.target_by_key.values_mut().for_each(|target| *target = new(*target));
        for source in &mut self.sources {
            source.pushed = new(source.pushed);
            source.credits.iter_mut().for_each(|credit| credit.target = new(credit.target));
        }
        let gaps = std::mem::take(&mut self.gaps).into_iter();
        self.gaps = gaps.map(|(target, gaps)| (new(target), gaps)).filter(|(at, _)| *at != NONE).collect();
        is_kept.len() - self.targets.len()
    }
}
