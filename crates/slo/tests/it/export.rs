//! What is written reads back as the same objective; what a way of writing has no words for is said.
#![allow(clippy::disallowed_methods, reason = "one test looks for files beside the project")]

use bellwether_diag::{Diagnostics, Severity, Sources, Style, yaml};
use bellwether_slo::export::{Format, write};
use bellwether_slo::{Slo, Strictness, read};
use bellwether_testkit::cases::{conformance, ran};

fn read_as(text: &str, strictness: Strictness) -> Vec<Slo> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("slo.yaml", text);
    let slos = read(&sources, &[file], strictness, &mut out);
    assert!(!out.has_errors(), "{}\n{text}", out.render(&sources, Style { color: false }));
    slos
}

fn canonical(slos: &[Slo]) -> Vec<Slo> {
    slos.iter().map(Slo::canonical).collect()
}

/// Writes and reads again.
fn check(slos: &[Slo], format: Format) {
    let written = write(slos, format);
    let errors: Vec<_> = written.lost.iter().filter(|lost| lost.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let again = read_as(&written.text, Strictness::Strict);
    assert_eq!(canonical(&again), canonical(slos), "{}", written.text);
}

/// Everything that our own way has words for.
const INDICATORS: [&str; 10] = [
    "{ratio: {good: 'ok_total{job=\"x\", path=~\"/a|/b\"}', total: [a_total, b_total]}}",
    "{ratio: {bad: bad_total, total: all_total}}",
    "{ratio: {good: ok_total, bad: bad_total}}",
    "{latency: {histogram: 'took_seconds{job=\"y\"}', threshold: 0.25}}",
    "{probe: front-door}",
    "{threshold: {query: 'max(lag_seconds)', op: '<=', bound: 30, slice: 5m}}",
    "{query: {good: 'sum(ok)', total: 'sum(all)', slice: 1m}}",
    "{query: {bad_ratio: 'avg(share{x=\"\\\\d\"})', slice: 2m}}",
    "{composite: {weighted: [{slo: shop/login, weight: 2.5}, {slo: shop/pay}]}}",
    "{composite: {critical_member: [shop/login, shop/pay]}}",
];
const WINDOWS: [&str; 6] = [
    "28d",
    "36h",
    "{calendar: month}",
    "{calendar: week, count: 2, zone: Europe/Berlin}",
    "{calendar: quarter, start: 2026-02-03T06:30, zone: America/New_York}",
    "90m",
];
const ALERTS: [&str; 5] = [
    "",
    "    alerts: []\n",
    "    alerts: [default, {name: low, severity: ticket, budget_left_below: 20%}]\n",
    "    alerts:\n      - {name: fast, severity: page, long: 1h, short: 5m, factor: 14/15, min_bad_events: 3, labels: {a: b}, \
     annotations: {next_step: \"Roll back: \\\"now\\\".\\nThen wait.\"}}\n      - {name: slow, severity: ticket, long: 6h, factor: 6.05}\n",
    "    alert_labels: {page: {team: web}}\n    alert_annotations: {ticket: {hint: 'yes'}}\n    inhibit_slower: false\n",
];
const PEOPLE: [&str; 3] = [
    "",
    "    owner: web\n    criticality: high\n    contacts: {slack: '#web'}\n    links: {dash: 'https://d/?a=b&c=1'}\n    runbook: 'https://r'\n",
    "    display_name: 'Login: all of it'\n    description: 'Yes, \"really\" \\ it is # fine'\n    aspirational: 99.99%\n    alert_name: LoginBurns\n    \
     labels: {team: 'no', n: '12'}\n    annotations: {note: ' spaced  out '}\n",
];

#[test]
fn our_own_way_reads_back_as_the_same() {
    let mut count = 0;
    for (i, indicator) in INDICATORS.iter().enumerate() {
        for (w, window) in WINDOWS.iter().enumerate() {
            for (a, alerts) in ALERTS.iter().enumerate() {
                let people = PEOPLE[(i + w + a) % PEOPLE.len()];
                let can_split = indicator.starts_with("{ratio") || indicator.starts_with("{latency");
                let split = match (can_split, w % 3) {
                    (true, 0) => "    group_by: [region, shop]\n    streams_max: 7\n",
                    (true, 1) => "    budgeting: {timeslices: {slice: 5m, target: 95%}}\n",
                    (true, _) => "    budgeting: {ratio_timeslices: {slice: 1m}}\n",
                    (false, _) => "",
                };
                let text = format!(
                    "slos:\n  - name: a-{i}.{w}\n    service: shop\n    goal: 99.5%\n    window: {window}\n    indicator: \
                     {indicator}\n{split}{people}{alerts}"
                );
                check(&read_as(&text, Strictness::Strict), Format::Own);
                count += 1;
            }
        }
    }
    let without_goal = "slos:\n  - name: rps\n    window: 1d\n    indicator: {threshold: {query: 'sum(rate(r_total[{{.window}}]))', \
                        above: 1000}}\n    alerts: [{name: low, severity: page, for: 5m}]\n";
    check(&read_as(without_goal, Strictness::Strict), Format::Own);
    ran("export/own", count + 1);
}

#[test]
fn what_others_wrote_reads_back_from_our_own_way() {
    let mut count = 0;
    for folder in ["openslo/examples/budgeting-method", "sloth", "pyrra"] {
        let Some(folder) = conformance(folder) else { return };
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        for path in names {
            if !path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
                continue;
            }
            // MetricsQL is another language: it cannot be asked here.
            if path.ends_with("victoria-metrics.yml") {
                continue;
            }
            let slos = read_as(&std::fs::read_to_string(&path).unwrap(), Strictness::Lenient);
            check(&slos, Format::Own);
            count += slos.len() as u64;
        }
    }
    ran("export/own-of-others", count);
}

#[test]
fn openslo_reads_back_as_the_same() {
    let mut count = 0;
    for indicator in &INDICATORS[..4] {
        for window in &WINDOWS {
            for (p, people) in PEOPLE.iter().enumerate() {
                let split = [
                    "",
                    "    group_by: [region]\n",
                    "    budgeting: {timeslices: {slice: 5m, target: 95%}}\n",
                ][p];
                let text = format!(
                    "slos:\n  - name: a\n    service: shop\n    goal: 99.5%\n    window: {window}\n    indicator: {indicator}\n{split}{people}    \
                     alerts:\n      - {{name: fast, severity: page, long: 1h, short: 5m, factor: 14.4, annotations: {{description: Act}}}}\n      \
                     - {{name: slow, severity: ticket, long: 6h, factor: 6, labels: {{notification_target: 'a,b', x: y}}}}\n"
                );
                check(&read_as(&text, Strictness::Strict), Format::OpenSlo);
                count += 1;
            }
        }
    }
    ran("export/openslo", count);
}

const OWN: &str = "\
slos:
  - name: availability
    service: shop
    goal: 99.9%
    window: 30d
    indicator: {ratio: {bad: 'requests_total{code=~\"5..\"}', total: requests_total}}
    alerts: []
  - name: latency
    service: shop
    goal: 99%
    window: 30d
    indicator: {latency: {histogram: took_seconds, threshold: 0.5}}
    alerts: []
";

const OPENSLO: &str = "\
apiVersion: openslo/v1
kind: SLO
metadata: {name: availability}
spec:
  service: shop
  indicator:
    metadata: {name: ok}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: 'sum(requests_total{code=~\"5..\"})'}}}
        total: {metricSource: {type: Prometheus, spec: {query: sum(requests_total)}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: latency}
spec:
  service: shop
  indicator:
    metadata: {name: fast}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(took_seconds_bucket{le=\"0.5\"}[5m]))'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(took_seconds_count[5m]))'}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{targetPercent: 99}]
";

const SLOTH: &str = "\
version: prometheus/v1
service: shop
slos:
  - name: availability
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(requests_total{code=~\"5..\"}[{{.window}}]))
        total_query: sum(rate(requests_total[{{.window}}]))
    alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}
  - name: latency
    objective: 99
    sli:
      events:
        error_query: >-
          sum(rate(took_seconds_count[{{.window}}])) - sum(rate(took_seconds_bucket{le=\"0.5\"}[{{.window}}]))
        total_query: sum(rate(took_seconds_count[{{.window}}]))
    alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}
";

const PYRRA: &str = "\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: availability, labels: {pyrra.dev/service: shop}}
spec:
  target: '99.9'
  window: 30d
  indicator: {ratio: {errors: {metric: 'requests_total{code=~\"5..\"}'}, total: {metric: requests_total}}}
  alerting: {disabled: true}
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: latency, labels: {pyrra.dev/service: shop}}
spec:
  target: '99'
  window: 30d
  indicator: {latency: {success: {metric: 'took_seconds_bucket{le=\"0.5\"}'}, total: {metric: took_seconds_count}}}
  alerting: {disabled: true}
";

const GOOGLE: &str = r#"{"serviceLevelObjectives": [
  {"name": "projects/p/services/shop/serviceLevelObjectives/availability", "goal": 0.999, "rollingPeriod": "2592000s",
   "serviceLevelIndicator": {"requestBased": {"goodTotalRatio": {
     "badServiceFilter": "metric.type=\"prometheus.googleapis.com/requests_total/counter\" metric.labels.code=monitoring.regex.full_match(\"5..\")",
     "totalServiceFilter": "metric.type=\"prometheus.googleapis.com/requests_total/counter\""}}}},
  {"name": "projects/p/services/shop/serviceLevelObjectives/latency", "goal": 0.99, "rollingPeriod": "2592000s",
   "serviceLevelIndicator": {"requestBased": {"distributionCut": {
     "distributionFilter": "metric.type=\"prometheus.googleapis.com/took_seconds/histogram\"", "range": {"max": 0.5}}}}}
]}"#;

/// The same, but for what a dialect adds to every alert, of which there are none.
fn plain(slos: &[Slo]) -> Vec<Slo> {
    let plain = |slo: Slo| Slo { labels: Default::default(), alert_name: String::new(), ..slo };
    canonical(slos).into_iter().map(plain).collect()
}

#[test]
fn one_objective_in_every_dialect_is_one_objective() {
    let own = plain(&read_as(OWN, Strictness::Strict));
    for (name, text) in [("openslo", OPENSLO), ("sloth", SLOTH), ("pyrra", PYRRA), ("google", GOOGLE)] {
        assert_eq!(plain(&read_as(text, Strictness::Strict)), own, "{name}");
    }
    for format in [Format::OpenSlo, Format::Sloth, Format::Pyrra, Format::GoogleCloud] {
        let written = write(&read_as(OWN, Strictness::Strict), format);
        assert_eq!(written.lost, [], "{format:?}");
        assert_eq!(plain(&read_as(&written.text, Strictness::Strict)), own, "{}", written.text);
    }
    ran("export/dialects", 8);
}

#[test]
fn what_cannot_be_written_is_said_field_by_field() {
    let slo = read_as(&OWN.replace("    alerts: []\n", PEOPLE[1]), Strictness::Strict);
    let lost =
        |format| write(&slo[..1], format).lost.iter().map(|lost| lost.message.clone()).collect::<Vec<_>>();
    let google = lost(Format::GoogleCloud);
    let about = ["owner", "criticality", "contacts", "links", "runbook"];
    for field in about {
        let sentence = format!("\"shop/availability\": Google Cloud Monitoring has no words for its {field}");
        assert!(google.contains(&sentence), "{google:#?}");
    }
    assert!(google.iter().any(|lost| lost.contains("its alerts")), "{google:#?}");
    assert_eq!(lost(Format::Own), Vec::<String>::new());
}

#[test]
fn a_page_says_what_the_numbers_mean() {
    let page =
        write(&read_as(&OWN.replace("    alerts: []\n", PEOPLE[1]), Strictness::Strict), Format::Markdown)
            .text;
    for line in [
        "| shop/availability | 99.9% | rolling 30d | web |",
        "- **Error budget:** 0.1 % of events may be bad; as a whole outage that is 43.2 minutes",
        "- **Owner:** web",
        "| fast-burn | page | the budget burns 14.4x as fast as it may over 1h and over 5m | a burn rate of 14.4 over 1h has \
         spent 2 % of the budget of 30d when it is noticed |",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn a_dashboard_draws_what_the_generated_rules_record() {
    let text =
        write(&read_as(&OWN.replace("    alerts: []\n", ""), Strictness::Strict), Format::Grafana).text;
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("dashboard.json", text.clone());
    let document = yaml::parse(&sources, file, &mut out).remove(0);
    assert!(!out.has_errors());
    assert_eq!(document.get("schemaVersion").and_then(yaml::Node::as_text), Some("39"));
    let variables = document.get("templating").unwrap().get("list").unwrap().as_sequence().unwrap();
    assert_eq!(variables[0].get("type").and_then(yaml::Node::as_text), Some("datasource"));
    let panels = document.get("panels").unwrap().as_sequence().unwrap();
    assert_eq!(panels.len(), 8, "a row and three panels for each");
    assert!(text.contains(r#"slo:burn_rate:ratio5m{slo_id=\"shop/availability\"}"#), "{text}");
}

#[test]
fn alerts_that_pyrra_makes_itself_are_written_as_pyrras() {
    let head = "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\n";
    let ratio = "ratio: {errors: {metric: 'bad_total'}, total: {metric: all_total}}";
    // The label on one of the two only: Pyrra's own example counts the slow among other requests.
    let two = "latency: {success: {metric: 'took_seconds_bucket{code=\"200\",le=\"1\"}'}, total: {metric: took_seconds_count}}";
    for (window, indicator, alerting) in [
        ("28d", ratio, ""),
        ("14d", ratio, "  alerting: {name: ShopBurns}\n"),
        ("30d", ratio, "  alerting: {severities: {fastBurn: page, slowBurn: ticket}}\n"),
        ("28d", two, ""),
        ("28d", two, "  alerting: {disabled: true, name: ShopBurns}\n"),
    ] {
        let text = format!(
            "{head}metadata: {{name: shop, annotations: {{pyrra.dev/note: Call}}}}\nspec:\n  target: '99'\n  window: {window}\n  \
             indicator: {{{indicator}}}\n{alerting}"
        );
        check(&read_as(&text, Strictness::Strict), Format::Pyrra);
    }
    let other = read_as(&OWN.replace("    alerts: []\n", ""), Strictness::Strict);
    assert_eq!(write(&other, Format::Pyrra).lost.len(), 2, "our own default alerts are others than Pyrra's");
}

#[test]
fn an_objective_of_no_service_comes_back_from_google_without_one() {
    let slos = read_as(&OWN.replace("    service: shop\n", ""), Strictness::Strict);
    let written = write(&slos, Format::GoogleCloud);
    assert_eq!(plain(&read_as(&written.text, Strictness::Strict)), plain(&slos), "{}", written.text);
}
