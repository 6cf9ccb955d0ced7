//! Objectives as Google Cloud Monitoring's interface takes them: their filters select the same series here.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_slo::{Slo, Strictness, read};
use bellwether_testkit::cases::ran;

const NAME: &str = "prometheus.googleapis.com";

fn read_as(text: &str) -> (Vec<Slo>, Vec<String>) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("slo.json", text);
    let slos = read(&sources, &[file], Strictness::Strict, &mut out);
    let text = out.render(&sources, Style { color: false });
    (slos, text.lines().filter(|line| line.starts_with("slo.json:")).map(str::to_owned).collect())
}

/// An objective around an indicator.
fn around(indicator: &str) -> String {
    format!(
        "{{\"displayName\": \"API\", \"goal\": 0.99, \"rollingPeriod\": \"86400s\",\n\"serviceLevelIndicator\": {indicator}}}"
    )
}

fn quoted(filter: &str) -> String {
    format!("\"{}\"", filter.replace('\\', "\\\\").replace('"', "\\\""))
}

fn check(cases: &[(String, &str)]) {
    for (indicator, expected) in cases {
        let (slos, problems) = read_as(&around(indicator));
        assert_eq!(problems, Vec::<String>::new(), "{indicator}");
        assert_eq!(slos[0].indicator.text(), *expected, "{indicator}");
    }
    ran("google", cases.len() as u64);
}

const WORKSHOP: &str = r#"{
  "displayName": "80% - Chat Engagement Rate - Calendar day",
  "goal": 0.8,
  "calendarPeriod": "DAY",
  "serviceLevelIndicator": {
    "requestBased": {
      "goodTotalRatio": {
        "goodServiceFilter": "metric.type=\"prometheus.googleapis.com/chat_outcome_total/counter\" resource.type=\"prometheus_target\" metric.labels.Outcome=monitoring.regex.full_match(\"Engaged|Acknowledged\")",
        "totalServiceFilter": "metric.type=\"prometheus.googleapis.com/chat_outcome_total/counter\" resource.type=\"prometheus_target\""
      }
    }
  }
}"#;

#[test]
fn an_objective_of_a_calendar_day_is_read() {
    let (slos, problems) = read_as(WORKSHOP);
    assert_eq!(problems, Vec::<String>::new());
    let slo = &slos[0];
    assert_eq!(slo.name, "80-chat-engagement-rate-calendar-day");
    assert_eq!(slo.display_name, "80% - Chat Engagement Rate - Calendar day");
    assert_eq!(
        (slo.goal.unwrap().to_string(), slo.period.text()),
        ("80%".to_owned(), "calendar day".to_owned())
    );
    assert_eq!(
        slo.indicator.text(),
        "good chat_outcome_total{Outcome=~\"Engaged|Acknowledged\"} of all chat_outcome_total"
    );
    assert_eq!(slo.alerts, []);
}

#[test]
fn filters_become_selectors_of_the_same_series() {
    let all = format!("metric.type=\"{NAME}/all_total/counter\"");
    let ratio = |filter: &str| {
        let good = quoted(&format!("metric.type=\"{NAME}/ok_total/counter\" {filter}"));
        format!(
            "{{\"requestBased\": {{\"goodTotalRatio\": {{\"goodServiceFilter\": {good}, \"totalServiceFilter\": {}}}}}}}",
            quoted(&all)
        )
    };
    let cases = [
        ("", "good ok_total of all all_total"),
        ("AND resource.type=\"prometheus_target\"", "good ok_total of all all_total"),
        (
            "resource.type=k8s_container",
            "good ok_total{monitored_resource=\"k8s_container\"} of all all_total",
        ),
        ("metric.label.code=\"200\"", "good ok_total{code=\"200\"} of all all_total"),
        (
            "metric.labels.\"code\"!=\"500\" resource.labels.cluster=a-b",
            "good ok_total{cluster=\"a-b\", code!=\"500\"} of all all_total",
        ),
        ("NOT metric.labels.code=500", "good ok_total{code!=\"500\"} of all all_total"),
        (
            "-metric.labels.code=one_of(\"500\", \"5.1\")",
            r#"good ok_total{code!~"500|5\\.1"} of all all_total"#,
        ),
        (
            "(metric.labels.code=200 OR metric.labels.code=starts_with(\"3\"))",
            "good ok_total{code=~\"200|3.*\"} of all all_total",
        ),
        ("metric.labels.path=has_substring(\"/api\")", "good ok_total{path=~\".*/api.*\"} of all all_total"),
        (
            r#"metric.labels.path=monitoring.regex.full_match("a\.b")"#,
            r#"good ok_total{path=~"a\\.b"} of all all_total"#,
        ),
    ];
    check(&cases.map(|(filter, expected)| (ratio(filter), expected)));
}

#[test]
fn every_sort_of_indicator_is_read() {
    let filter = |name: &str, kind: &str| quoted(&format!("metric.type=\"{NAME}/{name}/{kind}\""));
    let counter = |name: &str| filter(name, "counter");
    let cut = |range: &str| {
        let filter = filter("took_seconds", "histogram");
        format!(
            "{{\"requestBased\": {{\"distributionCut\": {{\"distributionFilter\": {filter}, \"range\": {range}}}}}}}"
        )
    };
    let windows =
        |criterion: String| format!("{{\"windowsBased\": {{\"windowPeriod\": \"300s\", {criterion}}}}}");
    let value = filter("queue", "gauge");
    let cases = [
        (
            format!(
                "{{\"requestBased\": {{\"goodTotalRatio\": {{\"goodServiceFilter\": {}, \"badServiceFilter\": {}}}}}}}",
                counter("ok"),
                counter("failed")
            ),
            "good ok against bad failed",
        ),
        (
            format!(
                "{{\"requestBased\": {{\"goodTotalRatio\": {{\"badServiceFilter\": {}, \"totalServiceFilter\": {}}}}}}}",
                counter("failed"),
                filter("took_seconds", "histogram")
            ),
            "bad failed of all took_seconds_count",
        ),
        (cut("{\"max\": 0.5}"), "events at or below 0.5 in took_seconds"),
        (cut("{\"min\": 0, \"max\": 0.5}"), "events at or below 0.5 in took_seconds"),
        (
            windows(format!(
                "\"goodTotalRatioThreshold\": {{\"threshold\": 0.95, \"performance\": {{\"distributionCut\": {{\"distributionFilter\": {}, \"range\": {{\"max\": 2}}}}}}}}",
                filter("took_seconds", "histogram")
            )),
            "slices of 5m in which at least 95% are good: events at or below 2 in took_seconds",
        ),
        (
            windows(format!("\"goodBadMetricFilter\": {value}")),
            "slices of 5m in which min(min_over_time(queue[{{.window}}])) >= 1",
        ),
        (
            windows(format!(
                "\"metricMeanInRange\": {{\"timeSeries\": {value}, \"range\": {{\"max\": 100}}}}"
            )),
            "slices of 5m in which avg(avg_over_time(queue[{{.window}}])) <= 100",
        ),
        (
            windows(format!(
                "\"metricSumInRange\": {{\"timeSeries\": {}, \"range\": {{\"min\": 1, \"max\": 9}}}}",
                counter("jobs_total")
            )),
            "slices of 5m in which (sum(increase(jobs_total[{{.window}}])) >= bool 1) * (sum(increase(jobs_total[{{.window}}])) \
             <= bool 9) >= 1",
        ),
        (
            format!(
                "{{\"requestBased\": {{\"goodTotalRatio\": {{\"badServiceFilter\": {}, \"totalServiceFilter\": {}}}}}}}",
                quoted("metric.type=\"run.googleapis.com/request_count\" metric.labels.code=500"),
                quoted("metric.type=\"run.googleapis.com/request_count\"")
            ),
            "bad run_googleapis_com:request_count{code=\"500\"} of all run_googleapis_com:request_count",
        ),
    ];
    check(&cases);
}

#[test]
fn every_period_is_read() {
    let cases = [
        ("\"rollingPeriod\": \"2419200s\"", "rolling 28d"),
        ("\"calendarPeriod\": \"WEEK\"", "calendar week"),
        ("\"calendarPeriod\": \"FORTNIGHT\"", "every 2 weeks"),
        ("\"calendarPeriod\": \"MONTH\"", "calendar month"),
        ("\"calendarPeriod\": \"HALF\"", "every 2 quarters"),
        ("\"calendarPeriod\": \"YEAR\"", "calendar year"),
    ];
    for (period, expected) in cases {
        let (slos, problems) = read_as(&WORKSHOP.replace("\"calendarPeriod\": \"DAY\"", period));
        assert_eq!(problems, Vec::<String>::new(), "{period}");
        assert_eq!(slos[0].period.text(), expected);
    }
}

#[test]
fn a_list_with_names_is_read() {
    let named =
        WORKSHOP.replacen('{', "{\"name\": \"projects/p/services/chat/serviceLevelObjectives/engaged\",", 1);
    let (slos, problems) = read_as(&format!("{{\"serviceLevelObjectives\": [{named}]}}"));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(slos[0].id(), "chat/engaged");
}

#[test]
fn mistakes_are_said_where_they_stand() {
    let (good, all) = ("resource.type=\\\"prometheus_target\\\" metric.labels", "\"goal\": 0.8");
    let cases: &[(&str, &str, &[&str])] = &[
        (all, "\"goal\": 80", &["slo.json:3:11: error: goal 80 has no unit; write a ratio such as 0.999"]),
        (
            "\"DAY\"",
            "\"DAYS\"",
            &[
                "slo.json:4:21: error: \"DAYS\" is no period of the calendar; write DAY, WEEK, FORTNIGHT, MONTH, QUARTER, HALF or YEAR",
            ],
        ),
        (
            "\"calendarPeriod\": \"DAY\"",
            "\"rollingPeriod\": \"3600.5s\"",
            &["slo.json:4:20: error: period 1h500ms is not a whole number of seconds"],
        ),
        (
            "  \"calendarPeriod\": \"DAY\",\n",
            "",
            &[
                "slo.json:1:1: error: the objective has no period; write \"rollingPeriod\": \"2419200s\" or \"calendarPeriod\": \"MONTH\"",
            ],
        ),
        (
            good,
            "resource.typo=\\\"x\\\" metric.labels",
            &[
                "slo.json:8:100: error: resource.typo is no field that series can be chosen by; write metric.type, resource.type, metric.labels.NAME or resource.labels.NAME",
            ],
        ),
        (
            good,
            "metric.labels.a > 5 metric.labels",
            &[
                "slo.json:8:116: error: series can be chosen by = and != only; write = or !=, and for patterns monitoring.regex.full_match(\"...\")",
            ],
        ),
        (
            "\"requestBased\"",
            "\"basicSli\"",
            &[
                "slo.json:6:5: error: a basic indicator counts what only Google's own services report; write requestBased with goodTotalRatio or distributionCut, over metrics of the service itself",
            ],
        ),
    ];
    for (from, to, expected) in cases {
        assert!(WORKSHOP.contains(from), "{from}");
        let (slos, problems) = read_as(&WORKSHOP.replace(from, to));
        assert_eq!(problems, *expected, "{to}");
        assert_eq!(slos, [], "{to}");
    }
}
