use bellwether_model::{DurationError, TimeDelta, Timestamp};

#[test]
fn durations_read_and_print_as_prometheus_writes_them() {
    for text in ["15s", "5m", "1h30m", "100ms", "1d", "9d", "2w", "1y", "0s"] {
        let parsed: TimeDelta = if text == "0s" { TimeDelta::ZERO } else { text.parse().unwrap() };
        assert_eq!(parsed.to_string(), text);
    }
    assert_eq!("0".parse(), Ok(TimeDelta::ZERO));
    assert_eq!("90s".parse::<TimeDelta>().unwrap().to_string(), "1m30s");
}

#[test]
fn a_wrong_duration_says_what_to_write() {
    let check = |text: &str, want: DurationError| assert_eq!(text.parse::<TimeDelta>(), Err(want));
    check("", DurationError::Empty);
    check("30", DurationError::NoUnit("30".into()));
    check("5 min", DurationError::UnknownUnit(" min".into()));
    check("1m1h", DurationError::OutOfOrder);
    check("fast", DurationError::NotANumber("fast".into()));
    check("99999999999999y", DurationError::TooLong);
}

#[test]
fn moments_print_as_rfc_3339() {
    assert_eq!(Timestamp::from_millis(1_735_689_600_000).to_string(), "2025-01-01T00:00:00.000Z");
    assert_eq!(Timestamp::from_millis(951_782_400_001).to_string(), "2000-02-29T00:00:00.001Z");
    assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
}

#[test]
fn grids_hold_before_the_epoch_too() {
    let step = TimeDelta::from_secs(15);
    assert_eq!(Timestamp(-1).floor_to(step), Timestamp(-15_000));
    assert_eq!(Timestamp(-1).ceil_to(step), Timestamp(0));
    assert_eq!(Timestamp(15_000).ceil_to(step), Timestamp(15_000));
}

#[test]
fn at_the_ends_of_time_arithmetic_stops() {
    let day = TimeDelta::DAY;
    for (got, want) in [
        (Timestamp::MAX + day, Timestamp::MAX),
        (Timestamp::MIN - day, Timestamp::MIN),
        (Timestamp::MIN.floor_to(day), Timestamp::MIN),
        (Timestamp(i64::MAX - 1).ceil_to(day), Timestamp::MAX),
    ] {
        assert_eq!(got, want);
    }
    assert_eq!(Timestamp(5) - Timestamp::MIN, TimeDelta(i64::MAX));
    assert_eq!(Timestamp::MIN - Timestamp(5), TimeDelta(i64::MIN));
    assert_eq!((-TimeDelta(i64::MIN), day * i64::MAX), (TimeDelta(i64::MAX), TimeDelta(i64::MAX)));
}
