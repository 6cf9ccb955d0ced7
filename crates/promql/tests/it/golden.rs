//! What Prometheus itself makes of a table of queries (`tests/golden`, where the program lies that asked it): the
//! same queries are read, into the same trees, and written in the same layout.

use bellwether_promql::{Function, format_query, parse, tree};
use serde_json::Value;

/// Queries that differ on purpose, and why; docs/promql.md says the same to users.
const DIFFERENT: &[(&str, &str)] = &[
    ("up[min(5m, 1m)]", "earlier releases wrote min and max for min_of and max_of"),
    ("up[max(5m, 1m)]", "earlier releases wrote min and max for min_of and max_of"),
    ("up anchored", "refused with its place, not only once it is evaluated"),
    ("sum_over_time(up[5m] anchored)", "refused with its place, not only once it is evaluated"),
    ("changes(up[5m] smoothed)", "refused with its place, not only once it is evaluated"),
    ("rate(up[5m ^ 2 / 3 % 4])", "a range that is always empty is refused"),
    ("\"a\\xc5z\"", "a text is UTF-8"),
    ("up{a=\"\\xff\"}", "a text is UTF-8"),
    ("count_values(\"a\\xc5z\", version)", "a text is UTF-8"),
];

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../golden/cases.json")).expect("the table is JSON")
}

#[test]
fn the_same_queries_are_accepted_and_mean_the_same() {
    let mut wrong = Vec::new();
    for case in cases() {
        let query = case["query"].as_str().unwrap();
        if DIFFERENT.iter().any(|(known, _)| *known == query) {
            continue;
        }
        match (parse(query).map(|expr| tree(&expr)), case.get("tree")) {
            (Ok(tree), Some(expected)) if tree == *expected => {}
            (Ok(tree), Some(expected)) => wrong.push(format!("{query}\n  {tree}\n  {expected}")),
            (Ok(_), None) => wrong.push(format!("{query}: accepted, but {}", case["error"])),
            (Err(errors), Some(_)) => wrong.push(format!("{query}: refused, {:?}", errors[0].message)),
            (Err(_), None) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_layout_is_that_of_prometheus() {
    let mut wrong = Vec::new();
    for case in cases() {
        let query = case["query"].as_str().unwrap();
        let (Some(pretty), Ok(ours)) = (case["pretty"].as_str(), format_query(query)) else { continue };
        // Prometheus loses comments; where ours go is the layout tests' matter.
        if ours != pretty && !query.contains('#') {
            wrong.push(format!("{query}\n--- ours\n{ours}\n--- theirs\n{pretty}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_functions_are_those_of_prometheus() {
    let theirs: Value = serde_json::from_str(include_str!("../golden/functions.json")).unwrap();
    let names: Vec<_> = theirs.as_object().unwrap().keys().map(String::as_str).collect();
    let mut ours: Vec<_> = Function::ALL.iter().map(|function| function.spec().name).collect();
    ours.sort_unstable();
    assert_eq!(ours, names);
}
