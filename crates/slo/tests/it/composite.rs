//! Journeys: what their members come to, and which of them cannot be.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{Labels, TimeDelta, TimeRange};
use bellwether_slo::{Measurement, check_composites, parse};

use crate::world::{SCRAPE, World};

const MEMBERS: &str = "
slos:
  - {name: login, service: shop, goal: 0.9, window: 1h, indicator: {ratio: {bad: login_bad, total: login}}, alerts: []}
  - {name: search, service: shop, goal: 0.5, window: 1h, indicator: {ratio: {bad: search_bad, total: search}}, alerts: []}
  - name: journey
    goal: 0.8
    window: 1h
    indicator: {composite: COMPOSITE}
    alerts: [{name: fast, long: 1m, factor: 2}]
";

struct Journey {
    world: World,
    counters: [f64; 4],
}

impl Journey {
    fn new(composite: &str) -> Self {
        Self { world: World::new(&MEMBERS.replace("COMPOSITE", composite)), counters: [0.0; 4] }
    }

    /// One scrape of both services, with so many more bad and all logins, and bad and all searches.
    fn scrape(&mut self, more: [f64; 4]) -> Vec<String> {
        self.world.wait(SCRAPE);
        for (counter, more) in self.counters.iter_mut().zip(more) {
            *counter += more;
        }
        let [login_bad, login, search_bad, search] = self.counters;
        let mut alerts = self.world.scrape("a", &[("login_bad", login_bad), ("login", login)]);
        alerts.extend(self.world.scrape("b", &[("search_bad", search_bad), ("search", search)]));
        alerts.iter().map(|alert| format!("{} {}", alert.name(), alert.ends_at.is_some())).collect()
    }

    fn counts(&self) -> (f64, f64) {
        let total = self.world.stream("journey").total;
        (total.total - total.good, total.total)
    }
}

/// Ten of a hundred logins are bad, and ten of twenty searches.
const MORE: [f64; 4] = [10.0, 100.0, 10.0, 20.0];

#[test]
fn shares_are_combined_and_events_are_those_of_all_members() {
    let check = |composite: &str, more: [f64; 4], bad_ratio: f64| {
        let mut journey = Journey::new(composite);
        journey.scrape([0.0; 4]);
        journey.scrape(more);
        let (bad, total) = journey.counts();
        assert_eq!(total, more[1] + more[3], "{composite}");
        assert!((bad - bad_ratio * total).abs() < 1e-9, "{composite}: {bad} of {total}");
    };
    let weighted = "{weighted: [{slo: shop/login, weight: 3}, shop/search]}";
    let serial = "{serial: [shop/login, shop/search]}";
    check(weighted, MORE, (3.0 * 0.1 + 0.5) / 4.0);
    check(serial, MORE, 1.0 - 0.9 * 0.5);
    // Logins spend 1 of their budget, searches 1 too: the first of equals. Then searches 2 of theirs.
    check("{critical_member: [shop/login, shop/search]}", MORE, 0.2);
    check("{critical_member: [shop/login, shop/search]}", [5.0, 100.0, 20.0, 20.0], 0.4);
    // Without events a member says nothing.
    check(weighted, [0.0, 0.0, 10.0, 20.0], 0.5);
    check(serial, [10.0, 100.0, 0.0, 0.0], 0.1);
    check(serial, [0.0; 4], 0.0);
}

#[test]
fn the_critical_members_budget_is_the_journeys() {
    let mut journey = Journey::new("{critical_member: [shop/login, shop/search]}");
    journey.scrape([0.0; 4]);
    journey.scrape([5.0, 100.0, 6.0, 20.0]);
    let left = |id: &str| journey.world.stream(id).budget.unwrap().left_ratio;
    assert!((left("shop/login") - 0.5).abs() < 1e-9 && (left("shop/search") - 0.4).abs() < 1e-9);
    assert!((left("journey") - 0.4).abs() < 1e-9);
    let note = "its status is that of shop/search, the member with the least budget left";
    assert!(journey.world.status("journey").notes.contains(&note.to_owned()));
}

#[test]
fn an_alert_fires_and_clears_as_members_advance() {
    let mut journey = Journey::new("{serial: [shop/login, shop/search]}");
    for _ in 0..8 {
        assert_eq!(journey.scrape([0.0, 100.0, 0.0, 20.0]), Vec::<String>::new());
    }
    let told: Vec<Vec<String>> = (0..3).map(|_| journey.scrape([50.0, 100.0, 0.0, 20.0])).collect();
    assert_eq!(
        told[..2],
        [vec![], vec![]] as [Vec<String>; 2],
        "12.5 %, then 25 % of a minute are below 2 x 20 %"
    );
    let mut all = told.concat();
    for _ in 0..8 {
        all.extend(journey.scrape([0.0, 100.0, 0.0, 20.0]));
    }
    assert_eq!(all, Vec::<String>::new(), "37.5 % is still below 40 %");
    let mut all: Vec<String> = (0..6).flat_map(|_| journey.scrape([50.0, 100.0, 0.0, 20.0])).collect();
    for _ in 0..8 {
        all.extend(journey.scrape([0.0, 100.0, 0.0, 20.0]));
    }
    assert_eq!(all, ["JourneyBurnRate false", "JourneyBurnRate true"]);
}

#[test]
fn a_journey_is_known_as_far_as_its_slowest_member_and_silent_with_it() {
    let mut journey = Journey::new("{serial: [shop/login, shop/search]}");
    for _ in 0..5 {
        journey.scrape(MORE);
    }
    let known = journey.world.stream("journey").watermark;
    assert_eq!(known, Some(journey.world.now));
    for n in 0..5 {
        journey.world.wait(SCRAPE);
        let value = journey.counters[1] + f64::from(n);
        journey.world.scrape("a", &[("login_bad", journey.counters[0]), ("login", value)]);
    }
    let stream = journey.world.stream("journey");
    assert_eq!((stream.watermark, stream.measurement), (known, Measurement::Unmeasured));
    assert_eq!(journey.world.stream("shop/login").measurement, Measurement::Complete);
}

#[test]
fn a_journey_is_measured_as_badly_as_its_worst_member() {
    let mut journey = Journey::new("{weighted: [shop/login, shop/search]}");
    for _ in 0..5 {
        journey.scrape(MORE);
    }
    // Four scrapes of one service fail; its process is another one afterwards, so nothing of that time is known.
    for _ in 0..4 {
        journey.world.wait(SCRAPE);
        journey.world.fail("b", &[]);
        journey.counters[1] += 100.0;
        journey.world.scrape("a", &[("login_bad", journey.counters[0]), ("login", journey.counters[1])]);
    }
    (journey.counters[2], journey.counters[3]) = (0.0, 0.0);
    journey.scrape(MORE);
    let ratio = |id: &str| {
        let stream = journey.world.stream(id);
        (stream.total.measured_ratio * 240.0).round()
    };
    assert_eq!(journey.world.stream("shop/login").measurement, Measurement::Complete);
    assert_eq!(journey.world.stream("journey").measurement, Measurement::Partial);
    assert_eq!(ratio("journey"), ratio("shop/search"));
    let budget = journey.world.stream("journey").budget.unwrap();
    assert!(budget.left_ratio_low < budget.left_ratio && budget.left_ratio < budget.left_ratio_high);
}

#[test]
fn journeys_of_journeys_have_a_history() {
    let nested = MEMBERS.replace("COMPOSITE", "{serial: [shop/login, inner]}").replace(
        "slos:\n",
        "slos:\n  - {name: inner, goal: 0.5, window: 1h, indicator: {composite: {weighted: [shop/search]}}, alerts: []}\n",
    );
    let mut journey = Journey { world: World::new(&nested), counters: [0.0; 4] };
    for _ in 0..9 {
        journey.scrape(MORE);
    }
    let now = journey.world.now;
    let range = TimeRange::new(now - TimeDelta::DAY, now);
    let points = journey.world.engine.history("journey", &Labels::empty(), range, TimeDelta::MINUTE);
    assert_eq!(points.len(), 2, "from when its members are known");
    assert_eq!(points[1].total, 480.0);
    assert!((points[1].good - 0.45 * 480.0).abs() < 1e-9);
}

fn problems(yaml: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("s", yaml);
    let slos = parse(&sources, file, &mut out);
    out.extend(check_composites(&slos));
    let text = out.render(&sources, Style { color: false });
    text.lines().filter(|line| line.starts_with("s:")).map(str::to_owned).collect()
}

#[test]
fn what_cannot_be_a_journey_is_refused_with_the_reason() {
    let check = |composites: &[(&str, &str)], expected: &[&str]| {
        let mut yaml = "slos:\n  - {name: ok, service: s, goal: 0.9, window: 1h, indicator: {ratio: {bad: b, total: t}}}\n  - {name: level, window: 1h, indicator: {threshold: {query: q, below: 1}}}\n".to_owned();
        for (name, rest) in composites {
            yaml.push_str(&format!("  - {{name: {name}, goal: 0.9, window: 1h, {rest}}}\n"));
        }
        assert_eq!(problems(&yaml), expected, "{composites:?}");
    };
    check(
        &[("j", "indicator: {composite: {serial: [s/okk]}}")],
        &["s:4:12: error: \"j\" has a member \"s/okk\", and no objective is called that; did you mean s/ok?"],
    );
    check(
        &[("j", "indicator: {composite: {serial: [level]}}")],
        &[
            "s:4:12: error: member \"level\" of \"j\" has no goal: it is met or not, and has no good and bad events; write goal: for level, so that its slices of time are judged",
        ],
    );
    check(
        &[
            ("a", "indicator: {composite: {serial: [s/ok, b]}}"),
            ("b", "indicator: {composite: {serial: [c]}}"),
            ("c", "indicator: {composite: {weighted: [s/ok, a]}}"),
            ("outside", "indicator: {composite: {serial: [a]}}"),
        ],
        &[
            "s:4:12: error: composite \"a\" contains itself: a -> b -> c -> a; take one of these out of the other's members",
        ],
    );
    check(
        &[("a", "indicator: {composite: {serial: [a]}}")],
        &[
            "s:4:12: error: composite \"a\" contains itself: a -> a; take one of these out of the other's members",
        ],
    );
    check(
        &[("a", "group_by: [zone], indicator: {composite: {serial: [s/ok]}}")],
        &[
            "s:4:12: error: composite \"a\" cannot be split by labels; leave out group_by; the members may be split",
        ],
    );
    check(
        &[
            ("a", "indicator: {composite: {serial: [s/ok, b]}}"),
            ("b", "indicator: {composite: {serial: [s/ok]}}"),
        ],
        &[],
    );
}
