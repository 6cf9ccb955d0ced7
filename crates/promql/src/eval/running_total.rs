//! Running totals over the numbers of a series, one for each family of functions over ranges: what a window holds is
//! the total at its end less the total at its begin. Where that difference would not be as exact as looking at the
//! window's own samples, the total says that it is not sound.

use std::collections::VecDeque;

use bellwether_model::{ChunkSummary, Sample};

use super::range_function::{Context, Outermost};
use crate::function::Function;

/// A running total over all samples so far.
pub(super) trait Total {
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

/// For functions that need no more than the outermost samples.
pub(super) struct Nothing;

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
pub(super) struct Exact {
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
pub(super) struct Restarts {
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
pub(super) struct Added {
    sum: Exact,
    size: f64,
    nonzero: u64,
    /// How many chunks were added by their own sums.
    chunks: u64,
}

#[derive(Default)]
pub(super) struct Sum {
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

#[derive(Default)]
pub(super) struct Resets(u64);

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

#[derive(Default)]
pub(super) struct Changes(u64);

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
pub(super) struct Extreme<const IS_MAX: bool> {
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
