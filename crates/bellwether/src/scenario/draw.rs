//! Drawing how many of many events go one way: by chance, from a seeded generator.

use super::quantity::WHOLE;

/// Up to so many events are drawn one by one; of more, how many there are is drawn at once.
const ONE_BY_ONE: u64 = 400;

/// How many of `n` events happen that each happen with this chance, in billionths.
///
/// Many are drawn from the normal distribution with the same mean and spread, which is what their number looks like.
pub(super) fn binomial(rng: &mut fastrand::Rng, n: u64, chance: i128) -> u64 {
    let p = (chance as f64 / WHOLE as f64).clamp(0.0, 1.0);
    if p <= 0.0 || p >= 1.0 {
        return if p > 0.0 { n } else { 0 };
    }
    let (mean, spread) = (n as f64 * p, (n as f64 * p * (1.0 - p)).sqrt());
    if n <= ONE_BY_ONE || spread < 6.0 {
        return (0..n).filter(|_| rng.f64() < p).count() as u64;
    }
    // Box and Muller: two uniform numbers make a normal one.
    let (u, v) = (1.0 - rng.f64(), rng.f64());
    let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    (mean + spread * normal).round().clamp(0.0, n as f64) as u64
}

/// Spreads `n` events over parts with these shares, in billionths; together the whole.
pub(super) fn spread(rng: &mut fastrand::Rng, n: u64, shares: impl Iterator<Item = i128>) -> Vec<u64> {
    let (mut left, mut whole) = (n, WHOLE);
    let mut counts = Vec::new();
    for share in shares {
        let count = match whole {
            0 => 0,
            whole => binomial(rng, left, (share * WHOLE / whole).min(WHOLE)),
        };
        counts.push(count);
        left -= count;
        whole = (whole - share).max(0);
    }
    if let Some(last) = counts.last_mut() {
        *last += left;
    }
    counts
}
