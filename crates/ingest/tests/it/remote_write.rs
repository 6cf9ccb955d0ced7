//! Both messages of remote write: what is read of them, by what series are recognised, and that nothing panics.

use bellwether_ingest::remote_write::{
    RemoteWrite, RemoteWriteError, RemoteWriteVersion, SeriesKey, SeriesKeys,
};
use bellwether_model::{STALE_NAN, Timestamp};
use bellwether_testkit::remote_write::{Message, Series, one, sample, two, whole_histogram};
use proptest::prelude::*;

const KEYS: SeriesKeys =
    SeriesKeys::new([0x1234_5678_9abc_def1, 0xfedc_ba98_7654_3211, 0x0f1e_2d3c_4b5a_6979, 77]);

use RemoteWriteVersion::{One, Two};

fn read(version: RemoteWriteVersion, body: &[u8]) -> Result<RemoteWrite, RemoteWriteError> {
    let mut push = RemoteWrite::new(KEYS);
    push.read(version, body)?;
    Ok(push)
}

fn body(version: RemoteWriteVersion, series: &[Series]) -> Vec<u8> {
    match version {
        One => one(series),
        Two => two(series, None),
    }
}

fn keys(version: RemoteWriteVersion, series: &[Series]) -> Vec<SeriesKey> {
    read(version, &body(version, series)).unwrap().series.iter().map(|series| series.key).collect()
}

fn series(name: &str, samples: &[(i64, f64)]) -> Series {
    Series::new(&[("__name__", name), ("job", "api"), ("instance", "a:1")], samples)
}

#[test]
fn both_messages_say_the_same() {
    let nan = f64::from_bits(0x7ff8_0000_dead_beef);
    let values = [(1_700_000_000_123, 1.5), (-5, -0.0), (0, 0.0), (i64::MIN, STALE_NAN), (i64::MAX, nan)];
    let pushed = [series("a", &values), series("b", &[]), series("c", &[(7, f64::INFINITY)])];
    for version in [One, Two] {
        let body = body(version, &pushed);
        let push = read(version, &body).unwrap();
        let labels: Vec<String> =
            push.series.iter().map(|series| push.labels(&body, series).unwrap().to_string()).collect();
        let named = |name: &str| format!("{name}{{instance=\"a:1\", job=\"api\"}}");
        assert_eq!(labels, ["a", "b", "c"].map(named));
        let found: Vec<(u32, i64, u64)> =
            push.samples.iter().map(|(place, s)| (*place, s.at.0, s.value.to_bits())).collect();
        let mut expected: Vec<_> = values.iter().map(|(at, value)| (0, *at, value.to_bits())).collect();
        expected.push((2, 7, f64::INFINITY.to_bits()));
        assert_eq!(found, expected, "{version:?}");
    }
}

#[test]
fn a_series_is_recognised_whatever_else_is_in_the_message() {
    for version in [One, Two] {
        let alone = keys(version, &[series("a", &[(1, 1.0)])]);
        let others = keys(version, &[series("z", &[]), series("a", &[(2, 3.0), (4, 5.0)]), series("b", &[])]);
        assert_eq!(alone[0], others[1], "{version:?}");
        assert!(others[0] != others[1] && others[1] != others[2] && others[0] != others[2]);
    }
    let said = |help| {
        let body = two(&[series("a", &[])], Some((1, help, "seconds")));
        let push = read(Two, &body).unwrap();
        let metadata = push.metadata_of(&body, &push.series[0], "a").unwrap();
        (push.series[0].key, metadata.help, metadata.unit)
    };
    let (first, again, other) = (said("What."), said("What."), said("What else."));
    assert_eq!((first.0, &*first.1, &*first.2), (again.0, "What.", "seconds"));
    assert_ne!(first.0, other.0, "what is newly said is heard");
}

#[test]
fn fields_may_come_in_any_order_and_be_left_out() {
    let label = |name: &str, value: &str| {
        Message::default().bytes(2, value.as_bytes()).bytes(1, name.as_bytes()).number(9, 9).0
    };
    let turned = Message::default().number(2, 1_000).double(1, 2.5).number(77, 1);
    let message = Message::default()
        .bytes(2, &turned.0)
        .bytes(1, &label("__name__", "a"))
        .bytes(2, &sample(2_000, 3.5).0)
        .bytes(2, &[])
        .bytes(1, &label("b", "c"));
    let body = Message::default().number(2, 5).bytes(1, &message.0).0;
    let push = read(One, &body).unwrap();
    assert_eq!(push.labels(&body, &push.series[0]).unwrap().to_string(), "a{b=\"c\"}");
    let found: Vec<(i64, f64)> = push.samples.iter().map(|(_, s)| (s.at.0, s.value)).collect();
    assert_eq!(found, [(1_000, 2.5), (2_000, 3.5), (0, 0.0)]);
}

#[test]
fn since_when_a_series_counts_is_of_all_its_samples_unless_they_say_so_themselves() {
    let own = Message::default().double(1, 1.0).number(2, 30).number(3, 25);
    let message = Message::default()
        .packed(1, &[1, 2])
        .bytes(2, &sample(10, 1.0).0)
        .bytes(2, &own.0)
        .bytes(3, &whole_histogram(40, 7).0)
        .bytes(3, &whole_histogram(50, 8).number(17, 45).0)
        .number(6, 5);
    let first = Message::default().packed(1, &[1, 3]).bytes(2, &sample(9, 1.0).0);
    let table = ["", "__name__", "a", "b"].iter().fold(Message::default(), |m, s| m.bytes(4, s.as_bytes()));
    let push = read(Two, &table.bytes(5, &first.0).bytes(5, &message.0).0).unwrap();
    assert_eq!(push.sample_starts, [(1, Timestamp(5)), (2, Timestamp(25))]);
    assert_eq!(push.histogram_starts, [(0, Timestamp(5)), (1, Timestamp(45))]);
}

#[test]
fn histograms_are_read_with_whole_counts_with_broken_ones_and_with_bounds_of_their_own() {
    let span = |offset, length| Message::default().signed(1, offset).number(2, length).0;
    let of = |histogram: Message| {
        let pushed = Series { histograms: vec![histogram], ..series("a", &[]) };
        let found = [One, Two].map(|version| {
            let push = read(version, &body(version, std::slice::from_ref(&pushed))).unwrap();
            assert_eq!(push.histograms.len() + push.malformed_histograms.len(), 1);
            push.histograms.first().map(|(_, sample)| sample.clone())
        });
        assert_eq!(format!("{:?}", found[0]), format!("{:?}", found[1]));
        found[0].clone()
    };
    let whole = of(whole_histogram(40, 7)).unwrap();
    let counts: Vec<(i32, f64)> = whole.histogram.positive.iter().map(|b| (b.index, b.count)).collect();
    assert_eq!((whole.at.0, counts), (40, vec![(1, 1.0), (2, 1.0)]));
    assert_eq!((whole.histogram.zero_count, whole.histogram.sum), (5.0, 10.5));
    let floats = Message::default().double(2, 1.5).double(3, 2.0).signed(4, 0).double(7, 0.5);
    let floats = floats.bytes(8, &span(-3, 1)).double(10, 1.0).number(14, 3).number(15, 1);
    let floats = of(floats).unwrap().histogram;
    assert_eq!((floats.negative[0].index, floats.negative[0].count), (-3, 1.0));
    let custom = Message::default().number(1, 3).signed(4, -53).bytes(11, &span(0, 2)).packed(12, &[2, 2]);
    let custom = of(custom.double(16, 0.1).double(16, 0.5).number(15, 1)).unwrap().histogram;
    assert_eq!((&*custom.custom_bounds, custom.positive[1].count), (&[0.1, 0.5][..], 2.0));
    let stale = of(Message::default().number(1, 0).double(3, STALE_NAN).number(15, 9)).unwrap();
    assert!(stale.is_stale());
    // Observations that are no number are counted and are in no bucket.
    assert_eq!(of(whole_histogram(1, 7).number(1, 9).double(3, f64::NAN)).unwrap().histogram.count, 9.0);
    let none = [
        whole_histogram(1, 7).signed(4, 9),
        whole_histogram(1, 7).bytes(11, &span(1, 1)),
        whole_histogram(1, 7).double(5, -1.0),
        whole_histogram(1, 7).number(1, 6),
        whole_histogram(1, 7).number(1, 8),
        whole_histogram(1, 7).number(1, 6).double(3, f64::NAN),
        whole_histogram(1, 7).packed(12, &[1]),
        Message::default().signed(4, -53).bytes(11, &span(5, 1)).packed(12, &[2]).number(1, 1),
        Message::default().bytes(11, &span(0, 4_000_000_000)),
    ];
    for (number, histogram) in none.into_iter().enumerate() {
        assert_eq!(of(histogram), None, "{number}");
    }
}

#[test]
fn labels_that_name_no_series_are_told_apart_from_bytes_that_are_no_message() {
    let check = |pairs: &[(&[u8], &[u8])], expected: Result<&str, &str>| {
        let pairs = pairs.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        let pushed = Series { pairs, ..Series::default() };
        for version in [One, Two] {
            let body = body(version, std::slice::from_ref(&pushed));
            let push = read(version, &body).unwrap();
            let found = push.labels(&body, &push.series[0]);
            let found = found.map(|labels| labels.to_string()).map_err(|problem| problem.to_string());
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{version:?}");
        }
    };
    check(&[(b"z", b"1"), (b"__name__", b"a")], Ok("a{z=\"1\"}"));
    let no_text = Err("invalid metric name or labels: one is not UTF-8");
    check(&[(b"__name__", b"a"), (b"b", b"\xff")], no_text);
    check(&[(b"__name__", b"a"), (b"\xc3", b"b")], no_text);
    check(&[(b"b", b"c")], Err("invalid metric name or labels"));
    check(&[(b"__name__", b"a"), (b"", b"b")], Err("invalid metric name or labels: a label has no name"));
    check(
        &[(b"__name__", b"a"), (b"b", b"1"), (b"b", b"2")],
        Err("invalid labels for series, duplicated label b"),
    );
    let two_of = |references: &[u64]| {
        let message = Message::default().packed(1, references);
        let table = ["", "__name__", "a"].iter().fold(Message::default(), |m, s| m.bytes(4, s.as_bytes()));
        let body = table.bytes(5, &message.0).0;
        let push = read(Two, &body).unwrap();
        push.labels(&body, &push.series[0]).is_ok()
    };
    assert!(two_of(&[1, 2]));
    assert!(!two_of(&[1]), "half a pair");
    assert!(!two_of(&[1, 3]), "no such symbol");
    assert!(!two_of(&[1, 2, u64::MAX, 2]), "no such symbol");
}

#[test]
fn a_body_that_is_cut_off_or_is_not_this_message_is_refused_whole() {
    let pushed = [
        series("a", &[(1_700_000_000_000, 1.0)]),
        Series { histograms: vec![whole_histogram(1, 7)], ..series("b", &[]) },
    ];
    for version in [One, Two] {
        let body = body(version, &pushed);
        let boundaries = (0..=body.len()).filter(|end| read(version, &body[..*end]).is_ok()).count();
        // Only the ends of whole fields are ends of a message: of series, and in the second of symbols.
        assert!(boundaries <= 16, "{version:?}: {boundaries}");
    }
    assert!(read(One, b"\x0a\xff\xff\xff\xff\x0f").is_err());
    assert!(read(One, &Message::default().number(1, 5).0).is_err());
    assert!(read(One, b"<html>").is_err());
    let many = Message::default().bytes(2, &[]).0.repeat(5 << 20);
    assert_eq!(read(One, &Message::default().bytes(1, &many).0).err(), Some(RemoteWriteError::TooMany));
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for version in [One, Two] {
            if let Ok(push) = read(version, &body) {
                for series in &push.series {
                    let _ = push.labels(&body, series);
                    let _ = push.metadata_of(&body, series, "a");
                }
            }
        }
    }

    #[test]
    fn no_change_of_a_byte_makes_reading_panic(place in 0usize..400, byte in any::<u8>()) {
        let pushed = [
            series("a", &[(1, 1.0)]),
            Series { histograms: vec![whole_histogram(1, 7)], since: Some(3), ..series("b", &[(2, 2.0)]) },
        ];
        for (version, mut body) in [(One, one(&pushed)), (Two, two(&pushed, Some((1, "h", "u"))))] {
            let place = place % body.len();
            body[place] = byte;
            if let Ok(push) = read(version, &body) {
                for series in &push.series {
                    let _ = push.labels(&body, series);
                    let _ = push.metadata_of(&body, series, "a");
                }
            }
        }
    }
}
