//! What a segment says of its own past, so that opening knows which files count and which of the log is in them
//! already: its rank among segments that overlap, the segments it was made of, and how much of the log it holds.

use bellwether_model::Timestamp;

use crate::codec::{Reader, put_i64, put_varint};

/// The last part of a segment's index; since version 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lineage {
    /// Of two entries of one moment the one in the segment with the lower rank counts: it was stored first.
    pub(crate) rank: u64,
    /// Segments whose place this one takes. They are removed after it is durable; a crash may leave some.
    pub(crate) replaces: Vec<u64>,
    pub(crate) sealed: Vec<Sealed>,
}

/// Everything in log files before this one, of before this moment, is in this segment or an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) file: u64,
    pub(crate) before: Timestamp,
}

impl Sealed {
    /// Whether an entry of a log file is covered.
    pub(crate) fn covers(&self, file: u64, at: Timestamp) -> bool {
        file < self.file && at < self.before
    }
}

impl Lineage {
    /// Of a segment that was made of nothing but itself.
    pub(crate) fn of_rank(rank: u64) -> Self {
        Self { rank, ..Self::default() }
    }

    /// Takes over what another segment covers of the log.
    pub(crate) fn cover(&mut self, sealed: &[Sealed]) {
        for more in sealed {
            let is_within = |a: &Sealed, b: &Sealed| a.file <= b.file && a.before <= b.before;
            if !self.sealed.iter().any(|known| is_within(more, known)) {
                self.sealed.retain(|known| !is_within(known, more));
                self.sealed.push(*more);
            }
        }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.rank);
        put_varint(out, self.replaces.len() as u64);
        self.replaces.iter().for_each(|number| put_varint(out, *number));
        put_varint(out, self.sealed.len() as u64);
        for sealed in &self.sealed {
            put_varint(out, sealed.file);
            put_i64(out, sealed.before.0);
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let rank = reader.varint()?;
        let count = read_count(&mut reader)?;
        let replaces = (0..count).map(|_| reader.varint()).collect::<Option<_>>()?;
        let count = read_count(&mut reader)?;
        let mut next = || Some(Sealed { file: reader.varint()?, before: Timestamp(reader.i64()?) });
        let sealed = (0..count).map(|_| next()).collect::<Option<_>>()?;
        reader.is_at_end().then_some(Self { rank, replaces, sealed })
    }
}

/// Each of what is counted takes a byte at least, so a wild count ends here and not in the allocator.
fn read_count(reader: &mut Reader<'_>) -> Option<usize> {
    reader.varint_usize().filter(|count| *count <= reader.rest().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_more_than_the_others_is_kept() {
        let sealed = |(file, before): &(u64, i64)| Sealed { file: *file, before: Timestamp(*before) };
        let check = |covered: &[(u64, i64)], expected: &[(u64, i64)]| {
            let mut lineage = Lineage::of_rank(7);
            covered.iter().for_each(|one| lineage.cover(&[sealed(one)]));
            assert_eq!(lineage.sealed, expected.iter().map(sealed).collect::<Vec<_>>(), "{covered:?}");
            let mut bytes = Vec::new();
            lineage.put(&mut bytes);
            assert_eq!(Lineage::read(&bytes), Some(lineage));
        };
        check(&[], &[]);
        check(&[(1, 10), (2, 20)], &[(2, 20)]);
        check(&[(2, 20), (1, 10)], &[(2, 20)]);
        check(&[(2, 10), (1, 20), (1, 15)], &[(2, 10), (1, 20)]);
        check(&[(2, 10), (1, 20), (3, 30)], &[(3, 30)]);
    }
}
