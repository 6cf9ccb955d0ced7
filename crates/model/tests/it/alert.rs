//! Fingerprints as text: what is written is read back, and nothing else is taken for one.

use std::fmt;

use bellwether_model::AlertFingerprint;
use serde::de::value::Error;
use serde::de::{Deserialize, IntoDeserializer};

/// A formatter is the simplest serializer there is.
struct Shown<T>(T);

impl<T: serde::Serialize> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
    }
}

fn read(text: &str) -> Result<AlertFingerprint, Error> {
    AlertFingerprint::deserialize(text.into_deserializer())
}

#[test]
fn a_fingerprint_is_written_as_sixteen_digits_and_read_back() {
    for (bits, text) in [
        (0, "0000000000000000"),
        (0xab, "00000000000000ab"),
        ((1 << 53) + 1, "0020000000000001"),
        (u64::MAX, "ffffffffffffffff"),
    ] {
        let fingerprint = AlertFingerprint(bits);
        assert_eq!(Shown(fingerprint).to_string(), text);
        assert_eq!(read(text), Ok(fingerprint));
        assert_eq!(text.parse(), Ok(fingerprint));
    }
    assert_eq!(read("00000000000000AB"), Ok(AlertFingerprint(0xab)), "digits in upper case are digits");
}

#[test]
fn what_is_not_sixteen_digits_is_refused() {
    for text in ["", "ab", "+00000000000000a", "00000000000000000", "000000000000000g", "ääääääää"] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains("sixteen hexadecimal digits"), "{text}: {error}");
    }
    let number: Result<_, Error> = AlertFingerprint::deserialize(7_u64.into_deserializer());
    assert!(number.is_err(), "a number may have lost bits on its way");
}
