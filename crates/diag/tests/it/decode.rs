//! From trees to types: every problem is found, and each says where it is and what to write.
use std::collections::BTreeMap;
use std::fmt::Debug;

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Decode, Diagnostics, MapReader, Sources, Spanned, Style, decode_file};
use bellwether_model::{Labels, TimeDelta};

/// Decodes `v: text` and gives the value, or what is said about it.
fn value<T: Decode>(text: &str) -> Result<T, String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("f", format!("v: {text}"));
    let trees = yaml::parse(&sources, file, &mut out);
    let decoded = T::decode(trees[0].get("v").unwrap(), &mut Cx::new(&sources, &mut out));
    assert_eq!(decoded.is_none(), out.has_errors(), "a decoder that fails says so");
    let heads = out.iter().map(|diagnostic| diagnostic.sentence()).collect::<Vec<_>>().join(" | ");
    decoded.ok_or(heads)
}

#[track_caller]
fn reads<T: Decode + PartialEq + Debug>(text: &str, want: T) {
    assert_eq!(value::<T>(text), Ok(want), "{text}");
}

#[track_caller]
fn refuses<T: Decode + PartialEq + Debug>(text: &str, want: &str) {
    assert_eq!(value::<T>(text), Err(want.to_owned()), "{text}");
}

#[test]
fn truth_values_are_those_of_yaml_1_1_where_one_is_wanted() {
    for text in ["true", "True", "yes", "on", "ON"] {
        reads(text, true);
        reads(text, text.to_owned());
    }
    for text in ["false", "no", "Off"] {
        reads(text, false);
    }
    refuses::<bool>("\"true\"", "expected true or false, found text in quotes; remove the quotes");
    refuses::<bool>("1", "\"1\" is not a truth value; write true or false");
    refuses::<bool>("[]", "expected true or false, found a list");
}

#[test]
fn numbers_are_those_of_go() {
    reads("12", 12i64);
    reads("-0x10", -16i64);
    reads("0o17", 15i64);
    reads("017", 15i64);
    reads("0b11", 3u64);
    reads("1_000", 1000u32);
    reads("1e3", 1000u64);
    reads("0.5", 0.5f64);
    reads("7", 7.0f64);
    reads("-.inf", f64::NEG_INFINITY);
    refuses::<f64>("inf", "\"inf\" is not a number");
    refuses::<u16>("70000", "70000 is out of range; write a number from 0 to 65535");
    refuses::<u32>("-1", "-1 is out of range; write a number from 0 to 4294967295");
    refuses::<i64>("1.5", "\"1.5\" is not a whole number");
    refuses::<i64>("\"5\"", "expected a whole number, found text in quotes; remove the quotes");
    refuses::<i64>("--5", "\"--5\" is not a whole number");
}

#[test]
fn text_durations_labels_and_collections() {
    reads("1.20", "1.20".to_owned());
    reads("", String::new());
    reads("1h30m", TimeDelta::MINUTE * 90);
    refuses::<TimeDelta>(
        "30",
        "30 has no unit; write one of ms, s, m, h, d, w, y after the number, such as 30s",
    );
    reads("{a: b, c: 1, d: ''}", Labels::from_pairs([("a", "b"), ("c", "1")]));
    refuses::<Labels>("{'': b}", "a label needs a name");
    refuses::<Labels>("{a: [b]}", "expected text, found a list");
    reads("[1, 2]", vec![1u32, 2]);
    refuses::<Vec<u32>>("[1, x, 3, y]", "\"x\" is not a whole number | \"y\" is not a whole number");
    refuses::<Vec<u32>>(
        "1",
        "expected a list, found a single value; write it as an item: `- ` before the value",
    );
    reads("{a: 1}", BTreeMap::from([("a".to_owned(), 1u32)]));
    reads("~", None::<u32>);
    reads("5", Some(5u32));
}

#[derive(Debug, PartialEq)]
struct Target {
    url: Spanned<String>,
    every: Option<TimeDelta>,
    retries: u32,
}

impl Decode for Target {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let url = map.required("url", cx);
        let every = map.optional("interval", cx);
        let retries = map.required("retries", cx);
        map.finish(cx);
        Some(Self { url: url?, every, retries: retries? })
    }
}

/// Decodes a list of targets and gives the first lines of all problems.
fn target_problems(text: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("f", text);
    let decoded = decode_file::<Vec<Target>>(&sources, file, &mut out);
    assert_eq!(decoded.is_none(), out.has_errors());
    let text = out.render(&sources, Style { color: false });
    text.lines().filter(|line| line.starts_with("f:")).map(str::to_owned).collect()
}

#[test]
fn every_problem_of_a_file_is_reported_in_one_go() {
    let text = "- url: [a]\n  intervall: 5m\n  retries: many\n- retries:\n  x_y_z: 1\n- 5\n";
    let want = [
        "f:1:8: error: expected text, found a list",
        "f:2:3: error: unknown field \"intervall\"; did you mean interval?",
        "f:3:12: error: \"many\" is not a whole number",
        "f:4:3: error: url is missing",
        "f:4:3: error: retries has no value",
        "f:5:3: error: unknown field \"x_y_z\"; known fields here: interval, retries, url",
        "f:6:3: error: expected a mapping, found a single value; write it as `key: value` lines",
    ];
    assert_eq!(target_problems(text), want);
    assert_eq!(target_problems("- {url: a, retries: 1, interval: ~}"), [""; 0]);
}

#[test]
fn a_file_is_one_document() {
    assert_eq!(target_problems(""), ["f:1:1: error: the file is empty"]);
    let want = ["f:3:1: error: the file has more than one document; put each in a file of its own"];
    assert_eq!(target_problems("[]\n---\n[]\n"), want);
}

/// Underlines a word of a scalar's text in the file and gives what is underlined, with its place.
fn within(file_text: &str, word: &str) -> String {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("f", file_text);
    let trees = yaml::parse(&sources, file, &mut out);
    let node = trees[0].get("v").unwrap();
    let start = node.as_text().unwrap().find(word).unwrap();
    let span = yaml::span_within(&sources, node, start..start + word.len());
    let place = sources.position(span);
    format!("{}:{} {}", place.line, place.column, sources.slice(span))
}

#[test]
fn a_part_of_a_scalar_is_found_in_the_file() {
    let check = |text: &str, word: &str, want: &str| assert_eq!(within(text, word), want, "{text:?}");
    check("v: sum(bad)", "bad", "1:8 bad");
    check("v: &x sum(bad)", "bad", "1:11 bad");
    check("v: 'it''s bad'", "bad", "1:11 bad");
    check("v: 'it''s bad'", "'", "1:7 '");
    check("v: \"a\\\"b\\u0041 bad\"", "bad", "1:16 bad");
    check("v: \"a\\\"b\\u0041 bad\"", "A", "1:9 \\u0041");
    check("v: |\n  sum(\n    good\n  ) / bad\n", "bad", "4:7 bad");
    check("v: >-\n  sum(\n  good\n\n  bad)\n", "bad", "5:3 bad");
    check("v: sum(good) /\n   sum(bad)\n", "bad", "2:8 bad");
    check("v: \"one\n  two\n\n\n  bad\"\n", "bad", "5:3 bad");
    check("v: \"one \\\n  bad\"\n", "bad", "2:3 bad");
    check("v: | # remark\n  é bad\n", "bad", "2:5 bad");
    check("v: |2\n    indented bad\n", "bad", "2:14 bad");
}
