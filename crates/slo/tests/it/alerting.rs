//! Alerts on what is left of a budget, and what alerts carry: labels by severity, numbers for templates, sentences of
//! the objective's author.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{Alert, TimeDelta};
use bellwether_slo::{BlocksFile, BurnAlertState, EngineSettings, Event, Recalled, SloEngine, parse};

use crate::world::{SCRAPE, World, alerts, slos};

/// A budget of one in ten; ten requests each fifteen seconds.
const YAML: &str = r#"
slos:
  - name: checkout
    service: shop
    labels: {team: carts, room: all}
    annotations: {say: "{{ $labels.slo }} has {{ $budget_left }}"}
    alert_labels: {ticket: {routing_key: queue, room: tickets}}
    alert_annotations: {ticket: {how: calmly, who: everybody}}
    goal: "90%"
    window: 1h
    indicator: {ratio: {bad: errors_total, total: requests_total}}
    alerts:
      - {name: low, budget_left_below: "50%", labels: {room: own}, annotations: {who: me}}
      - {name: gone, budget_left_below: 0%, severity: page}
"#;

/// Serves ten requests with some errors every fifteen seconds.
struct Shop {
    world: World,
    requests: f64,
    errors: f64,
}

impl Shop {
    /// One hour of healthy service: 2,400 requests, so that a budget of 240 may be spent.
    fn healthy(yaml: &str) -> Self {
        let mut shop = Self { world: World::new(yaml), requests: 0.0, errors: 0.0 };
        for _ in 0..=240 {
            assert_eq!(shop.serve(0.0), []);
        }
        shop
    }

    fn serve(&mut self, errors: f64) -> Vec<Alert> {
        self.world.wait(SCRAPE);
        (self.requests, self.errors) = (self.requests + 10.0, self.errors + errors);
        self.world.scrape("a", &[("requests_total", self.requests), ("errors_total", self.errors)])
    }
}

fn told(alerts: &[Alert]) -> Vec<String> {
    let word = |alert: &Alert| if alert.ends_at.is_some() { "resolved" } else { "firing" };
    alerts.iter().map(|a| format!("{} {}", a.labels.get("alert").unwrap(), word(a))).collect()
}

#[test]
fn a_budget_alert_fires_strictly_below_its_share_and_resolves_above() {
    let mut shop = Shop::healthy(YAML);
    let mut log = Vec::new();
    for step in 1..=300 {
        let errors = if step <= 25 { 10.0 } else { 0.0 };
        // Repeats, once a minute, are not news.
        let news = told(&shop.serve(errors));
        for text in news {
            if log
                .iter()
                .rev()
                .find(|(_, old): &&(_, String)| old[..3] == text[..3])
                .is_none_or(|(_, old)| *old != text)
            {
                log.push((step, text));
            }
        }
    }
    let expected = [
        // 120 of 240 spent are exactly half: not yet less. Ten more are.
        (13, "low firing"),
        // 240 of 240 spent is nothing left, and not less than nothing.
        (25, "gone firing"),
        // An hour later the first ten leave the hour, and 240 are spent: nothing is left, which is not less.
        (241, "gone resolved"),
        // When 130 have left it, 120 are spent.
        (253, "low resolved"),
    ];
    assert_eq!(log, expected.map(|(step, text)| (step, text.to_owned())));
}

#[test]
fn a_budget_alert_is_shown_with_what_is_left() {
    let mut shop = Shop::healthy(YAML);
    (0..13).for_each(|_| drop(shop.serve(10.0)));
    let shown = shop.world.stream("shop/checkout").budget_alerts;
    assert_eq!(
        shown.iter().map(|a| (a.name.as_str(), a.severity.as_str(), a.state)).collect::<Vec<_>>(),
        [("low", "ticket", BurnAlertState::Firing), ("gone", "page", BurnAlertState::Inactive)]
    );
    assert_eq!((shown[0].left_below_text.as_str(), shown[0].left_ratio), ("50%", Some(110.0 / 240.0)));
}

#[test]
fn what_an_alert_carries_is_its_own_then_its_severity_s_then_the_objective_s() {
    let mut shop = Shop::healthy(YAML);
    let fired: Vec<Alert> = (0..25).flat_map(|_| shop.serve(10.0)).collect();
    let alert = |name: &str| fired.iter().rfind(|a| a.labels.get("alert") == Some(name)).expect("it fires");
    let label = |name: &str, label: &str| alert(name).labels.value_or_empty(label).to_owned();
    assert_eq!(
        [label("low", "room"), label("low", "routing_key"), label("low", "team")],
        ["own", "queue", "carts"]
    );
    assert_eq!([label("gone", "room"), label("gone", "routing_key")], ["all", ""], "no ticket");
    assert_eq!(label("low", "alertname"), "CheckoutErrorBudget");
    let says = |name: &str, annotation: &str| alert(name).annotations.value_or_empty(annotation).to_owned();
    assert_eq!([says("low", "who"), says("low", "how"), says("gone", "how")], ["me", "calmly", ""]);
    assert_eq!(says("gone", "say"), "checkout has -4.2 %");
    assert_eq!(says("gone", "summary"), "shop/checkout: error budget is exhausted, -4.2 % is left (gone)");
}

#[test]
fn not_measured_keeps_a_budget_alert_and_fires_its_severities() {
    let mut shop = Shop::healthy(YAML);
    (0..13).for_each(|_| drop(shop.serve(10.0)));
    shop.world.wait(TimeDelta(2 * TimeDelta::MINUTE.0));
    let now = shop.world.now;
    let mut found = told(&alerts(shop.world.engine.step(Event::Tick, now)));
    found.sort();
    assert_eq!(found, ["low firing", "not-measured firing", "not-measured firing"]);
}

#[test]
fn a_budget_alert_survives_a_restart_and_is_recalled_after_a_crash() {
    let mut shop = Shop::healthy(YAML);
    let before = shop.world.engine.checkpoint(Default::default(), BlocksFile::Rewrite);
    let fired: Vec<Alert> = (0..13).flat_map(|_| shop.serve(10.0)).collect();
    let after = shop.world.engine.checkpoint(Default::default(), BlocksFile::Rewrite);
    let restore = |head: &[u8], blocks: &[u8]| {
        SloEngine::restore(slos(YAML), EngineSettings::default(), head, blocks).unwrap().0
    };
    let is_firing = |engine: &SloEngine| {
        let status = engine.status(shop.world.now);
        status[0].streams[0].budget_alerts[0].state == BurnAlertState::Firing
    };
    assert!(is_firing(&restore(&after.head, &after.new_blocks)), "the checkpoint knows");
    let mut crashed = restore(&before.head, &before.new_blocks);
    assert!(!is_firing(&crashed));
    assert_eq!(crashed.recall(fired.last().unwrap(), shop.world.now), Recalled::Known);
    assert!(is_firing(&crashed), "whoever routes alerts knows");
}

#[test]
fn the_end_of_the_budget_is_there_for_templates_without_arithmetic() {
    let yaml = YAML.replace(
        "- {name: low,",
        "- {name: fast, long: 5m, short: 1m, factor: 5, annotations: {end: '{{ with $budget_ends_in }}ends in {{ . }}{{ end }}', \
         rate: '{{ $value | printf \"%.0f\" }}'}}\n      - {name: low,",
    );
    let mut shop = Shop::healthy(&yaml);
    let fired: Vec<Alert> = (0..11).flat_map(|_| shop.serve(10.0)).collect();
    let fast = fired.iter().find(|a| a.labels.get("alert") == Some("fast")).expect("it burns");
    let says = |name: &str| fast.annotations.get(name).unwrap_or("(none)").to_owned();
    // 110 of 240 are spent. 40 bad requests a minute spend the rest in 3.25 min, 110 in five minutes in 5.9.
    assert_eq!([says("burn_rate_long"), says("burn_rate_short"), says("budget_left")], ["5.5", "10", "54 %"]);
    assert_eq!(says("budget_ends_in"), "3m to 5m");
    assert_eq!(says("end"), "ends in 3m to 5m");
    assert_eq!(says("rate"), "6", "the number itself, for whoever wants to round it otherwise");
    assert!(
        says("budget_ends_at").ends_with('Z') && says("description").contains(&says("budget_ends_at")),
        "{fast:?}"
    );
    // Once everything is spent there is no end ahead.
    let later: Vec<Alert> = (0..20).flat_map(|_| shop.serve(10.0)).collect();
    let fast = later.iter().rfind(|a| a.labels.get("alert") == Some("fast")).expect("it burns still");
    assert_eq!(fast.annotations.get("budget_ends_in"), None);
    assert_eq!(fast.annotations.get("end"), None, "an annotation that says nothing is not there");
}

/// The lines that say what is wrong with alerts written in this way.
fn check(alerts: &str, expected: &[&str]) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let head =
        "slos:\n  - name: a\n    goal: 0.99\n    window: 30d\n    indicator: {ratio: {bad: e, total: t}}\n";
    let file = sources.add("a.yaml", format!("{head}{alerts}"));
    parse(&sources, file, &mut out);
    let text = out.render(&sources, Style { color: false });
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with("a.yaml:")).collect();
    assert_eq!(found, expected, "{alerts}");
}

#[test]
fn a_list_replaces_the_default_alerts_unless_it_names_them() {
    let names = |alerts: &str| -> Vec<String> {
        let yaml = format!(
            "slos: [{{name: a, goal: 0.99, window: 30d, min_bad_events: 5, indicator: {{ratio: {{bad: e, total: t}}}}, {alerts}}}]"
        );
        let slo = &slos(&yaml)[0];
        assert!(slo.alerts.iter().all(|alert| alert.min_bad_events == 5), "{:?}", slo.alerts);
        let burns = slo.alerts.iter().map(|a| a.name.clone());
        burns.chain(slo.budget_alerts.iter().map(|a| a.name.clone())).collect()
    };
    let low = "{name: low, budget_left_below: 20%}";
    assert_eq!(names(&format!("alerts: [{low}]")), ["low"]);
    let defaults = ["fast-burn", "steady-burn", "slow-burn", "drip-burn"];
    assert_eq!(names(&format!("alerts: [{low}, default]")), [&defaults[..], &["low"]].concat());
    assert_eq!(names("alerts: [{name: own, long: 1h, factor: 10}]"), ["own"]);
    assert_eq!(names("display_name: A"), defaults, "left out");
}

#[test]
fn what_is_wrong_with_an_alert_is_said_where_it_stands() {
    check(
        "    alerts: [defaults]\n",
        &[
            "a.yaml:6:14: error: expected an alert; write default for the default alerts, or an alert with a name, long, \
         short and factor, or with a name and budget_left_below",
        ],
    );
    for bad in ["20", "1", "120%", "-1%", "much"] {
        check(
            &format!("    alerts: [{{name: b, budget_left_below: {bad}}}]\n"),
            &[
                "a.yaml:6:43: error: not a share of the budget; write a share from 0% to 100%, such as \"20%\" or 0.2",
            ],
        );
    }
    check(
        "    alerts: [{name: b, budget_left_below: 20%, factor: 3}]\n",
        &[
            "a.yaml:6:48: error: factor has no meaning for an alert on what is left of the budget; keep either \
         budget_left_below or long, short and factor",
        ],
    );
    check(
        "    alerts: [default, {name: fast-burn, budget_left_below: 20%}]\n",
        &[
            "a.yaml:6:23: error: alert \"fast-burn\" is defined twice; give each alert of an objective a name of its own",
        ],
    );
    check(
        "    alert_labels: {page: {severity: high}}\n",
        &[
            "a.yaml:6:26: error: label severity is set by the objective itself; write severity: as a field of the alert",
        ],
    );
    check(
        "    annotations: {say: 'it ends in {{ $budget_end_in }}'}\n",
        &["a.yaml:6:39: error: undefined variable $budget_end_in; did you mean $budget_ends_in?"],
    );
    check(
        "    annotations: {say: '{{ query \"up\" }}'}\n",
        &[
            "a.yaml:6:28: error: an objective's annotation cannot ask a query; write what the alert's own numbers say, or \
         an alerting rule",
        ],
    );
}
