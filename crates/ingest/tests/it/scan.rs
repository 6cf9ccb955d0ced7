use bellwether_ingest::{Entry, Limits, MetricKind, ScanError, decode_series, help_text, scan};
use bellwether_model::{Labels, Timestamp, is_stale};
use proptest::prelude::*;

/// What a body says, one line per entry, labels decoded.
fn read(body: &[u8], limits: &Limits) -> Result<Vec<String>, ScanError> {
    let mut entries = Vec::new();
    scan(body, limits, &mut |entry| {
        entries.push(match entry {
            Entry::Histogram(_) => panic!("text has no native histograms"),
            Entry::Sample(sample) => {
                let labels = decode_series(sample.series).unwrap().labels();
                let time = sample.timestamp.map(|t| format!(" @{}", t.as_millis())).unwrap_or_default();
                format!("{labels} = {}{time}", sample.value)
            }
            Entry::Help { name, text } => format!("help {name}: {}", help_text(text)),
            Entry::Type { name, kind } => format!("type {name}: {}", kind.as_str()),
            Entry::Unit { name, unit } => format!("unit {name}: {unit}"),
        });
    })?;
    Ok(entries)
}

#[track_caller]
fn check(body: &str, want: &[&str]) {
    assert_eq!(
        read(body.as_bytes(), &Limits::default()),
        Ok(want.iter().map(|s| (*s).to_owned()).collect()),
        "{body:?}"
    );
}

#[track_caller]
fn check_error(body: impl AsRef<[u8]>, want: &str) {
    let error = read(body.as_ref(), &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), want, "{:?}", String::from_utf8_lossy(body.as_ref()));
}

#[test]
fn a_body_is_read_line_by_line() {
    check("", &[]);
    check("\n\n \t\n", &[]);
    check("up 1\n", &["up = 1"]);
    check("  up\t1 \n", &["up = 1"]);
    check("\t{\"up\"} 1\n", &["up = 1"]);
    check("up{} 1\n", &["up = 1"]);
    check("up {} 1\n", &["up = 1"]);
    check("a:b:rate5m{_x=\"1\"}\t2\n", &["a:b:rate5m{_x=\"1\"} = 2"]);
    check("a{b=\"c\"}1\n", &["a{b=\"c\"} = 1"]);
    check("a{b=\"c\",} 1\n", &["a{b=\"c\"} = 1"]);
    check("a { b = \"c\" , d= \"e\" , } 1\n", &["a{b=\"c\", d=\"e\"} = 1"]);
    check("a{b=\"c\" d=\"e\"} 1\n", &["a{b=\"c\", d=\"e\"} = 1"]);
    check("a{d=\"e\",b=\"c\"} 1\nz 2\n", &["a{b=\"c\", d=\"e\"} = 1", "z = 2"]);
    check("a{b=\"\"} 1\n", &["a = 1"]);
    check("a{b=\"x,y}z{ 1\"} 1\n", &["a{b=\"x,y}z{ 1\"} = 1"]);
}

#[test]
fn escapes_mean_what_prometheus_takes_them_for() {
    let check = |written: &str, want: &str| {
        let body = format!("a{{b=\"{written}\"}} 1\n");
        let mut value = None;
        scan(body.as_bytes(), &Limits::default(), &mut |entry| {
            let Entry::Sample(sample) = entry else { return };
            value = decode_series(sample.series).unwrap().get("b").map(str::to_owned);
        })
        .unwrap();
        assert_eq!(value.as_deref(), Some(want), "{written}");
    };
    check(r#"\"bar\""#, "\"bar\"");
    check(r"C:\\dir\\", r"C:\dir\");
    check(r"one\ntwo", "one\ntwo");
    check(r"\d+\.\d", r"\d+\.\d");
    check(r"\é\\n", r"\é\n");
    check("nul\0byte", "nul\0byte");
}

#[test]
fn names_beyond_the_classic_characters_stand_quoted_in_the_braces() {
    check("{\"http.requests\"} 1\n", &["{\"http.requests\"} = 1"]);
    check("{\"http.requests\", a=\"b\"} 1\n", &["{\"http.requests\", a=\"b\"} = 1"]);
    check("{a=\"b\", \"http.requests\",} 1\n", &["{\"http.requests\", a=\"b\"} = 1"]);
    check("{\"up\"} 1\n", &["up = 1"]);
    check("up{\"größe €\"=\"6\"} 1\n", &["up{\"größe €\"=\"6\"} = 1"]);
    check("# TYPE \"http.requests\" counter\n", &["type http.requests: counter"]);
    check("# HELP \"http.requests\" All of them.\n", &["help http.requests: All of them."]);
}

#[test]
fn comments_say_something_only_as_help_type_and_unit() {
    check("# UNIT x_seconds seconds\n", &["unit x_seconds: seconds"]);
    check(
        "# HELP up Whether it is.\n# TYPE up gauge\nup 1\n",
        &["help up: Whether it is.", "type up: gauge", "up = 1"],
    );
    check("# \tTYPE up\tgauge\n", &["type up: gauge"]);
    check("# HELP up\n# HELP down \n", &["help up: ", "help down: "]);
    check("# HELP a-b c\n# HELP d e\r\n", &["help a: -b c", "help d: e\r"]);
    check("# HELP up two\\nlines, a \\\\ and a \\d\n", &["help up: two\nlines, a \\ and a \\d"]);
    check("#\n# \n#HELP up no\n#TYPE up no\n# HELPER x\n# UNIT x\n# UNIT x s t\n# HELP\n# TYPE\n", &[]);
    check("up 1\n# EOF\n", &["up = 1"]);
    check("up 1\n# EOF", &["up = 1"]);
    for kind in ["counter", "gauge", "histogram", "summary", "untyped"] {
        check(&format!("# TYPE x {kind}\n"), &[&format!("type x: {kind}")]);
    }
}

/// Compared with what Go 1.26's strconv.ParseFloat gives.
#[test]
fn numbers_read_as_go_reads_them() {
    let check = |written: &str, bits: u64| {
        let mut value = None;
        let body = format!("a {written}\n");
        let found = scan(body.as_bytes(), &Limits::default(), &mut |entry| {
            if let Entry::Sample(sample) = entry {
                value = Some(sample.value);
            }
        });
        assert!(found.is_ok(), "{written}: {found:?}");
        assert_eq!(value.map(f64::to_bits), Some(bits), "{written}");
    };
    check("0", 0);
    check("-0", 0x8000000000000000);
    check("007", 0x401c000000000000);
    check("+12", 0x4028000000000000);
    check("5.", 0x4014000000000000);
    check(".5", 0x3fe0000000000000);
    check("1e9", 0x41cdcd6500000000);
    check("1E+3", 0x408f400000000000);
    check("4.9351e-05", 0x3f09dfc772bd2e41);
    check("123456789012345", 0x42dc12218377de40);
    check("999999999999999", 0x430c6bf52633fff8);
    check("9007199254740993", 0x4340000000000000);
    check("18446744073709551616", 0x43f0000000000000);
    check("1.7976931348623157e308", 0x7fefffffffffffff);
    check("5e-324", 1);
    check("1e-400", 0);
    check("Inf", 0x7ff0000000000000);
    check("+inf", 0x7ff0000000000000);
    check("-INFINITY", 0xfff0000000000000);
    check("NaN", f64::NAN.to_bits());
    check("nan", f64::NAN.to_bits());
}

#[test]
fn what_go_does_not_read_is_no_number() {
    for written in [
        "true", "1_2", "0x1p-3", "0x10", "1e", "e5", ".", "+", "--1", "+NaN", "-nan", "1,5", "1{", "infin",
        "١",
    ] {
        check_error(
            format!("a {written}\n"),
            &format!(
                "line 1, column 3: {written:?} is not a number; write digits such as 12, 0.5 or 1e9, or NaN, +Inf or -Inf"
            ),
        );
    }
    check_error("a 1e309\n", "line 1, column 3: \"1e309\" is too large for a 64-bit float");
}

#[test]
fn a_time_is_whole_milliseconds() {
    check("a 1 0\n", &["a = 1 @0"]);
    check("a 33  \t123123 \n", &["a = 33 @123123"]);
    check("a{b=\"c\"} 1 -1500\n", &["a{b=\"c\"} = 1 @-1500"]);
    check("a 1 9223372036854775807\n", &["a = 1 @9223372036854775807"]);
    for written in ["1.5", "1_2", "9223372036854775808", "now"] {
        let want =
            format!("line 1, column 5: {written:?} is not a timestamp; write whole milliseconds since 1970");
        check_error(format!("a 1 {written}\n"), &want);
    }
    check_error(
        "a 1 2 3\n",
        "line 1, column 7: expected the end of the line after the timestamp, found \"3\"",
    );
}

#[test]
fn an_error_says_where_what_stood_and_what_was_expected() {
    let value = "a value after the series, found";
    check_error("up 1\na\n", &format!("line 2, column 2: expected {value} the end of the line"));
    check_error("a{b=\"c\"} \n", &format!("line 1, column 10: expected {value} the end of the line"));
    check_error("a{b='c'} 1\n", "line 1, column 5: expected a value in double quotes, found \"'c'} 1\"");
    check_error("a{b=\n", "line 1, column 5: expected a value in double quotes, found the end of the line");
    check_error("a{b} 1\n", "line 1, column 4: expected = after the label name, found \"} 1\"");
    check_error(
        "a{=\"\"} 0\n",
        "line 1, column 3: expected a label name or a closing brace, found \"=\\\"\\\"} 0\"",
    );
    check_error("a{,} 0\n", "line 1, column 3: expected a label name or a closing brace, found \",} 0\"");
    check_error(
        "a{b=\"c\",,} 0\n",
        "line 1, column 9: expected a label name or a closing brace, found \",} 0\"",
    );
    check_error("a{b=\"c\" 1\n", "line 1, column 9: expected a label name or a closing brace, found \"1\"");
    check_error(
        "a{b:c=\"d\"} 1\n",
        "line 1, column 4: expected = after the label name, found \":c=\\\"d\\\"} 1\"",
    );
    check_error(
        "5xx 1\n",
        "line 1, column 1: expected a metric name, an opening brace or a comment, found \"5xx 1\"",
    );
    check_error(
        "http-requests 1\n",
        "line 1, column 5: \"-requests 1\" cannot stand in a bare metric name; write the name quoted inside the braces: {\"name\", label=\"value\"}",
    );
    check_error(
        "über{a=\"b\"} 1\n",
        "line 1, column 1: expected a metric name, an opening brace or a comment, found \"über{a=\\\"b\\\"} 1\"",
    );
    check_error(
        "a{b=\"c} 1\nd{e=\"f\"} 1\n",
        "line 1, column 5: the quote opened here is not closed on this line; write a line feed inside a value as \\n",
    );
    check_error(
        "{a=\"b\"} 1\n",
        "line 1, column 1: this series has no metric name; write it before the brace, or quoted inside",
    );
    check_error("a{\"b\"} 1\n", "line 1, column 3: a second metric name, \"b\"; a series has one");
    check_error("{\"\"} 1\n", "line 1, column 2: a name may not be empty");
    check_error("a{b=\"1\",b=\"2\"} 1\n", "line 1, column 1: label \"b\" is given twice");
    check_error("a{\"b\\n\"=\"1\",\"b\\n\"=\"2\"} 1\n", "line 1, column 1: label \"b\\n\" is given twice");
    check_error("a{__name__=\"b\"} 1\n", "line 1, column 1: label \"__name__\" is given twice");
    check_error(
        "# TYPE a guage\n",
        "line 1, column 10: unknown metric type \"guage\"; use counter, gauge, histogram, summary or untyped",
    );
    check_error(
        "# TYPE a\n",
        "line 1, column 9: unknown metric type \"\"; use counter, gauge, histogram, summary or untyped",
    );
    check_error("# HELP #\n", "line 1, column 8: expected a metric name, found \"#\"");
    check_error(
        "# TYPE a-b counter\n",
        "line 1, column 9: expected a blank after the metric name, found \"-b counter\"",
    );
    check_error(
        "a{größe=\"1\"} 1\n",
        "line 1, column 5: expected = after the label name, found \"öße=\\\"1\\\"} 1\"",
    );
}

#[test]
fn lines_end_with_a_line_feed_alone() {
    let want = "carriage return before the end of the line; lines end with a line feed alone";
    check_error("a 1\r\n", &format!("line 1, column 4: {want}"));
    check_error("a 1 5\r\n", &format!("line 1, column 6: {want}"));
    check_error("a 1 \r\n", &format!("line 1, column 5: {want}"));
    check_error("# TYPE a counter\r\n", &format!("line 1, column 17: {want}"));
    check_error("\r\n", &format!("line 1, column 1: {want}"));
    check_error("a\r\n", &format!("line 1, column 2: {want}"));
}

#[test]
fn a_body_that_was_cut_off_is_refused() {
    let want = "the body ends within this line, without a line feed: it was cut off";
    let whole = "# TYPE a counter\na{b=\"c\"} 1234\n";
    check_error(&whole[..whole.len() - 1], &format!("line 2, column 14: {want}"));
    for cut in 1..whole.len() {
        let ends_whole = whole.as_bytes()[cut - 1] == b'\n';
        assert_eq!(read(&whole.as_bytes()[..cut], &Limits::default()).is_ok(), ends_whole, "cut at {cut}");
    }
    let lenient = Limits { last_line_may_be_open: true, ..Limits::default() };
    assert_eq!(read(b"a 1\nb 2", &lenient), Ok(vec!["a = 1".to_owned(), "b = 2".to_owned()]));
}

#[test]
fn bytes_that_are_not_text_are_found() {
    check_error(b"up 1\n\xc3\xbc{\xff=\"foo\"} 1\n", "line 2, column 3: byte 0xff is not valid UTF-8 here");
    check_error(b"a{b=\"\xc3\"} 1\n", "line 1, column 6: byte 0xc3 is not valid UTF-8 here");
}

#[test]
fn every_size_has_its_limit() {
    let tight = Limits {
        line_bytes_max: 40,
        samples_max: 2,
        labels_max: 2,
        name_bytes_max: 5,
        label_value_bytes_max: 3,
        last_line_may_be_open: false,
    };
    let check = |body: &str, want: Option<&str>| {
        let found = read(body.as_bytes(), &tight).err().map(|error| error.to_string());
        assert_eq!(found.as_deref(), want, "{body:?}");
    };
    check("abcde{abcde=\"123\",b=\"\"} 1\na 2\n", None);
    check("abcdef 1\n", Some("line 1, column 1: bytes in a name: more than the limit of 5"));
    check("a{abcdef=\"\"} 1\n", Some("line 1, column 3: bytes in a name: more than the limit of 5"));
    check("a{b=\"1234\"} 1\n", Some("line 1, column 3: bytes in a label value: more than the limit of 3"));
    check(
        "a{b=\"\",c=\"\",d=\"\"} 1\n",
        Some("line 1, column 13: labels of one series: more than the limit of 2"),
    );
    check("a 1\na 1\na 1\n", Some("line 3, column 1: samples in one scrape: more than the limit of 2"));
    let long = format!("# {}\n", "x".repeat(40));
    check(&long, Some("line 1, column 1: bytes in one line: more than the limit of 40"));
}

#[test]
fn a_target_cannot_forge_a_staleness_marker() {
    scan(b"a NaN\n", &Limits::default(), &mut |entry| match entry {
        Entry::Sample(sample) => assert!(sample.value.is_nan() && !is_stale(sample.value)),
        Entry::Histogram(_) | Entry::Help { .. } | Entry::Type { .. } | Entry::Unit { .. } => {
            panic!("no comment was written")
        }
    })
    .unwrap();
}

#[test]
fn the_series_as_written_is_the_key() {
    let mut keys = Vec::new();
    let summary =
        scan(b"# TYPE a gauge\n a {b=\"c\" } 1 5\na 2\n{\"a b\"} 3\n", &Limits::default(), &mut |entry| {
            match entry {
                Entry::Sample(sample) => keys.push((sample.name(), sample.series)),
                Entry::Type { kind, .. } => assert_eq!(kind, MetricKind::Gauge),
                Entry::Histogram(_) | Entry::Help { .. } | Entry::Unit { .. } => {}
            }
        });
    assert_eq!(keys, [("a", "a {b=\"c\" }"), ("a", "a"), ("a b", "{\"a b\"}")]);
    assert_eq!(summary.map(|s| (s.lines, s.samples)), Ok((4, 3)));
}

/// A second writer, unlike the crate's own: quotes whatever it likes and scatters blanks.
fn write(labels: &Labels, value: f64, time: Option<i64>, style: u8) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let blank = ["", " ", "\t ", "  "][usize::from(style & 3)];
    let is_plain = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let name = labels.metric_name().unwrap();
    let mut items: Vec<String> = Vec::new();
    let bare = is_plain(name) && style & 4 == 0;
    if !bare {
        items.push(format!("\"{}\"", escape(name)));
    }
    for (label, value) in labels.without_name().iter() {
        let label = if is_plain(label) { label.to_owned() } else { format!("\"{}\"", escape(label)) };
        items.push(format!("{label}{blank}={blank}\"{}\"", escape(value)));
    }
    let mut line = blank.to_owned();
    if bare {
        line += name;
        line += blank;
    }
    line += &format!("{{{blank}{}{blank}}}", items.join(&format!("{blank},{blank}")));
    line += &format!(" {blank}{value:e}");
    if let Some(time) = time {
        line += &format!("{blank} {time}");
    }
    line + "\n"
}

fn any_labels() -> impl Strategy<Value = Labels> {
    let name = prop_oneof!["[a-z][a-z0-9]{0,6}", "[a-z .\\\\\"\né€{},=#-]{1,8}"];
    let value = prop_oneof!["[a-z0-9/ ]{0,12}", "[ -~\n\té€\u{1F600}]{0,12}", any::<String>()];
    (name.clone(), proptest::collection::btree_map(name, value, 0..20)).prop_map(|(metric, pairs)| {
        let mut labels = Labels::from_pairs(pairs);
        labels = labels.with("__name__", &metric);
        labels
    })
}

proptest! {
    #[test]
    fn what_one_writes_the_other_reads(
        series in proptest::collection::vec(
            (any_labels(), any::<f64>().prop_filter("NaN has no equal", |v| !v.is_nan()), any::<Option<i64>>(), 0u8..8),
            0..12,
        )
    ) {
        let body: String = series.iter().map(|(l, v, t, style)| {
            let v = if v.is_finite() { *v } else { 1.0 };
            write(l, v, *t, *style)
        }).collect();
        let mut read = Vec::new();
        scan(body.as_bytes(), &Limits::default(), &mut |entry| {
            if let Entry::Sample(sample) = entry {
                let labels = decode_series(sample.series).map(|s| s.labels());
                read.push((labels, sample.value.to_bits(), sample.timestamp));
            }
        }).map_err(|error| TestCaseError::fail(format!("{error}\n{body}")))?;
        let want: Vec<_> = series.into_iter().map(|(l, v, t, _)| {
            let v = if v.is_finite() { v } else { 1.0 };
            (Ok(l), v.to_bits(), t.map(Timestamp))
        }).collect();
        prop_assert_eq!(read, want);
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&body, &Limits::default());
    }

    #[test]
    fn no_near_miss_makes_it_panic(body in "([a#{}\",=\\\\ \t\n\r1eé.-]|HELP|TYPE|NaN){0,60}") {
        let lenient = Limits { last_line_may_be_open: true, ..Limits::default() };
        let _ = read(body.as_bytes(), &lenient);
    }
}
