//! Goals held against histories made by hand.

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_slo::{
    Counts, ForecastMethod, Goal, Past, Period, Stretch, Suggestion, forecast, suggest, what_if,
};

const MINUTE: TimeDelta = TimeDelta::MINUTE;
const DAY_MINUTES: i64 = 1440;

/// So many days at 1,000 events a minute; how many of them are bad is up to the test, `None` where nothing is measured.
fn past(days: i64, bad: impl Fn(i64) -> Option<f64>) -> Past {
    let minute = |index: i64| match bad(index) {
        Some(bad) => (Counts { bad, total: 1000.0 }, MINUTE),
        None => (Counts::default(), TimeDelta::ZERO),
    };
    Past::of(Timestamp(0), MINUTE, (0..days * DAY_MINUTES).map(minute))
}

fn goal(text: &str) -> Goal {
    Goal::parse(text).unwrap()
}

fn rolling(days: i64) -> Period {
    Period::Rolling(TimeDelta::DAY * days)
}

fn whole(past: &Past) -> Stretch {
    Stretch { begin: past.begin(), end: past.end() }
}

#[test]
fn an_outage_is_held_against_another_goal() {
    // Twenty minutes of everything bad on the third day.
    let at = 2 * DAY_MINUTES + 600;
    let past = past(30, |minute| Some(if (at..at + 20).contains(&minute) { 1000.0 } else { 0.0 }));
    let check = |text: &str, left: f64, exhausted_after: Option<i64>, pages: usize| {
        let found = what_if(&past, whole(&past), goal(text), &rolling(30));
        assert!((found.left_ratio.unwrap() - left).abs() < 1e-9, "{text}: {found:?}");
        let exhausted = found.exhausted_at.map(|moment| (moment.0 / MINUTE.0) - at);
        assert_eq!((exhausted, found.pages), (exhausted_after, pages), "{text}");
        assert_eq!((found.spent_events, found.total), (20_000.0, 43_200_000.0));
    };
    // 43.2 minutes may be bad, 4.32, and 0.432 of the first.
    check("99.9%", 1.0 - 20.0 / 43.2, None, 1);
    check("99.99%", 1.0 - 20.0 / 4.32, Some(5), 1);
    check("99.999%", 1.0 - 20.0 / 0.432, Some(1), 1);
    check("90%", 1.0 - 20.0 / 4320.0, None, 0);
}

#[test]
fn a_history_that_is_shorter_or_has_holes_says_so() {
    let past = past(10, |minute| (minute % 2 == 0).then_some(0.0));
    let asked = Stretch { begin: Timestamp(0) - TimeDelta::DAY, ..whole(&past) };
    let found = what_if(&past, asked, goal("99.9%"), &rolling(30));
    assert_eq!((found.begin, found.measured_ratio, found.left_ratio), (Timestamp(0), 0.5, Some(1.0)));
    assert!(
        found.notes[0].contains("history reaches from") && found.notes[1].contains("50 %"),
        "{:?}",
        found.notes
    );
    let nothing = what_if(&past, Stretch { begin: past.end(), end: past.end() }, goal("99.9%"), &rolling(30));
    assert_eq!((nothing.left_ratio, nothing.sli_ratio, nothing.exhausted_at), (None, None, None));
}

#[test]
fn pages_of_one_incident_are_one() {
    // Bad enough for both paging alerts, twice, half a day apart.
    let is_bad = |minute: i64| (1000..1060).contains(&(minute % (DAY_MINUTES / 2 + 400)));
    let past = past(3, |minute| Some(if is_bad(minute) { 500.0 } else { 0.0 }));
    let found = what_if(&past, whole(&past), goal("99.9%"), &rolling(30));
    let incidents = (0..3 * DAY_MINUTES).filter(|minute| is_bad(*minute) && !is_bad(minute - 1)).count();
    assert_eq!(found.pages, incidents, "{:?}", found.fired);
    assert!(found.fired.iter().filter(|fired| fired.severity == "page").count() > incidents);
}

fn suggested(days: i64, period: i64, bad: impl Fn(i64) -> f64) -> Suggestion {
    // In steps of five minutes, so that replays take a fifth of the time.
    let step = |index: i64| {
        let bad = (index * 5..index * 5 + 5).map(&bad).sum();
        (Counts { bad, total: 5000.0 }, MINUTE * 5)
    };
    let past = Past::of(Timestamp(0), MINUTE * 5, (0..days * DAY_MINUTES / 5).map(step));
    suggest(&past, &rolling(period), Some(goal("99.9%")))
}

fn goals(suggestion: &Suggestion) -> (Option<&str>, Option<&str>) {
    let text = |outlook: &Option<bellwether_slo::GoalOutlook>| outlook.as_ref().map(|o| o.goal_text.clone());
    let leak = |text: Option<String>| text.map(|text| &*Box::leak(text.into_boxed_str()));
    (leak(text(&suggestion.achievable)), leak(text(&suggestion.aspirational)))
}

#[test]
fn what_history_supports_and_the_next_nine() {
    // Always the same share: every period is like every other.
    let check = |bad_per_1000: f64, expected: (Option<&str>, Option<&str>)| {
        let found = suggested(60, 28, |_| bad_per_1000);
        assert_eq!(goals(&found), expected, "{bad_per_1000} of 1000: {found:?}");
    };
    check(0.3, (Some("99.95%"), Some("99.99%")));
    check(3.0, (Some("99.5%"), Some("99.9%")));
    check(60.0, (Some("90%"), Some("99%")));
    // A tenth of the budget must be left: exactly the goal is not enough.
    check(1.0, (Some("99.8%"), Some("99.9%")));
    check(700.0, (None, Some("50%")));
}

#[test]
fn days_that_differ_make_a_goal_less_sure() {
    // Every tenth day loses half an hour.
    let bad = |minute: i64| if minute % (10 * DAY_MINUTES) < 30 { 1000.0 } else { 0.0 };
    let found = suggested(60, 30, bad);
    let present = found.present.as_ref().unwrap();
    // Ninety minutes of thirty days against 43.2.
    assert_eq!(present.periods_met, 0, "{found:?}");
    assert!(present.breach_ratio > 0.5, "{present:?}");
    let achievable = found.achievable.as_ref().unwrap();
    // With six such days in thirty, 99.5 % (216 minutes) still holds; the dice draw seven or more once in twenty.
    assert_eq!(achievable.goal_text, "99.5%", "{found:?}");
    assert!(achievable.breach_ratio <= 0.05 && achievable.left_ratio_min.unwrap() >= 0.1);
    assert_eq!(found.periods_seen, 31);
    // Six incidents in sixty days are three a month.
    assert!((present.pages_per_month - 3.0).abs() < 1e-9, "{present:?}");
    assert_eq!(found, suggested(60, 30, bad), "the dice always fall the same way");
}

#[test]
fn too_little_history_is_no_ground_for_a_suggestion() {
    let found = suggested(5, 28, |_| 1.0);
    assert_eq!((goals(&found), found.blocks), ((None, None), 5));
    assert_eq!(found.present, None, "five days cannot say how often any goal is missed either");
    assert!(found.notes[0].contains("too little history"), "{:?}", found.notes);
    let found = suggested(10, 28, |_| 0.3);
    assert_eq!(goals(&found).0, Some("99.95%"));
    assert!(found.notes[0].contains("not one whole period"), "{:?}", found.notes);
    let found = suggested(30, 7, |_| 0.0);
    assert_eq!(goals(&found).0, Some("99.9999%"));
    assert!(found.notes[0].contains("untested"), "{:?}", found.notes);
    // Fifty thousand good events are no ground for more than four nines, and just enough for those.
    let few = |total: f64| {
        let minute = (Counts { bad: 0.0, total }, MINUTE);
        suggest(&Past::of(Timestamp(0), MINUTE, std::iter::repeat_n(minute, 10_080)), &rolling(1), None)
    };
    assert_eq!(goals(&few(5.0)), (Some("99.99%"), Some("99.999%")));
    let empty = suggest(&Past::of(Timestamp(0), MINUTE, []), &rolling(28), None);
    assert_eq!(
        (goals(&empty), empty.notes.as_slice()),
        ((None, None), ["no events were seen".to_owned()].as_slice())
    );
}

#[test]
fn a_steady_loss_is_forecast_where_the_line_crosses() {
    // Two days of nothing, then one and a half per mille: at 28 days and 99.9 % the rolling budget ends when
    // 1.5 * bad days > 28, after 18 days and 16 hours of it.
    let clean = 20 * DAY_MINUTES;
    let past = past(34, |minute| Some(if minute < clean { 0.0 } else { 1.5 }));
    let found = forecast(&past, &rolling(28), goal("99.9%"));
    assert_eq!(found.method, ForecastMethod::Weekdays);
    // Fourteen days are bad and twenty clean; drawn days are of both kinds, so that some futures end it.
    let probability = found.exhausted_probability.unwrap();
    assert!((0.0..=1.0).contains(&probability), "{found:?}");
    let left = found.left_at_end.unwrap();
    assert!(left.low <= left.middle && left.middle <= left.high, "{left:?}");
    assert!((found.left_ratio.unwrap() - 0.25).abs() < 1e-9, "14 * 1.5 of 28");
    assert_eq!(found, forecast(&past, &rolling(28), goal("99.9%")));
}

#[test]
fn a_weekly_habit_is_expected_again() {
    // Every seventh day, counted from the end, loses four hundred minutes; in a week's period of 95 % (504 minutes)
    // that never ends the budget, but two such days in one week would. Days drawn from days of the week know that.
    let days = 28;
    let bad = |minute: i64| {
        let (day, of_day) = (minute / DAY_MINUTES, minute % DAY_MINUTES);
        Some(if day % 7 == 3 && of_day < 400 { 1000.0 } else { 0.0 })
    };
    let by_weekday = forecast(&past(days, bad), &rolling(7), goal("95%"));
    assert_eq!((by_weekday.method, by_weekday.exhausted_probability), (ForecastMethod::Weekdays, Some(0.0)));
    let short = forecast(&past(12, bad), &rolling(7), goal("95%"));
    assert_eq!(short.method, ForecastMethod::Days);
    assert!(short.exhausted_probability.unwrap() > 0.1, "{short:?}");
    assert!(short.earliest.is_some() && short.notes[0].contains("12 days"), "{short:?}");
}

#[test]
fn a_day_of_history_is_worth_two_lines() {
    // One per mille all day, two in the last quarter: 30 days at 99.9 %.
    let minutes = 2 * DAY_MINUTES;
    let past = past(2, |minute| Some(if minute < minutes * 3 / 4 { 1.0 } else { 3.0 }));
    let found = forecast(&past, &rolling(30), goal("99.9%"));
    assert_eq!((found.method, found.exhausted_probability), (ForecastMethod::Exhausted, Some(1.0)));
    let found = forecast(&past, &rolling(30), goal("99.8%"));
    assert_eq!((found.method, found.exhausted_probability), (ForecastMethod::Linear, None));
    assert!(
        found.earliest.is_some() && found.latest.is_none(),
        "1.5 of 1000 never ends it, 3 does: {found:?}"
    );
    let nothing = forecast(&Past::of(Timestamp(0), MINUTE, []), &rolling(30), goal("99.9%"));
    assert_eq!((nothing.left_ratio, nothing.left_at_end), (None, None));
}
