//! Budgets of the calendar: what is expected early in a period, what happens at its turn, and on days of 23 and 25
//! hours.

use bellwether_model::{Alert, Labels, TimeDelta, TimeRange, Timestamp};
use bellwether_slo::{
    BudgetStatus, BurnAlertState, CorrectionEvent, CorrectionKind, CorrectionScope, CorrectionWish,
    ExpectationBasis, ReportRequest, ReportSpan, Stretch,
};

use crate::world::{SCRAPE, World};

const MINUTE: i64 = TimeDelta::MINUTE.0;
const HOUR: i64 = TimeDelta::HOUR.0;

fn yaml(window: &str) -> String {
    format!(
        "
slos:
  - name: login
    goal: \"90%\"
    aspirational: \"95%\"
    window: {window}
    indicator: {{ratio: {{bad: errors_total, total: requests_total}}}}
    alerts:
      - {{name: fast, severity: page, long: 30m, short: 5m, factor: 5}}
      - {{name: half, severity: ticket, budget_left_below: 50%}}
"
    )
}

fn moment(text: &str) -> Timestamp {
    text.parse::<jiff::Timestamp>().map(|at| Timestamp(at.as_millisecond())).unwrap()
}

struct Shop {
    world: World,
    requests: f64,
    errors: f64,
}

impl Shop {
    /// With a period, from a moment on.
    fn open(window: &str, at: &str) -> Self {
        let mut world = World::new(&yaml(window));
        world.now = moment(at);
        let mut shop = Self { world, requests: 0.0, errors: 0.0 };
        shop.scrape(0.0, 0.0);
        shop
    }

    fn scrape(&mut self, requests: f64, errors: f64) -> Vec<Alert> {
        self.requests += requests;
        self.errors += errors;
        let values = [("requests_total", self.requests), ("errors_total", self.errors)];
        self.world.scrape("a", &values)
    }

    /// Ten requests each 15 s until a moment, so many of them bad.
    fn serve_until(&mut self, until: &str, errors: f64) -> Vec<Alert> {
        let until = moment(until);
        let mut alerts = Vec::new();
        while self.world.now < until {
            self.world.wait(SCRAPE);
            alerts.extend(self.scrape(10.0, errors));
        }
        alerts
    }

    fn budget(&self) -> BudgetStatus {
        self.world.stream("login").budget.expect("events were seen")
    }
}

/// Events of an hour.
const HOURLY: f64 = 2400.0;

#[test]
fn early_in_a_period_the_budget_is_seen_against_all_of_it() {
    let mut shop = Shop::open("{calendar: day}", "2026-03-02T00:00:00Z");
    shop.serve_until("2026-03-02T00:30:00Z", 5.0);
    let budget = shop.budget();
    assert_eq!(budget.left_ratio, -4.0, "of what half an hour allows");
    let expected = budget.expected.unwrap();
    assert_eq!(expected.basis, ExpectationBasis::MeanRate);
    assert!((expected.total_events - 24.0 * HOURLY).abs() < 1e-6, "{expected:?}");
    // 600 bad of 5760 that a day allows.
    assert!((expected.left_ratio - (1.0 - 600.0 / 5760.0)).abs() < 1e-9, "{expected:?}");
    assert_eq!(expected.ends_at, moment("2026-03-03T00:00:00Z"));
    let stream = shop.world.stream("login");
    assert_eq!(stream.period.unwrap().watched_text, "30m of 1d");
    // The goal one would like to reach and the alert on the budget are held against the same.
    let aspirational = stream.aspirational.unwrap();
    assert_eq!(aspirational.is_met, Some(true));
    assert!((aspirational.left_ratio.unwrap() - (1.0 - 600.0 / 2880.0)).abs() < 1e-9, "{aspirational:?}");
    assert_eq!(stream.budget_alerts[0].left_ratio, Some(expected.left_ratio));
    // The rest of 5160 at 1200 an hour: after 4.3 hours it is gone.
    let gone = stream.exhaustion.unwrap().earliest;
    assert!((gone - moment("2026-03-02T04:48:00Z")).0.abs() < MINUTE, "{gone}");
}

#[test]
fn the_day_before_says_what_to_expect_where_all_of_it_was_seen() {
    let mut shop = Shop::open("{calendar: day}", "2026-03-01T23:59:45Z");
    shop.serve_until("2026-03-03T00:00:00Z", 0.0);
    // A quiet night: a tenth of the traffic, and one request in ten fails.
    for _ in 0..240 {
        shop.world.wait(SCRAPE);
        shop.scrape(1.0, 0.1);
    }
    let expected = shop.budget().expected.unwrap();
    assert_eq!(expected.basis, ExpectationBasis::PreviousPeriod);
    assert!((expected.total_events - (240.0 + 23.0 * HOURLY)).abs() < 1.0, "{expected:?}");
    assert!(expected.left_ratio > 0.99, "{expected:?}");
    // What maintenance will take out is not expected.
    let now = shop.world.now;
    let wish = CorrectionWish {
        id: "c1".to_owned(),
        scope: CorrectionScope::Slo("login".to_owned()),
        labels: Labels::empty(),
        stretch: Stretch { begin: now + TimeDelta(HOUR), end: now + TimeDelta(40 * HOUR) },
        kind: CorrectionKind::Maintenance,
        share: None,
        reason: "moving".to_owned(),
        author: "ann".to_owned(),
        approver: "bo".to_owned(),
    };
    shop.world.engine.correct(CorrectionEvent::Add(wish), now).unwrap();
    let expected = shop.budget().expected.unwrap();
    assert!((expected.total_events - (240.0 + HOURLY)).abs() < 1.0, "{expected:?}");
}

#[test]
fn at_the_turn_the_budget_is_new_and_alerts_burn_on() {
    let mut shop = Shop::open("{calendar: day, zone: Europe/Berlin}", "2026-03-02T18:00:00Z");
    shop.serve_until("2026-03-02T22:30:00Z", 0.0);
    let alerts = shop.serve_until("2026-03-02T23:00:00Z", 10.0); // midnight in Berlin
    assert!(alerts.iter().any(|alert| alert.labels.get("alert") == Some("fast")), "it burns");
    let before = shop.budget();
    assert_eq!((before.spent_events, before.expected.unwrap().ends_at), (1200.0, shop.world.now));
    let mut alerts = shop.serve_until("2026-03-02T23:01:00Z", 10.0);
    alerts.retain(|alert| alert.labels.get("alert") == Some("fast"));
    assert!(alerts.iter().all(|alert| alert.ends_at.is_none()), "a turn is no repair: {alerts:?}");
    let stream = shop.world.stream("login");
    assert_eq!(stream.budget.unwrap().spent_events, 40.0);
    assert_eq!(stream.alerts[0].state, BurnAlertState::Firing);
    assert!(
        stream.burns.iter().all(|window| window.total > 40.0),
        "windows reach over the turn: {:?}",
        stream.burns
    );
}

#[test]
fn an_alert_on_the_budget_looks_at_all_of_the_period() {
    let told = |errors: f64, until: &str| {
        let mut shop = Shop::open("{calendar: day}", "2026-03-02T00:00:00Z");
        shop.serve_until("2026-03-02T00:30:00Z", 5.0);
        let alerts = shop.serve_until(until, errors);
        alerts.iter().any(|alert| alert.labels.get("alert") == Some("half") && alert.ends_at.is_none())
    };
    assert!(!told(0.0, "2026-03-02T01:00:00Z"), "10 % of the day's budget is spent, 250 % of what was seen");
    assert!(told(10.0, "2026-03-02T02:00:00Z"), "after 4200 bad of 5760");
}

#[test]
fn a_budget_never_ends_after_its_period() {
    let check = |at: &str, errors: f64, ends: bool| {
        let mut shop = Shop::open("{calendar: day}", "2026-03-02T00:00:00Z");
        shop.serve_until(at, 0.0);
        for _ in 0..120 {
            shop.world.wait(SCRAPE);
            shop.scrape(10.0, errors);
        }
        let exhaustion = shop.world.stream("login").exhaustion;
        assert_eq!(exhaustion.is_some(), ends, "{at} {errors}: {exhaustion:?}");
        let turn = moment("2026-03-03T00:00:00Z");
        assert!(exhaustion.is_none_or(|e| e.earliest <= turn && e.latest.is_none_or(|l| l <= turn)));
    };
    check("2026-03-02T12:00:00Z", 4.0, true);
    check("2026-03-02T22:00:00Z", 4.0, false); // 960 an hour: the 5760 last six hours, but there is a new budget in two
    check("2026-03-02T12:00:00Z", 1.0, false);
}

#[test]
fn the_burndown_falls_and_starts_anew_at_each_turn() {
    let mut shop = Shop::open("{calendar: day}", "2026-03-01T23:59:45Z");
    shop.serve_until("2026-03-03T06:00:00Z", 0.5);
    let range = TimeRange::new(moment("2026-03-02T00:00:00Z"), shop.world.now);
    let history = shop.world.engine.history("login", &Labels::empty(), range, TimeDelta(HOUR));
    let left: Vec<(i64, f64)> = history
        .iter()
        .filter_map(|p| Some(((p.at - range.start).0 / HOUR, p.budget_left_of_period_ratio?)))
        .collect();
    let at = |hour: i64| left.iter().find(|(at, _)| *at == hour).unwrap().1;
    // Half of the budget is spent evenly over each day.
    for (hour, expected) in
        [(1, 1.0 - 0.5 / 24.0), (12, 0.75), (24, 0.5), (25, 1.0 - 0.5 / 24.0), (30, 0.875)]
    {
        assert!((at(hour) - expected).abs() < 1e-3, "{hour}: {} {expected}", at(hour));
    }
}

#[test]
fn days_on_which_clocks_change_are_judged_by_their_own_length() {
    let check = |window: &str, begin: &str, end: &str, hours: i64| {
        let mut shop = Shop::open(window, begin);
        shop.serve_until(end, 1.0);
        let stream = shop.world.stream("login");
        let period = stream.period.unwrap();
        assert_eq!((period.begin, period.end), (moment(begin), moment(end)));
        assert_eq!(period.passed, TimeDelta(hours * HOUR));
        assert_eq!(stream.total.total, hours as f64 * HOURLY);
        assert_eq!(stream.budget.unwrap().left_of_period_ratio(), 0.0);
    };
    check("{calendar: day, zone: Europe/Berlin}", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23);
    check("{calendar: day, zone: Europe/Berlin}", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25);
}

#[test]
fn the_month_before_can_still_be_reported() {
    let mut shop = Shop::open("{calendar: month, zone: Europe/Berlin}", "2026-01-31T20:00:00Z");
    shop.serve_until("2026-01-31T23:00:00Z", 1.0);
    shop.serve_until("2026-02-01T01:00:00Z", 0.0);
    let report = |at: &str| {
        let over = ReportSpan::PeriodAt(moment(at));
        shop.world.engine.report("login", &ReportRequest { over, known: None }).unwrap()
    };
    let january = report("2026-01-31T23:00:00Z");
    assert_eq!(
        (january.begin, january.end),
        (moment("2025-12-31T23:00:00Z"), moment("2026-01-31T23:00:00Z"))
    );
    assert_eq!(january.streams[0].budget.unwrap().spent_events, 720.0);
    assert!(january.notes[0].contains("nothing is known of the time before"), "{:?}", january.notes);
    let february = report("2026-02-01T01:00:00Z");
    assert_eq!(february.begin, moment("2026-01-31T23:00:00Z"));
    assert_eq!(february.streams[0].budget.unwrap().spent_events, 0.0);
    assert_eq!(february.streams[0].total.total, 4800.0);
}

#[test]
fn a_report_on_the_middle_of_a_period_comes_out_as_it_did() {
    let mut shop = Shop::open("{calendar: day}", "2026-03-01T23:59:45Z");
    shop.serve_until("2026-03-03T10:00:00Z", 0.5);
    let report = |shop: &Shop| {
        let over = ReportSpan::PeriodAt(moment("2026-03-03T10:00:00Z"));
        shop.world.engine.report("login", &ReportRequest { over, known: None }).unwrap()
    };
    let then = report(&shop);
    let expected = then.streams[0].budget.unwrap().expected.unwrap();
    assert_eq!(expected.basis, ExpectationBasis::PreviousPeriod);
    shop.serve_until("2026-03-04T02:00:00Z", 5.0);
    assert_eq!(report(&shop), then);
}
