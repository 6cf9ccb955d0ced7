//! Keys of rows that are made of what people wrote: an index takes only so much of a text.

/// Bytes of a text that stand as they are. PostgreSQL refuses entries of an index beyond 2,700 bytes, and two such
/// texts may share one.
const PLAIN_MAX: usize = 1000;
/// What is kept of a longer one, in front of its hash.
const KEPT: usize = 900;

/// A text as a key: itself, or its beginning and a hash of all of it.
pub(super) fn key(text: &str) -> String {
    if text.len() <= PLAIN_MAX {
        return text.to_owned();
    }
    let kept = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= KEPT).last().unwrap_or(0);
    format!("{}…{:032x}", &text[..kept], fnv(text.as_bytes()))
}

/// FNV-1a with 128 bits: does not collide by chance.
fn fnv(bytes: &[u8]) -> u128 {
    let start = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    bytes.iter().fold(start, |hash: u128, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn a_long_text_becomes_a_short_key_of_its_own() {
        let long = |end: &str| "ü".repeat(5000) + end;
        assert_eq!(key("short"), "short");
        assert!(key(&long("a")).len() <= 1000 && key(&long("a")) != key(&long("b")));
        assert_eq!(key(&long("a")), key(&long("a")));
    }
}
