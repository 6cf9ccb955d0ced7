//! Randomness, for what must differ between runs: identities and the demonstration's chances. Nothing decides by it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Sixty-four bits from the operating system, by way of the standard library's hash keys.
pub fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A random UUID, version 4.
pub fn uuid() -> String {
    let bits = (u128::from(seed()) << 64) | u128::from(seed());
    let bits = (bits & !(0xf << 76) | (0x4 << 76)) & !(0x3 << 62) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        let (first, second) = (uuid(), uuid());
        assert_ne!(first, second);
        let parts: Vec<&str> = first.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']));
    }
}
