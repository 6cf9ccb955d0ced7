//! Chunks give back every bit that went in, and take any bytes without harm.

use bellwether_model::{STALE_NAN, Sample, Timestamp};
use bellwether_tsdb::chunk_codec::{decode, encode, encode_for_memory};
use proptest::prelude::*;

fn check(name: &str, samples: &[Sample]) {
    let bits = |samples: &[Sample]| samples.iter().map(|s| (s.at, s.value.to_bits())).collect::<Vec<_>>();
    for (purpose, chunk) in [("file", encode(samples)), ("memory", encode_for_memory(samples))] {
        let mut out = Vec::new();
        decode(&chunk, &mut out).unwrap();
        assert_eq!(bits(&out), bits(samples), "{name}, for {purpose}");
    }
}

#[test]
fn shapes_that_the_encoder_treats_apart_come_back_bit_by_bit() {
    type Shape = (&'static str, fn(i64) -> f64);
    let shapes: [Shape; 6] = [
        ("constant", |_| 1.0),
        ("counter", |n| (n * 17) as f64),
        ("decimals", |n| (n % 97) as f64 * 0.01),
        ("nan payloads", |n| f64::from_bits(0x7ff8_0000_0000_0000 + n as u64)),
        ("stale now and then", |n| if n % 5 == 0 { STALE_NAN } else { n as f64 }),
        ("signed zeros", |n| if n % 2 == 0 { 0.0 } else { -0.0 }),
    ];
    for (name, value) in shapes {
        for count in [1, 2, 23, 24, 300, 4096] {
            for jitter in [0, 3] {
                let at = |n: i64| Timestamp(n * 15_000 + n * n % 7 * jitter);
                let samples: Vec<_> = (0..count).map(|n| Sample::new(at(n), value(n))).collect();
                check(&format!("{name}, {count} samples, jitter {jitter}"), &samples);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_samples_come_back_bit_by_bit(raw in prop::collection::vec((any::<i64>(), any::<u64>()), 1..80)) {
        let mut samples: Vec<_> =
            raw.into_iter().map(|(at, bits)| Sample::new(Timestamp(at), f64::from_bits(bits))).collect();
        samples.sort_by_key(|sample| sample.at);
        check("random", &samples);
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0u8..4) {
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        let _ = decode(&bytes, &mut Vec::new());
    }

    #[test]
    fn a_changed_chunk_never_panics(byte in any::<prop::sample::Index>(), with in any::<u8>(), whole: bool, for_memory: bool) {
        let value = |n: i64| if whole { (n * n % 1009) as f64 } else { (n as f64).sin() };
        let samples: Vec<_> = (0..200).map(|n| Sample::new(Timestamp(n * n), value(n))).collect();
        let mut bytes = if for_memory { encode_for_memory(&samples) } else { encode(&samples) };
        let at = byte.index(bytes.len());
        bytes[at] = with;
        let _ = decode(&bytes, &mut Vec::new());
    }
}
