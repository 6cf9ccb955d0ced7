//! A label set: the name of a series or an alert. Sorted, without empty values, cheap to clone and compare.
//!
//! A whole set is one string: the ends of its parts, written as characters, and then the text. A store holds millions
//! of sets, and a second allocation for each would be most of what it spends on them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// Sorted `name=value` pairs; names are unique, values never empty (an empty value means "no such label").
///
/// Layout: the width of a number; how many ends there are; the end of each name and value, counted in the text; the
/// text. A number is so many characters of seven bits, low first, so that the whole is a string and parts of it are
/// cut out without looking at them again.
#[derive(Clone)]
pub struct Labels(Arc<str>);

/// Widths of numbers: almost all sets have fewer bytes than two characters can count.
const WIDTH_USUAL: u8 = 2;
const WIDTH_LONG: u8 = 5;

fn put_number(out: &mut String, width: u8, mut number: usize) {
    for _ in 0..width {
        out.push(char::from((number & 0x7f) as u8));
        number >>= 7;
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| number << 7 | usize::from(*byte))
}

impl Labels {
    /// The set without labels.
    pub fn empty() -> Self {
        Self::pack(std::iter::empty())
    }

    /// Sorts pairs into a set. A later pair of the same name wins; empty values are dropped.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name, value);
        }
        builder.build()
    }

    /// Packs pairs that are already sorted by name, unique, and without empty values.
    /// This is the decoder's way in; it panics on a set that breaks the order, since that is a bug of the caller.
    pub fn from_sorted(pairs: &[(&str, &str)]) -> Self {
        assert!(pairs.windows(2).all(|w| w[0].0 < w[1].0), "labels must be sorted and unique");
        Self::pack(pairs.iter().copied().filter(|(_, v)| !v.is_empty()))
    }

    fn pack<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        // Looked through three times, so that nothing is moved while it grows.
        let (bytes, parts) =
            pairs.clone().fold((0, 0), |(bytes, parts), (n, v)| (bytes + n.len() + v.len(), parts + 2));
        let width = if bytes.max(parts) < 1 << (7 * WIDTH_USUAL) { WIDTH_USUAL } else { WIDTH_LONG };
        let mut packed = String::with_capacity(1 + usize::from(width) * (parts + 1) + bytes);
        packed.push(char::from(width));
        put_number(&mut packed, width, parts);
        let mut end = 0;
        for (name, value) in pairs.clone() {
            for part in [name, value] {
                end += part.len();
                put_number(&mut packed, width, end);
            }
        }
        for (name, value) in pairs {
            packed.push_str(name);
            packed.push_str(value);
        }
        Self(Arc::from(packed))
    }

    fn width(&self) -> usize {
        usize::from(self.0.as_bytes()[0])
    }

    /// How many ends there are, two to a label.
    fn ends(&self) -> usize {
        number(&self.0.as_bytes()[1..=self.width()])
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.ends() / 2
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.ends() == 0
    }

    /// All pairs in name order.
    pub fn iter(&self) -> LabelPairs<'_> {
        let width = self.width();
        let (ends, text) = self.0.split_at(1 + width * (self.ends() + 1));
        LabelPairs { ends: &ends.as_bytes()[1 + width..], text, width, start: 0 }
    }

    /// The value of a label, if it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().take_while(|(n, _)| *n <= name).find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// The value of a label, or the empty text that matchers see for a label that is not there.
    pub fn value_or_empty(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The metric's name, if it has one.
    pub fn metric_name(&self) -> Option<&str> {
        self.get(METRIC_NAME)
    }

    /// The set without its metric name, as every calculation leaves it.
    pub fn without_name(&self) -> Self {
        self.without(&[METRIC_NAME])
    }

    /// Only the named labels.
    pub fn keep(&self, names: &[&str]) -> Self {
        Self::pack(self.iter().filter(|(n, _)| names.contains(n)))
    }

    /// All but the named labels.
    pub fn without(&self, names: &[&str]) -> Self {
        if !self.iter().any(|(n, _)| names.contains(&n)) {
            return self.clone();
        }
        Self::pack(self.iter().filter(|(n, _)| !names.contains(n)))
    }

    /// The set with one label added, replaced, or (with an empty value) removed.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut builder = LabelsBuilder::from(self);
        builder.set(name, value);
        builder.build()
    }

    /// FNV-1a over names and values with separators: the fingerprint Prometheus and Alertmanager use on the wire.
    pub fn fingerprint(&self) -> u64 {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut feed = |bytes: &[u8]| {
            for byte in bytes.iter().chain(&[0xff]) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for (name, value) in self.iter() {
            feed(name.as_bytes());
            feed(value.as_bytes());
        }
        hash
    }

    /// Bytes held on the heap, for memory accounting.
    pub fn heap_bytes(&self) -> usize {
        self.0.len() + 2 * size_of::<usize>()
    }
}

/// The pairs of a set, in name order.
#[derive(Clone, Debug)]
pub struct LabelPairs<'a> {
    /// Ends of the parts that are still to come.
    ends: &'a [u8],
    text: &'a str,
    width: usize,
    /// Where the next part begins.
    start: usize,
}

impl<'a> LabelPairs<'a> {
    fn part(&mut self) -> Option<&'a str> {
        let (end, rest) = self.ends.split_at_checked(self.width)?;
        self.ends = rest;
        let start = std::mem::replace(&mut self.start, number(end));
        Some(&self.text[start..self.start])
    }
}

impl<'a> Iterator for LabelPairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.part()?, self.part()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let pairs = self.ends.len() / self.width / 2;
        (pairs, Some(pairs))
    }
}

impl ExactSizeIterator for LabelPairs<'_> {}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}
impl Eq for Labels {}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}
impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for Labels {
    /// As PromQL writes a series: `name{a="b"}`; a name that is not a legacy identifier goes inside the braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare_name = self.metric_name().filter(|n| is_valid_legacy_name(n, true));
        f.write_str(bare_name.unwrap_or(""))?;
        let rest: Vec<_> = self.iter().filter(|(n, _)| bare_name.is_none() || *n != METRIC_NAME).collect();
        if rest.is_empty() && bare_name.is_some() {
            return Ok(());
        }
        f.write_str("{")?;
        for (index, (name, value)) in rest.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            if name == METRIC_NAME {
                write!(f, "{comma}{value:?}")?;
            } else if is_valid_legacy_name(name, false) {
                write!(f, "{comma}{name}={value:?}")?;
            } else {
                write!(f, "{comma}{name:?}={value:?}")?;
            }
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self::from_pairs(pairs)
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, String>::deserialize(d)?;
        if map.keys().any(String::is_empty) {
            return Err(D::Error::custom("a label needs a name"));
        }
        Ok(Self::from_pairs(map))
    }
}

/// A label set under construction.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder(BTreeMap<String, String>);

impl LabelsBuilder {
    /// Adds or replaces a label; an empty value removes it.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        let (name, value) = (name.into(), value.into());
        if value.is_empty() {
            self.0.remove(&name);
        } else {
            self.0.insert(name, value);
        }
        self
    }

    /// The value set so far.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What has been set so far, in name order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Only labels that pass.
    pub fn retain(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| is_kept(name));
    }

    /// The finished set.
    pub fn build(&self) -> Labels {
        Labels::pack(self.0.iter().map(|(n, v)| (n.as_str(), v.as_str())))
    }
}

impl From<&Labels> for LabelsBuilder {
    fn from(labels: &Labels) -> Self {
        Self(labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
    }
}

/// Whether a name fits the classic character set: letters, digits and `_`, plus `:` in metric names.
pub fn is_valid_legacy_name(name: &str, is_metric: bool) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || (is_metric && c == ':');
    !name.is_empty() && name.chars().all(allowed) && !name.starts_with(|c: char| c.is_ascii_digit())
}
