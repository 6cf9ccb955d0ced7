//! What the page of a scenario shows, as plain data; whoever plays scenarios fills it in.

use bellwether_model::{TimeRange, Timestamp};

/// A scenario that was played.
#[derive(Clone, Debug)]
pub struct ScenarioView {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Its runs.
    pub runs: Vec<RunView>,
}

/// One run.
#[derive(Clone, Debug)]
pub struct RunView {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Whether everything was as expected.
    pub is_good: bool,
    /// From its start to its end.
    pub range: TimeRange,
    /// What is wrong with its configuration; empty where that is nothing.
    pub problems: String,
    /// Its faults.
    pub faults: Vec<BandView>,
    /// Lives of alerts.
    pub alerts: Vec<LifeView>,
    /// Messages.
    pub messages: Vec<MessageView>,
    /// Charts.
    pub charts: Vec<ChartView>,
    /// What happened, in the order of time.
    pub entries: Vec<EntryView>,
    /// What was expected, and what came of it.
    pub verdicts: Vec<VerdictView>,
}

/// A stretch of time with a name.
#[derive(Clone, Debug)]
pub struct BandView {
    /// The name.
    pub name: String,
    /// From when to when.
    pub range: TimeRange,
}

/// One life of an alert.
#[derive(Clone, Debug)]
pub struct LifeView {
    /// What it is called.
    pub name: String,
    /// While it waited for its `for`.
    pub pending: Option<TimeRange>,
    /// While it fired.
    pub firing: Option<TimeRange>,
}

/// A message.
#[derive(Clone, Debug)]
pub struct MessageView {
    /// When.
    pub at: Timestamp,
    /// The same as people read it.
    pub moment: String,
    /// To whom.
    pub to: String,
    /// Its title.
    pub title: String,
    /// Why it was sent.
    pub reason: String,
    /// All of its text.
    pub text: String,
    /// Whether all that it speaks of is over.
    pub is_over: bool,
    /// Why it was not taken.
    pub refused: Option<String>,
}

/// A line over time.
#[derive(Clone, Debug)]
pub struct ChartView {
    /// What it shows.
    pub title: String,
    /// Whether values are shares of a whole.
    pub is_ratio: bool,
    /// A level worth seeing beside the line, with its name.
    pub level: Option<(f64, String)>,
    /// A value that the axis reaches, so that what hardly moves is seen to hardly move.
    pub include: Option<f64>,
    /// Its points.
    pub points: Vec<(Timestamp, Option<f64>)>,
}

/// One entry of the timeline.
#[derive(Clone, Debug)]
pub struct EntryView {
    /// When, as people read it.
    pub moment: String,
    /// Which kind of entry.
    pub word: &'static str,
    /// How it is to be taken: `bad`, `warn`, `ok` or nothing.
    pub tone: &'static str,
    /// In words.
    pub text: String,
}

/// What came of an expectation.
#[derive(Clone, Debug)]
pub struct VerdictView {
    /// Whether it was met.
    pub holds: bool,
    /// What was expected.
    pub expected: String,
    /// What happened.
    pub got: String,
}
