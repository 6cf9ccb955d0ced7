//! Objectives that judge slices of time, against what was scraped in each slice.

use std::fs;

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{Batch, Labels, LogPosition, Origin, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{
    Backfill, BlocksFile, Counts, EngineSettings, Event, Ledger, LedgerSettings, Slo, SloEngine,
    StreamStatus, Stretch, parse,
};
use bellwether_testkit::cases;

use crate::trace::{Draw, Entry, Kind, START, Shape, Trace};
use crate::world::{series, slos};

const SLICES: &str = "timeslices: {slice: 1m, target: '90%'}";

fn yaml(budgeting: &str, more: &str) -> String {
    format!(
        "slos: [{{name: it, goal: '90%', window: 1h, alerts: [], budgeting: {{{budgeting}}}, {more} \
         indicator: {{ratio: {{bad: bad, total: total}}}}}}]"
    )
}

/// Scrapes every 15 s from the edge of an hour on: `total/bad` increments, `fail`, or `-` for no scrape.
fn scraped(yaml: &str, script: &str) -> SloEngine {
    let mut engine = SloEngine::new(slos(yaml), EngineSettings::default());
    for (id, name) in [(1, "total"), (2, "bad")] {
        engine.step(Event::SeriesBorn { id: SeriesId(id), labels: &series(name) }, START);
    }
    let (mut total, mut bad) = (0.0, 0.0);
    for (step, word) in ["0/0"].into_iter().chain(script.split_whitespace()).enumerate() {
        let at = START + TimeDelta::from_secs(15 * step as i64);
        let mut samples = Vec::new();
        if let Some((all, failed)) = word.split_once('/') {
            (total, bad) = (total + all.parse::<f64>().unwrap(), bad + failed.parse::<f64>().unwrap());
            samples = vec![(SeriesId(1), Sample::new(at, total)), (SeriesId(2), Sample::new(at, bad))];
        }
        let origin = Origin::Scrape { target: SeriesId(0), ok: word != "fail", interval: TimeDelta(15_000) };
        if word != "-" {
            engine.step(Event::Batch(&Batch::floats(origin, at, samples)), at);
        }
    }
    engine
}

fn stream(engine: &SloEngine, now: Timestamp) -> StreamStatus {
    engine.status(now)[0].streams.swap_remove(0)
}

fn check(budgeting: &str, script: &str, expected: &str) {
    let engine = scraped(&yaml(budgeting, ""), script);
    let shown = stream(&engine, START + TimeDelta::HOUR);
    let measured = (TimeDelta::HOUR.0 as f64 * shown.total.measured_ratio).round();
    let shown = format!(
        "{} of {} good, measured {} of {}",
        shown.total.good,
        shown.total.total,
        TimeDelta(measured as i64),
        shown.watched
    );
    assert_eq!(shown, expected, "{budgeting}: {script}");
}

#[test]
fn a_slice_is_good_if_its_share_of_good_events_reaches_the_target() {
    check(SLICES, "5/0 5/1 5/0 5/1", "1 of 1 good, measured 1m of 1m");
    check(SLICES, "5/0 5/1 5/1 5/1", "0 of 1 good, measured 1m of 1m");
    check(SLICES, "0/0 0/0 0/0 0/0", "1 of 1 good, measured 1m of 1m");
    check(SLICES, "5/0 5/1 5/1 5/1 5/0 5/0 5/0 5/0", "1 of 2 good, measured 2m of 2m");
    check(SLICES, "5/5 5/5 5/5", "0 of 0 good, measured 0s of 0s");
}

#[test]
fn a_slice_can_count_as_much_as_its_share_of_good_events() {
    let budgeting = "ratio_timeslices: {slice: 1m}";
    check(budgeting, "5/0 5/1 5/0 5/4", "0.75 of 1 good, measured 1m of 1m");
    check(budgeting, "5/0 5/1 5/0 5/4 0/0 0/0 0/0 0/0", "0.75 of 1 good, measured 2m of 2m");
    check(budgeting, "1/0 0/0 0/0 0/0 100/100 0/0 0/0 100/50", "1.25 of 2 good, measured 2m of 2m");
}

#[test]
fn slices_are_as_long_as_they_are_asked_for() {
    check("timeslices: {slice: 30s, target: '90%'}", "5/0 5/1 5/5 5/5", "1 of 2 good, measured 1m of 1m");
    check(
        "timeslices: {slice: 2m, target: '90%'}",
        "5/0 5/1 5/1 5/1 9/0 9/0 9/0 9/0",
        "1 of 1 good, measured 2m of 2m",
    );
    // Nothing finer than a slot of 15 s is known.
    let seconds = "timeslices: {slice: 5s, target: '90%'}";
    check(seconds, "5/0 5/1 5/0 5/4", "2 of 4 good, measured 1m of 1m");
    let notes = scraped(&yaml(seconds, ""), "").status(START)[0].notes.clone();
    assert_eq!(notes, ["slices are 15s long, not 5s: time is kept in slots of 15s"]);
}

#[test]
fn time_that_was_not_measured_has_no_slices_until_it_turns_out_to_be() {
    // The counters fell in the gap: nobody knows what was in it.
    check(SLICES, "9/0 9/0 9/0 9/0 fail fail fail fail -32/0", "1 of 1 good, measured 1m of 2m");
    // Nobody came by for two minutes; then the counters have gone on, and all that happened is booked at the end.
    check(SLICES, "9/0 9/0 9/0 9/0 - - - - - - - 9/9", "2 of 3 good, measured 3m of 3m");
    check(SLICES, "9/0 9/0 9/0 9/0 fail fail fail fail fail fail fail 9/9", "2 of 3 good, measured 3m of 3m");
}

#[test]
fn the_budget_is_one_of_slices() {
    // Two bad minutes of twenty, where a tenth may be bad.
    let script = "9/0 ".repeat(72) + &"9/9 ".repeat(8);
    let engine = scraped(&yaml(SLICES, ""), &script);
    let budget = stream(&engine, START + TimeDelta::HOUR).budget.unwrap();
    assert_eq!((budget.allowed_events, budget.spent_events, budget.left_ratio), (2.0, 2.0, 0.0));
}

#[test]
fn alerts_look_at_slices_too() {
    let alerts = "alerts: [{name: fast, long: 5m, factor: 1}],";
    let yaml = yaml(SLICES, "").replace("alerts: [],", alerts);
    let engine = scraped(&yaml, &("9/0 ".repeat(16) + &"9/9 ".repeat(4)));
    let shown = stream(&engine, START + TimeDelta::MINUTE * 5);
    assert_eq!(shown.alerts[0].burn_rate_long, Some(2.0));
    assert_eq!(format!("{:?}", shown.alerts[0].state), "Firing");
}

/// What slices of a trace must come to: every slice from what the counting stream says of it.
fn judged_by_hand(engine: &SloEngine, budgeting: &str, labels: &Labels, key: &str) -> (f64, f64) {
    let ledger = engine.ledger();
    let counted = ledger.stream_of(key, labels).unwrap();
    let watermark = ledger.watermark(counted).unwrap();
    let (mut bad, mut total) = (0.0, 0.0);
    let mut begin = START - TimeDelta::HOUR;
    while begin + TimeDelta::MINUTE <= watermark {
        let slice = ledger.over(counted, Stretch { begin, end: begin + TimeDelta::MINUTE }).unwrap();
        begin += TimeDelta::MINUTE;
        let events = slice.counts;
        match budgeting.starts_with("ratio") {
            _ if slice.measured <= TimeDelta::ZERO => {}
            true if events.total == 0.0 => {}
            true => (bad, total) = (bad + events.bad / events.total, total + 1.0),
            false => {
                let is_bad = events.good() * 10.0 < events.total * 9.0;
                (bad, total) = (bad + f64::from(u8::from(is_bad)), total + 1.0);
            }
        }
    }
    (bad, total)
}

#[test]
fn slices_of_random_traces_are_what_their_events_make_of_them() {
    for seed in 0..60 {
        let mut draw = Draw::new(seed);
        let budgeting = draw.pick(&[SLICES, "ratio_timeslices: {slice: 1m}"]);
        let slos = slos(&yaml(budgeting, if draw.one_in(2) { "group_by: [shop]," } else { "" }));
        let shape = Shape {
            kind: Kind::BadTotal,
            interval: draw.pick(&[TimeDelta(5000), TimeDelta(15_000)]),
            steps: 300,
            lag_max: TimeDelta(10 * 60_000),
        };
        let trace = Trace::draw(&mut draw, &shape);
        let mut engine = SloEngine::new(slos.clone(), EngineSettings::default());
        for entry in &trace.log {
            if draw.one_in(300) {
                let kept = engine.checkpoint(LogPosition::default(), BlocksFile::Rewrite);
                let restored =
                    SloEngine::restore(slos.clone(), EngineSettings::default(), &kept.head, &kept.new_blocks);
                engine = restored.unwrap().0;
            }
            match entry {
                Entry::Born(id, labels) => engine.step(Event::SeriesBorn { id: *id, labels }, START),
                Entry::Batch(batch) => engine.step(Event::Batch(batch), batch.at),
            };
        }
        let (key, base) = (slos[0].indicator.key(), slos[0].indicator.by_event().key());
        for (labels, stream) in engine.ledger().streams(&key) {
            let Some(judged) = engine.ledger().window(stream, TimeDelta::DAY) else { continue };
            let (bad, total) = judged_by_hand(&engine, budgeting, &labels, &base);
            let told = judged.counts;
            assert!(
                (told.bad - bad).abs() < 1e-9 && (told.total - total).abs() < 1e-9,
                "seed {seed}, {labels}, {budgeting}: {told:?} for {bad} of {total}"
            );
        }
    }
}

#[test]
fn the_past_of_slices_is_read_from_samples() {
    let mut engine = SloEngine::new(slos(&yaml(SLICES, "")), EngineSettings::default());
    let wanted = engine.wanted_backfill();
    assert_eq!(wanted.iter().map(|w| w.reach).collect::<Vec<_>>(), [TimeDelta::HOUR; 2]);
    let known = [(SeriesId(1), series("total")), (SeriesId(2), series("bad"))];
    let batches: Vec<Batch> = (0..=80)
        .map(|step| {
            let at = START + TimeDelta(step * 15_000);
            let bad = if step > 72 { 9.0 * (step - 72) as f64 } else { 0.0 };
            let samples =
                vec![(SeriesId(1), Sample::new(at, 9.0 * step as f64)), (SeriesId(2), Sample::new(at, bad))];
            Batch::floats(Origin::Backfill, at, samples)
        })
        .collect();
    for wanted in &wanted {
        let backfill = Backfill { key: &wanted.key, series: &known, batches: &batches };
        engine.step(Event::Backfill(backfill), START);
    }
    let shown = stream(&engine, START + TimeDelta::HOUR).total;
    assert_eq!((shown.good, shown.total), (18.0, 20.0));
    // And it goes on from there.
    for step in 81..=84 {
        let at = START + TimeDelta(step * 15_000);
        let samples =
            vec![(SeriesId(1), Sample::new(at, 9.0 * step as f64)), (SeriesId(2), Sample::new(at, 72.0))];
        let origin = Origin::Scrape { target: SeriesId(0), ok: true, interval: TimeDelta(15_000) };
        engine.step(Event::Batch(&Batch::floats(origin, at, samples)), at);
    }
    let shown = stream(&engine, START + TimeDelta::HOUR).total;
    assert_eq!((shown.good, shown.total), (19.0, 21.0));
}

#[test]
fn slices_of_answers_are_judged_like_any_others() {
    let yaml = yaml(SLICES, "").replace(
        "{ratio: {bad: bad, total: total}}",
        "{query: {bad: 'rate(b[{{.window}}]) > 0', total: 'rate(t[{{.window}}])', slice: 30s}}",
    );
    let slos = slos(&yaml);
    let mut ledger = Ledger::new(LedgerSettings::default());
    ledger.set_indicators([&slos[0].indicator]);
    let key = slos[0].indicator.key();
    let judged = ledger.streams(&key)[0].1;
    for (half_minute, bad) in [0.0, 2.0, 0.0, 0.0, 9.0].into_iter().enumerate() {
        let begin = START + TimeDelta(30_000) * half_minute as i64;
        let stretch = Stretch { begin, end: begin + TimeDelta(30_000) };
        let known = ledger.book(&key, &Labels::empty(), stretch, Some(Counts { bad, total: 9.0 }));
        assert_eq!(known.contains(&judged), half_minute % 2 == 1, "a slice ends with every second answer");
    }
    let counts = ledger.window(judged, TimeDelta::HOUR).unwrap().counts;
    assert_eq!((counts.bad, counts.total), (1.0, 2.0));
}

// ---- how it is written ----

fn read(budgeting: &str) -> Result<Slo, String> {
    let text = format!(
        "slos: [{{name: it, goal: '90%', window: 1h, budgeting: {budgeting}, indicator: {{ratio: {{bad: b, total: t}}}}}}]"
    );
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("slo.yaml", text);
    let slos = parse(&sources, file, &mut out);
    match out.has_errors() {
        true => Err(out.render(&sources, Style { color: false })),
        false => Ok(slos.into_iter().next().unwrap()),
    }
}

#[test]
fn what_is_no_way_of_counting_is_refused_with_what_to_write() {
    let check = |budgeting: &str, expected: &str| {
        let told = read(budgeting).map(|slo| slo.indicator.text()).unwrap_or_else(|error| error);
        assert!(told.contains(expected), "{budgeting}: {told}");
    };
    check("occurrences", "bad b of all t");
    check(
        "{timeslices: {slice: 1m, target: '99%'}}",
        "slices of 1m in which at least 99% are good: bad b of all t",
    );
    check("{ratio_timeslices: {slice: 5m}}", "mean over slices of 5m: bad b of all t");
    check("Timeslices", "not a way of counting; write occurrences,");
    check("{}", "expected one way of counting");
    check("{timeslices: {slice: 1m}}", "target");
    check("{timeslices: {target: '99%'}}", "slice");
    check("{timeslices: {slice: 1m, target: 99}}", "goal 99 has no unit");
    check("{ratio_timeslices: {slice: 1m, target: '99%'}}", "target");
    check("{ratio_timeslices: {slice: 90s}}", "a slice cannot be 1m30s long");
    check("{ratio_timeslices: {slice: 7s}}", "a slice cannot be 7s long");
    check("{ratio_timeslices: {slice: 2h}}", "a slice cannot be 2h long");
}

// ---- the worked numbers of OpenSLO ----

/// Numbers that stand before a word in a text, without the blanks between thousands.
fn number_before(text: &str, words: &str) -> f64 {
    let end = text.find(words).unwrap_or_else(|| panic!("{words:?} in the text"));
    let number = text[..end].trim_end().rsplit([' ', '\n']).next().unwrap();
    number.parse().unwrap_or_else(|_| panic!("{number:?} before {words:?}"))
}

/// Minutes of an attack, in which `good` of the events are good, that use up all of the budget of two weeks at one
/// request every few seconds and 99 % of success.
fn minutes_to_exhaustion(budgeting: &str) -> f64 {
    let (minutes, usual_bad, attacked_bad) = (14.0 * 24.0 * 60.0, 0.01, 0.99);
    let yaml = yaml(budgeting, "").replace("window: 1h", "window: 2w").replace("goal: '90%'", "goal: '95%'");
    let spent = |attacked: f64| {
        let mut engine = SloEngine::new(slos(&yaml), EngineSettings::default());
        for (id, name) in [(1, "total"), (2, "bad")] {
            engine.step(Event::SeriesBorn { id: SeriesId(id), labels: &series(name) }, START);
        }
        let (mut total, mut bad) = (0.0, 0.0);
        for minute in 0..=minutes as i64 {
            let at = START + TimeDelta::MINUTE * minute;
            if minute > 0 {
                total += 100.0;
                bad += 100.0 * if (minute as f64) <= attacked { attacked_bad } else { usual_bad };
            }
            let samples = vec![(SeriesId(1), Sample::new(at, total)), (SeriesId(2), Sample::new(at, bad))];
            let origin = Origin::Scrape { target: SeriesId(0), ok: true, interval: TimeDelta::MINUTE };
            engine.step(Event::Batch(&Batch::floats(origin, at, samples)), at);
        }
        stream(&engine, START + TimeDelta::MINUTE * minutes as i64).budget.unwrap().left_ratio
    };
    // The first length of an attack that leaves nothing.
    let (mut leaves, mut spends) = (0.0, minutes);
    while spends - leaves > 1.0 {
        let middle = ((leaves + spends) / 2.0f64).floor();
        if spent(middle) > 1e-9 { leaves = middle } else { spends = middle }
    }
    spends
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the worked numbers lie outside; reading them is this test's task"
)]
fn an_attack_takes_as_long_as_openslo_reckons_until_the_budget_is_gone() {
    let Some(folder) = cases::conformance("openslo/examples") else { return };
    let text = fs::read_to_string(folder.join("budgeting-method/README.md")).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let after = |words: &str| text.split_once(words).unwrap_or_else(|| panic!("{words:?} in the text")).1;
    // Good or bad, a minute is one of 20160; the target only has to tell the attack from usual minutes.
    let slices = after("#### Timeslices burned budget");
    assert_eq!(number_before(slices, "timeslices, to burn"), 20_160.0);
    let reckoned = number_before(slices, "hours and") * 60.0 + number_before(slices, "minutes.");
    assert_eq!(minutes_to_exhaustion("timeslices: {slice: 1m, target: '90%'}"), reckoned);
    let ratio = after("#### RatioTimeslices burned budget");
    let reckoned = number_before(ratio, "hours and") * 60.0 + number_before(ratio, "minutes.");
    let found = minutes_to_exhaustion("ratio_timeslices: {slice: 1m}");
    // "About" so many: 5 % of 20160 minutes without the 1 % that fail anyway, by 98 points each, is 822.9.
    assert!((found - reckoned).abs() <= 5.0, "{found} for about {reckoned}");
    assert_eq!(found, 823.0);
    let text = fs::read_to_string(folder.join("treat-low-traffic-as-equally-important/README.md")).unwrap();
    let minutes = number_before(&text.replace("10 080", "10080"), "minutes`");
    assert_eq!(minutes, 7.0 * 24.0 * 60.0);
    cases::ran("conformance/openslo-budgeting", 3);
}

#[test]
fn an_attack_adds_to_all_events_as_well_as_to_the_failed_ones() {
    // 336,000 requests of which 1 % fail, then an attack of which 99 % fail, until 5 % of all have failed:
    // (3360 + 0.99 a) / (336000 + a) = 0.05, so a = 14297.9, and 14154.9 of them fail. The 16632 that OpenSLO's text
    // gives leaves out the failures there were and the requests the attack adds.
    let attack = (0.05 * 336_000.0 - 3360.0) / (0.99 - 0.05);
    let failed: f64 = 0.99 * attack;
    assert_eq!(failed.round(), 14_155.0);
    let left = |attack: f64| {
        let occurrences = yaml(SLICES, "").replace(&format!("budgeting: {{{SLICES}}},"), "");
        let yaml = occurrences.replace("window: 1h", "window: 2w").replace("goal: '90%'", "goal: '95%'");
        let engine = scraped(&yaml, &format!("336000/3360 {attack}/{}", 0.99 * attack));
        stream(&engine, START + TimeDelta::MINUTE).budget.unwrap().left_ratio
    };
    assert!(left(attack).abs() < 1e-9 && left(attack - 1.0) > 0.0 && left(attack + 1.0) < 0.0);
}
