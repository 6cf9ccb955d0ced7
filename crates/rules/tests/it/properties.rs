//! What holds whatever the answers are: for any script of values, absences and failures.
use std::collections::BTreeMap;

use bellwether_diag::{Diagnostics, Sources};
use bellwether_model::{TimeDelta, Timestamp};
use bellwether_rules::{
    EngineOptions, EngineSnapshot, Event, Grid, NameScheme, QueryAnswer, RuleChange, RuleEngine, RuleFile,
};
use proptest::prelude::*;

use crate::world::{World, at, rules};

fn script() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["1", "2", "_", "!"]), 1..40)
        .prop_map(|words| words.join(" "))
}

fn alert_rules(hold_minutes: u8, keep_minutes: u8) -> String {
    format!(
        "groups: [{{name: g, rules: [{{record: r, expr: q}}, {{alert: A, expr: q, for: {hold_minutes}m, keep_firing_for: {keep_minutes}m}}]}}]"
    )
}

/// An alert by the book: a plain reading of the rules, one script word at a time, to compare the engine with.
fn firing_by_hand(script: &str, hold: i64, keep: i64) -> Vec<bool> {
    // Minutes seen so far; minutes gone while kept; whether it fires; whether an evaluation has worked before.
    let (mut seen, mut gone, mut fires): (Option<i64>, Option<i64>, bool) = (None, None, false);
    let mut out = Vec::new();
    for word in script.split_whitespace() {
        match word {
            "!" => {}
            "_" if fires => {
                let so_far = gone.map_or(0, |gone| gone + 1);
                gone = Some(so_far);
                if so_far >= keep {
                    (seen, gone, fires) = (None, None, false);
                }
            }
            "_" => seen = None,
            _ => {
                let so_far = seen.map_or(0, |seen| seen + 1);
                (seen, gone) = (Some(so_far), None);
                fires = fires || so_far >= hold;
            }
        }
        out.push(fires);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_alert_fires_exactly_when_a_plain_reading_says_so(script in script(), hold in 0u8..4, keep in 0u8..4) {
        let mut world = World::new(&alert_rules(hold, keep), &[("q", "", &script)]);
        for (minute, fires) in firing_by_hand(&script, hold.into(), keep.into()).into_iter().enumerate() {
            world.run_until(at(minute as i64 * 60));
            let lines = world.take("send firing");
            prop_assert_eq!(!lines.is_empty(), fires, "minute {} of {}", minute, script);
        }
    }

    #[test]
    fn restarts_at_any_moment_change_nothing(script in script(), hold in 0u8..4, restarts in any::<u64>()) {
        let text = alert_rules(hold, 1);
        let mut steady = World::new(&text, &[("q", "", &script)]);
        let mut restarted = World::new(&text, &[("q", "", &script)]);
        for minute in 0..script.split_whitespace().count() as i64 {
            steady.run_until(at(minute * 60));
            restarted.run_until(at(minute * 60));
            prop_assert_eq!(steady.take(""), restarted.take(""));
            if restarts >> minute & 1 == 1 {
                let saved = serde_json::to_string(&restarted.engine.snapshot()).unwrap();
                let snapshot: EngineSnapshot = serde_json::from_str(&saved).unwrap();
                let options = EngineOptions { grid: Grid::Epoch, external_url: "http://b".to_owned(), ..Default::default() };
                restarted.engine = RuleEngine::new(options);
                restarted.engine.load(&[("f".to_owned(), rules(&text))], at(minute * 60 + 1));
                restarted.engine.restore(snapshot);
            }
        }
    }

    #[test]
    fn a_kill_after_any_evaluation_loses_nothing_that_was_recorded(
        script in script(),
        hold in 0u8..4,
        keep in 0u8..4,
        kills in any::<u64>(),
    ) {
        let text = alert_rules(hold, keep);
        let mut steady = World::new(&text, &[("q", "", &script)]);
        let mut killed = World::new(&text, &[("q", "", &script)]);
        // The only snapshot there ever is: of an engine that knows nothing.
        let empty = killed.engine.snapshot();
        for minute in 0..script.split_whitespace().count() as i64 {
            steady.run_until(at(minute * 60));
            killed.run_until(at(minute * 60));
            prop_assert_eq!(steady.take(""), killed.take(""), "minute {}", minute);
            if kills >> minute & 1 == 1 {
                let journal = serde_json::to_string(&killed.journal).unwrap();
                let mut saved = empty.clone();
                saved.apply(serde_json::from_str::<Vec<RuleChange>>(&journal).unwrap());
                let options = EngineOptions { grid: Grid::Epoch, external_url: "http://b".to_owned(), ..Default::default() };
                killed.engine = RuleEngine::new(options);
                killed.engine.load(&[("f".to_owned(), rules(&text))], at(minute * 60 + 1));
                killed.engine.restore(saved);
            }
        }
    }

    #[test]
    fn every_series_that_vanishes_is_marked_once(script in script(), hold in 0u8..3) {
        let mut world = World::new(&alert_rules(hold, 0), &[("q", "", &script)]);
        world.run_until(at(3600));
        let mut live: BTreeMap<String, bool> = BTreeMap::new();
        for line in world.take("append") {
            let (series, value) = line.split_once("append ").unwrap().1.rsplit_once(' ').unwrap();
            let was_live = live.insert(series.to_owned(), value != "stale").unwrap_or(false);
            prop_assert!(value != "stale" || was_live, "{} marked although it was gone", series);
        }
        let ends_in_silence = !script.ends_with(['1', '2']);
        prop_assert!(!ends_in_silence || live.values().all(|live| !live));
    }

    #[test]
    fn no_clock_makes_it_panic(moments in prop::collection::vec(any::<i64>(), 1..20), grid in any::<Option<i64>>()) {
        let grid = grid.map_or(Grid::Spread, |start| Grid::From(Timestamp(start)));
        let mut engine = RuleEngine::new(EngineOptions { grid, ..EngineOptions::default() });
        let file = rules("groups: [{name: g, interval: 1ms, rules: [{alert: A, expr: q}]}, {name: h, interval: 200000000y, query_offset: 200000000y, rules: [{record: a, expr: q}]}]");
        engine.load(&[("f".to_owned(), file)], Timestamp(moments[0]));
        for moment in moments {
            for effect in engine.step(Event::Wake, Timestamp(moment)) {
                if let bellwether_rules::Effect::Query { id, at, .. } = effect {
                    let sample = bellwether_model::Sample::new(at, 1.0);
                    let result = Ok(bellwether_promql::Value::Scalar(sample));
                    let answer = QueryAnswer { result, duration: TimeDelta(moment) };
                    engine.step(Event::QueryDone { id, answer }, Timestamp(moment));
                }
            }
            let _ = (engine.status(), engine.next_wake());
        }
    }

    #[test]
    fn reading_and_running_any_test_file_ends(text in "(tests:|\n|- |  |\\{|\\}|\\[|\\]|, |: |interval|input_series|series|values|'up'|'0\\+1x5'|'\\{\\{count:1\\}\\}x3'|promql_expr_test|expr|eval_time|3m|1ms|292277024y|start_timestamp|-9e300|exp_samples|labels|value|alert_rule_test|alertname|A|exp_alerts|exp_labels){0,40}") {
        use bellwether_rules::unit_test::{Coverage, Suite, TestFile};
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let file = sources.add("f", format!("tests:\n- {text}"));
        let read = TestFile::read(&sources, file, bellwether_diag::Severity::Error, &mut out);
        prop_assert_eq!(read.is_none(), out.has_errors());
        let rules = vec![("r".to_owned(), rules("groups: [{name: g, rules: [{record: r, expr: up}, {alert: A, expr: up}]}]"))];
        for test in read.iter().flat_map(|read| &read.tests) {
            Suite::new(read.as_ref().unwrap(), &rules, &mut out).run(test, true, &mut Coverage::default());
        }
    }

    #[test]
    fn reading_any_text_ends(text in "(groups|name|rules|record|alert|expr|for|labels|- |: |\n|  |\\[|\\{|\\}|\\]|,|up|'|\"|5m|x| ){0,40}") {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let file = sources.add("f", text);
        let read = RuleFile::read(&sources, file, NameScheme::Utf8, &mut out);
        prop_assert_eq!(read.is_none(), out.has_errors());
    }
}
