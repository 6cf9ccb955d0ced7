//! When the budget will be gone, going by how it was spent: a range and a probability instead of a single line.
//!
//! With two weeks of history or more, futures are put together from past days, a Monday from Mondays; with three days
//! or more, from any days; with less, two straight lines are drawn, one from all that was seen and one from its latest
//! quarter. Each future moves the period along with it, so that what leaves a rolling period comes back.

use bellwether_model::{TimeDelta, Timestamp};
use serde::Serialize;

use crate::goal::{Counts, Goal};
use crate::outlook::past::Past;
use crate::outlook::resample::{Dice, quantile};
use crate::period::{Period, Stretch};

/// Futures drawn.
const FUTURES: usize = 500;
/// The clock of a future.
const TICK: TimeDelta = TimeDelta::HOUR;
const TICKS_PER_DAY: usize = 24;
/// Days of history from which days of the week are told apart.
const DAYS_FOR_WEEKDAYS: usize = 14;
/// Days of history from which days are drawn at all.
const DAYS_MIN: usize = 3;
/// No forecast looks further.
const HORIZON_MAX: TimeDelta = TimeDelta(92 * TimeDelta::DAY.0);

/// How a forecast was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ForecastMethod {
    /// Futures of past days, each from the same day of the week.
    Weekdays,
    /// Futures of any past days.
    Days,
    /// Two straight lines.
    Linear,
    /// The budget is gone already.
    Exhausted,
}

/// What becomes of a budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// The goal as people read it.
    pub goal_text: String,
    /// The moment from which it looks ahead.
    pub from: Timestamp,
    /// The moment up to which it looks: the end of the calendar's period, or one period ahead.
    pub until: Timestamp,
    /// How it was made.
    pub method: ForecastMethod,
    /// The history it rests on.
    pub history: TimeDelta,
    /// What is left now.
    pub left_ratio: Option<f64>,
    /// How likely it is gone before `until`; `None` when straight lines cannot say.
    pub exhausted_probability: Option<f64>,
    /// Of the futures in which it is gone: nine of ten times later than this.
    pub earliest: Option<Timestamp>,
    /// As often before as after; only when at least half of all futures end so.
    pub likely: Option<Timestamp>,
    /// Nine of ten times sooner than this; only when nine of ten futures end so.
    pub latest: Option<Timestamp>,
    /// What is left at `until`: the lowest of ten, the middle, the highest of ten.
    pub left_at_end: Option<LeftAtEnd>,
    /// What has to be said about it.
    pub notes: Vec<String>,
}

/// What is left at the end of a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LeftAtEnd {
    /// In nine of ten futures it is more.
    pub low: f64,
    /// In half of them.
    pub middle: f64,
    /// In one of ten.
    pub high: f64,
}

/// Looks ahead from the end of the past.
pub fn forecast(past: &Past, period: &Period, goal: Goal) -> Forecast {
    let from = past.end();
    let turn = period.turn_after(from);
    let until = turn.unwrap_or(from + period.length()).min(from + HORIZON_MAX);
    let seen = past.over(Stretch { begin: period.range_at(from).begin, end: from }).counts;
    let begin = Begin { past, period, goal, from, ticks: ticks(until - from), is_calendar: turn.is_some() };
    let history = from - past.begin();
    let mut forecast = Forecast {
        goal_text: goal.to_string(),
        from,
        until,
        method: ForecastMethod::Linear,
        history,
        left_ratio: left_ratio(seen, goal),
        exhausted_probability: None,
        earliest: None,
        likely: None,
        latest: None,
        left_at_end: None,
        notes: Vec::new(),
    };
    if past.over(Stretch { begin: past.begin(), end: from }).counts.total <= 0.0 {
        forecast.notes.push("no events were seen".to_owned());
        return forecast;
    }
    if !begin.is_calendar && forecast.left_ratio.is_some_and(|left| left < 0.0) {
        forecast.method = ForecastMethod::Exhausted;
        forecast.exhausted_probability = Some(1.0);
        (forecast.earliest, forecast.likely, forecast.latest) = (Some(from), Some(from), Some(from));
        return forecast;
    }
    let days = days(past);
    let measured = days.iter().filter(|day| day.is_some()).count();
    if measured < DAYS_MIN {
        linear(&mut forecast, &begin);
    } else {
        drawn(&mut forecast, &begin, &days, measured >= DAYS_FOR_WEEKDAYS);
    }
    forecast
}

fn ticks(length: TimeDelta) -> usize {
    (length.0 / TICK.0).max(1) as usize
}

fn left_ratio(counts: Counts, goal: Goal) -> Option<f64> {
    let allowed = counts.total * (goal.scale() - goal.good()) as f64 / goal.scale() as f64;
    (allowed > 0.0).then(|| 1.0 - counts.bad / allowed)
}

/// The hours of every day of the past, the latest day last; `None` for a day of which too little was measured.
fn days(past: &Past) -> Vec<Option<Vec<Counts>>> {
    let steps = (TICK.0 / past.step().0).max(1) as usize;
    let hours = past.blocks(steps);
    let first = hours.len() % TICKS_PER_DAY;
    let day = |hours: &[Option<Counts>]| {
        let known = hours.iter().flatten().count();
        (known * 2 >= TICKS_PER_DAY).then(|| hours.iter().map(|hour| hour.unwrap_or_default()).collect())
    };
    hours[first..].chunks(TICKS_PER_DAY).map(day).collect()
}

struct Begin<'a> {
    past: &'a Past,
    period: &'a Period,
    goal: Goal,
    from: Timestamp,
    ticks: usize,
    is_calendar: bool,
}

/// What became of one future.
struct Ending {
    gone_at: Option<Timestamp>,
    left: Option<f64>,
}

impl Begin<'_> {
    /// Lives through a future, hour by hour.
    fn live(&self, mut next: impl FnMut(usize) -> Counts) -> Ending {
        let mut ahead = vec![Counts::default()];
        for tick in 0..self.ticks {
            let (sum, more) = (ahead[tick], next(tick));
            ahead.push(Counts { bad: sum.bad + more.bad, total: sum.total + more.total });
        }
        let mut left = None;
        let mut gone_at = None;
        // A period of the calendar is judged against all that it will hold.
        let whole = self.window(&ahead, self.ticks);
        for tick in 1..=self.ticks {
            let window = self.window(&ahead, tick);
            let total = if self.is_calendar { whole.total } else { window.total };
            left = left_ratio(Counts { bad: window.bad, total }, self.goal);
            if gone_at.is_none() && left.is_some_and(|left| left < 0.0) {
                gone_at = Some(self.from + TICK * tick as i64);
            }
        }
        Ending { gone_at, left }
    }

    /// What the period holds so many hours ahead.
    fn window(&self, ahead: &[Counts], tick: usize) -> Counts {
        let now = self.from + TICK * tick as i64;
        let begin = match self.is_calendar {
            true => self.period.range_at(self.from).begin,
            false => now - self.period.length(),
        };
        let seen = self.past.over(Stretch { begin: begin.min(self.from), end: self.from }).counts;
        let gone = ((begin - self.from).0 / TICK.0).max(0) as usize;
        let (sum, before) = (ahead[tick], ahead[gone.min(tick)]);
        Counts { bad: seen.bad + sum.bad - before.bad, total: seen.total + sum.total - before.total }
    }
}

fn drawn(forecast: &mut Forecast, begin: &Begin<'_>, days: &[Option<Vec<Counts>>], by_weekday: bool) {
    // Days of one day of the week lie seven apart; the day ahead follows the latest one.
    let candidates: Vec<Vec<&Vec<Counts>>> = (0..7)
        .map(|weekday| {
            let is_it = |index: usize| !by_weekday || (days.len() - index) % 7 == (7 - weekday) % 7;
            let of = days.iter().enumerate().filter(|(index, _)| is_it(*index));
            of.filter_map(|(_, day)| day.as_ref()).collect()
        })
        .collect();
    let all: Vec<&Vec<Counts>> = days.iter().flatten().collect();
    let mut dice = Dice::fixed();
    let endings: Vec<Ending> = (0..FUTURES)
        .map(|_| {
            let mut today: &[Counts] = &[];
            begin.live(|tick| {
                if tick % TICKS_PER_DAY == 0 {
                    let of = &candidates[tick / TICKS_PER_DAY % 7];
                    let picked = dice.pick(if of.is_empty() { &all } else { of });
                    today = picked.map_or(&[], |day| day.as_slice());
                }
                today.get(tick % TICKS_PER_DAY).copied().unwrap_or_default()
            })
        })
        .collect();
    forecast.method = if by_weekday { ForecastMethod::Weekdays } else { ForecastMethod::Days };
    let mut gone: Vec<i64> = endings.iter().filter_map(|ending| Some(ending.gone_at?.0)).collect();
    let probability = gone.len() as f64 / FUTURES as f64;
    forecast.exhausted_probability = Some(probability);
    // Futures that never end it lie after all others.
    gone.resize(FUTURES, i64::MAX);
    let at = |share: f64, gone: &mut [i64]| {
        quantile(gone, share).filter(|at| *at < i64::MAX).map(Timestamp::from_millis)
    };
    forecast.earliest = at(0.1, &mut gone).or_else(|| at(0.0, &mut gone));
    forecast.likely = at(0.5, &mut gone);
    forecast.latest = at(0.9, &mut gone);
    let mut left: Vec<f64> = endings.iter().filter_map(|ending| ending.left).collect();
    let mut of = |share: f64| quantile(&mut left, share);
    forecast.left_at_end =
        of(0.1).zip(of(0.5)).zip(of(0.9)).map(|((low, middle), high)| LeftAtEnd { low, middle, high });
    if !by_weekday {
        let count = all.len();
        forecast
            .notes
            .push(format!("rests on {count} days; days of the week are told apart from two weeks on"));
    }
}

fn linear(forecast: &mut Forecast, begin: &Begin<'_>) {
    let (first, from) = (begin.past.begin(), begin.from);
    let latest = first + TimeDelta((from - first).0 * 3 / 4);
    let mut endings = Vec::new();
    for since in [first, latest] {
        let window = begin.past.over(Stretch { begin: since, end: from });
        let hours = window.measured.0 as f64 / TICK.0 as f64;
        if hours <= 0.0 {
            continue;
        }
        let Counts { bad, total } = window.counts;
        endings.push(begin.live(|_| Counts { bad: bad / hours, total: total / hours }));
    }
    let gone: Vec<Option<Timestamp>> = endings.iter().map(|ending| ending.gone_at).collect();
    forecast.earliest = gone.iter().flatten().min().copied();
    if gone.iter().all(Option::is_some) {
        forecast.latest = gone.iter().flatten().max().copied();
    }
    let left: Vec<f64> = endings.iter().filter_map(|ending| ending.left).collect();
    let low = left.iter().copied().min_by(f64::total_cmp);
    let high = left.iter().copied().max_by(f64::total_cmp);
    forecast.left_at_end =
        low.zip(high).map(|(low, high)| LeftAtEnd { low, middle: (low + high) / 2.0, high });
    forecast.notes.push(format!(
        "only {} of history: straight lines from all of it and from its latest quarter, no probability",
        forecast.history
    ));
}
