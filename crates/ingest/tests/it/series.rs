use bellwether_ingest::decode_series;
use bellwether_model::Labels;

#[test]
fn a_series_decodes_into_sorted_labels() {
    let check = |series: &str, want: &[(&str, &str)]| {
        let labels = decode_series(series).unwrap().labels();
        assert_eq!(labels, Labels::from_pairs(want.iter().copied()), "{series}");
    };
    check("up", &[("__name__", "up")]);
    check("up{}", &[("__name__", "up")]);
    check("up{z=\"1\",a=\"2\"}", &[("__name__", "up"), ("a", "2"), ("z", "1")]);
    check("{\"http.requests\", \"a b\"=\"c\\\"d\"}", &[("__name__", "http.requests"), ("a b", "c\"d")]);
    check("up{a=\"\"}", &[("__name__", "up")]);
}

#[test]
fn empty_values_stay_visible_until_the_target_is_asked() {
    let series = decode_series("up{instance=\"\",a=\"b\"}").unwrap();
    assert_eq!(series.get("instance"), Some(""));
    assert_eq!(series.get("job"), None);
    assert_eq!(series.iter().collect::<Vec<_>>(), [("__name__", "up"), ("a", "b"), ("instance", "")]);
}

#[test]
fn what_is_not_one_series_does_not_decode() {
    let check = |series: &str, want: &str| assert_eq!(decode_series(series).unwrap_err().to_string(), want);
    check(
        "",
        "line 1, column 1: expected a metric name, an opening brace or a comment, found the end of the line",
    );
    check("up{} 1", "line 1, column 6: expected the end of the series, found \"1\"");
    check("up{a=\"1\",a=\"2\"}", "line 1, column 1: label \"a\" is given twice");
    check("up{a=\"1\",\"a\"=\"2\"}", "line 1, column 1: label \"a\" is given twice");
}
