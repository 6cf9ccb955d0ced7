use bellwether_model::{ChunkSummary, STALE_NAN, Sample, Timestamp};

fn summary(values: &[f64]) -> ChunkSummary {
    let samples: Vec<_> =
        values.iter().enumerate().map(|(i, v)| Sample::new(Timestamp(i as i64 * 1000), *v)).collect();
    ChunkSummary::of(&samples).unwrap()
}

#[test]
fn an_increase_counts_a_drop_as_a_restart_from_zero() {
    let s = summary(&[5.0, 8.0, 2.0, 2.0]);
    assert_eq!((s.increase, s.resets, s.changes), (5.0, 1, 2));
    assert_eq!((s.first.value, s.last.value, s.min, s.max, s.sum), (5.0, 2.0, 2.0, 8.0, 17.0));
}

#[test]
fn staleness_markers_are_counted_apart() {
    let s = summary(&[STALE_NAN, 1.0, STALE_NAN, 4.0, STALE_NAN]);
    assert_eq!((s.count, s.stale_count, s.increase), (2, 3, 3.0));
    assert_eq!((s.range.start, s.range.end), (Timestamp(0), Timestamp(4000)));
    assert_eq!(s.first.at, Timestamp(1000));
}

#[test]
fn an_ordinary_nan_is_a_value() {
    let s = summary(&[1.0, f64::NAN, f64::NAN]);
    assert_eq!((s.count, s.nan_count, s.changes), (3, 2, 1));
}
