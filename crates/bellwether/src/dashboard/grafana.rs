//! Dashboards exported from Grafana. Panels of the types we draw are taken over; whatever is not is named, since a
//! dashboard that silently lacks a panel is looked at as if all were well.

use std::collections::BTreeMap;

use bellwether_diag::Cx;
use bellwether_diag::yaml::Node;
use bellwether_model::{TimeDelta, Timestamp};
use bellwether_web::view::{Dashboard, Panel, PanelKind, PanelQuery, PanelThreshold, PanelTone, PanelUnit};

use super::{COLUMNS, RANGE_USUAL, with_lengths};

/// Columns of a page of Grafana's.
const GRAFANA_COLUMNS: f64 = 24.0;

/// The dashboard in an export: by itself, or below `dashboard` as the API gives it.
pub(super) fn dashboard_in(document: &Node) -> Option<&Node> {
    let is_one = |node: &Node| {
        let has = |name: &str| node.get(name).is_some();
        has("schemaVersion")
            || has("templating")
            || panels_of(node)
                .iter()
                .any(|panel| panel.get("targets").is_some() || panel.get("gridPos").is_some())
    };
    document
        .get("dashboard")
        .filter(|inner| inner.as_mapping().is_some())
        .or_else(|| Some(document).filter(|it| is_one(it)))
}

fn panels_of(node: &Node) -> &[Node] {
    node.get("panels").and_then(Node::as_sequence).unwrap_or_default()
}

fn text<'n>(node: &'n Node, name: &str) -> Option<&'n str> {
    node.get(name).and_then(Node::as_text)
}

fn number(node: &Node, name: &str) -> Option<f64> {
    text(node, name)?.parse().ok()
}

pub(super) fn read(document: &Node, cx: &mut Cx<'_>) -> Option<Dashboard> {
    let mut read = Reader { left_out: Vec::new(), variables: BTreeMap::new() };
    read.variables(document);
    let mut panels = Vec::new();
    for panel in panels_of(document) {
        read.panel(panel, &mut panels);
    }
    // Very old exports keep their panels in rows.
    for row in document.get("rows").and_then(Node::as_sequence).unwrap_or_default() {
        panels_of(row).iter().for_each(|panel| read.panel(panel, &mut panels));
    }
    if panels.is_empty() {
        cx.error_help(
            document.span,
            "no panel of this dashboard can be drawn",
            "panels of the types stat, gauge, timeseries, table and heatmap with queries of Prometheus are",
        );
        return None;
    }
    Some(Dashboard {
        name: String::new(),
        title: text(document, "title").unwrap_or("Dashboard").to_owned(),
        about: text(document, "description").filter(|text| !text.is_empty()).map(str::to_owned),
        range: document.get("time").and_then(range_of).unwrap_or(RANGE_USUAL),
        panels,
        left_out: read.left_out,
    })
}

/// `{"from": "now-6h", "to": "now"}`.
fn range_of(time: &Node) -> Option<TimeDelta> {
    let length: TimeDelta = text(time, "from")?.strip_prefix("now-")?.parse().ok()?;
    (length > TimeDelta::ZERO && Timestamp(0) + length > Timestamp(0)).then_some(length)
}

struct Reader {
    left_out: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Reader {
    /// A variable stands for its current value; one of which everything is chosen matches everything.
    fn variables(&mut self, document: &Node) {
        let list = document.get("templating").and_then(|node| node.get("list")).and_then(Node::as_sequence);
        for variable in list.unwrap_or_default() {
            let Some(name) = text(variable, "name") else { continue };
            if text(variable, "type") == Some("datasource") {
                continue;
            }
            let current = variable.get("current").and_then(|current| current.get("value"));
            let values: Vec<&str> = match current {
                Some(value) => match value.as_sequence() {
                    Some(all) => all.iter().filter_map(Node::as_text).collect(),
                    None => value.as_text().into_iter().collect(),
                },
                None => Vec::new(),
            };
            let is_all =
                values.is_empty() || values.iter().any(|value| value.is_empty() || value.contains("$__all"));
            let stands_for = if is_all { ".*".to_owned() } else { values.join("|") };
            self.left_out.push(format!("the variable {name} cannot be chosen; it stands for {stands_for}"));
            self.variables.insert(name.to_owned(), stands_for);
        }
    }

    fn panel(&mut self, panel: &Node, panels: &mut Vec<Panel>) {
        let title =
            text(panel, "title").filter(|title| !title.is_empty()).unwrap_or("without a title").to_owned();
        let kind = match text(panel, "type").unwrap_or_default() {
            "row" => {
                panels_of(panel).iter().for_each(|inner| self.panel(inner, panels));
                return;
            }
            "stat" | "singlestat" => PanelKind::Stat,
            "gauge" | "bargauge" => PanelKind::Gauge,
            "timeseries" | "graph" => PanelKind::Line,
            "table" | "table-old" => PanelKind::Table,
            "heatmap" => PanelKind::Heatmap,
            other => {
                self.left_out
                    .push(format!("the panel \"{title}\" is of the type {other}, which is not drawn"));
                return;
            }
        };
        let targets = panel.get("targets").and_then(Node::as_sequence).unwrap_or_default();
        let queries: Vec<PanelQuery> =
            targets.iter().filter_map(|target| self.query(target, &title)).collect();
        if queries.is_empty() {
            self.left_out.push(format!("the panel \"{title}\" has no query that can be asked"));
            return;
        }
        for gone in ["transformations", "alert"] {
            if panel.get(gone).is_some_and(|node| node.as_sequence().is_none_or(|all| !all.is_empty())) {
                self.left_out.push(format!("{gone} of the panel \"{title}\""));
            }
        }
        let defaults = panel.get("fieldConfig").and_then(|config| config.get("defaults"));
        let columns =
            panel.get("gridPos").and_then(|place| number(place, "w")).unwrap_or(GRAFANA_COLUMNS / 2.0);
        let width = (columns / GRAFANA_COLUMNS * f64::from(COLUMNS)).round().clamp(2.0, f64::from(COLUMNS));
        panels.push(Panel {
            title,
            about: text(panel, "description").filter(|text| !text.is_empty()).map(str::to_owned),
            kind,
            width: width as u8,
            unit: defaults
                .and_then(|it| text(it, "unit"))
                .or_else(|| text(panel, "format"))
                .map_or(PanelUnit::Plain, unit),
            queries,
            min: defaults.and_then(|it| number(it, "min")),
            max: defaults.and_then(|it| number(it, "max")),
            levels: Vec::new(),
            thresholds: defaults.and_then(|it| it.get("thresholds")).map(thresholds).unwrap_or_default(),
        });
    }

    fn query(&mut self, target: &Node, title: &str) -> Option<PanelQuery> {
        let written = text(target, "expr").filter(|expr| !expr.trim().is_empty())?;
        if text(target, "hide") == Some("true") {
            return None;
        }
        let expr = self.filled(written);
        if let Err(errors) = bellwether_promql::parse(&with_lengths(&expr)) {
            let why = errors.first().map(|error| error.message.clone()).unwrap_or_default();
            self.left_out.push(format!("a query of the panel \"{title}\" cannot be read: {why}: {written}"));
            return None;
        }
        let legend = text(target, "legendFormat").filter(|legend| !legend.is_empty() && *legend != "__auto");
        Some(PanelQuery { expr, legend: legend.map(str::to_owned) })
    }

    /// A query with values for its variables. What was compared for equality with several values is matched.
    fn filled(&self, written: &str) -> String {
        let mut text = written.to_owned();
        for (name, value) in &self.variables {
            for variable in [
                format!("${{{name}}}"),
                format!("${{{name}:regex}}"),
                format!("[[{name}]]"),
                format!("${name}"),
            ] {
                if value.contains(['|', '*']) {
                    text = text.replace(&format!("=\"{variable}\""), &format!("=~\"{value}\""));
                }
                text = text.replace(&variable, value);
            }
        }
        text
    }
}

fn unit(name: &str) -> PanelUnit {
    match name {
        "percentunit" => PanelUnit::Ratio,
        "percent" => PanelUnit::Percent,
        "s" | "dtdurations" => PanelUnit::Seconds,
        "ms" => PanelUnit::Milliseconds,
        "bytes" | "decbytes" => PanelUnit::Bytes,
        "reqps" | "ops" | "rps" | "cps" | "wps" | "iops" => PanelUnit::PerSecond,
        _ => PanelUnit::Plain,
    }
}

fn thresholds(node: &Node) -> Vec<PanelThreshold> {
    let steps = node.get("steps").and_then(Node::as_sequence).unwrap_or_default();
    let read = |step: &Node| {
        let tone = match text(step, "color")? {
            color if color.contains("red") => PanelTone::Bad,
            color if color.contains("yellow") || color.contains("orange") => PanelTone::Warn,
            color if color.contains("green") => PanelTone::Ok,
            _ => return None,
        };
        // The first step has no value: it holds from the beginning.
        Some(PanelThreshold { from: number(step, "value").unwrap_or(f64::NEG_INFINITY), tone })
    };
    steps.iter().filter_map(read).collect()
}
