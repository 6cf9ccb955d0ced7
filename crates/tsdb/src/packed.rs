//! Whole numbers in few bits, written and read in about a nanosecond each: how closed chunks wait in memory until they
//! are sealed. A segment's columns are half as large again smaller and take twenty times as long to write, which is well
//! spent on what is kept for months and not on what is kept for hours.
//!
//! A column is its first number, the mean step from one to the next, and by how much each step differs from the mean:
//! in groups of 32, each with as many bits as its largest difference needs.

use crate::codec::{Reader, put_zigzag};

/// Differences that share a width; so many of any width fill whole bytes.
const GROUP: usize = 32;

/// Whole numbers, at least one. How many there are is not written.
pub(crate) fn put(out: &mut Vec<u8>, numbers: &[i64]) {
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    let mean = last.wrapping_sub(first) / (numbers.len() as i64 - 1).max(1);
    put_zigzag(out, first);
    put_zigzag(out, mean);
    let mut before = first;
    for group in numbers[1..].chunks(GROUP) {
        let mut differences = [0u64; GROUP];
        let mut all = 0;
        for (difference, number) in differences.iter_mut().zip(group) {
            *difference = zigzag(number.wrapping_sub(before).wrapping_sub(mean));
            all |= *difference;
            before = *number;
        }
        put_group(out, &differences[..group.len()], u64::BITS - all.leading_zeros());
    }
}

fn put_group(out: &mut Vec<u8>, differences: &[u64], width: u32) {
    out.push(width as u8);
    let (mut waiting, mut bits) = (0u128, 0);
    for difference in differences {
        waiting |= u128::from(*difference) << bits;
        bits += width;
        if bits >= u64::BITS {
            out.extend_from_slice(&(waiting as u64).to_le_bytes());
            waiting >>= u64::BITS;
            bits -= u64::BITS;
        }
    }
    out.extend_from_slice(&waiting.to_le_bytes()[..bits.div_ceil(8) as usize]);
}

/// Reads so many numbers, at least one.
pub(crate) fn read(reader: &mut Reader<'_>, count: usize) -> Option<Vec<i64>> {
    let (first, mean) = (reader.zigzag()?, reader.zigzag()?);
    // A group takes a byte at least, so a wild count ends here and not in the allocator.
    if count.div_ceil(GROUP) > reader.rest().len() + 1 {
        return None;
    }
    let mut numbers = Vec::with_capacity(count);
    numbers.push(first);
    while numbers.len() < count {
        let group = GROUP.min(count - numbers.len());
        read_group(reader, group, mean, &mut numbers)?;
    }
    Some(numbers)
}

fn read_group(reader: &mut Reader<'_>, count: usize, mean: i64, numbers: &mut Vec<i64>) -> Option<()> {
    let width = u32::from(reader.byte()?);
    if width > u64::BITS {
        return None;
    }
    let mut bytes = reader.bytes((count * width as usize).div_ceil(8))?.chunks(8);
    let mask = if width == u64::BITS { u64::MAX } else { (1 << width) - 1 };
    let (mut waiting, mut bits) = (0u128, 0);
    let mut before = *numbers.last()?;
    for _ in 0..count {
        if bits < width {
            let next = bytes.next()?;
            let mut wide = [0; 8];
            wide[..next.len()].copy_from_slice(next);
            waiting |= u128::from(u64::from_le_bytes(wide)) << bits;
            bits += u64::BITS;
        }
        let difference = waiting as u64 & mask;
        waiting >>= width;
        bits -= width;
        before = before.wrapping_add(mean).wrapping_add(unzigzag(difference));
        numbers.push(before);
    }
    Some(())
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(numbers: &[i64]) -> usize {
        let mut bytes = Vec::new();
        put(&mut bytes, numbers);
        let mut reader = Reader::new(&bytes);
        assert_eq!(read(&mut reader, numbers.len()).as_deref(), Some(numbers));
        assert!(reader.is_at_end());
        for cut in 0..bytes.len() {
            assert_eq!(read(&mut Reader::new(&bytes[..cut]), numbers.len()), None, "cut at {cut}");
        }
        bytes.len()
    }

    #[test]
    fn what_is_read_is_what_was_written_to_the_extremes() {
        round_trip(&[5]);
        round_trip(&[i64::MIN, i64::MAX, 0, -1, i64::MAX, i64::MIN]);
        for count in [2, 32, 33, 34, 64, 65, 300] {
            let mut random = 1u64;
            let mut next = || {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                random as i64
            };
            for width in 0..64 {
                let numbers: Vec<i64> = (0..count).map(|_| next() >> width).collect();
                round_trip(&numbers);
            }
        }
    }

    #[test]
    fn moments_a_little_off_the_grid_take_a_byte_each() {
        let jittered: Vec<i64> = (0..300).map(|n| 1_700_000_000_000 + n * 15_000 + n * n * 7 % 41).collect();
        let bytes = round_trip(&jittered);
        assert!(bytes < 300, "{bytes}");
    }

    #[test]
    fn a_width_no_number_has_is_refused() {
        let mut bytes = Vec::new();
        put(&mut bytes, &[0, 100]);
        let width = bytes.len() - 1;
        bytes[width] = 65;
        assert_eq!(read(&mut Reader::new(&bytes), 2), None);
    }
}
