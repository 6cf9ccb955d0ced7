//! Situations in which time-averaged or extrapolated budgets are wrong, at their true values: 99 % over thirty days.

use bellwether_model::{Batch, Labels, Origin, STALE_NAN, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{BudgetStatus, EngineSettings, Event, SloEngine};

use crate::world::{series, slos};

const START: Timestamp = Timestamp(1_700_002_800_000);
const MONTH_MINUTES: i64 = 30 * 24 * 60;
const YAML: &str = "slos: [{name: api, goal: '99%', window: 30d, alerts: [], \
                    indicator: {ratio: {bad: errors_total, total: requests_total}}}]";

/// What one minute brings: all requests, and those that failed.
struct Minute {
    requests: f64,
    errors: f64,
}

/// A month of minutes, scraped once each; the series of errors is there from the first error on.
fn month(minute: impl Fn(i64) -> Minute) -> BudgetStatus {
    let mut engine = SloEngine::new(slos(YAML), EngineSettings::default());
    let (up, requests, errors) = (SeriesId(0), SeriesId(1), SeriesId(2));
    engine.step(Event::SeriesBorn { id: requests, labels: &series("requests_total") }, START);
    let (mut total, mut bad) = (0.0, 0.0);
    for number in 0..=MONTH_MINUTES {
        let at = START + TimeDelta(number * TimeDelta::MINUTE.0);
        if number > 0 {
            let minute = minute(number - 1);
            total += minute.requests;
            if bad == 0.0 && minute.errors > 0.0 {
                engine.step(Event::SeriesBorn { id: errors, labels: &series("errors_total") }, at);
            }
            bad += minute.errors;
        }
        let mut samples = vec![(requests, Sample::new(at, total))];
        samples.extend((bad > 0.0).then(|| (errors, Sample::new(at, bad))));
        let origin = Origin::Scrape { target: up, ok: true, interval: TimeDelta::MINUTE };
        engine.step(Event::Batch(&Batch::floats(origin, at, samples)), at);
    }
    let now = START + TimeDelta(MONTH_MINUTES * TimeDelta::MINUTE.0);
    engine.status(now)[0].streams[0].budget.expect("a measured month")
}

fn check(expected: f64, minute: impl Fn(i64) -> Minute) {
    let budget = month(minute);
    let bounds = (budget.left_ratio_low, budget.left_ratio_high);
    assert!((budget.left_ratio - expected).abs() < 1e-9, "{} for {expected}", budget.left_ratio);
    assert_eq!(bounds, (budget.left_ratio, budget.left_ratio), "every minute was measured");
}

#[test]
fn one_peak_hour_weighs_as_much_as_its_requests() {
    // 719 hours of 100 requests, one of 100,000 of which a tenth fails: a mean of hourly ratios would see 1 in 720.
    let peak_hour = 400;
    check(1.0 - 10_000.0 / (0.01 * 171_900.0), |minute| match minute / 60 == peak_hour {
        true => Minute { requests: 100_000.0 / 60.0, errors: 10_000.0 / 60.0 },
        false => Minute { requests: 100.0 / 60.0, errors: 0.0 },
    });
}

#[test]
fn bad_nights_of_little_traffic_cost_little() {
    // Days at 100 requests a second without errors, nights at 0.1 of which one in twenty fails.
    let (day, night) = (43_200.0 * 100.0, 43_200.0 * 0.1);
    check(1.0 - night * 0.05 / (0.01 * (day + night)), |minute| match minute / 720 % 2 == 0 {
        true => Minute { requests: 6000.0, errors: 0.0 },
        false => Minute { requests: 6.0, errors: 0.3 },
    });
}

#[test]
fn a_quarter_of_an_hour_without_traffic_costs_nothing() {
    check(1.0, |minute| match (20_000..20_015).contains(&minute) {
        true => Minute { requests: 0.0, errors: 0.0 },
        false => Minute { requests: 60.0, errors: 0.0 },
    });
}

#[test]
fn errors_that_begin_on_day_28_count_for_two_days_of_thirty() {
    // 2.5 % for the last two days: a sixth of the budget, not two and a half times all of it.
    check(1.0 - 2.5 * 2.0 / 30.0, |minute| match minute >= 28 * 24 * 60 {
        true => Minute { requests: 400.0, errors: 10.0 },
        false => Minute { requests: 400.0, errors: 0.0 },
    });
}

#[test]
fn every_one_of_720_short_lived_pods_that_failed_once_is_counted() {
    // One an hour, a target each. It answers, fails once between two scrapes, and is gone after ten minutes: a series
    // whose first value is 1, and whose last value is 1.
    let mut engine = SloEngine::new(slos(YAML), EngineSettings::default());
    let named = |name: &str, pod: i64| {
        Labels::from_pairs([("__name__", name.to_owned()), ("instance", format!("pod-{pod}"))])
    };
    for pod in 0..720 {
        let id = |offset: u32| SeriesId(pod as u32 * 3 + offset);
        for minute in 0..=10 {
            let at = START + TimeDelta((pod * 60 + minute) * TimeDelta::MINUTE.0);
            let mut samples = vec![(id(1), Sample::new(at, 100.0 * minute as f64))];
            let born = match minute {
                0 => Some((id(1), named("requests_total", pod))),
                4 => Some((id(2), named("errors_total", pod))),
                _ => None,
            };
            if let Some((id, labels)) = &born {
                engine.step(Event::SeriesBorn { id: *id, labels }, at);
            }
            if minute >= 4 {
                samples.push((id(2), Sample::new(at, 1.0)));
            }
            let is_there = minute < 10;
            if !is_there {
                samples = vec![(id(0), Sample::new(at, STALE_NAN))];
            }
            let origin = Origin::Scrape { target: id(0), ok: is_there, interval: TimeDelta::MINUTE };
            engine.step(Event::Batch(&Batch::floats(origin, at, samples)), at);
        }
    }
    let now = START + TimeDelta(719 * TimeDelta::HOUR.0 + 9 * TimeDelta::MINUTE.0);
    let stream = engine.status(now)[0].streams.swap_remove(0);
    let bad = stream.total.total - stream.total.good;
    assert_eq!((bad, stream.total.total), (720.0, 720.0 * 900.0));
    let left = stream.budget.expect("a measured month").left_ratio;
    assert!((left - (1.0 - 720.0 / (0.01 * 720.0 * 900.0))).abs() < 1e-9, "{left}");
}
