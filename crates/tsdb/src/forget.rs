//! Series of which nothing is left are forgotten: names, sets, heads. Pods come and go, and a store that remembered all
//! of them would grow for as long as it runs. Their numbers are never given to others.
//!
//! Nothing may speak of a number whose labels are gone: so what is to go is chosen first, and goes at a later look, once
//! all log files from before the choice have been removed and nobody has asked for the series meanwhile.

use bellwether_model::{SeriesId, Timestamp};
use roaring::RoaringBitmap;

use crate::error::DiskError;
use crate::state::State;
use crate::store::Store;

/// The file of series is written anew when so large a part of it, one in so many, is forgotten.
const REWRITE_ONE_IN: u64 = 4;
/// But not for fewer.
const REWRITE_MIN: u64 = 1000;

/// Series that will be forgotten.
#[derive(Default)]
pub(crate) struct Leaving {
    pub(crate) ids: RoaringBitmap,
    /// Log files before this one may speak of them.
    file: u64,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForgetReport {
    /// Series forgotten by this call.
    pub forgotten: u64,
    /// Series that a later call will forget.
    pub leaving: u64,
}

impl Store {
    /// Forgets series without samples in memory and in segments, whose last one retention does not keep; each is chosen by
    /// one call and goes with a later one.
    pub fn forget(&self) -> Result<ForgetReport, DiskError> {
        let shared = &self.shared;
        let mut maintenance = shared.maintain();
        let mut report = ForgetReport::default();
        let oldest = shared.log.lock().files.first().map_or(0, |file| file.number);
        {
            let mut state = shared.write();
            if !state.leaving.ids.is_empty() && oldest >= state.leaving.file {
                let leaving = std::mem::take(&mut state.leaving).ids;
                let gone = leaving & state.without_samples();
                report.forgotten = gone.len();
                state.forget(&gone);
            }
        }
        maintenance.forgotten += report.forgotten;
        let known = shared.read().index.named();
        if maintenance.forgotten >= REWRITE_MIN.max(known / REWRITE_ONE_IN) {
            maintenance.table.write_anew(|first| shared.read().index.labels_from(first))?;
            maintenance.forgotten = 0;
        }
        let is_waiting = !shared.read().leaving.ids.is_empty();
        if !is_waiting && !shared.read().without_samples().is_empty() {
            // Whatever is in the log of them is in files before this one.
            let file = shared.log.rotate()?;
            let mut state = shared.write();
            state.leaving = Leaving { ids: state.without_samples(), file };
        }
        report.leaving = shared.read().leaving.ids.len();
        Ok(report)
    }
}

/// For whoever remembers numbers of series and seldom uses some.
impl Store {
    /// How often series were forgotten since the store was opened.
    pub fn forgettings(&self) -> u64 {
        self.shared.read().forgettings
    }

    /// Those of some numbers whose series are forgotten: they must be asked for by their labels again.
    pub fn forgotten_of(&self, ids: impl Iterator<Item = SeriesId>) -> Vec<SeriesId> {
        let state = self.shared.read();
        ids.filter(|id| state.is_forgotten(*id)).collect()
    }
}

impl State {
    /// Series of which nothing is kept.
    fn without_samples(&self) -> RoaringBitmap {
        let mut ids = self.index.all().clone();
        for segment in &self.segments {
            ids -= &segment.series;
        }
        let floor = self.floor;
        let is_over = |id: &u32| {
            self.heads
                .get(*id as usize)
                .is_none_or(|head| head.is_empty() && head.last_at() < floor.max(Timestamp(i64::MIN + 1)))
        };
        ids.iter().filter(is_over).collect()
    }

    fn forget(&mut self, ids: &RoaringBitmap) {
        self.index.forget(ids);
        self.heads.clear(ids);
        self.refused_before -= ids;
        self.forgettings += u64::from(!ids.is_empty());
    }

    /// Whether a number's series is forgotten, or was never named.
    pub(crate) fn is_forgotten(&self, id: SeriesId) -> bool {
        self.heads.get(id.0 as usize).is_some_and(|head| head.is_new()) && self.index.labels(id).is_none()
    }
}
