//! Where chance comes from: drawn from a seeded generator, or dealt out so evenly that shares are exact.
//!
//! Dealt outcomes make a simulated fault reproducible to the event: after n draws of a chance p, exactly
//! round(n x p) have succeeded, and one round through a range of latencies meets every millisecond once.

use std::collections::BTreeMap;

use crate::workshop::Endpoint;
use crate::workshop::phase::{LatencyRange, Probability};

/// What is drawn. Each is dealt by itself, so that one endpoint's traffic does not disturb another's shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Draw {
    /// Whether a call succeeds.
    Success(Endpoint),
    /// How long a call takes.
    Latency(Endpoint),
    /// Whether a chat raises a safety issue.
    SafetyIssue,
    /// How the user of a chat feels.
    Sentiment,
    /// What the user of a chat does with the answer.
    Outcome,
}

/// A source of outcomes.
#[derive(Clone, Debug)]
pub enum Sampler {
    /// Independent draws.
    Random(fastrand::Rng),
    /// Exact shares.
    Quota(Quota),
}

/// What has been dealt so far.
#[derive(Clone, Debug, Default)]
pub struct Quota {
    /// What each possible outcome of a draw is still owed, in billionths.
    owed: BTreeMap<Draw, [i64; 4]>,
    latencies: BTreeMap<Draw, LatencyRound>,
}

#[derive(Clone, Debug)]
struct LatencyRound {
    range: LatencyRange,
    dealt: u64,
}

/// Chances are dealt in billionths: every decimal chance up to nine digits is exact.
const WHOLE: i64 = 1_000_000_000;

fn billionths(chance: Probability) -> i64 {
    (chance.get() * WHOLE as f64).round() as i64
}

impl Sampler {
    /// Independent draws that repeat when the seed is repeated.
    pub fn random(seed: u64) -> Self {
        Self::Random(fastrand::Rng::with_seed(seed))
    }

    /// Exact shares.
    pub fn quota() -> Self {
        Self::Quota(Quota::default())
    }

    /// Whether something with this chance happens.
    pub fn happens(&mut self, draw: Draw, chance: Probability) -> bool {
        match self {
            Self::Random(rng) => rng.f64() <= chance.get(),
            Self::Quota(quota) => quota.happens(draw, chance),
        }
    }

    /// Which of four outcomes happens, tried in order; what is left over belongs to the last.
    pub fn choose(&mut self, draw: Draw, chances: [Probability; 4]) -> usize {
        match self {
            Self::Random(rng) => choose_by(rng.f64(), chances),
            Self::Quota(quota) => quota.choose(draw, chances),
        }
    }

    /// A latency in whole milliseconds.
    pub fn latency_ms(&mut self, draw: Draw, range: LatencyRange) -> u64 {
        match self {
            Self::Random(rng) => rng.u64(range.ms_min()..range.ms_max()),
            Self::Quota(quota) => quota.latency_ms(draw, range),
        }
    }
}

fn choose_by(drawn: f64, chances: [Probability; 4]) -> usize {
    let mut upto = 0.0;
    for (index, chance) in chances.iter().enumerate() {
        upto += chance.get();
        if drawn <= upto {
            return index;
        }
    }
    chances.len() - 1
}

impl Quota {
    fn happens(&mut self, draw: Draw, chance: Probability) -> bool {
        // Starting half way makes the count the nearest whole number to n x p, not the one below.
        let owed = &mut self.owed.entry(draw).or_insert([WHOLE / 2, 0, 0, 0])[0];
        *owed += billionths(chance);
        let due = *owed >= WHOLE;
        *owed -= if due { WHOLE } else { 0 };
        due
    }

    /// Whoever is owed most is next: no outcome is ever a whole event away from its share.
    fn choose(&mut self, draw: Draw, chances: [Probability; 4]) -> usize {
        let owed = self.owed.entry(draw).or_default();
        for (owed, share) in owed.iter_mut().zip(shares(chances)) {
            *owed += share;
        }
        let next = (0..owed.len()).rev().max_by_key(|index| owed[*index]).unwrap_or(0);
        owed[next] -= WHOLE;
        next
    }

    /// Steps through the range by about the golden section of its size: every value once per round, and each part
    /// of a round spread evenly over the range.
    fn latency_ms(&mut self, draw: Draw, range: LatencyRange) -> u64 {
        let round = self.latencies.entry(draw).or_insert(LatencyRound { range, dealt: 0 });
        if round.range != range {
            *round = LatencyRound { range, dealt: 0 };
        }
        let offset = round.dealt * stride(range.values()) % range.values();
        round.dealt = (round.dealt + 1) % range.values();
        range.ms_min() + offset
    }
}

/// The share of each of four outcomes when they are tried in order, in billionths; together the whole.
fn shares(chances: [Probability; 4]) -> [i64; 4] {
    let mut left = WHOLE;
    let mut shares = chances.map(|chance| {
        let share = billionths(chance).min(left);
        left -= share;
        share
    });
    shares[3] += left;
    shares
}

/// A step that visits all of `values` places before it repeats.
fn stride(values: u64) -> u64 {
    let golden = (values as f64 * 0.618_033_988_749_894_9).round() as u64;
    (golden.max(1)..).find(|step| gcd(*step, values) == 1).unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
