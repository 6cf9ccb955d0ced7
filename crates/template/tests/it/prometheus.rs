//! Rule annotations: variables, functions, and the one-sample vectors people write where a number belongs.

use bellwether_model::{Labels, Timestamp};
use bellwether_template::{AlertTemplateData, Context, QuerySample, expand};

struct World;

impl Context for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_700_000_000)
    }

    fn query(&self, expr: &str) -> Result<Vec<QuerySample>, String> {
        let sample = |instance: &str, value: f64| QuerySample {
            labels: Labels::from_pairs([("__name__", "up"), ("instance", instance)]),
            value,
        };
        match expr {
            "one" => Ok(vec![sample("a:9090", 99.512)]),
            "two" => Ok(vec![sample("b", 2.0), sample("a", 1.0)]),
            "none" => Ok(Vec::new()),
            _ => Err(format!("cannot parse {expr}")),
        }
    }

    fn external_url(&self) -> &str {
        "https://bw.example.org/slo"
    }
}

fn render(text: &str) -> Result<String, String> {
    let data = AlertTemplateData {
        labels: Labels::from_pairs([("job", "login"), ("severity", "page")]),
        external_labels: Labels::from_pairs([("region", "eu")]),
        external_url: "https://bw.example.org/slo".to_owned(),
        value: 0.985.into(),
    };
    expand(text, &data, &World).map_err(|error| error.to_string())
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(render(text).as_deref(), Ok(*expected), "{text}");
    }
}

#[test]
fn an_annotation_sees_its_series() {
    check(&[
        ("no template", "no template"),
        ("{{ $labels.job }} {{ $value }}", "login 0.985"),
        ("{{ .Labels.job }} {{ .Value }}", "login 0.985"),
        ("[{{ $labels.absent }}]", "[]"),
        (
            "{{ $externalLabels.region }} {{ $externalURL }} {{ .ExternalLabels.region }}",
            "eu https://bw.example.org/slo eu",
        ),
        ("{{ $value | humanizePercentage }}", "98.5%"),
        (r#"{{ printf "%.1f" (mul $value 100) }}%"#, "98.5%"),
        ("{{ add 1 2 }} {{ sub 5 2 }} {{ div 1 4 }}", "3 3 0.25"),
        ("{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}", "job=login;severity=page;"),
        (r#"{{ define "x" }}<{{ .arg0 }}{{ .arg1 }}>{{ end }}{{ tmpl "x" (args 1 "b") }}"#, "<1b>"),
    ]);
}

#[test]
fn a_query_is_asked_of_the_context() {
    check(&[
        (r#"{{ printf "%.2f" (query "one") }}%"#, "99.51%"),
        (r#"{{ query "one" | first | value }}"#, "99.512"),
        (r#"{{ query "one" | first | label "instance" }}"#, "a:9090"),
        (
            r#"{{ range query "two" | sortByLabel "instance" }}{{ .Labels.instance }}:{{ .Value }} {{ end }}"#,
            "a:1 b:2 ",
        ),
        (r#"{{ with query "none" }}some{{ else }}none{{ end }}"#, "none"),
        (r#"{{ mul (query "one") 2 | printf "%.1f" }}"#, "199.0"),
        (r#"{{ if gt (query "one") 99.0 }}high{{ end }}"#, "high"),
        (r#"{{ query "one" | humanize }}"#, "99.51"),
    ]);
    for (text, part) in [
        (r#"{{ query "none" | first }}"#, "the query's result is empty"),
        (r#"{{ query "bad(" }}"#, "cannot parse bad("),
        (r#"{{ mul (query "two") 2 }}"#, "a vector of 2 samples"),
    ] {
        let error = render(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn numbers_are_shown_as_people_read_them() {
    check(&[
        (
            "{{ humanize 0.0 }} {{ humanize 1234567.0 }} {{ humanize 0.00012 }} {{ humanize -1500 }}",
            "0 1.235M 120u -1.5k",
        ),
        ("{{ humanize1024 1048576.0 }} {{ humanize1024 1.0 }} {{ humanize1024 1536 }}", "1Mi 1 1.5ki"),
        (
            "{{ humanizeDuration 0 }} {{ humanizeDuration 59.5 }} {{ humanizeDuration 3661 }} {{ humanizeDuration 90061 }}",
            "0s 59.5s 1h 1m 1s 1d 1h 1m 1s",
        ),
        ("{{ humanizeDuration 0.0123 }} {{ humanizeDuration -61 }}", "12.3ms -1m 1s"),
        (
            "{{ humanizePercentage 0.1234567 }} {{ humanizeTimestamp 1435065584.128 }}",
            "12.35% 2015-06-23 13:19:44.128 +0000 UTC",
        ),
        (
            "{{ 1435065584 | toTime }} {{ 90 | toDuration }} {{ (toTime 0).Year }}",
            "2015-06-23 13:19:44 +0000 UTC 1m30s 1970",
        ),
        (r#"{{ humanize "12345" }} {{ parseDuration "1h30m" }}"#, "12.35k 5400"),
        ("{{ now }} {{ pathPrefix }} {{ externalURL }}", "1.7e+09 /slo https://bw.example.org/slo"),
    ]);
}

#[test]
fn texts_are_cut_and_changed() {
    check(&[
        (r#"{{ title "hello wORLD" }} {{ toUpper "a" }} {{ toLower "B" }}"#, "Hello WORLD A b"),
        (r#"{{ stripPort "host:9090" }} {{ stripPort "[::1]:80" }} {{ stripPort "host" }}"#, "host ::1 host"),
        (
            r#"{{ stripDomain "a.b.c:80" }} {{ stripDomain "10.0.0.1:80" }} {{ stripDomain "a.b" }}"#,
            "a:80 10.0.0.1:80 a",
        ),
        (r#"{{ reReplaceAll "(a)(b)" "$2$1" "abab" }} {{ match "^l" "login" }}"#, "baba true"),
        (
            r#"{{ graphLink "up == 0" }} {{ tableLink "up" }}"#,
            "/graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=up&g0.tab=1",
        ),
        (r#"{{ urlQueryEscape "a b" }} {{ safeHtml "<b>" }}"#, "a+b <b>"),
    ]);
}
