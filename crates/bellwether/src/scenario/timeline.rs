//! What is worth telling of a run, in the order of time: one list behind the text, the JSON and the page.

use bellwether_alerts::Status;

use super::player::Played;
use super::quantity::Moment;

/// What an entry of a timeline is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A fault begins.
    Fault,
    /// A fault is over.
    Repair,
    /// Somebody did something.
    Deed,
    /// An alert waits for its `for`.
    Pending,
    /// An alert fires.
    Firing,
    /// An alert is over.
    Resolved,
    /// A message that something fires.
    Told,
    /// A message that all is over.
    ToldResolved,
    /// A message that was not taken.
    Refused,
    /// An expectation that is not met.
    Unmet,
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// What it is about.
    pub kind: Kind,
    /// In words.
    pub text: String,
}

impl Kind {
    /// The word of the timeline.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Repair => "repair",
            Self::Deed => "done",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
            Self::Told | Self::ToldResolved => "told",
            Self::Refused => "not told",
            Self::Unmet => "unmet",
        }
    }
}

/// Everything that happened from the start on, in the order of time.
pub fn entries(played: &Played) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut add = |at: Moment, kind: Kind, text: String| all.push(Entry { at, kind, text });
    let end = Moment(played.length);
    for (name, from, until) in &played.faults {
        add(*from, Kind::Fault, name.clone());
        if *until < end {
            add(*until, Kind::Repair, name.clone());
        }
    }
    for deed in &played.story.deeds {
        add(deed.at, Kind::Deed, deed.what.clone());
    }
    for life in &played.story.lives {
        if let Some(at) = life.pending {
            add(at, Kind::Pending, life.title());
        }
        if let Some(at) = life.fired {
            add(at, Kind::Firing, life.title());
        }
        if let (Some(at), Some(_)) = (life.ended, life.fired) {
            add(at, Kind::Resolved, life.title());
        }
    }
    for told in &played.story.told {
        let (kind, why) = match (&told.outcome, told.status) {
            (Err(why), _) => (Kind::Refused, format!(" ({why})")),
            (Ok(()), Status::Firing) => (Kind::Told, String::new()),
            (Ok(()), Status::Resolved) => (Kind::ToldResolved, String::new()),
        };
        add(told.at, kind, format!("{}: {}{why}", told.to, one_line(&told.title)));
    }
    for verdict in played.verdicts.iter().filter(|verdict| !verdict.holds) {
        let at = verdict.at.unwrap_or(end);
        add(at, Kind::Unmet, format!("expected {}; got: {}", verdict.expected, verdict.got));
    }
    all.sort_by_key(|entry| entry.at);
    all
}

/// A text without breaks and tabs.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
