use std::collections::BTreeMap;

use bellwether::workshop::{CallRates, Endpoint, History, HistoryPlan, Phase, Sampler};
use bellwether_model::{TimeDelta, TimeRange, Timestamp};

fn day_of_three_users() -> HistoryPlan {
    let start = Timestamp::from_secs(1_700_000_000);
    HistoryPlan {
        phase: Phase::demo_start(),
        rates: CallRates::of_users(3),
        range: TimeRange::new(start, start + TimeDelta::DAY),
        step: TimeDelta::from_secs(15),
    }
}

#[test]
fn a_day_of_history_grows_from_nothing_to_what_three_users_do() {
    let plan = day_of_three_users();
    let mut last: BTreeMap<String, f64> = BTreeMap::new();
    let mut times = Vec::new();
    for (at, snapshot) in History::new(plan.clone(), Sampler::quota()) {
        times.push(at);
        for (labels, value) in snapshot {
            let before = last.insert(labels.to_string(), value).unwrap_or(0.0);
            assert!(value >= before, "{labels} fell from {before} to {value} at {at}");
            assert!(at > plan.range.start || value == 0.0, "{labels} does not start from zero");
        }
    }
    assert_eq!(times.len(), 24 * 240 + 1);
    assert_eq!((times[0], times[5760]), (plan.range.start, plan.range.end));
    assert!(times.windows(2).all(|two| two[1] - two[0] == plan.step));
    // 6 of 14 tasks, 2 tasks per second.
    assert_eq!(last["movieguru_chat_calls_total"], 74_057.0);
    assert_eq!(last["movieguru_prefGet_attempts_total"], 37_028.0);
    assert_eq!(last["movieguru_prefUpdate_attempts_total"], 37_028.0);
    assert_eq!(last["movieguru_startup_attempts_total"], 12_342.0);
    // 95 % of the chats are answered, and 75 % of these engage their users.
    assert_eq!(last["movieguru_chat_calls_success_total"], 70_354.0);
    let engaged = last["movieguru_chat_outcome_counter_total{Outcome=\"Engaged\"}"];
    assert!((engaged - 70_354.0 * 0.75).abs() < 1.0, "{engaged}");
    assert_eq!(last["movieguru_chat_latency_milliseconds_bucket{le=\"5000\"}"], 74_057.0);
}

#[test]
fn the_present_goes_on_where_the_past_ended() {
    let plan = HistoryPlan { step: TimeDelta::MINUTE, ..day_of_three_users() };
    let (_, last) = History::new(plan.clone(), Sampler::random(5)).last().unwrap();
    let mut begun = History::new(plan, Sampler::random(5));
    begun.next();
    begun.next();
    let (mut guru, mut sampler) = begun.into_present();
    assert_eq!(guru.series().into_iter().zip(guru.values()).collect::<Vec<_>>(), last);
    let before: f64 = guru.values().iter().sum();
    guru.call(Endpoint::Login, &mut sampler);
    assert!(guru.values().iter().sum::<f64>() > before);
}

#[test]
fn calls_do_not_drift_with_the_step() {
    let check = |rate: f64, step_s: i64, span_s: i64, want: f64| {
        let plan = HistoryPlan {
            phase: Phase::challenge(5).unwrap(),
            rates: CallRates([rate; 8]),
            range: TimeRange::new(Timestamp(0), Timestamp::from_secs(span_s)),
            step: TimeDelta::from_secs(step_s),
        };
        let (guru, _) = History::new(plan, Sampler::quota()).into_present();
        assert_eq!(guru.values()[0], want, "{rate}/s every {step_s} s for {span_s} s");
    };
    check(0.1, 1, 30, 3.0);
    check(0.1, 15, 3600, 360.0);
    check(1.0 / 3.0, 1, 3000, 1000.0);
    check(0.0, 15, 3600, 0.0);
}
