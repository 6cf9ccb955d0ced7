use bellwether_ingest::{EachEntry, Entry, Limits, decode_series, help_text, scan_openmetrics};
use bellwether_testkit::cases;

/// What a body says, one line per entry, labels decoded.
fn read(body: &str, limits: &Limits) -> Result<Vec<String>, String> {
    let mut entries = Vec::new();
    let mut sink = EachEntry(|entry: Entry<'_>| {
        entries.push(match entry {
            Entry::Sample(sample) => {
                let labels = decode_series(sample.series).unwrap().labels();
                let time = |at: Option<bellwether_model::Timestamp>| {
                    at.map(|at| format!(" @{}", at.0)).unwrap_or_default()
                };
                let exemplar = sample.exemplar.map(|written| {
                    let exemplar = written.decode().unwrap();
                    format!(" # {} {}{}", exemplar.labels, exemplar.value, time(exemplar.at))
                });
                let exemplar = exemplar.unwrap_or_default();
                format!("{labels} = {}{}{exemplar}", sample.value, time(sample.timestamp))
            }
            Entry::Histogram(_) => panic!("text has no native histograms"),
            Entry::Help { name, text } => format!("help {name}: {}", help_text(text)),
            Entry::Type { name, kind } => format!("type {name}: {}", kind.openmetrics_str()),
            Entry::Unit { name, unit } => format!("unit {name}: {unit}"),
        });
    });
    scan_openmetrics(body.as_bytes(), limits, &mut sink).map_err(|error| error.to_string())?;
    Ok(entries)
}

#[track_caller]
fn check(body: &str, want: &[&str]) {
    let want = want.iter().map(|line| (*line).to_owned()).collect();
    assert_eq!(read(body, &Limits::default()), Ok(want), "{body:?}");
}

/// Bodies without their last line, which is added.
#[track_caller]
fn check_lines(lines: &str, want: &[&str]) {
    check(&format!("{lines}\n# EOF\n"), want);
    check(&format!("{lines}\n# EOF"), want);
}

/// Every one of these is refused by Prometheus 3.5 too.
#[track_caller]
fn check_error(body: &str, want: &str) {
    assert_eq!(read(body, &Limits::default()), Err(want.to_owned()), "{body:?}");
}

#[test]
fn every_kind_of_metric_is_read() {
    check_lines(
        "# TYPE requests counter\n# HELP requests All.\nrequests_total{code=\"200\"} 17.0 1520879607.789\n\
         requests_created{code=\"200\"} 1520872607.123",
        &[
            "type requests: counter",
            "help requests: All.",
            "requests_total{code=\"200\"} = 17 @1520879607789",
            "requests_created{code=\"200\"} = 1520872607.123",
        ],
    );
    check_lines(
        "# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\nwait_seconds_bucket{le=\"0.1\"} 8\n\
         wait_seconds_bucket{le=\"+Inf\"} 9\nwait_seconds_sum 3.5e-1\nwait_seconds_count 9",
        &[
            "type wait_seconds: histogram",
            "unit wait_seconds: seconds",
            "wait_seconds_bucket{le=\"0.1\"} = 8",
            "wait_seconds_bucket{le=\"+Inf\"} = 9",
            "wait_seconds_sum = 0.35",
            "wait_seconds_count = 9",
        ],
    );
    check_lines(
        "# TYPE size gaugehistogram\nsize_bucket{le=\"+Inf\"} 4\nsize_gcount 4\nsize_gsum -7",
        &["type size: gaugehistogram", "size_bucket{le=\"+Inf\"} = 4", "size_gcount = 4", "size_gsum = -7"],
    );
    for (kind, line, sample) in [
        ("gauge", "temperature NaN", "temperature = NaN"),
        ("summary", "temperature{quantile=\"0.5\"} +Inf", "temperature{quantile=\"0.5\"} = inf"),
        ("info", "temperature_info{of=\"sea\"} 1", "temperature_info{of=\"sea\"} = 1"),
        ("stateset", "temperature{temperature=\"hot\"} 0", "temperature{temperature=\"hot\"} = 0"),
        ("unknown", "temperature 1e3", "temperature = 1000"),
    ] {
        check_lines(
            &format!("# TYPE temperature {kind}\n{line}"),
            &[&format!("type temperature: {kind}"), sample],
        );
    }
    cases::ran("openmetrics: kinds of metrics", 8);
}

#[test]
fn an_exemplar_stands_behind_its_value() {
    check_lines("a_total 1 # {trace_id=\"4f\"} 0.67", &["a_total = 1 # {trace_id=\"4f\"} 0.67"]);
    check_lines(
        "a_total 1 12.5 # {trace_id=\"4f\",span=\"é\\n\\\"\\\\\",} 0.67 1520879607.7894",
        &["a_total = 1 @12500 # {span=\"é\\n\\\"\\\\\", trace_id=\"4f\"} 0.67 @1520879607789"],
    );
    check_lines("a_total 1 # {} -1", &["a_total = 1 # {} -1"]);
    check_lines(
        "a_bucket{le=\"1\"} 1 # {\"trace.id\"=\"4f\"} NaN",
        &["a_bucket{le=\"1\"} = 1 # {\"trace.id\"=\"4f\"} NaN"],
    );
    let after = |line: &str, want: &str| check_error(&format!("{line}\n# EOF\n"), want);
    after(
        "a_total 1 #{a=\"b\"} 1",
        "line 1, column 11: \"#{a=\\\"b\\\"}\" is not a timestamp; write seconds since 1970, such as 1520879607.789",
    );
    after(
        "a_total 1 2 {a=\"b\"} 1",
        "line 1, column 12: expected the end of the line, or an exemplar as `# {`, found \" {a=\\\"b\\\"} 1\"",
    );
    after(
        "a_total 1 # {a=\"b\"}",
        "line 1, column 20: expected a blank and the exemplar's value, found the end of the line",
    );
    after(
        "a_total 1 # {a=\"b\"} 1 2 3",
        "line 1, column 24: expected the end of the line after the exemplar, found \" 3\"",
    );
    after("a_total 1 # {\"b\"} 1", "line 1, column 17: expected = after the label name, found \"} 1\"");
    after(
        "a_total 1 # {a=\"b\"} x",
        "line 1, column 21: \"x\" is not a number; write digits such as 12, 0.5 or 1e9, or NaN, +Inf or -Inf",
    );
}

#[test]
fn names_and_values_are_written_as_in_text() {
    check_lines("{\"a.b\",\"c d\"=\"e\"} 1", &["{\"a.b\", \"c d\"=\"e\"} = 1"]);
    check_lines("{c=\"d\",\"a.b\"} 1", &["{\"a.b\", c=\"d\"} = 1"]);
    check_lines("a:b{} 1", &["a:b = 1"]);
    check_lines("a{b=\"c\",} 1", &["a{b=\"c\"} = 1"]);
    check_lines("# HELP \"a.b\" x \\\"y\\\" \\\\n \\n", &["help a.b: x \"y\" \\n \n"]);
    check_lines("# HELP a ", &["help a: "]);
    check_lines("# UNIT a ", &["unit a: "]);
    check_lines("a 1 -1.5\na 1 1e3\na 1 0.0019", &["a = 1 @-1500", "a = 1 @1000000", "a = 1 @1"]);
    check_lines("a 1 1e300", &["a = 1 @9223372036854775807"]);
    check("# EOF\n", &[]);
}

#[test]
fn what_prometheus_refuses_is_refused_with_the_line_and_the_remedy() {
    let eof =
        "the body does not end with # EOF: it was cut off, or is not OpenMetrics as its Content-Type says";
    check_error("", &format!("line 1, column 1: {eof}"));
    check_error("a 1\n", &format!("line 1, column 4: {eof}"));
    check_error("a 1", &format!("line 1, column 4: {eof}"));
    check_error("a 1\n# EO", &format!("line 2, column 5: {eof}"));
    check_error("a 1\n# EOF\nb 1\n", "line 3, column 1: something stands after # EOF; it is the last line");
    check_error("a 1\n# EOF\n\n", "line 3, column 1: something stands after # EOF; it is the last line");
    check_error("a 1\n\n# EOF\n", "line 2, column 1: OpenMetrics has no empty lines; leave it out");
    let comment = "OpenMetrics has no comments but `# HELP `, `# TYPE `, `# UNIT ` and `# EOF`; leave it out";
    for line in ["# hello", "#", "#TYPE a counter", "#  TYPE a counter", "# TYPE", "# EOF ", "# help a b"] {
        check_error(&format!("{line}\n# EOF\n"), &format!("line 1, column 1: {comment}"));
    }
    let after =
        |line: &str, want: &str| check_error(&format!("x 0\n{line}\n# EOF\n"), &format!("line 2, {want}"));
    after(
        "# TYPE a untyped",
        "column 10: unknown metric type \"untyped\"; use counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown",
    );
    after(
        "# TYPE a",
        "column 9: expected a blank and a text after the metric name, found the end of the line",
    );
    after("# TYPE 5 counter", "column 8: expected a metric name, found \"5 counter\"");
    after(
        "# HELP a",
        "column 9: expected a blank and a text after the metric name, found the end of the line",
    );
    let unit = |unit| {
        format!(
            "the unit {unit:?} is not how the name ends; name the metric ..._{unit}, or leave the unit out"
        )
    };
    after("# UNIT a_bytes seconds", &format!("column 16: {}", unit("seconds")));
    after("# UNIT bytes bytes", &format!("column 14: {}", unit("bytes")));
    after("# UNIT axbytes bytes", &format!("column 16: {}", unit("bytes")));
    after(
        " a 1",
        "column 1: expected a metric name, an opening brace, or `# ` and a comment's word, found \" a 1\"",
    );
    after("a  1", "column 2: expected a blank and a value after the series, found \"  1\"");
    after("a\t1", "column 2: expected a blank and a value after the series, found \"\\t1\"");
    after("a", "column 2: expected a blank and a value after the series, found the end of the line");
    after("a 1 ", "column 4: expected a timestamp, or an exemplar as `# {`, found \" \"");
    after("a 1 2 3", "column 6: expected the end of the line, or an exemplar as `# {`, found \" 3\"");
    after(
        "a {b=\"c\"} 1",
        "column 3: \"{b=\\\"c\\\"}\" is not a number; write digits such as 12, 0.5 or 1e9, or NaN, +Inf or -Inf",
    );
    after("a{ b=\"c\"} 1", "column 3: expected a label name or a closing brace, found \" b=\\\"c\\\"} 1\"");
    after(
        "a{b=\"c\" ,d=\"e\"} 1",
        "column 8: expected a comma or a closing brace, found \" ,d=\\\"e\\\"} 1\"",
    );
    after("a{b=\"c\"d=\"e\"} 1", "column 8: expected a comma or a closing brace, found \"d=\\\"e\\\"} 1\"");
    after("a{,} 1", "column 3: expected a label name or a closing brace, found \",} 1\"");
    after("a{b=\"c\",b=\"d\"} 1", "column 1: label \"b\" is given twice");
    after("a{__name__=\"b\"} 1", "column 1: label \"__name__\" is given twice");
    after(
        "{b=\"c\"} 1",
        "column 1: this series has no metric name; write it before the brace, or quoted inside",
    );
    after("a{\"b\"} 1", "column 3: a second metric name, \"b\"; a series has one");
    after(
        "a 1 NaN",
        "column 5: \"NaN\" is not a timestamp; write seconds since 1970, such as 1520879607.789",
    );
    after("a 1e999", "column 3: \"1e999\" is too large for a 64-bit float");
    after("a 1\r", "column 4: carriage return before the end of the line; lines end with a line feed alone");
    after("\r", "column 1: carriage return before the end of the line; lines end with a line feed alone");
    cases::ran("openmetrics: bodies that are refused", 38);
}

#[test]
fn sizes_have_the_limits_of_text() {
    let tight = Limits { samples_max: 1, labels_max: 1, label_value_bytes_max: 2, ..Limits::default() };
    let check = |lines: &str, want: Option<&str>| {
        let found = read(&format!("{lines}\n# EOF\n"), &tight).err();
        assert_eq!(found.as_deref(), want, "{lines:?}");
    };
    check("a{b=\"12\"} 1", None);
    check("a{b=\"123\"} 1", Some("line 1, column 3: bytes in a label value: more than the limit of 2"));
    check("a{b=\"1\",c=\"2\"} 1", Some("line 1, column 9: labels of one series: more than the limit of 1"));
    check("a 1\nb 1", Some("line 2, column 1: samples in one scrape: more than the limit of 1"));
}
