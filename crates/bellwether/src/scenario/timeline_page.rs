//! A timeline as one page with charts, in one file.

use bellwether_alerts::Status;
use bellwether_model::TimeRange;
use bellwether_web::scenario::view::{
    BandView, ChartView, EntryView, LifeView, MessageView, RunView, ScenarioView, VerdictView,
};

use super::model::Scenario;
use super::player::Played;
use super::quantity::Moment;
use super::story::{Life, Track, TrackOf};
use super::timeline::{Kind, entries};

/// The page.
pub fn page(scenario: &Scenario, all: &[Played]) -> String {
    let view = ScenarioView {
        name: scenario.name.clone(),
        about: scenario.about.clone(),
        runs: all.iter().map(run).collect(),
    };
    bellwether_web::scenario::page(&view)
}

fn run(played: &Played) -> RunView {
    let at = |moment: Moment| moment.after(played.start);
    let end = Moment(played.length);
    let range = |from: Moment, until: Moment| TimeRange::new(at(from), at(until));
    let life = |life: &Life| LifeView {
        name: life.title(),
        pending: life.pending.map(|from| range(from, life.fired.or(life.ended).unwrap_or(end))),
        firing: life.fired.map(|from| range(from, life.ended.unwrap_or(end))),
    };
    let mut alerts: Vec<LifeView> = played.story.lives.iter().map(life).collect();
    // Alerts of one name share a line, wherever their lives began.
    alerts.sort_by(|a, b| a.name.cmp(&b.name));
    RunView {
        name: played.name.clone(),
        about: played.about.clone(),
        is_good: played.is_good(),
        range: range(Moment::default(), end),
        problems: if played.is_left_out { played.problems.clone() } else { String::new() },
        faults: played
            .faults
            .iter()
            .map(|(name, from, until)| BandView { name: name.clone(), range: range(*from, *until) })
            .collect(),
        alerts,
        messages: played
            .story
            .told
            .iter()
            .map(|told| MessageView {
                at: at(told.at),
                moment: told.at.to_string(),
                to: told.to.to_string(),
                title: told.title.clone(),
                reason: told.reason.explain().to_owned(),
                text: told.text.clone(),
                is_over: told.status == Status::Resolved,
                refused: told.outcome.clone().err(),
            })
            .collect(),
        charts: played.story.tracks.iter().map(|track| chart(track, played)).collect(),
        entries: entries(played)
            .into_iter()
            .map(|entry| EntryView {
                moment: entry.at.to_string(),
                word: entry.kind.as_str(),
                tone: tone(entry.kind),
                text: entry.text,
            })
            .collect(),
        verdicts: played
            .verdicts
            .iter()
            .map(|verdict| VerdictView {
                holds: verdict.holds,
                expected: verdict.expected.clone(),
                got: verdict.got.clone(),
            })
            .collect(),
    }
}

const fn tone(kind: Kind) -> &'static str {
    match kind {
        Kind::Fault | Kind::Firing => "warn",
        Kind::Repair | Kind::Resolved | Kind::ToldResolved => "ok",
        Kind::Refused | Kind::Unmet => "bad",
        Kind::Deed | Kind::Pending | Kind::Told => "",
    }
}

fn chart(track: &Track, played: &Played) -> ChartView {
    let (title, is_ratio, level) = match track.what {
        TrackOf::Sli => (format!("{}: good events, last 5 minutes", track.name), true, "goal"),
        TrackOf::Burn => {
            (format!("{}: burn rate, last 5 minutes", track.name), false, "spends just the budget")
        }
        TrackOf::Budget => (format!("{}: budget left", track.name), true, "nothing left"),
        TrackOf::Query => (track.name.clone(), false, ""),
    };
    let is_budget = track.what == TrackOf::Budget;
    let level =
        track.level.filter(|at| !(is_budget && is_far_from(track, *at))).map(|at| (at, level.to_owned()));
    ChartView {
        title,
        is_ratio,
        level,
        include: is_budget.then_some(1.0),
        points: track.points.iter().map(|(at, value)| (at.after(played.start), *value)).collect(),
    }
}

/// Whether a level is so far from all points that showing it would hide how they move.
fn is_far_from(track: &Track, level: f64) -> bool {
    let values: Vec<f64> = track.points.iter().filter_map(|(_, value)| *value).collect();
    let (low, high) =
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    (low - level) > 3.0 * (high - low)
}
