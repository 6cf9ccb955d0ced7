//! The notation of series: what is read, and what is said about mistakes.

use bellwether_promql::{SampleValue, series_notation};

/// Values as text: numbers as they are, `_` for none, histograms in braces.
fn written(text: &str) -> String {
    let values = match series_notation::values(text) {
        Ok(values) => values,
        Err(error) => {
            let help = error.help.as_deref().unwrap_or("");
            return format!("{}..{} {error} [{help}]", error.span.start, error.span.end);
        }
    };
    let value = |value: &Option<SampleValue>| match value {
        None => "_".to_owned(),
        Some(SampleValue::Float(value)) if bellwether_model::is_stale(*value) => "stale".to_owned(),
        Some(SampleValue::Float(value)) => value.to_string(),
        Some(SampleValue::Histogram(histogram)) => series_notation::write_histogram(histogram),
    };
    values.iter().map(|v| value(&v.value)).collect::<Vec<_>>().join(" ")
}

#[test]
fn values_are_written_out() {
    for (text, expected) in [
        ("", ""),
        ("  ", ""),
        ("1 2.5 -3e2 +4 .5", "1 2.5 -300 4 0.5"),
        ("1x2", "1 1 1"),
        ("1x0", "1"),
        ("1+2x3", "1 3 5 7"),
        ("1-2x2", "1 -1 -3"),
        ("-1-1x2", "-1 -2 -3"),
        ("1e1+1e-1x1", "10 10.1"),
        ("_ _x2 _x0 1", "_ _ _ 1"),
        ("stale NaN Inf -Inf nan", "stale NaN inf -inf NaN"),
        ("Inf+1x1", "inf inf"),
        ("{{}}", "{{}}"),
        (
            "{{ sum:5 count:4 buckets:[1 2 1] }}x1",
            "{{count:4 sum:5 buckets:[1 2 1]}} {{count:4 sum:5 buckets:[1 2 1]}}",
        ),
        (
            "{{schema:-53 custom_values:[1 5] buckets:[0 2 1] counter_reset_hint:gauge}}",
            "{{schema:-53 custom_values:[1 5] counter_reset_hint:gauge offset:1 buckets:[2 1]}}",
        ),
        (
            "{{sum:1 buckets:[1]}}+{{sum:2 offset:1 buckets:[1]}}x2",
            "{{sum:1 buckets:[1]}} {{sum:3 buckets:[1 1]}} {{sum:5 buckets:[1 2]}}",
        ),
        (
            "{{z_bucket:3 z_bucket_w:0.5}}-{{z_bucket:1 z_bucket_w:0.5}}x1",
            "{{z_bucket:3 z_bucket_w:0.5}} {{z_bucket:2 z_bucket_w:0.5}}",
        ),
        ("{{n_offset:-2 n_buckets:[1 0 -1]}}", "{{n_offset:-2 n_buckets:[1 0 -1]}}"),
    ] {
        assert_eq!(written(text), expected, "{text}");
    }
}

#[test]
fn mistakes_are_named_with_their_place() {
    let forms = "write values as 1, 1x5, 1+2x5, _, _x5, stale or {{…}}";
    for (text, expected) in [
        (
            "1 2x",
            "4..4 expected a whole number of repetitions after \"x\" [write it without blanks, such as 1+2x10]",
        ),
        ("1 abc", &*format!("2..5 expected a value [{forms}]")),
        ("1+2", "3..3 expected \"x\" and a number of repetitions [write 1+2x3 for 1 3 5 7]"),
        ("1;2", &*format!("1..3 expected a blank after the value [{forms}]")),
        ("1x9999999999", "0..12 the text stands for more than 2000000 values [repeat less often]"),
        ("1 {{sum:1", "2..4 the histogram is not closed [close it with }}]"),
        ("{{sun:1}}", "2..9 a histogram has nothing called \"sun\" [did you mean \"sum\"?]"),
        ("{{sum:1 sum:2}}", "8..11 sum is stated twice []"),
        ("{{sum}}", "5..7 expected a colon after sum [write sum:… without blanks]"),
        ("{{buckets:1}}", "10..13 expected a list [write numbers in brackets, such as [1 2 3]]"),
        ("{{buckets:[1 x]}}", "13..17 expected a number [lists end with ]]"),
        (
            "{{counter_reset_hint:maybe}}",
            "21..26 \"maybe\" is no counter reset hint [write unknown, reset, not_reset or gauge]",
        ),
        ("{{schema:9}}", "0..12 schema 9 is not known; write -4 to 8, or -53 for custom bounds []"),
        ("{{schema:-53 custom_values:[2 1]}}", "0..34 custom_values do not go up []"),
        ("{{schema:-53 buckets:[1 1]}}", "0..28 0 custom_values bound at most 1 buckets []"),
        ("{{custom_values:[1]}}", "0..21 custom_values need schema:-53 []"),
        ("{{offset:2147483647 buckets:[1 1]}}", "0..35 a bucket's number is too large []"),
        (
            "{{schema:2}}+{{schema:1}}x2",
            "0..27 a histogram of schema 1 cannot be added to one of schema 2 []",
        ),
        ("{{}}+1x2", "5..8 expected a histogram to add [write {{…}}+{{…}}x5]"),
    ] {
        assert_eq!(written(text), expected, "{text}");
    }
}

#[test]
fn series_are_told_from_their_values() {
    let check = |line: &str, labels: &str, count: usize| {
        let (found, values) = series_notation::series(line).unwrap();
        assert_eq!((found.to_string().as_str(), values.len()), (labels, count), "{line}");
    };
    check("up 1 0", "up", 2);
    check("{} 1", "{}", 1);
    check("{__name__=\"up\"} 1", "up", 1);
    check("sum{a=\"} x\", b='y\\'}'} 1+1x3", "sum{a=\"} x\", b=\"y'}\"}", 4);
    check("up {a=\"b\"}\t1", "up{a=\"b\"}", 1);
    check("up {{sum:1}}x2", "up", 3);
    check("{\"my metric\", a=\"`\"} _x2", "{\"my metric\", a=\"`\"}", 2);
    check("up", "up", 0);
    let error = |line: &str| {
        let error = series_notation::series(line).unwrap_err();
        format!("{}..{} {error}", error.span.start, error.span.end)
    };
    assert_eq!(error("up{a!=\"b\"} 1"), "3..9 a series has labels, not conditions; write a=\"…\"");
    assert_eq!(error("up{a=\"b\", a=\"c\"} 1"), "10..15 a label is stated twice: \"a\"");
    assert_eq!(error(""), "0..0 a series is missing");
    assert_eq!(error("up{a=\"b\"} 1 z"), "12..13 expected a value");
    assert_eq!(series_notation::labels(" {a=\"b\"} ").unwrap().to_string(), "{a=\"b\"}");
    assert_eq!(series_notation::labels("up 1").unwrap_err().span, 3..4);
}
