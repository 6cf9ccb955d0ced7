//! The hash by which a series is recognised: 128 bits, keyed anew in every process, so that nobody can make two series
//! look like one. Folded multiplication: sixteen bytes a step, in two lanes that do not wait for each other.

/// By what a series is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey(pub u64, pub u64);

/// What hashes are keyed with; they must be random and told to nobody.
#[derive(Clone, Copy)]
pub struct SeriesKeys([u64; 4]);

impl std::fmt::Debug for SeriesKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SeriesKeys")
    }
}

/// Both halves of the product, so that every bit of it depends on every bit of both.
#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

impl SeriesKeys {
    /// From randomness.
    pub const fn new(random: [u64; 4]) -> Self {
        Self(random)
    }

    /// The key of some bytes.
    #[inline]
    pub(super) fn of(&self, bytes: &[u8]) -> SeriesKey {
        let [s, t, u, v] = self.0;
        let (mut a, mut b) = (u ^ bytes.len() as u64, v);
        let (whole, rest) = bytes.as_chunks::<16>();
        let mut step = |chunk: &[u8; 16]| {
            let number = u128::from_le_bytes(*chunk);
            let (low, high) = (number as u64, (number >> 64) as u64);
            a = fold(low ^ s, high ^ a);
            b = fold(low ^ b, high ^ t);
        };
        whole.iter().for_each(&mut step);
        if !rest.is_empty() {
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            step(&last);
        }
        SeriesKey(fold(a ^ t, v), fold(b ^ s, u))
    }

    /// What a key of parts begins with.
    pub(super) const fn begin(&self) -> SeriesKey {
        SeriesKey(self.0[2], self.0[3])
    }

    /// The key of what came before and a part.
    #[inline]
    pub(super) const fn and(&self, before: SeriesKey, part: SeriesKey) -> SeriesKey {
        SeriesKey(fold(before.0 ^ part.0, self.0[0] ^ part.1), fold(before.1 ^ part.1, self.0[1] ^ part.0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn whatever_differs_in_a_bit_a_length_or_an_order_has_another_key() {
        let keys = SeriesKeys::new([1 << 60 | 3, 5 << 50 | 7, 11 << 40 | 13, 17 << 55 | 19]);
        let mut seen = HashSet::new();
        for length in 0..70 {
            let mut bytes = vec![0u8; length];
            assert!(seen.insert(keys.of(&bytes)), "{length} zeros");
            for bit in 0..length * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(seen.insert(keys.of(&bytes)), "bit {bit} of {length}");
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
        let [a, b] = [b"a", b"b"].map(|part| keys.of(part));
        let of = |parts: &[SeriesKey]| parts.iter().fold(keys.begin(), |key, part| keys.and(key, *part));
        for parts in [&[][..], &[a], &[b], &[a, b], &[b, a], &[a, a], &[a, b, a], &[b, a, a]] {
            assert!(seen.insert(of(parts)), "{parts:?}");
        }
    }
}
