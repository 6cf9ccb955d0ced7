//! Sets of fingerprints as lists of sixteen hexadecimal digits: JSON numbers lose the last bits of a `u64`.

use std::collections::BTreeSet;

use bellwether_model::AlertFingerprint;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(set: &BTreeSet<AlertFingerprint>, s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(set.iter().map(ToString::to_string))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeSet<AlertFingerprint>, D::Error> {
    let texts = Vec::<String>::deserialize(d)?;
    let read = |text: String| u64::from_str_radix(&text, 16).map(AlertFingerprint).map_err(D::Error::custom);
    texts.into_iter().map(read).collect()
}
