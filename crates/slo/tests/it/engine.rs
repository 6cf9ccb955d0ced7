//! What an engine tells of, and when: firing, repeating, resolving, not measuring, reloading, back-filling.

use bellwether_model::{Alert, Batch, Labels, Origin, Sample, SeriesId, TimeDelta, TimeRange};
use bellwether_slo::{
    Backfill, BlocksFile, BurnAlertState, EngineSettings, Event, Measurement, Recalled, SloEngine,
};

use crate::world::{SCRAPE, World, alerts, series, slos};

const YAML: &str = r#"
slos:
  - name: checkout
    service: shop
    owner: carts
    runbook: https://runbooks.example/checkout
    labels: {team: carts}
    goal: "90%"
    window: 1h
    indicator: {ratio: {bad: errors_total, total: requests_total}}
    alerts:
      - {name: fast, severity: page, long: 5m, short: 1m, factor: 5, min_bad_events: 10}
      - {name: slow, severity: ticket, long: 30m, factor: 2}
"#;

#[derive(Default)]
struct Shop {
    requests: f64,
    errors: f64,
}

impl Shop {
    fn serve(&mut self, world: &mut World, errors: f64) -> Vec<Alert> {
        world.wait(SCRAPE);
        self.requests += 10.0;
        self.errors += errors;
        world.scrape("a", &[("requests_total", self.requests), ("errors_total", self.errors)])
    }

    /// Ten minutes without errors.
    fn healthy() -> (World, Self) {
        let (mut world, mut shop) = (World::new(YAML), Self::default());
        for _ in 0..40 {
            assert_eq!(shop.serve(&mut world, 0.0), []);
        }
        (world, shop)
    }
}

/// `alert` fires, still fires, or is over.
fn told(alerts: &[Alert]) -> Vec<String> {
    let word = |alert: &Alert| if alert.ends_at.is_some() { "resolved" } else { "firing" };
    alerts.iter().map(|a| format!("{} {} {}", a.name(), a.labels.get("severity").unwrap(), word(a))).collect()
}

#[test]
fn an_alert_fires_is_repeated_each_minute_and_resolves() {
    let (mut world, mut shop) = Shop::healthy();
    let mut log = Vec::new();
    for step in 0..40 {
        let alerts = shop.serve(&mut world, if step < 20 { 10.0 } else { 0.0 });
        log.extend(told(&alerts).into_iter().filter(|t| t.contains("page")).map(|t| format!("{step} {t}")));
    }
    let name = "CheckoutBurnRate page";
    // Above 5 of at most 10 in five minutes: more than half of 20 slots. After repair the minute's window clears first.
    let expected = [(10, "firing"), (14, "firing"), (18, "firing"), (21, "resolved")];
    assert_eq!(log, expected.map(|(step, word)| format!("{step} {name} {word}")));
}

#[test]
fn an_alert_carries_who_what_and_how_long() {
    let (mut world, mut shop) = Shop::healthy();
    let alerts: Vec<Alert> = (0..11).flat_map(|_| shop.serve(&mut world, 10.0)).collect();
    let alert = alerts.iter().find(|a| a.labels.get("alert") == Some("fast")).expect("it burns");
    let expected = [
        ("alertname", "CheckoutBurnRate"),
        ("alert", "fast"),
        ("service", "shop"),
        ("severity", "page"),
        ("slo", "checkout"),
        ("team", "carts"),
    ];
    assert_eq!(alert.labels, Labels::from_pairs(expected));
    assert_eq!(alert.annotations.get("runbook_url"), Some("https://runbooks.example/checkout"));
    let description = alert.annotations.get("description").unwrap();
    let expected = "Burn rate 5.5 over 5m and 10 over 1m; the alert fires above 5. -120 % of the error budget of 1h \
                    (90%) is left, seen over 12m30s of 1h. It is exhausted.";
    assert_eq!(description, expected);
}

#[test]
fn few_bad_events_do_not_page() {
    let mut world = World::new(YAML);
    for step in 0..20 {
        world.wait(SCRAPE);
        let count = f64::from(step / 3);
        let alerts = world.scrape("a", &[("requests_total", count), ("errors_total", count)]);
        assert!(!told(&alerts).iter().any(|t| t.contains("page")), "all fail, but fewer than ten");
    }
}

#[test]
fn a_dead_server_does_not_silence_its_own_page() {
    let (mut world, mut shop) = Shop::healthy();
    for _ in 0..20 {
        shop.serve(&mut world, 10.0);
    }
    let mut log = Vec::new();
    for second in (15..=75).step_by(15) {
        world.wait(SCRAPE);
        let mut alerts = world.fail("a", &[]);
        alerts.extend(crate::world::alerts(world.engine.step(Event::Tick, world.now)));
        log.extend(told(&alerts).into_iter().map(|t| format!("{second} {t}")));
    }
    let stream = world.stream("shop/checkout");
    assert_eq!(stream.measurement, Measurement::Unmeasured);
    assert!(stream.alerts.iter().all(|alert| alert.state == BurnAlertState::Firing), "kept as they were");
    assert!(log.contains(&"60 CheckoutNotMeasured page firing".to_owned()), "{log:?}");
    assert!(log.contains(&"60 CheckoutNotMeasured ticket firing".to_owned()), "{log:?}");
    assert!(!log.iter().any(|t| t.contains("resolved")), "{log:?}");

    let back = told(&shop.serve(&mut world, 0.0));
    assert!(back.contains(&"CheckoutNotMeasured page resolved".to_owned()), "{back:?}");
}

#[test]
fn it_asks_to_be_woken_before_it_has_something_to_tell() {
    let mut world = World::new(YAML);
    assert_eq!(world.engine.next_wake(), None);
    let mut shop = Shop::default();
    shop.serve(&mut world, 0.0);
    shop.serve(&mut world, 0.0);
    // It may ask too early, since what arrives mostly postpones what is due, but never too late.
    let early = world.engine.next_wake().expect("silence would be news");
    assert!(early <= world.now + TimeDelta(45_001));
    assert_eq!(told(&alerts(world.engine.step(Event::Tick, early))), [""; 0]);
    let wake = world.engine.next_wake().expect("silence would be news");
    assert_eq!(wake, world.now + TimeDelta(45_001));
    assert_eq!(told(&alerts(world.engine.step(Event::Tick, wake - TimeDelta(1)))), [""; 0]);
    assert_eq!(alerts(world.engine.step(Event::Tick, wake)).len(), 2);
    assert_eq!(world.engine.next_wake(), Some(wake + TimeDelta::MINUTE), "to repeat it");
}

#[test]
fn our_own_absence_is_not_taken_for_silence() {
    let (mut world, _) = Shop::healthy();
    world.wait(TimeDelta::HOUR);
    world.engine.resume(world.now);
    assert_eq!(told(&alerts(world.engine.step(Event::Tick, world.now))), [""; 0]);
    world.wait(TimeDelta::MINUTE);
    assert_eq!(alerts(world.engine.step(Event::Tick, world.now)).len(), 2);
}

#[test]
fn an_alert_about_missing_samples_is_recalled_after_a_crash_and_ends_when_they_return() {
    let (mut world, mut shop) = Shop::healthy();
    let checkpoint = world.engine.checkpoint(Default::default(), BlocksFile::Rewrite);
    world.wait(TimeDelta::MINUTE);
    let fired = alerts(world.engine.step(Event::Tick, world.now));
    assert_eq!(fired.len(), 2);
    // Nothing of this reached the checkpoint; whoever routes alerts remembers it.
    let (slos, settings) = (slos(YAML), EngineSettings::default());
    let (head, blocks) = (&checkpoint.head, &checkpoint.new_blocks);
    world.engine = SloEngine::restore(slos, settings, head, blocks).unwrap().0;
    world.engine.resume(world.now);
    for alert in &fired {
        assert_eq!(world.engine.recall(alert, world.now), Recalled::Known);
    }
    let before = world.now;
    world.wait(TimeDelta::SECOND);
    assert_eq!(told(&alerts(world.engine.step(Event::Tick, world.now))), [""; 0], "still not measured");
    world.wait(TimeDelta::MINUTE);
    let again = alerts(world.engine.step(Event::Tick, world.now));
    assert_eq!(told(&again), told(&fired), "told again each minute");
    assert!(again.iter().all(|alert| alert.starts_at == before), "{again:?}");
    let ended = shop.serve(&mut world, 0.0);
    assert_eq!(told(&ended).iter().filter(|text| text.ends_with("resolved")).count(), 2, "{ended:?}");
}

#[test]
fn an_interpolated_threshold_is_noted_with_its_bounds() {
    let yaml = YAML.replace(
        "ratio: {bad: errors_total, total: requests_total}",
        "latency: {histogram: took, threshold: 5}",
    );
    let mut world = World::new(&yaml);
    world.scrape(
        "a",
        &[("took_bucket{le=4}", 0.0), ("took_bucket{le=8}", 0.0), ("took_bucket{le=+Inf}", 0.0)],
    );
    let expected = ["5 is not a bucket bound: the count is interpolated between the bounds 4 and 8"];
    assert_eq!(world.status("shop/checkout").notes, expected);
}

#[test]
fn nothing_measured_is_unknown_and_no_traffic_is_not() {
    let mut world = World::new(YAML);
    let stream = world.stream("shop/checkout");
    assert_eq!(
        (stream.measurement, stream.budget, stream.total.burn_rate),
        (Measurement::Unknown, None, None)
    );
    for _ in 0..8 {
        world.wait(SCRAPE);
        world.scrape("a", &[("requests_total", 7.0), ("errors_total", 1.0)]);
    }
    let stream = world.stream("shop/checkout");
    assert_eq!(
        (stream.measurement, stream.budget, stream.total.burn_rate),
        (Measurement::Complete, None, Some(0.0))
    );
    assert_eq!(stream.total.sli_ratio, None);
    assert!(!format!("{stream:?}").contains("NaN"));
}

#[test]
fn no_traffic_leaves_the_budget_as_it_was() {
    let (mut world, mut shop) = Shop::healthy();
    shop.serve(&mut world, 4.0);
    let before = world.stream("shop/checkout").budget.unwrap();
    for _ in 0..40 {
        world.wait(SCRAPE);
        world.scrape("a", &[("requests_total", shop.requests), ("errors_total", shop.errors)]);
    }
    assert_eq!(world.stream("shop/checkout").budget.unwrap(), before);
}

#[test]
fn another_goal_keeps_the_history_and_another_indicator_starts_anew() {
    let (mut world, mut shop) = Shop::healthy();
    shop.serve(&mut world, 4.0);
    let before = world.stream("shop/checkout");
    let reload = |world: &mut World, yaml: &str| {
        let slos = slos(yaml);
        alerts(world.engine.step(Event::Reload(slos), world.now))
    };
    reload(&mut world, &YAML.replace("90%", "80%"));
    let after = world.stream("shop/checkout");
    assert_eq!((after.total.good, after.total.total), (before.total.good, before.total.total));
    assert_eq!(world.status("shop/checkout").goal_text, "80%");
    reload(&mut world, &YAML.replace("errors_total", "faults_total"));
    assert_eq!(world.stream("shop/checkout").measurement, Measurement::Unknown);
}

#[test]
fn an_alert_whose_definition_is_gone_resolves() {
    let (mut world, mut shop) = Shop::healthy();
    for _ in 0..12 {
        shop.serve(&mut world, 10.0);
    }
    let slos = slos(&YAML.replace("name: fast", "name: quick"));
    let effects = alerts(world.engine.step(Event::Reload(slos), world.now));
    assert_eq!(told(&effects), ["CheckoutBurnRate page resolved"]);
    assert_eq!(effects[0].labels.get("alert"), Some("fast"));
}

#[test]
fn the_past_of_a_new_indicator_is_read_once() {
    let mut world = World::new(YAML);
    let wanted = world.engine.wanted_backfill();
    assert_eq!((wanted.len(), wanted[0].reach), (1, TimeDelta::HOUR));
    assert_eq!(
        wanted[0].selectors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["errors_total", "requests_total"]
    );
    let known = [(SeriesId(70), series("requests_total")), (SeriesId(71), series("errors_total"))];
    let start = world.now;
    let batches: Vec<Batch> = (0..=20)
        .map(|step| {
            let at = start + TimeDelta(step * SCRAPE.0);
            let samples =
                [(70, step * 10), (71, step)].map(|(id, v)| (SeriesId(id), Sample::new(at, v as f64)));
            Batch::floats(Origin::Rules, at, samples.to_vec())
        })
        .collect();
    world.now = start + TimeDelta(20 * SCRAPE.0);
    let backfill = Backfill { key: &wanted[0].key, series: &known, batches: &batches };
    assert_eq!(world.engine.step(Event::Backfill(backfill), world.now), []);
    assert_eq!(world.engine.wanted_backfill(), []);
    // The first live scrape goes on where history ended.
    let at = world.now + SCRAPE;
    let samples = [(70, 210.0), (71, 25.0)].map(|(id, v)| (SeriesId(id), Sample::new(at, v)));
    let origin = Origin::Scrape { target: SeriesId(72), ok: true, interval: SCRAPE };
    world.now = at;
    world.apply(&Batch::floats(origin, at, samples.to_vec()));
    let stream = world.stream("shop/checkout");
    assert_eq!((stream.total.total, stream.total.good), (210.0, 185.0));
    assert_eq!((stream.watched, stream.measurement), (TimeDelta(21 * SCRAPE.0), Measurement::Complete));
}

#[test]
fn a_series_announced_late_begins_with_a_baseline() {
    let (mut world, mut shop) = Shop::healthy();
    let labels = series("requests_total{path=/late}");
    world.engine.step(Event::SeriesKnown { id: SeriesId(900), labels: &labels }, world.now);
    let before = world.stream("shop/checkout").total.total;
    world.wait(SCRAPE);
    shop.requests += 10.0;
    let mut batch = world.batch("a", &[("requests_total", shop.requests), ("errors_total", 0.0)], true);
    batch.samples.push((SeriesId(900), Sample::new(world.now, 5000.0)));
    world.apply(&batch);
    assert_eq!(world.stream("shop/checkout").total.total, before + 10.0);
}

#[test]
fn time_not_measured_widens_the_budget_to_bounds() {
    let (mut world, mut shop) = Shop::healthy();
    shop.serve(&mut world, 2.0);
    for _ in 0..20 {
        world.wait(SCRAPE);
        world.fail("a", &[]);
    }
    shop.requests = 0.0;
    shop.errors = 0.0;
    shop.serve(&mut world, 0.0);
    let stream = world.stream("shop/checkout");
    let budget = stream.budget.unwrap();
    // 410 events with 2 bad; 21 slots of 61 unmeasured at a mean of 410 events in 40 slots.
    let unmeasured = 21.0 * 410.0 / 40.0;
    let left = |bad: f64, total: f64| 1.0 - bad / (0.1 * total);
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    close(budget.left_ratio, left(2.0, 410.0));
    close(budget.left_ratio_low, left(2.0 + unmeasured, 410.0 + unmeasured));
    close(budget.left_ratio_high, left(2.0, 410.0 + unmeasured));
    assert_eq!(stream.measurement, Measurement::Partial);
}

#[test]
fn what_a_lost_stretch_of_the_log_said_is_not_measured() {
    let (mut world, mut shop) = Shop::healthy();
    let before = world.stream("shop/checkout");
    assert_eq!(before.measurement, Measurement::Complete);
    // Two scrapes are lost; the counters go on, and a reset that was made up for would look no different.
    world.engine.step(Event::Lost, world.now);
    world.wait(SCRAPE);
    world.wait(SCRAPE);
    let checkpoint = world.engine.checkpoint(Default::default(), BlocksFile::Rewrite);
    let (head, blocks) = (&checkpoint.head, &checkpoint.new_blocks);
    world.engine = SloEngine::restore(slos(YAML), EngineSettings::default(), head, blocks).unwrap().0;
    shop.requests += 20.0;
    shop.serve(&mut world, 0.0);
    let after = world.stream("shop/checkout");
    assert_eq!(after.measurement, Measurement::Partial);
    assert_eq!(after.total.total, before.total.total + 30.0, "the counts themselves are still exact");
    let budget = after.budget.unwrap();
    assert!(budget.left_ratio_low < budget.left_ratio_high, "what went wrong meanwhile nobody knows");
}

#[test]
fn history_has_a_point_per_step_that_adds_up() {
    let (mut world, mut shop) = Shop::healthy();
    for _ in 0..20 {
        shop.serve(&mut world, 1.0);
    }
    let points =
        world.engine.history("shop/checkout", &Labels::empty(), TimeRange::ALL, TimeDelta::from_secs(300));
    let last = points.last().expect("points");
    assert_eq!((last.good, last.total, last.measured_ratio), (180.0, 200.0, 1.0));
    assert_eq!(last.budget_left_ratio, world.stream("shop/checkout").budget.map(|b| b.left_ratio));
    assert_eq!(
        points.iter().map(|p| p.total).sum::<f64>(),
        shop.requests - 10.0,
        "the first scrape is a baseline"
    );
    assert_eq!(world.engine.history("other", &Labels::empty(), TimeRange::ALL, SCRAPE), []);
}
