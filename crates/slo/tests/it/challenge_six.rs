//! The workshop's sixth challenge under a virtual clock: 24 h of health, then slow chats and fewer engaged users.
//!
//! Expected times are those of the scenario's table, found with another tool: this is where two ways of counting meet.

use bellwether_model::{Alert, TimeDelta};
use bellwether_slo::{BurnAlertState, Verdict, examine};

use crate::world::{SCRAPE, World, slos};

const YAML: &str = r#"
slos:
  - name: chat-latency
    goal: "99%"
    window: 24h
    indicator: {latency: {histogram: movieguru_chat_latency_milliseconds, threshold: 5000}}
    alerts: [{name: 1.5x, long: 5m, factor: 1.5}, {name: 2x, long: 5m, factor: 2}, {name: 10x, long: 5m, factor: 10}]
  - name: chat-engaged
    goal: "70%"
    window: 24h
    indicator: {ratio: {good: 'movieguru_chat_outcome_counter_total{Outcome="Engaged"}', total: movieguru_chat_outcome_counter_total}}
    alerts: [{name: 1.5x, long: 5m, factor: 1.5}, {name: 2x, long: 5m, factor: 2}, {name: 10x, long: 5m, factor: 10}]
  - name: chat-useful
    goal: 0.8
    window: 24h
    indicator:
      ratio:
        good: 'movieguru_chat_outcome_counter_total{Outcome=~"Engaged|Acknowledged"}'
        total: movieguru_chat_outcome_counter_total
    alerts: [{name: 1.5x, long: 5m, factor: 1.5}, {name: 2x, long: 5m, factor: 2}]
  - name: startup-success
    goal: "90%"
    window: 7d
    indicator: {ratio: {good: movieguru_startup_success_total, total: movieguru_startup_attempts_total}}
    alerts: [{name: 1.5x, long: 5m, factor: 1.5}, {name: 2x, long: 5m, factor: 2}]
"#;

/// What one scrape interval adds. 5000 chats keep every share of the table whole.
#[derive(Clone, Copy)]
struct Phase {
    chats_fast: f64,
    engaged: f64,
    acknowledged: f64,
}
const CHATS: f64 = 5000.0;
const HEALTHY: Phase = Phase { chats_fast: 5000.0, engaged: 3500.0, acknowledged: 750.0 };
const DEGRADED: Phase = Phase { chats_fast: 2001.0, engaged: 2500.0, acknowledged: 500.0 };

#[derive(Default)]
struct Backend {
    chats: f64,
    fast: f64,
    engaged: f64,
    acknowledged: f64,
    startups: f64,
    started: f64,
}

impl Backend {
    fn serve(&mut self, phase: Phase) {
        self.chats += CHATS;
        self.fast += phase.chats_fast;
        self.engaged += phase.engaged;
        self.acknowledged += phase.acknowledged;
        self.startups += 20.0;
        self.started += 19.0;
    }

    fn expose(&self, world: &mut World) -> Vec<Alert> {
        world.scrape(
            "backend",
            &[
                ("movieguru_chat_latency_milliseconds_bucket{le=4000}", (self.fast / 2.0).floor()),
                ("movieguru_chat_latency_milliseconds_bucket{le=5e3}", self.fast),
                ("movieguru_chat_latency_milliseconds_bucket{le=10000}", self.chats),
                ("movieguru_chat_latency_milliseconds_bucket{le=+Inf}", self.chats),
                ("movieguru_chat_latency_milliseconds_count", self.chats),
                ("movieguru_chat_outcome_counter_total{Outcome=Engaged}", self.engaged),
                ("movieguru_chat_outcome_counter_total{Outcome=Acknowledged}", self.acknowledged),
                (
                    "movieguru_chat_outcome_counter_total{Outcome=Rejected}",
                    self.chats - self.engaged - self.acknowledged,
                ),
                ("movieguru_startup_attempts_total", self.startups),
                ("movieguru_startup_success_total", self.started),
            ],
        )
    }
}

/// A day of health and the first scrape after it.
fn healthy_day() -> (World, Backend) {
    let (mut world, mut backend) = (World::new(YAML), Backend::default());
    backend.expose(&mut world);
    for _ in 0..24 * 240 {
        world.wait(SCRAPE);
        backend.serve(HEALTHY);
        let alerts = backend.expose(&mut world);
        assert!(alerts.is_empty(), "{alerts:?}");
    }
    (world, backend)
}

fn close(actual: Option<f64>, expected: f64) {
    let actual = actual.expect("a number");
    assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
}

#[test]
fn alerts_fire_when_the_scenario_says_and_budgets_end_when_it_says() {
    let (mut world, mut backend) = healthy_day();
    let mut fired = Vec::new();
    let mut budgets = Vec::new();
    for second in (15..=5 * 3600).step_by(15) {
        world.wait(SCRAPE);
        backend.serve(DEGRADED);
        for alert in backend.expose(&mut world) {
            assert_eq!(alert.ends_at, None);
            let name = format!("{} {}", alert.labels.get("slo").unwrap(), alert.labels.get("alert").unwrap());
            if !fired.iter().any(|(_, known)| *known == name) {
                assert_eq!(alert.starts_at, world.now);
                fired.push((second, name));
            }
        }
        if [24 * 60 - 15, 24 * 60, 24 * 60 + 15, 3600, 4 * 3600 + 48 * 60].contains(&second) {
            let left = |slo: &str| world.stream(slo).budget.expect("a budget").left_ratio;
            budgets.push((second, left("chat-latency"), left("chat-useful")));
        }
    }
    let expected = [
        (15, "chat-latency 1.5x"),
        (15, "chat-latency 2x"),
        (60, "chat-latency 10x"),
        (195, "chat-useful 1.5x"),
        (240, "chat-engaged 1.5x"),
    ];
    assert_eq!(fired, expected.map(|(second, name)| (second, name.to_owned())));

    // 0.01 of a day at 59.98 times the sustainable rate: 24.008 minutes.
    assert!(
        budgets[0].1 > 0.01 && budgets[1].1 > 0.0 && budgets[1].1 < 0.001 && budgets[2].1 < 0.0,
        "{budgets:?}"
    );
    assert!((budgets[3].1 + 1.499_166).abs() < 1e-5, "-150 % after an hour: {budgets:?}");
    // 25 % at first; of bad events 1 in 0.2 more per day-share than those that leave: gone after 4.8 h, exactly.
    assert_eq!(budgets[4].2, 0.0, "{budgets:?}");

    let chat = world.stream("chat-latency");
    close(chat.alerts[0].burn_rate_long, 59.98);
    close(world.stream("chat-engaged").alerts[0].burn_rate_long, 5.0 / 3.0);
    close(world.stream("chat-useful").alerts[0].burn_rate_long, 2.0);
    close(world.stream("startup-success").alerts[0].burn_rate_long, 0.5);
    assert_eq!(chat.alerts[0].state, BurnAlertState::Firing);
    assert_eq!(chat.exhaustion.expect("it burns").earliest, world.now, "already gone");
}

#[test]
fn chat_latency_clears_250_seconds_after_repair() {
    let (mut world, mut backend) = healthy_day();
    for _ in 0..40 {
        world.wait(SCRAPE);
        backend.serve(DEGRADED);
        backend.expose(&mut world);
    }
    let mut resolved = None;
    for second in (15..=600).step_by(15) {
        world.wait(SCRAPE);
        backend.serve(HEALTHY);
        let alerts = backend.expose(&mut world);
        if alerts.iter().any(|a| a.labels.get("alert") == Some("10x") && a.is_resolved(world.now)) {
            resolved = resolved.or(Some(second));
        }
    }
    // Burn 59.98 · (20 − n) / 20 is no longer above 10 once n = 17 scrapes are healthy: the first evaluation after 250 s.
    assert_eq!(resolved, Some(255));
}

#[test]
fn time_left_is_computed_and_told() {
    let (mut world, mut backend) = healthy_day();
    let mut told = Vec::new();
    for _ in 0..20 {
        world.wait(SCRAPE);
        backend.serve(DEGRADED);
        told = backend.expose(&mut world);
    }
    // 5 minutes gone of 24.008: 19 minutes and half a second are left.
    let exhaustion = world.stream("chat-latency").exhaustion.expect("it burns");
    let left = exhaustion.earliest - world.now;
    assert!((left - TimeDelta::from_secs(19 * 60)).0.abs() < 1000, "{left}");
    let alert =
        told.iter().find(|a| a.labels.get("slo") == Some("chat-latency")).expect("repeated each minute");
    assert_eq!(alert.name(), "ChatLatencyBurnRate");
    assert_eq!(
        alert.annotations.get("summary"),
        Some("chat-latency: error budget burns at 60 times the sustainable rate (10x)")
    );
    let text = alert.annotations.get("description").expect("a description");
    assert!(text.contains("Burn rate 60 over 5m"), "{text}");
    assert!(text.contains("At this rate it is gone in 19m"), "{text}");
}

#[test]
fn ten_times_a_goal_of_70_percent_is_no_alert() {
    let slos = slos(YAML);
    let said: Vec<String> = slos.iter().flat_map(|slo| examine(slo)).map(|d| d.message).collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("can never fire") && said[0].contains("3.3333"), "{}", said[0]);
    let world = World::new(YAML);
    assert_eq!(world.stream("chat-engaged").alerts[2].verdict, Verdict::CannotFire);
}
