//! Files of dashboards: our own panels in YAML, and what Grafana exports.

mod grafana;
mod own;

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Diagnostics, FileId, Sources};
use bellwether_model::TimeDelta;
use bellwether_web::view::Dashboard;

/// How much of the past a dashboard shows unless it says otherwise.
const RANGE_USUAL: TimeDelta = TimeDelta::HOUR;
/// All columns of a page.
const COLUMNS: u8 = 12;

/// Reads a file of either kind; it is Grafana's if it says so in the way Grafana does.
pub fn read(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Option<Dashboard> {
    let errors = out.error_count();
    let documents = yaml::parse(sources, file, out);
    let mut cx = Cx::new(sources, out);
    let path = sources.name(file);
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let read = read_node(documents.first()?, Some(name), &mut cx);
    read.filter(|_| out.error_count() == errors)
}

/// Reads one that stands in a configuration; its title names it.
pub fn read_node(document: &Node, name: Option<&str>, cx: &mut Cx<'_>) -> Option<Dashboard> {
    let mut read = match grafana::dashboard_in(document) {
        Some(dashboard) => grafana::read(dashboard, cx),
        None => own::read(document, cx),
    }?;
    read.name = address_of(name.unwrap_or(&read.title));
    Some(read)
}

/// A name as a part of an address.
fn address_of(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).collect()
}

/// A query with lengths of time for the names that stand for them, each as long as its name: places stay what they are.
pub fn with_lengths(expr: &str) -> String {
    const NAMES: [&str; 6] =
        ["${__rate_interval}", "$__rate_interval", "${__interval}", "$__interval", "${__range}", "$__range"];
    NAMES.iter().fold(expr.to_owned(), |text, name| {
        text.replace(name, &format!("{:0>width$}m", 5, width = name.len() - 1))
    })
}

/// Reports a query that cannot be read, and tells whether it can. Names of lengths of time are put aside first.
fn check_query(node: &Node, cx: &mut Cx<'_>) -> bool {
    let Some(text) = node.as_text() else { return false };
    let Err(errors) = bellwether_promql::parse(&with_lengths(text)) else { return true };
    for error in errors {
        let span = yaml::span_within(cx.sources, node, error.span);
        cx.error_help(span, error.message, error.help.unwrap_or_else(|| "write PromQL".to_owned()));
    }
    false
}
