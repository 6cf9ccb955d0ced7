//! `bellwether routes show|test`: who would be told, without a server and without telling anybody.

use std::sync::Arc;

use bellwether_alerts::{Config, GroupBy, Route, Taken, TracedRoute, parse_matcher};
use bellwether_model::{Labels, MatchOp};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli::routes::{Routes, RoutesFile};
use crate::config;
use crate::failure::Failure;
use crate::output::{print_json, say};
use crate::terminal;

/// Runs `routes`.
pub fn run(command: &Routes) -> Result<(), Failure> {
    match command {
        Routes::Show { file } => {
            let config = read(file)?;
            show(&config, file.format);
            Ok(())
        }
        Routes::Test { labels, verify_receivers, tree, file } => {
            let labels = read_labels(labels)?;
            let config = read(file)?;
            let receivers = test(&config, &labels, *tree, file.format);
            let expected: Option<Vec<&str>> =
                verify_receivers.as_ref().map(|names| names.split(',').map(str::trim).collect());
            match expected.filter(|expected| *expected != receivers) {
                Some(expected) => Err(Failure::failed(format!(
                    "expected {}, but {} would hear of it",
                    expected.join(","),
                    receivers.join(",")
                ))),
                None => Ok(()),
            }
        }
    }
}

/// The routing of a file, unless anything in it is wrong.
fn read(file: &RoutesFile) -> Result<Arc<Config>, Failure> {
    let (config, loader) = config::read_routing(&file.config);
    match config.filter(|_| !loader.diagnostics.has_errors()) {
        Some(config) => Ok(config),
        None => {
            let text = loader.diagnostics.render(&loader.sources, terminal::style(&std::io::stderr()));
            eprint!("{text}");
            Err(Failure::Reported)
        }
    }
}

fn read_labels(texts: &[String]) -> Result<Labels, Failure> {
    let mut pairs = Vec::new();
    for text in texts {
        let matcher = parse_matcher(text).map_err(|error| Failure::wrong(error.to_string()))?;
        if matcher.op != MatchOp::Equal {
            return Err(Failure::wrong(format!("{text:?} is no label; write it like severity=critical")));
        }
        pairs.push((matcher.name.to_string(), matcher.value.to_string()));
    }
    Ok(Labels::from_pairs(pairs))
}

fn show(config: &Config, format: Format) {
    match format {
        Format::Json => print_json(&serde_json::to_value(&config.route).unwrap_or_default()),
        Format::Text => {
            let mut lines = Vec::new();
            branch(&config.route, None, &mut lines);
            print_tree(&lines);
        }
    }
}

/// Prints who hears of it; gives their names.
fn test(config: &Config, labels: &Labels, tree: bool, format: Format) -> Vec<String> {
    let traced = config.route.trace(labels);
    let ends = traced.iter().filter(|route| route.taken == Taken::Ends);
    let receivers: Vec<String> = ends.map(|route| route.route.receiver.clone()).collect();
    match format {
        Format::Json => {
            let routes: Vec<Value> = traced.iter().map(as_json).collect();
            print_json(&json!({ "labels": labels, "receivers": receivers, "routes": routes }));
        }
        Format::Text => {
            if tree {
                let lines: Vec<_> = traced.iter().map(|route| (route.depth, walked(route))).collect();
                print_tree(&lines);
                say("");
            }
            say(&receivers.join(","));
        }
    }
    receivers
}

fn as_json(traced: &TracedRoute<'_>) -> Value {
    json!({
        "id": traced.route.id,
        "depth": traced.depth,
        "matchers": condition(traced.route, traced.depth),
        "receiver": traced.route.receiver,
        "taken": traced.taken,
        "why": traced.why.to_string(),
    })
}

/// A route as a line of the tree, and then those below it.
fn branch(route: &Route, parent: Option<(&Route, usize)>, lines: &mut Vec<(usize, String)>) {
    let depth = parent.map_or(0, |(_, depth)| depth + 1);
    let parent = parent.map(|(parent, _)| parent);
    let mut line = condition(route, depth);
    let mut add = |text: String| line.push_str(&format!("  {text}"));
    if route.continues {
        add("continue: true".to_owned());
    }
    add(format!("receiver: {}", route.receiver));
    if parent.is_none_or(|parent| parent.group_by != route.group_by) {
        let names = match &route.group_by {
            GroupBy::All => "...".to_owned(),
            GroupBy::Labels(names) => names.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        add(format!("group_by: [{names}]"));
    }
    let timers = [
        ("group_wait", route.group_wait, parent.map(|parent| parent.group_wait)),
        ("group_interval", route.group_interval, parent.map(|parent| parent.group_interval)),
        ("repeat_interval", route.repeat_interval, parent.map(|parent| parent.repeat_interval)),
    ];
    for (name, own, above) in timers {
        if above != Some(own) {
            add(format!("{name}: {own}"));
        }
    }
    let intervals = [
        ("mute_time_intervals", &route.mute_time_intervals),
        ("active_time_intervals", &route.active_time_intervals),
    ];
    for (name, intervals) in intervals {
        if !intervals.is_empty() {
            add(format!("{name}: [{}]", intervals.join(", ")));
        }
    }
    lines.push((depth, line));
    for child in &route.routes {
        branch(child, Some((route, depth)), lines);
    }
}

fn condition(route: &Route, depth: usize) -> String {
    let matchers: Vec<String> = route.matchers.iter().map(ToString::to_string).collect();
    match (depth, matchers.is_empty()) {
        (0, true) => "default-route".to_owned(),
        (_, _) => format!("{{{}}}", matchers.join(",")),
    }
}

/// What became of the labels at a route.
fn walked(traced: &TracedRoute<'_>) -> String {
    let condition = condition(traced.route, traced.depth);
    match traced.taken {
        Taken::Ends => format!("{condition}  receiver: {}", traced.route.receiver),
        Taken::Passes => condition,
        Taken::No => format!("{condition}  no: {}", traced.why),
        Taken::NotReached => format!("{condition}  not asked: {}", traced.why),
    }
}

/// Lines with their depths, as a tree.
fn print_tree(lines: &[(usize, String)]) {
    let mut open: Vec<bool> = Vec::new();
    for (at, (depth, line)) in lines.iter().enumerate() {
        let later = lines[at + 1..].iter().map(|(depth, _)| *depth);
        let has_sibling = later.take_while(|other| other >= depth).any(|other| other == *depth);
        open.truncate(*depth);
        let stem: String =
            open.iter().skip(1).map(|is_open| if *is_open { "│   " } else { "    " }).collect();
        open.push(has_sibling);
        match (depth, has_sibling) {
            (0, _) => say(line),
            (_, true) => say(&format!("{stem}├── {line}")),
            (_, false) => say(&format!("{stem}└── {line}")),
        }
    }
}
