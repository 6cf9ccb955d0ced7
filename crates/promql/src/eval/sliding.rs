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
use super::range_function::{Context, Outermost};
use super::window::Windows;
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
        F::Resets => pass.run(|| Resets(0)),
        F::Changes => pass.run(|| Changes(0)),
        F::MinOverTime => pass.run(Extreme::<false>::default),
        F::MaxOverTime => pass.run(Extreme::<true>::default),
        _ => Ok(None),
    }
}

/// A running total over all samples so far.
trait Total {
    /// The total at one moment, to be subtracted from a later one.
    type Mark: Copy;

    fn mark(&self) -> Self::Mark;
    /// Adds what lies between two neighbours.
    fn step(&mut self, _before: f64, _after: f64) {}
    /// Adds a sample itself.
    fn sample(&mut self, _sample: Sample) {}
    /// Adds the samples of a whole chunk, and what lies between them.
    fn chunk(&mut self, summary: &ChunkSummary);
    /// Whether a summary stands for its samples.
    fn is_summed_up(summary: &ChunkSummary) -> bool {
        summary.nan_count == 0 && summary.sum.is_finite()
    }
    /// Whether the total is still one.
    fn is_sound(&self) -> bool {
        true
    }
    /// The value of a window that began with a mark; `None` where the function has none.
    fn value(
        &mut self,
        function: Function,
        window: &Outermost,
        since: Self::Mark,
        context: &Context,
    ) -> Option<f64>;
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

/// For functions that need no more than the outermost samples.
struct Nothing;

impl Total for Nothing {
    type Mark = ();

    fn mark(&self) {}
    fn chunk(&mut self, _summary: &ChunkSummary) {}
    fn is_summed_up(_summary: &ChunkSummary) -> bool {
        true
    }

    fn value(&mut self, function: Function, window: &Outermost, (): (), context: &Context) -> Option<f64> {
        Some(match function {
            Function::Delta => window.extrapolated(window.last.value - window.first.value, context, false)?,
            Function::CountOverTime => window.count as f64,
            Function::FirstOverTime => window.first.value,
            Function::LastOverTime => window.last.value,
            Function::TsOfFirstOverTime => window.first.at.as_secs_f64(),
            Function::TsOfLastOverTime => window.last.at.as_secs_f64(),
            _ => 1.0, // whether there is any
        })
    }
}

/// A sum with the low bits that its doubles cannot hold beside it (Knuth's two-sum), so that the difference of two
/// running sums is as exact as a sum of its own.
#[derive(Clone, Copy, Default)]
struct Exact {
    sum: f64,
    lost: f64,
}

/// Beyond this a running sum is too close to overflowing.
const SUM_MAX: f64 = 1e300;
/// A running total so much larger than a window's share of it may have swallowed digits of the share: two doubles hold
/// 31 digits, of which a result needs 16.
const SWALLOWS: f64 = 1e12;
/// A sum so much smaller than what was added shows the rounding of the chunks' own sums.
const CANCELLED: f64 = 1e-3;

impl Exact {
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        let of_value = sum - self.sum;
        self.lost += (self.sum - (sum - of_value)) + (value - of_value);
        self.sum = sum;
    }

    fn is_unsound(self) -> bool {
        self.sum.is_nan() || self.sum.abs() > SUM_MAX
    }

    fn since(self, earlier: Self) -> f64 {
        (self.sum - earlier.sum) + (self.lost - earlier.lost)
    }
}

/// What counters lost by starting again: the increase of a window is the difference of its outermost samples, and
/// this.
#[derive(Default)]
struct Restarts {
    lost: Exact,
    count: u64,
    is_unsound: bool,
}

impl Restarts {
    fn lose(&mut self, value: f64, restarts: u32) {
        self.lost.add(value);
        self.count += u64::from(restarts);
        self.is_unsound |= self.lost.is_unsound();
    }
}

impl Total for Restarts {
    type Mark = (Exact, u64);

    fn mark(&self) -> Self::Mark {
        (self.lost, self.count)
    }

    fn step(&mut self, before: f64, after: f64) {
        if after < before {
            self.lose(before, 1);
        }
    }

    fn chunk(&mut self, summary: &ChunkSummary) {
        if summary.resets > 0 {
            self.lose(summary.increase - (summary.last.value - summary.first.value), summary.resets);
        }
    }

    fn is_sound(&self) -> bool {
        !self.is_unsound
    }

    fn value(
        &mut self,
        function: Function,
        window: &Outermost,
        (lost, count): Self::Mark,
        context: &Context,
    ) -> Option<f64> {
        let mut increase = window.last.value - window.first.value;
        if self.count > count {
            let lost = self.lost.since(lost);
            self.is_unsound |= self.lost.sum.abs() > SWALLOWS * lost.abs();
            increase += lost;
        }
        match function {
            Function::Rate => window.rate(increase, context),
            _ => window.extrapolated(increase, context, true),
        }
    }
}

/// A running sum, and how much was added to it whatever the signs.
#[derive(Clone, Copy, Default)]
struct Added {
    sum: Exact,
    size: f64,
    nonzero: u64,
    /// How many chunks were added by their own sums.
    chunks: u64,
}

#[derive(Default)]
struct Sum {
    added: Added,
    is_unsound: bool,
}

impl Total for Sum {
    type Mark = Added;

    fn mark(&self) -> Added {
        self.added
    }

    fn sample(&mut self, sample: Sample) {
        self.added.sum.add(sample.value);
        self.added.size += sample.value.abs();
        self.added.nonzero += u64::from(sample.value != 0.0);
        self.is_unsound |= self.added.sum.is_unsound();
    }

    fn chunk(&mut self, summary: &ChunkSummary) {
        let is_one_sign = summary.min >= 0.0 || summary.max <= 0.0;
        let size_max = summary.max.abs().max(summary.min.abs()) * f64::from(summary.count);
        self.added.sum.add(summary.sum);
        self.added.size += if is_one_sign { summary.sum.abs() } else { size_max };
        self.added.nonzero += u64::from(summary.min != 0.0 || summary.max != 0.0);
        self.added.chunks += 1;
        self.is_unsound |= self.added.sum.is_unsound();
    }

    fn is_sound(&self) -> bool {
        !self.is_unsound
    }

    fn value(&mut self, function: Function, window: &Outermost, since: Added, _: &Context) -> Option<f64> {
        let (sum, size) = (self.added.sum.since(since.sum), self.added.size - since.size);
        if self.added.nonzero == since.nonzero {
            return Some(0.0);
        }
        let is_rounded = self.added.chunks > since.chunks && sum.abs() < CANCELLED * size;
        self.is_unsound |= is_rounded || self.added.size > SWALLOWS * size;
        Some(if function == Function::AvgOverTime { sum / window.count as f64 } else { sum })
    }
}

struct Resets(u64);

impl Total for Resets {
    type Mark = u64;

    fn mark(&self) -> u64 {
        self.0
    }

    fn step(&mut self, before: f64, after: f64) {
        self.0 += u64::from(after < before);
    }

    fn chunk(&mut self, summary: &ChunkSummary) {
        self.0 += u64::from(summary.resets);
    }

    fn value(&mut self, _: Function, _: &Outermost, since: u64, _: &Context) -> Option<f64> {
        Some((self.0 - since) as f64)
    }
}

struct Changes(u64);

impl Total for Changes {
    type Mark = u64;

    fn mark(&self) -> u64 {
        self.0
    }

    fn step(&mut self, before: f64, after: f64) {
        self.0 += u64::from(before != after && !(before.is_nan() && after.is_nan()));
    }

    fn chunk(&mut self, summary: &ChunkSummary) {
        self.0 += u64::from(summary.changes);
    }

    fn value(&mut self, _: Function, _: &Outermost, since: u64, _: &Context) -> Option<f64> {
        Some((self.0 - since) as f64)
    }
}

/// The smallest or largest of a window: candidates in time order, each beaten by none behind it.
#[derive(Default)]
struct Extreme<const IS_MAX: bool> {
    candidates: VecDeque<Sample>,
}

impl<const IS_MAX: bool> Extreme<IS_MAX> {
    fn push(&mut self, sample: Sample) {
        let is_beaten = |old: &Sample| {
            if IS_MAX { old.value <= sample.value } else { old.value >= sample.value }
        };
        while self.candidates.back().is_some_and(is_beaten) {
            self.candidates.pop_back();
        }
        self.candidates.push_back(sample);
    }
}

impl<const IS_MAX: bool> Total for Extreme<IS_MAX> {
    type Mark = ();

    fn mark(&self) {}

    fn sample(&mut self, sample: Sample) {
        if !sample.value.is_nan() {
            self.push(sample);
        }
    }

    fn chunk(&mut self, summary: &ChunkSummary) {
        // No window begins inside the chunk: it leaves as a whole, with its last sample.
        self.push(Sample::new(summary.last.at, if IS_MAX { summary.max } else { summary.min }));
    }

    fn value(&mut self, _: Function, _: &Outermost, (): (), context: &Context) -> Option<f64> {
        while self.candidates.front().is_some_and(|oldest| oldest.at.0 <= context.start) {
            self.candidates.pop_front();
        }
        // Samples, and none of them a number.
        Some(self.candidates.front().map_or(f64::NAN, |found| found.value))
    }
}
