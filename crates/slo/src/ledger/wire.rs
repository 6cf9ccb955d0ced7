//! Bytes in and out for checkpoints: fixed-width little-endian numbers, lengths before everything that has one.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta, Timestamp};

/// Collects bytes.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }
    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub(crate) fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }
    pub(crate) fn flag(&mut self, value: bool) {
        self.u8(u8::from(value));
    }
    pub(crate) fn len(&mut self, len: usize) {
        self.u32(u32::try_from(len).expect("fewer than four thousand million items"));
    }
    pub(crate) fn text(&mut self, text: &str) {
        self.len(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }
    pub(crate) fn labels(&mut self, labels: &Labels) {
        self.len(labels.len());
        for (name, value) in labels.iter() {
            self.text(name);
            self.text(value);
        }
    }
    pub(crate) fn time(&mut self, at: Timestamp) {
        self.i64(at.0);
    }
    pub(crate) fn maybe_time(&mut self, at: Option<Timestamp>) {
        self.maybe_i64(at.map(|at| at.0));
    }
    pub(crate) fn maybe_i64(&mut self, value: Option<i64>) {
        self.flag(value.is_some());
        self.i64(value.unwrap_or_default());
    }
}

/// Takes bytes apart; every method gives `None` when there are too few or they make no sense.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }
    pub(crate) fn f64(&mut self) -> Option<f64> {
        self.u64().map(f64::from_bits)
    }
    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
    /// A number of items, each of at least a byte, so that a damaged length cannot ask for all memory.
    pub(crate) fn len(&mut self) -> Option<usize> {
        let len = self.u32()? as usize;
        (len <= self.rest.len()).then_some(len)
    }
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let len = self.len()?;
        std::str::from_utf8(self.take(len)?).ok()
    }
    pub(crate) fn labels(&mut self) -> Option<Labels> {
        let len = self.len()?;
        let mut pairs = BTreeMap::new();
        for _ in 0..len {
            pairs.insert(self.text()?, self.text()?);
        }
        Some(Labels::from_pairs(pairs))
    }
    pub(crate) fn time(&mut self) -> Option<Timestamp> {
        self.i64().map(Timestamp)
    }
    pub(crate) fn delta(&mut self) -> Option<TimeDelta> {
        self.i64().map(TimeDelta)
    }
    pub(crate) fn maybe_time(&mut self) -> Option<Option<Timestamp>> {
        Some(self.maybe_i64()?.map(Timestamp))
    }
    pub(crate) fn maybe_i64(&mut self) -> Option<Option<i64>> {
        let (is_some, value) = (self.flag()?, self.i64()?);
        Some(is_some.then_some(value))
    }
}

/// So many, and then each.
pub(crate) fn write_all<T>(
    w: &mut Writer,
    items: impl ExactSizeIterator<Item = T>,
    mut each: impl FnMut(&mut Writer, T),
) {
    w.len(items.len());
    items.for_each(|item| each(w, item));
}

/// What [`write_all`] wrote.
pub(crate) fn read_all<T>(
    r: &mut Reader<'_>,
    mut each: impl FnMut(&mut Reader<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let len = r.len()?;
    (0..len).map(|_| each(r)).collect()
}
