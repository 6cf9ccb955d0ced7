//! Numbers as text in saved state and statuses: JSON has no way to write NaN and infinity, and a state that cannot
//! be read back is an alert that is forgotten. Used by `#[serde(with)]`.

use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(value: &f64, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(value)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
}
