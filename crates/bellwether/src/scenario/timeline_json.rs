//! A timeline for programs.

use serde_json::{Value, json};

use super::player::Played;
use super::quantity::Moment;
use super::story::TrackOf;
use super::timeline::entries;

/// A run with everything that is known of it; moments are seconds since its start.
pub fn as_json(played: &Played) -> Value {
    let story = &played.story;
    let seconds = |moment: Moment| json!(moment.0.as_secs_f64());
    let optional = |moment: Option<Moment>| moment.map_or(Value::Null, seconds);
    json!({
        "name": played.name,
        "about": played.about,
        "ok": played.is_good(),
        "start": played.start.to_string(),
        "length_s": played.length.as_secs_f64(),
        "scrape_s": played.pace.scrape.as_secs_f64(),
        "evaluation_s": played.pace.evaluation.as_secs_f64(),
        "problems": played.problems,
        "expectations": played.verdicts.iter().map(|verdict| json!({
            "ok": verdict.holds,
            "expected": verdict.expected,
            "got": verdict.got,
            "at_s": optional(verdict.at),
        })).collect::<Vec<_>>(),
        "timeline": entries(played).iter().map(|entry| json!({
            "at_s": seconds(entry.at),
            "kind": entry.kind.as_str(),
            "text": entry.text,
        })).collect::<Vec<_>>(),
        "faults": played.faults.iter().map(|(name, from, until)| json!({
            "name": name,
            "from_s": seconds(*from),
            "until_s": seconds(*until),
        })).collect::<Vec<_>>(),
        "alerts": story.lives.iter().map(|life| json!({
            "labels": life.labels,
            "pending_s": optional(life.pending),
            "fires_s": optional(life.fired),
            "ends_s": optional(life.ended),
        })).collect::<Vec<_>>(),
        "messages": story.told.iter().map(|told| json!({
            "at_s": seconds(told.at),
            "receiver": told.to.receiver,
            "integration": told.to.to_string(),
            "reason": told.reason.as_str(),
            "attempt": told.attempt,
            "status": told.status.as_str(),
            "alerts": told.alerts,
            "title": told.title,
            "text": told.text,
            "taken": told.outcome.is_ok(),
            "answer": told.outcome.as_ref().err(),
            "template_error": told.template_error,
        })).collect::<Vec<_>>(),
        "tracks": story.tracks.iter().map(|track| json!({
            "of": track.name,
            "what": word(track.what),
            "points": track.points.iter().map(|(at, value)| json!([at.0.as_secs_f64(), value])).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

const fn word(what: TrackOf) -> &'static str {
    match what {
        TrackOf::Sli => "sli",
        TrackOf::Burn => "burn",
        TrackOf::Budget => "budget",
        TrackOf::Query => "query",
    }
}
