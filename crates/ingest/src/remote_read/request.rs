//! The question, as a message of protobuf.

use bellwether_model::{MatchOp, Matcher, TimeRange};

/// Which series, and of which time.
#[derive(Clone, Debug)]
pub struct ReadQuery {
    /// Both ends included.
    pub range: TimeRange,
    /// All must match.
    pub matchers: Vec<Matcher>,
}

/// The message, before it is compressed. Asks for frames, and takes samples where the other side has none.
pub fn write_request(query: &ReadQuery) -> Vec<u8> {
    let mut inner = Vec::new();
    put_number(&mut inner, 1, query.range.start.0 as u64);
    put_number(&mut inner, 2, query.range.end.0 as u64);
    for matcher in &query.matchers {
        let mut message = Vec::new();
        put_number(&mut message, 1, kind(matcher.op));
        put_bytes(&mut message, 2, matcher.name.as_bytes());
        put_bytes(&mut message, 3, matcher.value.as_bytes());
        put_bytes(&mut inner, 3, &message);
    }
    let mut request = Vec::new();
    put_bytes(&mut request, 1, &inner);
    // In the order of preference: 1 frames, 0 samples; packed, as repeated numbers are.
    put_bytes(&mut request, 2, &[1, 0]);
    request
}

const fn kind(op: MatchOp) -> u64 {
    match op {
        MatchOp::Equal => 0,
        MatchOp::NotEqual => 1,
        MatchOp::Regex => 2,
        MatchOp::NotRegex => 3,
    }
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn put_number(out: &mut Vec<u8>, field: u32, number: u64) {
    put_varint(out, u64::from(field << 3));
    put_varint(out, number);
}

pub(super) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_varint(out, u64::from(field << 3 | 2));
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
