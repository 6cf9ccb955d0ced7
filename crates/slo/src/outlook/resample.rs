//! Futures drawn from the past: blocks of history put together anew, with the same dice every time, so that the same
//! history always gives the same answer. The block bootstrap: Künsch, "The jackknife and the bootstrap for general
//! stationary observations", 1989.

/// Dice that fall the same way for the same seed. SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The seed of every calculation here: nothing depends on it but that it stays the same.
    pub(crate) const fn fixed() -> Self {
        Self(0x5eed_b1a5_ed0d_d5ee)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which must be positive.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// One of several; `None` of none.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        (!of.is_empty()).then(|| &of[self.below(of.len())])
    }
}

/// The value below which a share of all lie; `None` of none. Sorts.
pub(crate) fn quantile<T: Copy + PartialOrd>(values: &mut [T], share: f64) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let index = (share * values.len() as f64).floor() as usize;
    values.get(index.min(values.len().saturating_sub(1))).copied()
}
