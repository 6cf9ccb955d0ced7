use std::collections::BTreeMap;
use std::time::Duration;

use bellwether::workshop::load_mix::pause;
use bellwether::workshop::{CallRates, Endpoint, Task};

#[test]
fn tasks_are_chosen_by_their_weight() {
    let (mut rng, mut counts) = (fastrand::Rng::with_seed(11), BTreeMap::<Task, u32>::new());
    for _ in 0..140_000 {
        *counts.entry(Task::draw(&mut rng)).or_default() += 1;
    }
    for task in Task::ALL {
        let (found, want) = (f64::from(counts[&task]), f64::from(task.weight()) * 10_000.0);
        // Five standard deviations of a task of weight 1 are 482.
        assert!((found - want).abs() < 1000.0, "{task:?}: {found} instead of {want}");
    }
}

#[test]
fn pauses_last_one_to_two_seconds() {
    let mut rng = fastrand::Rng::with_seed(3);
    let pauses: Vec<_> = (0..10_000).map(|_| pause(&mut rng)).collect();
    assert!(pauses.iter().all(|p| (Duration::from_secs(1)..=Duration::from_secs(2)).contains(p)));
    let mean_s = pauses.iter().sum::<Duration>().as_secs_f64() / 10_000.0;
    assert!((mean_s - 1.5).abs() < 0.02, "{mean_s}");
}

#[test]
fn three_users_make_2_43_calls_per_second() {
    let rates = CallRates::of_users(3);
    assert!((rates.total() - 34.0 / 14.0).abs() < 1e-12);
    let rate = |endpoint| rates.0[Endpoint::ALL.iter().position(|e| *e == endpoint).unwrap()];
    assert!((rate(Endpoint::Chat) - 12.0 / 14.0).abs() < 1e-12);
    assert_eq!(rate(Endpoint::PreferencesGet), rate(Endpoint::PreferencesUpdate));
    assert!((rate(Endpoint::Startup) - 2.0 / 14.0).abs() < 1e-12);
}
