//! What is asked, byte by byte, and answers cut at every place.

use bellwether_ingest::prometheus_block::crc32c;
use bellwether_ingest::remote_read::{
    FrameError, ReadQuery, next_frame, read_frame, read_samples, write_request,
};
use bellwether_model::{Labels, MatchOp, Matcher, Sample, TimeRange, Timestamp};

#[test]
fn a_question_is_one_message() {
    let matchers = vec![Matcher::new(MatchOp::Regex, "a", "b.").unwrap(), Matcher::equal("c", "d")];
    let query = ReadQuery { range: TimeRange::new(Timestamp(1), Timestamp(300)), matchers };
    let expected = [
        &[0x0a, 26, 0x08, 1, 0x10, 0xac, 0x02][..],
        &[0x1a, 9, 0x08, 2, 0x12, 1, b'a', 0x1a, 2, b'b', b'.'],
        &[0x1a, 8, 0x08, 0, 0x12, 1, b'c', 0x1a, 1, b'd'],
        &[0x12, 2, 1, 0],
    ];
    assert_eq!(write_request(&query), expected.concat());
}

/// A series `{a="b"}` with a chunk of one sample, 1 at the moment 2.
fn message() -> Vec<u8> {
    let chunk = [&[0, 1, 4][..], &1f64.to_be_bytes()].concat();
    let chunk = [&[0x08, 2, 0x10, 2, 0x18, 1, 0x22, chunk.len() as u8][..], &chunk].concat();
    let label = [0x0a, 1, b'a', 0x12, 1, b'b'];
    let series = [&[0x0a, 6][..], &label, &[0x12, chunk.len() as u8], &chunk].concat();
    [&[0x0a, series.len() as u8][..], &series].concat()
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&[message.len() as u8][..], &crc32c(message).to_be_bytes(), message].concat()
}

#[test]
fn a_frame_is_read_once_it_is_whole() {
    let bytes = frame(&message());
    for end in 0..bytes.len() {
        assert_eq!(next_frame(&bytes[..end]), Ok(None), "{end} bytes");
    }
    let two = [bytes.clone(), bytes.clone()].concat();
    let found = next_frame(&two).unwrap().unwrap();
    assert_eq!(found.length, bytes.len());
    let series = read_frame(found.message).unwrap();
    assert_eq!(series[0].labels, Labels::from_pairs([("a", "b")]));
    assert_eq!(series[0].samples.floats, [Sample::new(Timestamp(2), 1.0)]);
    let mut changed = bytes.clone();
    changed[9] ^= 1;
    assert_eq!(next_frame(&changed), Err(FrameError::Checksum));
    assert_eq!(next_frame(&[0xff; 8]), Err(FrameError::Length));
    for end in 1..message().len() {
        assert!(read_frame(&message()[..end]).is_err(), "{end} bytes of the message");
    }
}

#[test]
fn samples_are_read_from_servers_without_frames() {
    let sample = [&[0x09][..], &2.5f64.to_le_bytes(), &[0x10, 7]].concat();
    let label = [0x0a, 1, b'a', 0x12, 1, b'b'];
    let series = [&[0x0a, 6][..], &label, &[0x12, sample.len() as u8], &sample].concat();
    let result = [&[0x0a, series.len() as u8][..], &series].concat();
    let answer = [&[0x0a, result.len() as u8][..], &result].concat();
    let found = read_samples(&answer).unwrap();
    assert_eq!(found[0].labels, Labels::from_pairs([("a", "b")]));
    assert_eq!(found[0].samples.floats, [Sample::new(Timestamp(7), 2.5)]);
    let series = |histogram: &[u8]| {
        let series = [&[0x22, histogram.len() as u8][..], histogram].concat();
        let result = [&[0x0a, series.len() as u8][..], &series].concat();
        read_samples(&[&[0x0a, result.len() as u8][..], &result].concat())
    };
    // Two observations in bucket 5, as whole counts; then a bucket without a count.
    let found = series(&[0x08, 2, 0x5a, 4, 0x08, 10, 0x10, 1, 0x62, 1, 4, 0x78, 7]).unwrap();
    let histogram = &found[0].samples.histograms[0];
    let buckets: Vec<_> = histogram.histogram.positive.iter().map(|b| (b.index, b.count)).collect();
    assert_eq!((histogram.at, histogram.histogram.count, buckets), (Timestamp(7), 2.0, vec![(5, 2.0)]));
    assert_eq!(series(&[0x5a, 4, 0x08, 10, 0x10, 1]), Err(FrameError::Histogram));
}
