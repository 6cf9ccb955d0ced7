//! Chunks of floats.

use bellwether_model::{Sample, Timestamp};

use super::bits::{Bits, XorFloat};

/// Widths of the change of the distance, behind one to three set bits.
const DISTANCE_WIDTHS: [u32; 4] = [0, 14, 17, 20];

/// Appends a chunk's samples. `None` when its bits end too early.
pub(crate) fn decode(data: &[u8], out: &mut Vec<Sample>) -> Option<()> {
    let (header, body) = data.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_be_bytes(*header));
    if count == 0 {
        return Some(());
    }
    out.reserve(count.min(data.len() * 4 + 1));
    let mut bits = Bits::new(body);
    let mut at = bits.varint()?;
    let mut value = XorFloat::first(&mut bits)?;
    out.push(Sample::new(Timestamp(at), value.value()));
    let mut distance = 0i64;
    for place in 1..count {
        let change = if place == 1 { bits.uvarint()? as i64 } else { change(&mut bits)? };
        distance = distance.wrapping_add(change);
        at = at.wrapping_add(distance);
        value.next(&mut bits)?;
        out.push(Sample::new(Timestamp(at), value.value()));
    }
    Some(())
}

fn change(bits: &mut Bits<'_>) -> Option<i64> {
    match bits.ones(4)? {
        4 => bits.read(64).map(|bits| bits as i64),
        ones => bits.signed(DISTANCE_WIDTHS[ones as usize]),
    }
}
