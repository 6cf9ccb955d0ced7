//! Reads series for instant selectors: at every step the latest sample that is not older than the lookback.

use bellwether_model::{Matcher, Sample, SeriesView, SourceError, TimeRange, Timestamp};

use super::column::{ABSENT, Grid, Series};
use super::extended::interpolated;
use super::look::{Looked, Take};
use super::{EvalError, Evaluator, mixed_select};
use crate::syntax::{Edges, VectorSelector};

impl Evaluator<'_> {
    pub(super) fn instant_selector(
        &mut self,
        selector: &VectorSelector,
        grid: Grid,
        take: Take,
    ) -> Result<Vec<Series>, EvalError> {
        let first = self.shifted(&selector.shift, grid.start)?;
        let looked = Looked { grid: Grid { start: first, ..grid }, is_fixed: selector.shift.at.is_some() };
        if selector.edges == Edges::Smoothed {
            return self.smoothed_samples(selector, looked);
        }
        self.latest_samples(&selector.matchers, looked, take)
    }

    /// The latest sample of every series at every moment.
    pub(super) fn latest_samples(
        &mut self,
        matchers: &[Matcher],
        Looked { grid, is_fixed }: Looked,
        take: Take,
    ) -> Result<Vec<Series>, EvalError> {
        let looked_at = if is_fixed { Grid::one(grid.start) } else { grid };
        let lookback = self.options.lookback.0;
        let oldest = Timestamp(grid.start.saturating_sub(lookback).saturating_add(1));
        let views = self.source.select(matchers, TimeRange::new(oldest, Timestamp(looked_at.last())))?;
        let mut found = Vec::with_capacity(views.len());
        let mut buffer = Vec::new();
        for view in views {
            self.check_cancelled()?;
            self.hold(grid.count as u64)?;
            let series = if mixed_select::has_histograms(&view) {
                let one = self.latest_mixed(view, looked_at, take)?;
                if is_fixed { one.widened(grid.count) } else { one }
            } else {
                let mut values = column(&view, looked_at, lookback, take, &mut buffer)?;
                if is_fixed {
                    values.resize(grid.count, values[0]);
                }
                Series::new(view.labels, values)
            };
            if !series.is_blank() {
                found.push(series);
            }
        }
        Ok(found)
    }

    /// `smoothed`: between two samples the value on the line from one to the other.
    fn smoothed_samples(
        &mut self,
        selector: &VectorSelector,
        Looked { grid, is_fixed }: Looked,
    ) -> Result<Vec<Series>, EvalError> {
        let lookback = self.options.lookback.0;
        let oldest = Timestamp(grid.start.saturating_sub(lookback).saturating_add(1));
        let newest = Timestamp(grid.last().saturating_add(lookback));
        let mut found = Vec::new();
        for view in self.source.select(&selector.matchers, TimeRange::new(oldest, newest))? {
            self.check_cancelled()?;
            self.hold(grid.count as u64)?;
            if mixed_select::has_histograms(&view) {
                let series = self.smoothed_mixed(view, Looked { grid, is_fixed }, &selector.span)?;
                found.extend(Some(series).filter(|series| !series.is_blank()));
                continue;
            }
            let mut samples = Vec::new();
            for chunk in &view.chunks {
                chunk.decode(&mut samples)?;
            }
            samples.retain(|s| !s.is_stale());
            let at = |moment: i64| {
                let after = samples.partition_point(|s| s.at.0 <= moment);
                let left = samples[..after].last().filter(|s| s.at.0 > moment.saturating_sub(lookback))?;
                let right = samples.get(after).filter(|s| s.at.0 <= moment.saturating_add(lookback));
                Some(match right {
                    Some(right) if left.at.0 < moment => interpolated(*left, *right, moment, false),
                    _ => left.value,
                })
            };
            let moment = |step: usize| if is_fixed { grid.start } else { grid.time(step) };
            let values = (0..grid.count).map(|step| at(moment(step)).unwrap_or(ABSENT)).collect();
            let series = Series::new(view.labels, values);
            if !series.is_blank() {
                found.push(series);
            }
        }
        Ok(found)
    }
}

/// Fills a column, decoding no chunk that cannot hold the latest sample of any step.
fn column(
    view: &SeriesView,
    grid: Grid,
    lookback: i64,
    take: Take,
    buffer: &mut Vec<Sample>,
) -> Result<Vec<f64>, SourceError> {
    let mut filler = Filler { grid, lookback, take, values: vec![ABSENT; grid.count], next: 0, latest: None };
    for (index, chunk) in view.chunks.iter().enumerate() {
        let range = chunk.summary().range;
        filler.until(range.start.0);
        if filler.next == grid.count {
            break;
        }
        let now = grid.time(filler.next);
        let is_too_old = range.end.0 <= now.saturating_sub(lookback);
        let is_overtaken = view.chunks.get(index + 1).is_some_and(|next| next.summary().range.start.0 <= now);
        if is_too_old || is_overtaken {
            continue;
        }
        buffer.clear();
        chunk.decode(buffer)?;
        filler.take(buffer);
    }
    filler.until(i64::MAX);
    Ok(filler.values)
}

/// Samples looked at one after the other before a search.
const NEAR: usize = 8;

struct Filler {
    grid: Grid,
    lookback: i64,
    take: Take,
    values: Vec<f64>,
    next: usize,
    latest: Option<Sample>,
}

impl Filler {
    /// Fills the steps up to the last of some samples; that one is latest from then on.
    fn take(&mut self, samples: &[Sample]) {
        let Some(last) = samples.last() else { return };
        let mut from = 0;
        while self.next < self.grid.count && self.grid.time(self.next) < last.at.0 {
            let now = self.grid.time(self.next);
            // Steps are often close together; where they are not, most samples are never looked at.
            let near = samples[from..].iter().take(NEAR).take_while(|s| s.at.0 <= now).count();
            from += if near < NEAR { near } else { samples[from..].partition_point(|s| s.at.0 <= now) };
            if let Some(before) = from.checked_sub(1) {
                self.latest = Some(samples[before]);
            }
            self.fill(now);
        }
        self.latest = Some(*last);
    }

    /// Fills the steps before a moment with what is latest so far.
    fn until(&mut self, moment: i64) {
        while self.next < self.grid.count && self.grid.time(self.next) < moment {
            self.fill(self.grid.time(self.next));
        }
    }

    /// Fills the next step with what is latest, unless that is too old.
    fn fill(&mut self, now: i64) {
        let fresh = self.latest.filter(|s| s.at.0 > now.saturating_sub(self.lookback) && !s.is_stale());
        if let Some(sample) = fresh {
            self.values[self.next] = match self.take {
                Take::Value => sample.value,
                Take::Time | Take::TimeOfNumber => sample.at.as_secs_f64(),
            };
        }
        self.next += 1;
    }
}
