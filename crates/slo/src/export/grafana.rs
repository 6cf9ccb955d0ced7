//! A dashboard of Grafana: for each objective its indicator with the goal, what is left of the budget, and how fast it
//! burns. It draws the series that the generated rules record, so it needs nothing but a Prometheus.

use std::collections::BTreeSet;

use bellwether_model::{Matcher, TimeDelta};

use super::tree::{Fields, Tree};
use crate::definition::Slo;

/// The schema of dashboards that Grafana 10 and later read.
const SCHEMA_VERSION: f64 = 39.0;
/// Panels stand on a grid of this width.
const GRID_WIDTH: u64 = 24;
const PANEL_HEIGHT: u64 = 8;

pub(super) fn dashboard(slos: &[Slo]) -> Tree {
    let mut panels = Vec::new();
    for slo in slos.iter().filter(|slo| slo.goal.is_some()) {
        let row = panels.len() as u64;
        panels.extend(of_slo(slo, row));
    }
    let source = Fields::new()
        .with("name", "datasource")
        .with("label", "Data source")
        .with("type", "datasource")
        .with("query", "prometheus")
        .with("refresh", 1u64)
        .with("hide", 0u64);
    let range = Fields::new().with("from", "now-24h").with("to", "now");
    Fields::new()
        .with("uid", "bellwether-slos")
        .with("title", "Service level objectives")
        .with("tags", vec!["slo", "bellwether"])
        .with("schemaVersion", SCHEMA_VERSION)
        .with("editable", true)
        .with("graphTooltip", 1u64)
        .with("refresh", "1m")
        .with("time", range)
        .with("timezone", "browser")
        .with("templating", Fields::new().with("list", vec![Tree::from(source)]))
        .with("annotations", Fields::new().with("list", Vec::<Tree>::new()))
        .with("panels", panels)
        .into()
}

/// A row, and below it three panels.
fn of_slo(slo: &Slo, number: u64) -> Vec<Tree> {
    let filter = format!("{{{}}}", Matcher::equal("slo_id", slo.id()));
    let allowed = slo.goal.map_or("0".to_owned(), |goal| format!("(1 - {})", goal.ratio_text()));
    let burn = |window: TimeDelta| format!("slo:burn_rate:ratio{window}{filter}");
    let period = slo.period.length();
    let windows: BTreeSet<TimeDelta> =
        slo.alerts.iter().flat_map(|alert| [Some(alert.long), alert.short]).flatten().collect();
    let top = number / 4 * (PANEL_HEIGHT + 1);
    let place = |x: u64| {
        Fields::new().with("x", x).with("y", top + 1).with("w", GRID_WIDTH / 3).with("h", PANEL_HEIGHT)
    };
    let row = Fields::new()
        .with("id", number + 1)
        .with("type", "row")
        .with("title", if slo.display_name.is_empty() { slo.id() } else { slo.display_name.clone() })
        .with("collapsed", false)
        .with("gridPos", Fields::new().with("x", 0u64).with("y", top).with("w", GRID_WIDTH).with("h", 1u64))
        .with("panels", Vec::<Tree>::new());
    let goal = slo.goal.map_or(0.0, crate::goal::Goal::ratio);
    let sli = panel(number + 2, "Share of good events", place(0), "percentunit", goal).with(
        "targets",
        vec![
            target("A", &format!("1 - {} * {allowed}", burn(period)), "over the period"),
            target("B", &format!("slo:goal:ratio{filter}"), "goal"),
        ],
    );
    let budget = panel(number + 3, "Budget left", place(8), "percentunit", 0.0)
        .with("targets", vec![target("A", &format!("slo:budget_left:ratio{filter}"), "left")]);
    let burns: Vec<Tree> = windows
        .iter()
        .zip('A'..='Z')
        .map(|(window, letter)| target(&letter.to_string(), &burn(*window), &window.to_string()))
        .collect();
    let factors = slo.alerts.iter().map(|alert| alert.factor.as_f64()).fold(f64::INFINITY, f64::min);
    let least = if factors.is_finite() { factors } else { 1.0 };
    let speed = panel(number + 4, "Burn rate by window", place(16), "none", least).with("targets", burns);
    vec![row.into(), sli.into(), budget.into(), speed.into()]
}

/// A time series with a line at a value.
fn panel(id: u64, title: &str, place: Fields, unit: &str, line: f64) -> Fields {
    let step = |color: &str, value: Option<f64>| {
        Tree::from(
            Fields::new()
                .with("color", color)
                .with("value", value.map_or(Tree::Number("null".to_owned()), Tree::from)),
        )
    };
    let thresholds = Fields::new()
        .with("mode", "absolute")
        .with("steps", vec![step("transparent", None), step("red", Some(line))]);
    let defaults = Fields::new()
        .with("unit", unit)
        .with("custom", Fields::new().with("thresholdsStyle", Fields::new().with("mode", "line")))
        .with("thresholds", thresholds);
    Fields::new()
        .with("id", id)
        .with("type", "timeseries")
        .with("title", title)
        .with("datasource", source())
        .with("gridPos", place)
        .with("fieldConfig", Fields::new().with("defaults", defaults).with("overrides", Vec::<Tree>::new()))
        .with(
            "options",
            Fields::new()
                .with("legend", Fields::new().with("displayMode", "list").with("placement", "bottom")),
        )
}

fn source() -> Fields {
    Fields::new().with("type", "prometheus").with("uid", "${datasource}")
}

fn target(letter: &str, query: &str, legend: &str) -> Tree {
    Fields::new()
        .with("refId", letter)
        .with("datasource", source())
        .with("expr", query)
        .with("legendFormat", legend)
        .into()
}
