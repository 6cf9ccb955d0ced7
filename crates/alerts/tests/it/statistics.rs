//! How well alerts and receivers serve, from lives and messages.

use bellwether_alerts::{
    AckDeadlines, EndOfMessage, EpisodeRow, HandResolved, Handled, Judged, Judgement, Lengths, Life,
    MessageEnd, Note, Statistics, share,
};
use bellwether_model::{Labels, TimeDelta, Timestamp};
use proptest::prelude::*;

use crate::script::alert;

const DAY: i64 = 86_400;

/// `name severity from-to` and what was done: `told@s`, `ack@s`, `hand`, `note`, `false`, `real`; in seconds.
fn life(line: &str) -> EpisodeRow {
    let words: Vec<_> = line.split_whitespace().collect();
    let [name, severity, span, deeds @ ..] = words.as_slice() else { panic!("{line:?}") };
    let (from, to) = span.split_once('-').unwrap();
    let at = |text: &str| Timestamp::from_secs(text.parse().unwrap());
    let labels = Labels::from_pairs([("alertname", *name), ("severity", *severity)]);
    let (mut handled, mut told_at) = (Handled::default(), None);
    let by = || "ann".to_owned();
    for deed in deeds {
        match deed.split_once('@') {
            Some(("told", second)) => told_at = Some(at(second)),
            Some(("ack", second)) => handled.first_ack_at = Some(at(second)),
            _ => match *deed {
                "hand" => {
                    handled.resolved =
                        Some(Box::new(HandResolved { by: by(), note: String::new(), at: at(to) }));
                }
                "note" => handled.notes.push(Note { by: by(), at: at(to), text: "x".to_owned() }),
                "false" => {
                    handled.judged =
                        Some(Box::new(Judged { judgement: Judgement::FalsePositive, by: by(), at: at(to) }));
                }
                "real" => {
                    handled.judged =
                        Some(Box::new(Judged { judgement: Judgement::Real, by: by(), at: at(to) }));
                }
                other => panic!("unknown {other:?} in {line:?}"),
            },
        }
    }
    EpisodeRow {
        alert: alert(labels, at(from), Some(at(to))),
        receivers: Default::default(),
        told_at,
        handled,
    }
}

/// `fired false/judged ack-p50 in-time/due resolve-p50 never` of every alert, the most frequent first.
fn check(lives: &[&str], want: &[&str]) {
    let mut statistics =
        Statistics::new(Timestamp(0), Timestamp::from_secs(10 * DAY), AckDeadlines::default());
    for line in lives {
        statistics.life(Life::over(&life(line)));
    }
    let length = |length: Option<TimeDelta>| length.map_or("-".to_owned(), |length| length.to_string());
    let got: Vec<String> = (statistics.alerts().into_iter())
        .map(|(name, severity, s)| {
            let (ack, over) = (length(s.ack.quantile(0.5)), length(s.resolve.quantile(0.5)));
            let judged = s.false_positives + s.real;
            format!(
                "{name} {severity} {} {}/{judged} {ack} {}/{} {over} {}",
                s.fired, s.false_positives, s.in_time, s.due, s.never_acted_on
            )
        })
        .collect();
    assert_eq!(got, want);
}

#[test]
fn lives_are_counted_by_name_and_severity() {
    check(&[], &[]);
    check(&["A critical 0-600 told@30"], &["A critical 1 0/0 - 0/1 10m 1"]);
    check(
        &[
            "B warning 0-60",
            "A critical 0-600 told@30 ack@120",
            "A critical 1000-2000 told@1030 ack@1400 real",
        ],
        &["A critical 2 0/1 2m 1/2 10m 0", "B warning 1 0/0 - 0/0 1m 1"],
    );
    check(
        &[
            "A warning 0-60 false note",
            "A warning 100-130 false hand",
            "A warning 200-300 real",
            "A critical 1-2",
        ],
        &["A warning 3 2/3 - 0/0 1m 1", "A critical 1 0/0 - 0/0 1s 1"],
    );
}

#[test]
fn only_who_had_the_time_is_late() {
    // Told, and over before the deadline; told of nothing; without a deadline; taken late; taken in time.
    check(&["A critical 0-200 told@30"], &["A critical 1 0/0 - 0/0 3m20s 1"]);
    check(&["A critical 0-9000"], &["A critical 1 0/0 - 0/0 2h30m 1"]);
    check(&["A info 0-9000 told@30"], &["A info 1 0/0 - 0/0 2h30m 1"]);
    check(&["A critical 0-9000 told@30 ack@301"], &["A critical 1 0/0 5m1s 0/1 2h30m 0"]);
    check(&["A critical 0-9000 told@30 ack@300"], &["A critical 1 0/0 5m 1/1 2h30m 0"]);
    check(&["A warning 0-9000 told@30 ack@1800"], &["A warning 1 0/0 30m 1/1 2h30m 0"]);
    check(&["A page 0-9000 told@30"], &["A page 1 0/0 - 0/1 2h30m 1"]);
}

#[test]
fn what_began_before_or_goes_on_is_counted_as_such() {
    let mut statistics =
        Statistics::new(Timestamp::from_secs(100), Timestamp::from_secs(1000), AckDeadlines::default());
    let (before, at, after) =
        (life("A critical 99-500"), life("A critical 100-500"), life("A critical 1000-1100"));
    for row in [&before, &at, &after] {
        statistics.life(Life::over(row));
    }
    let open = life("A critical 800-2000 told@810");
    statistics.life(Life { ended_at: None, ..Life::over(&open) });
    let alerts = statistics.alerts();
    let [(_, _, service)] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((service.fired, service.resolve.count(), service.due, service.never_acted_on), (2, 1, 0, 1));
    assert_eq!(statistics.days(), 900.0 / DAY as f64);
}

#[test]
fn a_deadline_can_be_changed_and_taken_away() {
    let mut deadlines = AckDeadlines::default();
    assert_eq!(deadlines.of("critical"), Some(TimeDelta::MINUTE * 5));
    assert_eq!((deadlines.of("warning"), deadlines.of("info")), (Some(TimeDelta::MINUTE * 30), None));
    deadlines.set("critical", TimeDelta::MINUTE * 15);
    deadlines.set("warning", TimeDelta::ZERO);
    deadlines.set("sev3", TimeDelta::HOUR);
    assert_eq!(deadlines.of("critical"), Some(TimeDelta::MINUTE * 15));
    assert_eq!((deadlines.of("warning"), deadlines.of("sev3")), (None, Some(TimeDelta::HOUR)));
}

#[test]
fn messages_are_counted_by_integration() {
    let mut statistics = Statistics::new(Timestamp(0), Timestamp::from_secs(DAY), AckDeadlines::default());
    let delivered = |ms| EndOfMessage::Delivered { after: TimeDelta(ms) };
    for (integration, end, attempts_failed) in [
        ("b/slack[0]", delivered(30), 0),
        ("b/slack[0]", delivered(10), 2),
        ("b/slack[0]", EndOfMessage::Failed, 1),
        ("b/slack[0]", EndOfMessage::Neither, 1),
        ("a/webhook[0]", delivered(5), 0),
    ] {
        statistics.message(integration, MessageEnd { end, attempts_failed });
    }
    let got: Vec<_> = (statistics.integrations())
        .map(|(name, s)| {
            let p99 = s.latency.quantile(0.99).map_or(-1, |p99| p99.0);
            format!("{name} {} {} {} {p99}", s.delivered, s.failed, s.attempts_failed)
        })
        .collect();
    assert_eq!(got, ["a/webhook[0] 1 0 0 5", "b/slack[0] 2 1 4 30"]);
    assert_eq!((share(1, 4), share(0, 0)), (Some(0.25), None));
}

proptest! {
    /// Few are exact; many are right to 1.6%.
    #[test]
    fn quantiles_are_those_of_the_sorted_list(
        few in proptest::collection::vec(0i64..10_000_000, 1..200),
        q in 0.0f64..=1.0,
        copies in 1usize..200,
    ) {
        let mut sorted = few.clone();
        sorted.sort_unstable();
        let rank = ((q * few.len() as f64).ceil() as usize).clamp(1, few.len());
        let mut lengths = Lengths::default();
        lengths.extend(few.iter().map(|ms| TimeDelta(*ms)));
        prop_assert_eq!(lengths.quantile(q), Some(TimeDelta(sorted[rank - 1])));

        let mut many = Lengths::default();
        for _ in 0..copies {
            many.extend(few.iter().map(|ms| TimeDelta(*ms)));
        }
        let total = copies * few.len();
        let rank = ((q * total as f64).ceil() as usize).clamp(1, total);
        let exact = sorted[(rank - 1) / copies] as f64;
        let got = many.quantile(q).unwrap().0 as f64;
        prop_assert!(got <= exact && exact - got <= exact / 64.0, "{got} instead of {exact}");
    }
}

#[test]
fn a_million_lengths_cost_what_a_few_do() {
    let mut lengths = Lengths::default();
    for n in 0..1_000_000_i64 {
        lengths.add(TimeDelta(n * 37 % 86_400_000));
    }
    assert_eq!(lengths.count(), 1_000_000);
    assert!(format!("{lengths:?}").len() < 100_000, "steps are kept, not a million numbers");
    assert_eq!(Lengths::default().quantile(0.5), None);
}
