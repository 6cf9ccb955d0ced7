//! Dashboards as pages are given them: panels, and what each asks.

use bellwether_model::TimeDelta;
use serde::Serialize;

/// A page of panels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dashboard {
    /// Its address: lower case letters, digits and dashes.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// What it is for.
    pub about: Option<String>,
    /// How much of the past is shown unless asked otherwise.
    pub range: TimeDelta,
    /// Its panels in order.
    pub panels: Vec<Panel>,
    /// What was left out of the file it comes from, in sentences.
    pub left_out: Vec<String>,
}

/// One picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Panel {
    /// Its heading.
    pub title: String,
    /// What it shows and what to make of it.
    pub about: Option<String>,
    /// How it is drawn.
    pub kind: PanelKind,
    /// How much of the page's twelve columns it takes.
    pub width: u8,
    /// What its values are.
    pub unit: PanelUnit,
    /// What it asks.
    pub queries: Vec<PanelQuery>,
    /// The least value of its scale.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// Levels drawn across it, with their names.
    pub levels: Vec<(f64, String)>,
    /// From which value on which colour holds, ascending.
    pub thresholds: Vec<PanelThreshold>,
}

/// How a panel is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PanelKind {
    /// One large number, and its past in small.
    Stat,
    /// A number on a scale.
    Gauge,
    /// Lines over time.
    Line,
    /// A row for each series.
    Table,
    /// How the observations of a histogram are spread, over time.
    Heatmap,
}

/// What a panel's values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PanelUnit {
    /// Numbers.
    #[default]
    Plain,
    /// Shares of one, shown as percentages.
    Ratio,
    /// Percentages as they are.
    Percent,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// So many each second.
    PerSecond,
}

/// A query of a panel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PanelQuery {
    /// PromQL; `$__rate_interval`, `$__interval` and `$__range` stand for lengths of time that suit what is shown.
    pub expr: String,
    /// What its series are called: `{{job}}` stands for a label. All labels if absent.
    pub legend: Option<String>,
}

/// A colour from a value on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PanelThreshold {
    /// From this value on.
    pub from: f64,
    /// How it looks.
    pub tone: PanelTone,
}

/// How a value looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PanelTone {
    /// As it should be.
    Ok,
    /// Worth a look.
    Warn,
    /// Not as it should be.
    Bad,
}
