//! An alert as it travels from whoever raised it to whoever routes it: Alertmanager's shape.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Labels, Timestamp};

/// Identity of an alert: the fingerprint of its labels, written as sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertFingerprint(pub u64);

impl fmt::Display for AlertFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is sixteen hexadecimal digits, such as 00c0ffee00c0ffee")]
pub struct FingerprintSyntaxError;

impl FromStr for AlertFingerprint {
    type Err = FingerprintSyntaxError;

    fn from_str(text: &str) -> Result<Self, FingerprintSyntaxError> {
        // The parser of numbers would take a sign and fewer digits too.
        let is_whole = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u64::from_str_radix(text, 16) {
            Ok(bits) if is_whole => Ok(Self(bits)),
            Ok(_) | Err(_) => Err(FingerprintSyntaxError),
        }
    }
}

// As text: numbers in JSON lose the last bits of a `u64`.
impl Serialize for AlertFingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlertFingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl serde::de::Visitor<'_> for Digits {
            type Value = AlertFingerprint;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "sixteen hexadecimal digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<AlertFingerprint, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

/// Something that is or was wrong. Two alerts with equal labels are the same alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Identity, and what routing looks at. Includes `alertname`.
    pub labels: Labels,
    /// What people read.
    pub annotations: Labels,
    /// Since when it has been firing.
    pub starts_at: Timestamp,
    /// When it ends: in the past means resolved; in the future means "resolved unless heard of again by then";
    /// `None` means it fires until its source says otherwise.
    pub ends_at: Option<Timestamp>,
    /// Where its cause can be looked at.
    pub generator_url: String,
}

impl Alert {
    /// Identity of this alert.
    pub fn fingerprint(&self) -> AlertFingerprint {
        AlertFingerprint(self.labels.fingerprint())
    }

    /// Whether it is over at `now`.
    pub fn is_resolved(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// The alert's name, or the empty text.
    pub fn name(&self) -> &str {
        self.labels.value_or_empty("alertname")
    }
}
