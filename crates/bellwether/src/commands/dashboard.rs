//! `bellwether dashboard describe FILE`: what a dashboard shows, and of which metrics.

use std::collections::BTreeSet;
use std::path::Path;

use bellwether_diag::{Diagnostics, Sources};
use bellwether_web::view::{Dashboard as Page, Panel};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli::dashboard::Dashboard;
use crate::dashboard;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};
use crate::terminal;

/// Runs one of them.
pub fn run(command: &Dashboard) -> Result<(), Failure> {
    match command {
        Dashboard::Describe { file, format } => describe(file, *format),
    }
}

fn describe(path: &Path, format: Format) -> Result<(), Failure> {
    let bytes =
        std::fs::read(path).map_err(|error| Failure::wrong(format!("{}: {error}", path.display())))?;
    let (mut sources, mut problems) = (Sources::new(), Diagnostics::new());
    let file = sources.add_bytes(path.display().to_string(), bytes, &mut problems);
    let read = dashboard::read(&sources, file, &mut problems);
    if !problems.is_empty() {
        eprint!("{}", problems.render(&sources, terminal::style(&std::io::stderr())));
    }
    let page = read.ok_or(Failure::Reported)?;
    match format {
        Format::Json => print_json(&as_json(&page)),
        Format::Text => print_text(&page),
    }
    Ok(())
}

fn print_text(page: &Page) {
    say(&page.title);
    let mut rows = Rows::new(&["panel", "type", "metrics"]);
    for panel in &page.panels {
        let metrics: Vec<String> = metrics_of(panel).into_iter().collect();
        rows.push([panel.title.clone(), format!("{:?}", panel.kind).to_lowercase(), metrics.join(", ")]);
    }
    rows.print();
    for sentence in &page.left_out {
        say(&format!("left out: {sentence}"));
    }
}

fn as_json(page: &Page) -> Value {
    let panels = page
        .panels
        .iter()
        .map(|panel| json!({"title": panel.title, "type": panel.kind, "metrics": metrics_of(panel)}));
    json!({"title": page.title, "panels": panels.collect::<Vec<_>>(), "left_out": page.left_out})
}

/// Names of the metrics that a panel's queries read.
fn metrics_of(panel: &Panel) -> BTreeSet<String> {
    let exprs = panel.queries.iter().map(|query| dashboard::with_lengths(&query.expr));
    let parsed: Vec<_> = exprs.filter_map(|expr| bellwether_promql::parse(&expr).ok()).collect();
    let names =
        parsed.iter().flat_map(bellwether_promql::selectors).filter_map(|selector| selector.name.clone());
    names.collect()
}
