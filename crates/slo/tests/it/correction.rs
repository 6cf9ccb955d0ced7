//! Corrections: what they make of windows, budgets and alerts; that they leave no trace once revoked; and that an old
//! report can be read again.

use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};
use bellwether_slo::{
    Correction, CorrectionError, CorrectionEvent, CorrectionKind, CorrectionScope, CorrectionState,
    CorrectionWish, Event, ReportRequest, ReportSpan, Share, SloReport, Stretch,
};
use proptest::prelude::*;

use crate::world::{SCRAPE, World, alerts, slos};

const YAML: &str = r#"
slos:
  - name: login
    service: shop
    goal: "90%"
    window: 3h
    indicator: {ratio: {bad: errors_total, total: requests_total}}
    group_by: [path]
    alerts: [{name: fast, severity: page, long: 5m, short: 1m, factor: 5}]
  - name: other
    service: desk
    goal: "90%"
    window: 3h
    indicator: {ratio: {bad: faults_total, total: visits_total}}
    alerts: []
"#;
const LOGIN: &str = "shop/login";
const MINUTE: i64 = TimeDelta::MINUTE.0;

/// Events of one path in one scrape.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Timestamp,
    bad: f64,
    total: f64,
}

struct Shop {
    world: World,
    counters: [[f64; 2]; 2],
    seen: Vec<Seen>,
    ids: u32,
}

impl Shop {
    fn new() -> Self {
        let mut shop = Self { world: World::new(YAML), counters: [[0.0; 2]; 2], seen: Vec::new(), ids: 0 };
        shop.serve_for(1, [[0.0; 2]; 2]); // the first scrape is a baseline
        shop.seen.clear();
        shop
    }

    /// A scrape after 15 s, with so many requests and errors of each path.
    fn serve(&mut self, more: [[f64; 2]; 2]) -> Vec<Alert> {
        self.world.wait(SCRAPE);
        for (path, [total, bad]) in more.into_iter().enumerate() {
            self.counters[path][0] += total;
            self.counters[path][1] += bad;
            self.seen.push(Seen { at: self.world.now, bad, total });
        }
        let [a, b] = self.counters;
        let values = [
            ("requests_total{path=/a}", a[0]),
            ("errors_total{path=/a}", a[1]),
            ("requests_total{path=/b}", b[0]),
            ("errors_total{path=/b}", b[1]),
        ];
        self.world.scrape("x", &values)
    }

    fn serve_for(&mut self, minutes: i64, more: [[f64; 2]; 2]) -> Vec<Alert> {
        (0..minutes * 4).flat_map(|_| self.serve(more)).collect()
    }

    /// A moment so many minutes from now.
    fn in_minutes(&self, minutes: i64) -> Timestamp {
        self.world.now + TimeDelta(minutes * MINUTE)
    }

    fn wish(&mut self, kind: CorrectionKind, minutes: (i64, i64)) -> CorrectionWish {
        self.ids += 1;
        CorrectionWish {
            id: format!("c{}", self.ids),
            scope: CorrectionScope::Slo(LOGIN.to_owned()),
            labels: Labels::empty(),
            stretch: Stretch { begin: self.in_minutes(minutes.0), end: self.in_minutes(minutes.1) },
            kind,
            share: None,
            reason: "moved house".to_owned(),
            author: "ann".to_owned(),
            approver: "bo".to_owned(),
        }
    }

    fn add(&mut self, wish: CorrectionWish) -> Correction {
        let now = self.world.now;
        self.world.engine.correct(CorrectionEvent::Add(wish), now).expect("it is right")
    }

    fn revoke(&mut self, id: &str) -> Correction {
        let (now, reason) = (self.world.now, "it was no maintenance".to_owned());
        let event = CorrectionEvent::Revoke { id: id.to_owned(), by: "cy".to_owned(), reason };
        self.world.engine.correct(event, now).expect("it can be revoked")
    }

    fn report(&self, request: ReportRequest) -> SloReport {
        self.world.engine.report(LOGIN, &request).expect("a known objective")
    }

    /// Bad and total of the sum over the last minutes, as pages see them.
    fn counts(&self, minutes: i64) -> (f64, f64) {
        let stretch = Stretch { begin: self.in_minutes(-minutes), end: self.world.now };
        let window = self.world.engine.window_over(LOGIN, &Labels::empty(), stretch).unwrap();
        (window.counts.bad, window.counts.total)
    }
}

const BUSY: [[f64; 2]; 2] = [[6.0, 1.0], [4.0, 1.0]];

#[test]
fn each_kind_does_what_it_says() {
    // Twenty minutes: 40 requests a minute, 8 of them bad.
    let check = |kind, share: Option<&str>, expected: (f64, f64)| {
        let mut shop = Shop::new();
        shop.serve_for(20, BUSY);
        let wish = shop.wish(kind, (-10, -5));
        shop.add(CorrectionWish { share: share.and_then(Share::parse), ..wish });
        assert_eq!(shop.counts(20), expected, "{kind:?} {share:?}");
        let stream = shop.world.stream(LOGIN);
        let raw = stream.budget_raw.expect("it differs");
        assert_eq!((raw.spent_events, raw.allowed_events), (160.0, 80.0));
        assert_eq!(stream.budget.unwrap().spent_events, expected.0);
        assert_eq!(stream.corrections.len(), 1);
        assert_eq!(shop.world.stream("desk/other").corrections, []);
    };
    check(CorrectionKind::Maintenance, None, (120.0, 600.0));
    check(CorrectionKind::MeasurementFault, None, (120.0, 600.0));
    check(CorrectionKind::PlatformOutage, None, (120.0, 600.0));
    check(CorrectionKind::Credit, None, (120.0, 800.0));
    check(CorrectionKind::Credit, Some("25%"), (150.0, 800.0));
}

#[test]
fn overlaps_are_united() {
    use CorrectionKind::{Credit, Maintenance, PlatformOutage};
    let mut shop = Shop::new();
    shop.serve_for(20, BUSY);
    for (kind, share, minutes) in [
        (Maintenance, None, (-10, -8)),
        (PlatformOutage, None, (-9, -7)),
        (Credit, Some("50%"), (-9, -4)),
        (Credit, Some("75%"), (-6, -5)),
    ] {
        let wish = shop.wish(kind, minutes);
        shop.add(CorrectionWish { share: share.and_then(Share::parse), ..wish });
    }
    // Three minutes are taken out; of three, two are forgiven by half and one by three quarters.
    assert_eq!(shop.counts(20), (160.0 - 24.0 - 8.0 - 6.0, 680.0));
}

#[test]
fn what_is_taken_out_is_neither_measured_nor_watched() {
    let mut shop = Shop::new();
    shop.serve_for(20, BUSY);
    let wish = shop.wish(CorrectionKind::Maintenance, (-10, -5));
    shop.add(wish);
    let stretch = Stretch { begin: shop.in_minutes(-15), end: shop.world.now };
    let window = shop.world.engine.window_over(LOGIN, &Labels::empty(), stretch).unwrap();
    let ten = TimeDelta(10 * MINUTE);
    assert_eq!((window.length, window.watched, window.measured), (ten, ten, ten));
    let stream = shop.world.stream(LOGIN);
    let budget = stream.budget.unwrap();
    assert_eq!((budget.left_ratio_low, budget.left_ratio_high), (budget.left_ratio, budget.left_ratio));
    assert_eq!(stream.period.unwrap().taken_out, TimeDelta(5 * MINUTE));
}

#[test]
fn a_part_that_is_corrected_corrects_the_sum() {
    let mut shop = Shop::new();
    shop.serve_for(20, BUSY);
    let part = Labels::from_pairs([("path", "/a")]);
    let wish = shop.wish(CorrectionKind::Maintenance, (-10, -5));
    shop.add(CorrectionWish { labels: part.clone(), ..wish });
    assert_eq!(shop.counts(20), (160.0 - 20.0, 800.0 - 120.0));
    let stretch = Stretch { begin: shop.in_minutes(-20), end: shop.world.now };
    let of = |path| {
        let labels = Labels::from_pairs([("path", path)]);
        let window = shop.world.engine.window_over(LOGIN, &labels, stretch).unwrap();
        (window.counts.bad, window.length.0 / MINUTE)
    };
    assert_eq!((of("/a"), of("/b")), ((60.0, 15), (80.0, 20)));
    // What is taken out as a whole as well is not taken out twice.
    let wish = shop.wish(CorrectionKind::PlatformOutage, (-8, -2));
    shop.add(wish);
    assert_eq!(shop.counts(20), (160.0 - 8.0 - 48.0, 800.0 - 48.0 - 240.0));
}

#[test]
fn a_slice_of_time_is_corrected_as_a_whole() {
    // Slices of five minutes; three minutes of one are bad, and the last of the next.
    let yaml = YAML.replacen("group_by: [path]", "budgeting: {timeslices: {slice: 5m, target: '90%'}}", 1);
    let slices = |minutes: Option<(i64, i64)>| {
        let mut shop = Shop { world: World::new(&yaml), ..Shop::new() };
        shop.serve_for(10, [[0.0; 2]; 2]);
        for bad in [0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0] {
            shop.serve_for(1, [[10.0, f64::from(bad) * 9.0], [0.0; 2]]);
        }
        shop.serve_for(1, [[0.0; 2]; 2]);
        if let Some((from, to)) = minutes {
            let wish = shop.wish(CorrectionKind::Maintenance, (from - 16, to - 16));
            shop.add(wish);
        }
        let stretch = Stretch { begin: shop.in_minutes(-16), end: shop.in_minutes(-1) };
        let window = shop.world.engine.window_over(LOGIN, &Labels::empty(), stretch).unwrap();
        (window.counts.bad, window.counts.total, window.length.0 / MINUTE)
    };
    assert_eq!(slices(None), (2.0, 3.0, 15));
    assert_eq!(slices(Some((2, 5))), (1.0, 2.0, 10), "of the first slice");
    assert_eq!(slices(Some((2, 6))), (0.0, 1.0, 5), "a minute of the second, too");
}

#[test]
fn begun_minutes_count_as_whole_ones() {
    let mut shop = Shop::new();
    shop.serve_for(20, BUSY);
    let mut wish = shop.wish(CorrectionKind::Maintenance, (-10, -5));
    let minute = shop.world.now.floor_to(TimeDelta::MINUTE);
    wish.stretch.begin = minute - TimeDelta(10 * MINUTE - 1);
    wish.stretch.end = minute - TimeDelta(5 * MINUTE - 1);
    let correction = shop.add(wish);
    assert_eq!(correction.begin, minute - TimeDelta(10 * MINUTE));
    assert_eq!(correction.end, minute - TimeDelta(4 * MINUTE));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Also where slots have become minutes: more than six hours are served.
    #[test]
    fn a_corrected_window_equals_a_brute_force_over_its_events(
        draws in prop::collection::vec(any::<u32>(), 500),
        wanted in prop::collection::vec((0i64..520, 1i64..90, 0usize..6), 0..12),
        windows in prop::collection::vec((0i64..520, 1i64..400), 1..12),
    ) {
        let mut shop = Shop::new();
        let begun = shop.world.now;
        for draw in &draws {
            for shift in [0, 8, 16, 24] {
                let n = f64::from((draw >> shift) & 15);
                shop.serve([[n + 3.0, n / 5.0], [f64::from((draw >> shift) & 3), f64::from((draw >> shift) & 1)]]);
            }
        }
        let before = format!("{:?}", shop.world.status(LOGIN));
        let at = |minute: i64| begun + TimeDelta(minute * MINUTE);
        let mut made = Vec::new();
        for (from, length, what) in wanted {
            let kind = if what < 3 { CorrectionKind::ALL[what] } else { CorrectionKind::Credit };
            let share = ["25%", "50%", "100%"][what % 3];
            let wish = shop.wish(kind, (0, 1));
            made.push(shop.add(CorrectionWish {
                stretch: Stretch { begin: at(from), end: at(from + length) },
                share: (what >= 3).then(|| Share::parse(share).unwrap()),
                ..wish
            }));
        }
        for (from, length) in windows {
            let stretch = Stretch { begin: at(from), end: at((from + length).min(500)).max(at(from)) };
            let (mut bad, mut total) = (0.0, 0.0);
            for seen in shop.seen.iter().filter(|s| stretch.begin < s.at && s.at <= stretch.end) {
                let over: Vec<&Correction> = made.iter().filter(|c| c.begin < seen.at && seen.at <= c.end).collect();
                if over.iter().any(|c| c.kind.excludes()) {
                    continue;
                }
                let forgiven = over.iter().map(|c| c.share.ratio()).fold(0.0, f64::max);
                bad += seen.bad * (1.0 - forgiven);
                total += seen.total;
            }
            let window = shop.world.engine.window_over(LOGIN, &Labels::empty(), stretch).unwrap();
            prop_assert!((window.counts.total - total).abs() <= 1e-9 * total.max(1.0), "{window:?} {total}");
            prop_assert!((window.counts.bad - bad).abs() <= 1e-9 * bad.max(1.0), "{window:?} {bad}");
            prop_assert!(window.measured <= window.watched && window.watched <= window.length);
        }
        // Revoked, they leave no trace.
        for correction in made {
            shop.revoke(&correction.id);
        }
        prop_assert_eq!(format!("{:?}", shop.world.status(LOGIN)), before);
    }
}

#[test]
fn added_and_revoked_everything_is_as_before() {
    let mut shop = Shop::new();
    shop.serve_for(30, BUSY);
    let before = format!("{:?}", shop.world.status(LOGIN));
    let wish = shop.wish(CorrectionKind::Credit, (-20, -5));
    let added = shop.add(wish);
    assert_ne!(format!("{:?}", shop.world.status(LOGIN)), before);
    let revoked = shop.revoke(&added.id);
    assert_eq!(revoked.state(shop.world.now), CorrectionState::Revoked);
    assert_eq!(format!("{:?}", shop.world.status(LOGIN)), before);
    assert_eq!(shop.world.engine.corrections().len(), 1, "it stays in the list");
}

#[test]
fn an_old_report_comes_out_as_it_did() {
    let mut shop = Shop::new();
    shop.serve_for(200, BUSY);
    let over = ReportSpan::PeriodAt(shop.world.now);
    let first = shop.report(ReportRequest { over, known: None });
    let known_first = shop.world.now;
    // Later, so much that slots of the period have become minutes, it is corrected, and then that is taken back.
    shop.serve_for(400, BUSY);
    let wish = shop.wish(CorrectionKind::PlatformOutage, (-500, -450));
    let correction = shop.add(wish);
    let second = shop.report(ReportRequest { over, known: None });
    let known_second = shop.world.now;
    shop.serve_for(1, BUSY);
    shop.revoke(&correction.id);
    let third = shop.report(ReportRequest { over, known: None });
    let again = |known| SloReport { known: None, ..shop.report(ReportRequest { over, known: Some(known) }) };
    assert_ne!(first.streams[0].budget, second.streams[0].budget);
    assert_eq!((first.corrections.len(), second.corrections.len()), (0, 1));
    assert_eq!(again(known_first), SloReport { notes: Vec::new(), ..first.clone() });
    assert_eq!(
        SloReport { corrections: Vec::new(), ..again(known_second) },
        SloReport { corrections: Vec::new(), ..second }
    );
    assert_eq!(third, first);
}

#[test]
fn a_report_says_what_it_cannot_know() {
    let mut shop = Shop::new();
    shop.serve_for(10, BUSY);
    let stretch = Stretch { begin: shop.in_minutes(-60), end: shop.in_minutes(60) };
    let report = shop.report(ReportRequest { over: ReportSpan::Between(stretch), known: None });
    assert_eq!(report.notes.len(), 2, "{:?}", report.notes);
    assert!(
        report.notes[0].contains("nothing is known of the time before")
            && report.notes[1].starts_with("known up to")
    );
    assert_eq!(report.end, shop.world.now);
    assert_eq!(report.streams[0].total.total, 400.0);
    assert!(
        shop.world
            .engine
            .report("nobody", &ReportRequest { over: ReportSpan::Between(stretch), known: None })
            .is_none()
    );
}

const BROKEN: [[f64; 2]; 2] = [[6.0, 6.0], [4.0, 4.0]];

/// `alert` fires or is over.
fn told(alerts: &[Alert]) -> Vec<String> {
    let word = |alert: &Alert| if alert.ends_at.is_some() { "resolved" } else { "firing" };
    let name = |alert: &Alert| {
        format!("{}{}", alert.labels.get("alert").unwrap(), alert.labels.value_or_empty("path"))
    };
    let mut told: Vec<String> = alerts.iter().map(|a| format!("{} {}", name(a), word(a))).collect();
    told.dedup();
    told
}

#[test]
fn planned_maintenance_burns_nothing_and_is_not_unmeasured() {
    let mut shop = Shop::new();
    shop.serve_for(10, [[10.0, 0.0], [0.0, 0.0]]);
    let wish = shop.wish(CorrectionKind::Maintenance, (5, 35));
    let planned = shop.add(wish);
    assert_eq!(planned.state(shop.world.now), CorrectionState::Planned);
    shop.serve_for(5, [[10.0, 0.0], [0.0, 0.0]]);
    assert_eq!(planned.state(shop.world.now), CorrectionState::Active);
    assert_eq!(shop.world.status(LOGIN).notes, ["taken out by a correction until 2023-11-14T23:46:00Z"]);
    assert_eq!(told(&shop.serve_for(15, [[10.0, 10.0], [0.0, 0.0]])), [""; 0], "it burns in maintenance");
    // Then the target is gone, and nobody is told of that either until the maintenance is over.
    let mut log = Vec::new();
    for _ in 0..20 * 4 {
        shop.world.wait(SCRAPE);
        shop.world.fail("x", &[]);
        let now = shop.world.now;
        let effects = alerts(shop.world.engine.step(Event::Tick, now));
        log.extend(told(&effects).into_iter().map(|text| (now, text)));
        assert!(shop.world.engine.next_wake().is_none_or(|wake| wake > now), "it would never sleep");
    }
    let first = log.first().expect("it is not measured after the maintenance");
    assert_eq!(first.1, "not-measured firing");
    assert!(first.0 > planned.end && first.0 <= planned.end + TimeDelta(2 * MINUTE), "{first:?}");
}

#[test]
fn an_alert_that_fires_ends_when_all_of_its_window_is_taken_out() {
    let mut shop = Shop::new();
    shop.serve_for(10, [[10.0, 0.0], [0.0, 0.0]]);
    let fired = shop.serve_for(5, BROKEN);
    assert!(told(&fired).contains(&"fast firing".to_owned()));
    let wish = shop.wish(CorrectionKind::Maintenance, (0, 20));
    shop.add(wish);
    let during = told(&shop.serve_for(6, BROKEN));
    assert!(during.contains(&"fast resolved".to_owned()), "{during:?}");
    let after = told(&shop.serve_for(20, BROKEN));
    assert!(after.contains(&"fast firing".to_owned()), "it still burns after the maintenance: {after:?}");
}

#[test]
fn all_of_a_service_is_corrected_also_what_is_written_later() {
    let mut shop = Shop::new();
    shop.serve_for(20, BUSY);
    let wish = shop.wish(CorrectionKind::Maintenance, (-10, -5));
    shop.add(CorrectionWish { scope: CorrectionScope::Service("shop".to_owned()), ..wish });
    let renamed = YAML.replace("name: login", "name: signin");
    shop.world.engine.step(Event::Reload(slos(&renamed)), shop.world.now);
    assert_eq!(shop.world.stream("shop/signin").corrections.len(), 1);
    assert_eq!(shop.world.stream("desk/other").corrections.len(), 0);
}

#[test]
fn everything_that_is_wrong_with_a_correction_is_said_at_once() {
    let mut shop = Shop::new();
    let mut check = |change: &dyn Fn(&mut CorrectionWish), expected: &[&str]| {
        let mut wish = shop.wish(CorrectionKind::Maintenance, (-10, -5));
        change(&mut wish);
        let now = shop.world.now;
        let Err(CorrectionError::Invalid(problems)) =
            shop.world.engine.correct(CorrectionEvent::Add(wish), now)
        else {
            panic!("it is accepted, but {expected:?}")
        };
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, part) in problems.iter().zip(expected) {
            assert!(problem.contains(part), "{problem:?} has no {part:?}");
        }
        assert!(shop.world.engine.corrections().is_empty());
    };
    check(
        &|w| w.scope = CorrectionScope::Slo("shop/logn".to_owned()),
        &["\"shop/logn\"; did you mean shop/login?"],
    );
    check(
        &|w| w.scope = CorrectionScope::Service("shp".to_owned()),
        &["the service \"shp\"; did you mean shop?"],
    );
    check(&|w| w.labels = Labels::from_pairs([("zone", "eu")]), &["shop/login is not split by zone"]);
    check(&|w| w.stretch.end = w.stretch.begin, &["must end after it begins"]);
    check(&|w| w.stretch.end += TimeDelta(5 * 366 * TimeDelta::DAY.0), &["lies between"]);
    check(&|w| w.share = Some(Share::ALL), &["only a credit has a share"]);
    check(
        &|w| (w.kind, w.share) = (CorrectionKind::Credit, Some(Share::default())),
        &["a credit of nothing changes nothing"],
    );
    check(&|w| w.reason = "x".repeat(3000), &["the reason is longer than 2000 letters"]);
    check(
        &|w| (w.reason, w.author, w.approver) = (String::new(), " ".to_owned(), String::new()),
        &["the reason is empty", "the author is empty", "the approver is empty"],
    );
}

#[test]
fn what_is_not_there_or_was_revoked_cannot_be_revoked() {
    let mut shop = Shop::new();
    let wish = shop.wish(CorrectionKind::Maintenance, (-10, -5));
    let id = shop.add(wish).id;
    shop.revoke(&id);
    let mut error = |id: &str| {
        let (by, reason) = ("cy".to_owned(), "why not".to_owned());
        let event = CorrectionEvent::Revoke { id: id.to_owned(), by, reason };
        shop.world.engine.correct(event, shop.world.now).unwrap_err().to_string()
    };
    assert_eq!(error("c9"), "no correction has the id \"c9\"");
    assert!(error(&id).contains("was revoked at") && error(&id).contains("by cy"));
}

#[test]
fn a_correction_is_read_back_as_it_was_written() {
    let mut shop = Shop::new();
    let wish = shop.wish(CorrectionKind::Credit, (-10, -5));
    let labels = Labels::from_pairs([("path", "/a")]);
    let share = Share::parse("33.3333333%");
    let added = shop.add(CorrectionWish { share, labels, ..wish });
    let revoked = shop.revoke(&added.id);
    for correction in [added, revoked] {
        let text = serde_json::to_string(&correction).unwrap();
        assert_eq!(serde_json::from_str::<Correction>(&text).unwrap(), correction, "{text}");
    }
}
