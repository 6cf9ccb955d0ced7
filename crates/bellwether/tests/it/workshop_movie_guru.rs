use bellwether::workshop::{Draw, Endpoint, LatencyRange, MovieGuru, Phase, Probability, Reply, Sampler};
use bellwether_ingest::{Entry, ExpositionWriter, Limits, decode_series, scan};
use bellwether_model::Labels;
use proptest::prelude::*;

/// The value of one series, found by its text.
fn value(guru: &MovieGuru, series: &str) -> f64 {
    let all = guru.series().into_iter().map(|labels| labels.to_string()).zip(guru.values());
    let found: Vec<_> = all.filter(|(name, _)| name == series).collect();
    assert_eq!(found.len(), 1, "{series}");
    found[0].1
}

/// A service in quota mode after so many calls of one endpoint.
fn after(phase: Phase, endpoint: Endpoint, calls: usize) -> MovieGuru {
    let (mut guru, mut sampler) = (MovieGuru::new(phase), Sampler::quota());
    for _ in 0..calls {
        guru.call(endpoint, &mut sampler);
    }
    guru
}

/// What PromQL's histogram_quantile makes of the chat latencies.
fn chat_p99_ms(guru: &MovieGuru) -> f64 {
    let rank = 0.99 * value(guru, "movieguru_chat_latency_milliseconds_count");
    let mut below = (0.0, 0.0);
    for bound in [100.0, 250.0, 500.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 10000.0, 12000.0] {
        let count = value(guru, &format!("movieguru_chat_latency_milliseconds_bucket{{le=\"{bound}\"}}"));
        if count >= rank {
            return below.0 + (bound - below.0) * (rank - below.1) / (count - below.1);
        }
        below = (bound, count);
    }
    f64::INFINITY
}

/// The workshop's table of what each phase means for its objectives.
#[test]
fn shares_of_each_phase_are_exact_in_quota_mode() {
    let check = |number: u32, fast_chats: (f64, f64), p99_ms: f64, fast_startups: (f64, f64)| {
        let phase = Phase::challenge(number).unwrap();
        let chats = after(phase.clone(), Endpoint::Chat, fast_chats.1 as usize);
        assert_eq!(value(&chats, "movieguru_chat_latency_milliseconds_bucket{le=\"5000\"}"), fast_chats.0);
        assert_eq!(value(&chats, "movieguru_chat_latency_milliseconds_count"), fast_chats.1);
        assert_eq!(chat_p99_ms(&chats).round(), p99_ms);
        let startups = after(phase, Endpoint::Startup, fast_startups.1 as usize);
        assert_eq!(
            value(&startups, "movieguru_startup_latency_milliseconds_bucket{le=\"1000\"}"),
            fast_startups.0
        );
    };
    check(1, (3394.0, 6076.0), 9887.0, (545.0, 1178.0));
    check(5, (3777.0, 3777.0), 4945.0, (600.0, 600.0));
    check(6, (2001.0, 5000.0), 9917.0, (600.0, 600.0));
    check(7, (3777.0, 3777.0), 4945.0, (600.0, 600.0));
}

#[test]
fn outcomes_and_moods_of_chats_are_exact_in_quota_mode() {
    let check = |number: u32, answered: f64, outcomes: [f64; 4], sentiments: [f64; 4], safety_issues: f64| {
        let guru = after(Phase::challenge(number).unwrap(), Endpoint::Chat, 2000);
        assert_eq!(value(&guru, "movieguru_chat_calls_total"), 2000.0);
        assert_eq!(value(&guru, "movieguru_chat_calls_success_total"), answered);
        assert_eq!(value(&guru, "movieguru_chat_safetyissue_counter_total"), safety_issues);
        let counts = |counter: &str, label: &str, names: [&str; 4]| {
            names.map(|name| {
                value(&guru, &format!("movieguru_chat_{counter}_counter_total{{{label}={name:?}}}"))
            })
        };
        let names = ["Engaged", "Acknowledged", "Rejected", "Unclassified"];
        assert_eq!(counts("outcome", "Outcome", names), outcomes, "phase {number}");
        let names = ["Positive", "Negative", "Neutral", "Unclassified"];
        assert_eq!(counts("sentiment", "Sentiment", names), sentiments, "phase {number}");
    };
    check(1, 1400.0, [700.0, 210.0, 350.0, 140.0], [560.0, 420.0, 140.0, 280.0], 280.0);
    check(5, 1900.0, [1330.0, 285.0, 95.0, 190.0], [1140.0, 190.0, 380.0, 190.0], 190.0);
    // Its chances add up to 0.75; the rest is unclassified.
    check(6, 1900.0, [950.0, 190.0, 95.0, 665.0], [1140.0, 190.0, 380.0, 190.0], 190.0);
}

/// Chats of one scrape interval of 15 s. A multiple of 20, like the answered ones among them, so that the shares of
/// every interval are exact.
const CHATS_PER_STEP: usize = 400;
/// Five minutes.
const STEPS_PER_WINDOW: usize = 20;

/// Challenge 6 after a healthy past: good and all events of an objective at every scrape, the first 20 healthy.
fn degrading(good: impl Fn(&MovieGuru) -> f64, total: impl Fn(&MovieGuru) -> f64) -> Vec<(f64, f64)> {
    let (mut guru, mut sampler) = (MovieGuru::new(Phase::challenge(5).unwrap()), Sampler::quota());
    let mut scrapes = vec![(0.0, 0.0)];
    for step in 0..3 * STEPS_PER_WINDOW {
        if step == STEPS_PER_WINDOW {
            guru.phase = Phase::challenge(6).unwrap();
        }
        for _ in 0..CHATS_PER_STEP {
            guru.call(Endpoint::Chat, &mut sampler);
        }
        scrapes.push((good(&guru), total(&guru)));
    }
    scrapes
}

/// Seconds from the fault until the burn over five minutes is above a factor; the goal in whole percent.
fn seconds_until_burn(scrapes: &[(f64, f64)], goal_percent: f64, factor: f64) -> Option<usize> {
    let is_above = |step: &usize| {
        let (before, after) = (scrapes[step - STEPS_PER_WINDOW], scrapes[*step]);
        let (good, total) = (after.0 - before.0, after.1 - before.1);
        (total - good) * 100.0 > factor * (100.0 - goal_percent) * total
    };
    (STEPS_PER_WINDOW..scrapes.len()).find(is_above).map(|step| (step - STEPS_PER_WINDOW) * 15)
}

/// The times of the scenario's table for challenge 6.
#[test]
fn challenge_6_burns_through_each_factor_on_time() {
    let outcome = |guru: &MovieGuru, name| {
        value(guru, &format!("movieguru_chat_outcome_counter_total{{Outcome={name:?}}}"))
    };
    let answered = |guru: &MovieGuru| value(guru, "movieguru_chat_calls_success_total");
    let check = |scrapes: &[(f64, f64)], goal_percent, want: [Option<usize>; 3]| {
        assert_eq!([1.5, 2.0, 10.0].map(|factor| seconds_until_burn(scrapes, goal_percent, factor)), want);
    };
    let fast = degrading(
        |guru| value(guru, "movieguru_chat_latency_milliseconds_bucket{le=\"5000\"}"),
        |guru| value(guru, "movieguru_chat_latency_milliseconds_count"),
    );
    check(&fast, 99.0, [Some(15), Some(15), Some(60)]);
    // At 225 s the burn is exactly 1.5, which is not above it.
    check(&degrading(|guru| outcome(guru, "Engaged"), answered), 70.0, [Some(240), None, None]);
    let relevant = degrading(|guru| outcome(guru, "Engaged") + outcome(guru, "Acknowledged"), answered);
    check(&relevant, 80.0, [Some(195), None, None]);
}

#[test]
fn successes_are_exact_in_quota_mode() {
    let check = |endpoint, name: &str, successes: f64| {
        let guru = after(Phase::challenge(1).unwrap(), endpoint, 1000);
        assert_eq!(value(&guru, &format!("movieguru_{name}_attempts_total")), 1000.0);
        assert_eq!(value(&guru, &format!("movieguru_{name}_success_total")), successes, "{name}");
        assert_eq!(value(&guru, &format!("movieguru_{name}_latency_milliseconds_count")), 1000.0);
    };
    check(Endpoint::Login, "login", 990.0);
    check(Endpoint::Logout, "Logout", 1000.0);
    check(Endpoint::Startup, "startup", 750.0);
    check(Endpoint::PreferencesGet, "prefGet", 990.0);
    check(Endpoint::PreferencesUpdate, "prefUpdate", 840.0);
}

#[test]
fn a_caller_is_told_what_is_counted() {
    for mut sampler in [Sampler::quota(), Sampler::random(7)] {
        let mut guru = MovieGuru::new(Phase::challenge(1).unwrap());
        let told = (0..500).filter(|_| guru.call(Endpoint::Startup, &mut sampler) == Reply::Ok).count();
        assert_eq!(value(&guru, "movieguru_startup_success_total"), told as f64);
    }
}

#[test]
fn histories_are_served_and_not_counted() {
    let untouched = MovieGuru::new(Phase::challenge(1).unwrap());
    assert_eq!(after(untouched.phase.clone(), Endpoint::HistoryGet, 9), untouched);
    assert_eq!(after(untouched.phase.clone(), Endpoint::HistoryDelete, 9), untouched);
}

#[test]
fn what_is_exposed_is_what_is_counted() {
    let (mut guru, mut sampler) = (MovieGuru::new(Phase::challenge(1).unwrap()), Sampler::random(1));
    for endpoint in Endpoint::ALL.into_iter().cycle().take(400) {
        guru.call(endpoint, &mut sampler);
    }
    guru.health_check(0.2);
    let mut writer = ExpositionWriter::default();
    guru.render(&mut writer);
    let body = writer.finish();
    let mut exposed: Vec<(Labels, f64)> = Vec::new();
    scan(body.as_bytes(), &Limits::default(), &mut |entry| {
        if let Entry::Sample(sample) = entry {
            exposed.push((decode_series(sample.series).unwrap().labels(), sample.value));
        }
    })
    .unwrap();
    assert_eq!(exposed, guru.series().into_iter().zip(guru.values()).collect::<Vec<_>>());
    // 5 chat counters (11 series), 11 others, and the buckets, sums and counts of 7 histograms.
    assert_eq!(exposed.len(), 11 + 11 + (10 + 2 * 11 + 13 + 2 * 8 + 7) + 7 * 3);
}

#[test]
fn random_draws_repeat_with_their_seed_and_come_near_their_chances() {
    let drawn = |seed| {
        let (mut guru, mut sampler) = (MovieGuru::new(Phase::challenge(6).unwrap()), Sampler::random(seed));
        for _ in 0..20_000 {
            guru.call(Endpoint::Chat, &mut sampler);
        }
        guru
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    let guru = drawn(3);
    let near = |series: &str, want: f64| {
        let found = value(&guru, series) / 20_000.0;
        // Five standard deviations of 20,000 draws are below 0.018.
        assert!((found - want).abs() < 0.018, "{series}: {found}");
    };
    near("movieguru_chat_calls_success_total", 0.95);
    near("movieguru_chat_latency_milliseconds_bucket{le=\"5000\"}", 0.4002);
    near("movieguru_chat_outcome_counter_total{Outcome=\"Engaged\"}", 0.95 * 0.5);
    near("movieguru_chat_outcome_counter_total{Outcome=\"Unclassified\"}", 0.95 * 0.35);
}

proptest! {
    #[test]
    fn quota_counts_are_the_nearest_whole_number(thousandths in 0u32..=1000, draws in 1u32..500) {
        let mut sampler = Sampler::quota();
        let chance = Probability::new(f64::from(thousandths) / 1000.0).unwrap();
        let happened = (0..draws).filter(|_| sampler.happens(Draw::SafetyIssue, chance)).count();
        prop_assert_eq!(happened as u32, (thousandths * draws + 500) / 1000);
    }

    #[test]
    fn quota_outcomes_are_never_a_whole_event_off(cuts in proptest::array::uniform3(0u32..=100), draws in 1u32..500) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let hundredths = [cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1], 100 - cuts[2]];
        let chances = hundredths.map(|share| Probability::new(f64::from(share) / 100.0).unwrap());
        let (mut sampler, mut counts) = (Sampler::quota(), [0u32; 4]);
        for _ in 0..draws {
            counts[sampler.choose(Draw::Outcome, chances)] += 1;
        }
        for (count, share) in counts.into_iter().zip(hundredths) {
            prop_assert!((f64::from(count) - f64::from(share * draws) / 100.0).abs() < 1.0, "{:?} of {:?}", counts, hundredths);
        }
    }

    #[test]
    fn a_round_of_quota_latencies_meets_each_once(ms_min in 0u64..5000, values in 1u64..3000) {
        let range = LatencyRange::new(ms_min, ms_min + values).unwrap();
        let mut sampler = Sampler::quota();
        let mut drawn: Vec<_> = (0..values).map(|_| sampler.latency_ms(Draw::SafetyIssue, range)).collect();
        drawn.sort_unstable();
        prop_assert_eq!(drawn, (ms_min..ms_min + values).collect::<Vec<_>>());
    }

    #[test]
    fn part_of_a_round_is_spread_over_the_range(values in 100u64..8000, threshold in 1u64..100, draws in 20u64..100) {
        let range = LatencyRange::new(0, values).unwrap();
        let mut sampler = Sampler::quota();
        let limit = values * threshold / 100;
        let below = (0..draws).filter(|_| sampler.latency_ms(Draw::SafetyIssue, range) < limit).count() as f64;
        let want = draws as f64 * limit as f64 / values as f64;
        prop_assert!((below - want).abs() < 6.0, "{} of {} below {}, {} expected", below, draws, limit, want);
    }
}
