//! Our own format: a title and panels, each with a type, a query and a unit.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Spanned};
use bellwether_model::TimeDelta;
use bellwether_web::view::{Dashboard, Panel, PanelKind, PanelQuery, PanelThreshold, PanelTone, PanelUnit};

use super::{COLUMNS, RANGE_USUAL, check_query};

const KINDS: [(&str, PanelKind); 5] = [
    ("stat", PanelKind::Stat),
    ("gauge", PanelKind::Gauge),
    ("line", PanelKind::Line),
    ("table", PanelKind::Table),
    ("heatmap", PanelKind::Heatmap),
];
const UNITS: [(&str, PanelUnit); 7] = [
    ("plain", PanelUnit::Plain),
    ("ratio", PanelUnit::Ratio),
    ("percent", PanelUnit::Percent),
    ("seconds", PanelUnit::Seconds),
    ("milliseconds", PanelUnit::Milliseconds),
    ("bytes", PanelUnit::Bytes),
    ("per_second", PanelUnit::PerSecond),
];
const TONES: [(&str, PanelTone); 3] =
    [("ok", PanelTone::Ok), ("warn", PanelTone::Warn), ("bad", PanelTone::Bad)];

pub(super) fn read(document: &Node, cx: &mut Cx<'_>) -> Option<Dashboard> {
    let mut map = MapReader::open(document, cx)?;
    let title = map.required("title", cx);
    let about = map.optional("about", cx);
    let range = map.optional("range", cx).filter(|range| *range > TimeDelta::ZERO);
    let nodes: Vec<Node> = map.required("panels", cx).unwrap_or_default();
    map.finish(cx);
    let panels = nodes.iter().filter_map(|node| panel(node, cx)).collect();
    Some(Dashboard {
        name: String::new(),
        title: title?,
        about,
        range: range.unwrap_or(RANGE_USUAL),
        panels,
        left_out: Vec::new(),
    })
}

fn panel(node: &Node, cx: &mut Cx<'_>) -> Option<Panel> {
    let mut map = MapReader::open(node, cx)?;
    let title = map.required("title", cx);
    let about = map.optional("about", cx);
    let kind = map.required("type", cx).and_then(|word| one_of(&word, &KINDS, "a type of panel", cx));
    let unit = map.optional("unit", cx).map(|word| one_of(&word, &UNITS, "a unit", cx));
    let width = map.optional("width", cx).map(|width: Spanned<u8>| {
        if !(1..=COLUMNS).contains(&width.value) {
            cx.error_help(
                width.span,
                format!("a width of {} columns", width.value),
                format!("write 1 to {COLUMNS}"),
            );
        }
        width.value.clamp(1, COLUMNS)
    });
    let (min, max) = (map.optional("min", cx), map.optional("max", cx));
    let mut queries = Vec::new();
    match (map.node("query"), map.node("queries")) {
        (Some(node), None) => queries.extend(query(node, cx)),
        (None, Some(nodes)) => {
            for node in nodes.as_sequence().unwrap_or_default() {
                queries.extend(query(node, cx));
            }
        }
        (Some(node), Some(_)) => cx.error_help(node.span, "both query and queries", "keep one of them"),
        (None, None) => {
            cx.error_help(map.span_first_line(cx), "the panel asks nothing", "write query: with PromQL")
        }
    }
    let levels: Vec<Level> = map.optional("levels", cx).unwrap_or_default();
    let mut thresholds: Vec<Threshold> = map.optional("thresholds", cx).unwrap_or_default();
    thresholds.sort_by(|a, b| a.0.from.total_cmp(&b.0.from));
    map.finish(cx);
    let kind = kind?;
    let width = width.unwrap_or(match kind {
        PanelKind::Stat | PanelKind::Gauge => COLUMNS / 4,
        PanelKind::Line | PanelKind::Table | PanelKind::Heatmap => COLUMNS / 2,
    });
    Some(Panel {
        title: title?,
        about,
        kind,
        width,
        unit: unit.unwrap_or(Some(PanelUnit::Plain))?,
        queries,
        min,
        max,
        levels: levels.into_iter().map(|level| level.0).collect(),
        thresholds: thresholds.into_iter().map(|threshold| threshold.0).collect(),
    })
}

/// PromQL alone, or `{expr, legend}`.
fn query(node: &Node, cx: &mut Cx<'_>) -> Option<PanelQuery> {
    if let Some(expr) = node.as_text() {
        return check_query(node, cx).then(|| PanelQuery { expr: expr.to_owned(), legend: None });
    }
    let mut map = MapReader::open(node, cx)?;
    let expr: Option<String> = map.required("expr", cx);
    let is_good = map.node("expr").is_none_or(|node| check_query(node, cx));
    let legend = map.optional("legend", cx);
    map.finish(cx);
    is_good.then_some(PanelQuery { expr: expr?, legend })
}

/// `{at: 0.99, label: goal}`.
struct Level((f64, String));

impl Decode for Level {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let (at, label) = (map.required("at", cx), map.optional("label", cx));
        map.finish(cx);
        Some(Self((at?, label.unwrap_or_default())))
    }
}

/// `{from: 0.9, tone: warn}`.
struct Threshold(PanelThreshold);

impl Decode for Threshold {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let from = map.required("from", cx);
        let tone = map.required("tone", cx).and_then(|word| one_of(&word, &TONES, "a tone", cx));
        map.finish(cx);
        Some(Self(PanelThreshold { from: from?, tone: tone? }))
    }
}

fn one_of<T: Copy>(word: &Spanned<String>, known: &[(&str, T)], what: &str, cx: &mut Cx<'_>) -> Option<T> {
    let found = known.iter().find(|(name, _)| *name == word.value).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let message = format!("{:?} is not {what}", word.value);
        cx.error_help(word.span, message, format!("write one of {}", names.join(", ")));
    }
    found
}
