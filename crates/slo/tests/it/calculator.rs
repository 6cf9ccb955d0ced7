//! What goals mean, in the numbers people know by heart.

use bellwether_model::TimeDelta;
use bellwether_slo::{Calculation, Goal, GoalMeaning, Period, calculate};

const DAY: TimeDelta = TimeDelta::DAY;

fn of(goal: &str, days: i64) -> Calculation<'static> {
    let period = Box::leak(Box::new(Period::Rolling(DAY * days)));
    Calculation {
        goal: Goal::parse(goal).unwrap(),
        period,
        events_per_second: None,
        outage: None,
        bad_ratio: None,
        burn_rates: &[],
        needs: &[],
    }
}

fn down(meaning: &GoalMeaning, span: &str) -> f64 {
    meaning.budgets.iter().find(|budget| budget.span == span).unwrap().down_seconds
}

fn close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() < 1e-9 * expected.abs().max(1.0),
        "{what}: {found}, expected {expected}"
    );
}

#[test]
fn budgets_of_the_usual_goals() {
    // Goal; minutes of thirty days, minutes of a day, seconds of an hour.
    for (goal, period_min, day_min, hour_s) in [
        ("99%", 432.0, 14.4, 36.0),
        ("99.9%", 43.2, 1.44, 3.6),
        ("99.95%", 21.6, 0.72, 1.8),
        ("99.99%", 4.32, 0.144, 0.36),
    ] {
        let meaning = calculate(&of(goal, 30));
        close(down(&meaning, "period"), period_min * 60.0, goal);
        close(down(&meaning, "day"), day_min * 60.0, goal);
        close(down(&meaning, "hour"), hour_s, goal);
    }
    close(down(&calculate(&of("99%", 30)), "month"), 7.3 * 3600.0, "1 % of 730 hours");
    let with_events = calculate(&Calculation { events_per_second: Some(100.0), ..of("99.9%", 30) });
    close(with_events.budgets[0].bad_events.unwrap(), 259_200.0, "events of thirty days at 100 a second");
}

#[test]
fn how_long_a_budget_lasts() {
    let meaning = calculate(&Calculation { burn_rates: &[4.8, 1.2], ..of("99.9%", 1) });
    for (rate, hours) in [(14.4, 24.0 / 14.4), (4.8, 5.0), (1.2, 20.0), (1.0, 24.0)] {
        let burn = meaning.burns.iter().find(|burn| burn.burn_rate == rate).unwrap();
        close(burn.lasts_seconds, hours * 3600.0, "lasts");
        close(burn.spent_per_hour_ratio, rate / 24.0, "an hour");
        close(burn.bad_ratio, rate / 1000.0, "bad");
    }
    let rates: Vec<f64> = meaning.burns.iter().map(|burn| burn.burn_rate).collect();
    assert!(rates.is_sorted(), "{rates:?}");
    // Two percent of thirty days in an hour.
    let month = calculate(&of("99.9%", 30));
    let fast = &month.alerts[0];
    close(fast.factor, 14.4, "factor");
    close(fast.spent_ratio, 0.02, "spent when noticed");
    close(fast.outage_noticed_seconds, 3600.0 * 14.4 / 1000.0, "an outage is noticed");
}

#[test]
fn outages_and_shares_of_errors() {
    let check = |goal: &str, outage_s: f64, left: f64| {
        let outage = Some(TimeDelta::from_secs_f64(outage_s));
        let meaning = calculate(&Calculation { outage, ..of(goal, 30) });
        assert!((meaning.outage.unwrap().left_ratio - left).abs() < 5e-4, "{goal}: {:?}", meaning.outage);
    };
    check("99.9%", 10.64 * 60.0, 0.754);
    check("99.95%", 21.6 * 60.0, 0.0);
    check("99.95%", 43.2 * 60.0, -1.0);
    let burning = calculate(&Calculation { bad_ratio: Some(0.2), ..of("99%", 30) });
    close(burning.bad_ratio.unwrap().burn_rate, 20.0, "a fifth of all against one percent");
    let burning = calculate(&Calculation { bad_ratio: Some(0.06), ..of("95%", 1) });
    close(burning.bad_ratio.unwrap().burn_rate, 1.2, "six percent against five");
}

#[test]
fn what_can_be_promised_on_top_of_others() {
    let needs = ["99.9%", "99.9%", "99%"].map(|goal| Goal::parse(goal).unwrap());
    let meaning = calculate(&Calculation { needs: &needs, ..of("99%", 30) }).needs.unwrap();
    close(meaning.serial_ratio, 0.999 * 0.999 * 0.99, "in series");
    close(meaning.parallel_ratio, 1.0 - 0.001 * 0.001 * 0.01, "in parallel");
    assert_eq!((meaning.serial_keeps_goal, meaning.parallel_keeps_goal), (false, true));
    close(meaning.each_ratio.powi(3), 0.99, "each of three");
    assert_eq!(calculate(&of("99%", 30)).needs, None);
}
