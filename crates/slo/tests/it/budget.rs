//! Bounds on a budget: they hold whatever was not measured, hold the budget between them, and are always numbers.

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_slo::{Ahead, Counts, Goal, Window, budget, expected_budget};
use proptest::prelude::*;

fn counts() -> impl Strategy<Value = Counts> {
    (0u32..2_000_000, 0u32..=1000).prop_map(|(total, bad)| Counts {
        bad: f64::from(total) * f64::from(bad) / 1000.0,
        total: f64::from(total),
    })
}

/// Also such as no ledger would give: more measured than watched, gaps with more events than the window.
fn window() -> impl Strategy<Value = Window> {
    let time = || (0i64..10_000_000_000).prop_map(TimeDelta);
    (counts(), time(), time(), time(), counts(), counts()).prop_map(
        |(counts, measured, watched, length, unlocated, displaced)| Window {
            counts,
            measured,
            watched,
            length,
            unlocated,
            displaced,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_budget_lies_between_its_bounds_and_all_are_numbers(
        seen in window(),
        previous in prop::option::of(window()),
        rest in -1_000i64..10_000_000_000,
        goal in prop::sample::select(vec!["0.5", "99%", "99.9%", "99.9999999%"]),
    ) {
        let goal = Goal::parse(goal).unwrap();
        let Some(so_far) = budget(&seen, goal) else {
            prop_assert!(seen.measured <= TimeDelta::ZERO || seen.counts.total <= 0.0);
            return Ok(());
        };
        let ahead = Ahead { rest: TimeDelta(rest), ends_at: Timestamp(0), previous };
        let all = expected_budget(&seen, goal, &ahead);
        for (low, left, high) in [
            (so_far.left_ratio_low, so_far.left_ratio, so_far.left_ratio_high),
            (all.left_ratio_low, all.left_ratio, all.left_ratio_high),
        ] {
            prop_assert!(low.is_finite() && left.is_finite() && high.is_finite(), "{low} {left} {high}");
            prop_assert!(low <= left && left <= high && high <= 1.0, "{low} {left} {high}");
        }
        prop_assert!(all.total_events.is_finite() && all.total_events >= seen.counts.total);
    }

    /// What was not measured may have been all bad or all good: whatever it was, the bounds hold it.
    #[test]
    fn whatever_was_not_measured_the_bounds_hold(
        seen in counts(),
        missed in 0.0f64..=1.0,
        hours in 1i64..100,
        dark in 0i64..100,
    ) {
        let goal = Goal::parse("99%").unwrap();
        let hour = |n: i64| TimeDelta(n * TimeDelta::HOUR.0);
        let window = Window {
            counts: seen,
            measured: hour(hours),
            watched: hour(hours + dark),
            length: hour(hours + dark),
            ..Window::default()
        };
        let Some(known) = budget(&window, goal) else { return Ok(()) };
        let unseen = seen.total * dark as f64 / hours as f64;
        let truth = Counts { bad: seen.bad + missed * unseen, total: seen.total + unseen };
        let all = Window { counts: truth, measured: window.watched, ..window };
        let left = budget(&all, goal).unwrap().left_ratio;
        let slack = 1e-9 * left.abs().max(1.0);
        prop_assert!(known.left_ratio_low <= left + slack && left <= known.left_ratio_high + slack, "{known:?} {left}");
    }
}
