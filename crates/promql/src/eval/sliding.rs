//! Windows over the numbers of one series in a single pass: what a window holds is the difference of two running
//! totals, so that a step costs the same however long its window is, and overlapping windows share their work.
//!
//! Totals run over all samples in time order. A chunk that no window begins or ends in is not decoded: its summary is
//! added instead. That is what makes a range of a month cheap. Where a running total cannot stand for the samples
//! (infinities, sums that overflow, values so different in size that the small ones drown) the pass is made again
//! without summaries, and if that does not help the caller looks at the samples of each window.

use std::collections::VecDeque;
use std::sync::Arc;

use bellwether_model::{Chunk, ChunkSummary, Sample};

use super::EvalError;
use super::column::{ABSENT, Grid};
use super::cost::Cost;
use super::range_function::Outermost;
use super::running_total::{Changes, Extreme, Nothing, Resets, Restarts, Sum, Total};
use super::windows::Windows;
use crate::function::Function;

/// Samples of one series.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Chunks(&'a [Arc<dyn Chunk>]),
    /// Without staleness markers.
    Samples(&'a [Sample]),
}

/// A column with the function's value for every window; `None` when the function is not of this kind, or the samples
/// are not.
pub(super) fn slide(
    function: Function,
    source: Source<'_>,
    windows: Windows,
    grid: Grid,
    cost: &Cost<'_>,
) -> Result<Option<Vec<f64>>, EvalError> {
    use Function as F;
    let pass = Pass { function, source, windows, grid, cost };
    match function {
        F::Rate | F::Increase => pass.run(Restarts::default),
        F::Delta
        | F::CountOverTime
        | F::FirstOverTime
        | F::LastOverTime
        | F::PresentOverTime
        | F::TsOfFirstOverTime
        | F::TsOfLastOverTime => pass.run(|| Nothing),
        F::SumOverTime | F::AvgOverTime => pass.run(Sum::default),
        F::Resets => pass.run(Resets::default),
        F::Changes => pass.run(Changes::default),
        F::MinOverTime => pass.run(Extreme::<false>::default),
        F::MaxOverTime => pass.run(Extreme::<true>::default),
        _ => Ok(None),
    }
}

/// A window that has begun.
struct Begun<M> {
    first: Sample,
    count_before: usize,
    mark: M,
}

struct Pass<'a> {
    function: Function,
    source: Source<'a>,
    windows: Windows,
    grid: Grid,
    cost: &'a Cost<'a>,
}

impl Pass<'_> {
    fn run<T: Total>(self, start: impl Fn() -> T) -> Result<Option<Vec<f64>>, EvalError> {
        for reads_summaries in [true, false] {
            let mut run = Run::new(self.function, self.windows, self.grid, start());
            match self.source {
                Source::Samples(samples) => {
                    self.cost.spend(samples.len() as u64)?;
                    run.take(samples);
                }
                Source::Chunks(chunks) => self.take_chunks(chunks, reads_summaries, &mut run)?,
            }
            let has_read_all = run.summaries == 0;
            let found = run.finish();
            if found.is_some() || has_read_all {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn take_chunks<T: Total>(
        &self,
        chunks: &[Arc<dyn Chunk>],
        reads_summaries: bool,
        run: &mut Run<T>,
    ) -> Result<(), EvalError> {
        let mut buffer = Vec::new();
        for chunk in chunks {
            let summary = chunk.summary();
            if summary.range.end.0 <= run.start(0) || summary.count == 0 {
                continue;
            }
            if run.is_done() {
                break;
            }
            if reads_summaries && T::is_summed_up(summary) && run.takes_whole(summary) {
                run.summaries += 1;
                self.cost.spend(1)?;
                continue;
            }
            let count = u64::from(summary.count);
            self.cost.check_room(count.saturating_mul(size_of::<Sample>() as u64))?;
            self.cost.spend(count)?;
            buffer.clear();
            chunk.decode(&mut buffer)?;
            if summary.stale_count > 0 {
                buffer.retain(|sample| !sample.is_stale());
            }
            run.take(&buffer);
        }
        Ok(())
    }
}

/// The pass over one series.
struct Run<T: Total> {
    function: Function,
    windows: Windows,
    grid: Grid,
    total: T,
    values: Vec<f64>,
    /// Windows that have begun and not ended, the oldest first.
    begun: VecDeque<Begun<T::Mark>>,
    /// How many windows have begun. Never fewer than have ended.
    begins: usize,
    ends: usize,
    /// How many windows there are to look through.
    wanted: usize,
    /// A sample after this moment begins or ends a window.
    next: i64,
    count: usize,
    last: Option<Sample>,
    /// Chunks that were not decoded.
    summaries: u64,
}

impl<T: Total> Run<T> {
    fn new(function: Function, windows: Windows, grid: Grid, total: T) -> Self {
        // Under `@` all windows are the same one.
        let wanted = if windows.is_fixed() { grid.count.min(1) } else { grid.count };
        let values = Vec::with_capacity(grid.count);
        let (begun, next) = (VecDeque::new(), windows.start(0));
        Self {
            function,
            windows,
            grid,
            total,
            values,
            begun,
            begins: 0,
            ends: 0,
            wanted,
            next,
            count: 0,
            last: None,
            summaries: 0,
        }
    }

    fn start(&self, index: usize) -> i64 {
        self.windows.start(index)
    }

    fn is_done(&self) -> bool {
        self.ends == self.wanted
    }

    fn take(&mut self, samples: &[Sample]) {
        // What comes before the first window concerns none.
        let is_before = self.begins == 0 && self.ends == 0;
        let skipped = if is_before { samples.partition_point(|s| s.at.0 <= self.start(0)) } else { 0 };
        for sample in &samples[skipped..] {
            self.arrive(*sample);
            self.total.sample(*sample);
            self.count += 1;
            self.last = Some(*sample);
        }
    }

    /// Takes a chunk without decoding it, unless a window begins or ends inside it.
    fn takes_whole(&mut self, summary: &ChunkSummary) -> bool {
        self.end_windows(summary.first.at.0);
        let last = summary.last.at.0;
        let next_begin =
            (self.begins..self.wanted).map(|index| self.start(index)).find(|at| *at >= summary.first.at.0);
        let next_end = if self.is_done() { i64::MAX } else { self.windows.end(self.ends) };
        if next_end < last || next_begin.is_some_and(|at| at < last) {
            return false;
        }
        self.arrive(summary.first);
        self.total.chunk(summary);
        self.count += summary.count as usize;
        self.last = Some(summary.last);
        true
    }

    /// Ends and begins windows before a sample that comes next. A window's mark lies between the step that leads to
    /// its first sample, which is not the window's, and the sample itself, which is.
    #[inline]
    fn arrive(&mut self, sample: Sample) {
        let is_edge = sample.at.0 > self.next;
        if is_edge {
            self.end_windows(sample.at.0);
        }
        if let Some(last) = self.last {
            self.total.step(last.value, sample.value);
        }
        if is_edge {
            self.begin_windows(sample);
        }
    }

    #[cold]
    fn end_windows(&mut self, moment: i64) {
        while self.ends < self.wanted && self.windows.end(self.ends) < moment {
            let value = self.value();
            self.values.push(value);
            self.ends += 1;
        }
        // A window that ended before it had a sample never begins.
        self.begins = self.begins.max(self.ends);
    }

    fn begin_windows(&mut self, sample: Sample) {
        while self.begins < self.wanted && self.windows.start(self.begins) < sample.at.0 {
            self.begun.push_back(Begun { first: sample, count_before: self.count, mark: self.total.mark() });
            self.begins += 1;
        }
        let begin = if self.begins < self.wanted { self.windows.start(self.begins) } else { i64::MAX };
        let end = if self.ends < self.wanted { self.windows.end(self.ends) } else { i64::MAX };
        self.next = begin.min(end);
    }

    /// The value of the window that ends next.
    fn value(&mut self) -> f64 {
        if self.begins <= self.ends {
            return ABSENT;
        }
        let (Some(begun), Some(last)) = (self.begun.pop_front(), self.last) else { return ABSENT };
        let window = Outermost { first: begun.first, last, count: self.count - begun.count_before };
        let context = self.windows.context(self.ends, self.grid, &[]);
        self.total.value(self.function, &window, begun.mark, &context).unwrap_or(ABSENT)
    }

    fn finish(mut self) -> Option<Vec<f64>> {
        while self.ends < self.wanted {
            let value = self.value();
            self.values.push(value);
            self.ends += 1;
            self.begins = self.begins.max(self.ends);
        }
        let only = self.values.first().copied().unwrap_or(ABSENT);
        self.values.resize(self.grid.count, only);
        self.total.is_sound().then_some(self.values)
    }
}
