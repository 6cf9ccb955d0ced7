//! The functions of notification templates.

use bellwether_model::{Labels, Timestamp};
use bellwether_template::{ClockOnly, Context, Escape, Moment, TemplateSet, Value, alertmanager_functions};

fn check(cases: &[(&str, &str)]) {
    let set = TemplateSet::new(alertmanager_functions());
    let context = ClockOnly { now: Timestamp::from_secs(1_700_003_600) };
    let start = Value::Time(Moment::utc(Timestamp::from_secs(1_700_000_000)));
    let data = Value::map([("start", start)]);
    for (text, expected) in cases {
        let found = set.render_text(Escape::None, text, &data, &context).map_err(|error| error.to_string());
        assert_eq!(found.as_deref(), Ok(*expected), "{text}");
    }
}

#[test]
fn times_are_shown_in_the_zone_asked_for() {
    check(&[
        ("{{ .start }}", "2023-11-14 22:13:20 +0000 UTC"),
        (r#"{{ .start | date "2006-01-02 15:04:05 MST" }}"#, "2023-11-14 22:13:20 UTC"),
        (
            r#"{{ .start | tz "Europe/Berlin" | date "Mon, 02 Jan 2006 15:04 MST -07:00" }}"#,
            "Tue, 14 Nov 2023 23:13 CET +01:00",
        ),
        (r#"{{ .start.Format "3:04PM Monday January 2" }}"#, "10:13PM Tuesday November 14"),
        ("{{ since .start }} {{ since .start | humanizeDuration }}", "1h0m0s 1h 0m 0s"),
        ("{{ now.Sub .start }} {{ (now).Unix }} {{ .start.IsZero }}", "1h0m0s 1700003600 false"),
        (r#"{{ (toDate "2006-01-02 15:04" "2024-02-29 12:30").Unix }}"#, "1709209800"),
        (
            r#"{{ (mustToDate "2006-01-02" "2024-02-29").Unix }} {{ (toDate "2006" "soon").IsZero }}"#,
            "1709164800 true",
        ),
    ]);
}

#[test]
fn lists_maps_and_encodings_work() {
    check(&[
        (
            r#"{{ join "," (stringSlice "a" "b") }} {{ trimSpace "  x " }} {{ title "hELLO wORLD" }}"#,
            "a,b x Hello World",
        ),
        (r#"{{ $l := list 1 "a" }}{{ $l = append $l 2.5 }}{{ $l }} {{ len $l }}"#, "[1 a 2.5] 3"),
        (r#"{{ (dict "a" 1 "b" (list "x")) | toJson }}"#, r#"{"a":1,"b":["x"]}"#),
        (
            r#"{{ toJson "<a & \"b\">\n" }} {{ toJson 1500000.0 }}"#,
            r#""\u003ca \u0026 \"b\"\u003e\n" 1500000"#,
        ),
        (r#"{{ base64encode "héllo" }} {{ base64encode "ab" | base64decode }}"#, "aMOpbGxv ab"),
        (r#"{{ base64encode "??>" }} {{ base64decode "Pz8-" }}"#, "Pz8- ??>"),
        (r#"{{ urlUnescape "a%20b+c" }} {{ safeUrl "x:y" }}"#, "a b c x:y"),
        (r#"{{ toJson .start }}"#, r#""2023-11-14T22:13:20Z""#),
    ]);
}

#[test]
fn labels_of_the_route_are_asked_for_by_name() {
    struct Routed;
    impl Context for Routed {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
        fn route_labels(&self) -> Labels {
            Labels::from_pairs([("reason", "night")])
        }
    }
    let set = TemplateSet::new(alertmanager_functions());
    let render = |text: &str| set.render_text(Escape::None, text, &Value::Nil, &Routed);
    assert_eq!(render(r#"{{ routeLabels "reason" }}|{{ routeLabels "none" }}"#).as_deref(), Ok("night|"));
    assert!(render("{{ routeLabels }}").unwrap_err().message.contains("takes 1 argument"));
}
