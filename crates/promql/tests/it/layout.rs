//! Where comments go when a query is laid out, and that laying out never changes what it means.

use bellwether_promql::{format_query, parse, parse_query};
use proptest::prelude::*;

fn check(cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        let once = format_query(query).unwrap_or_else(|errors| panic!("{query}: {errors:?}"));
        assert_eq!(once, *expected, "{query}");
        assert_eq!(format_query(&once).unwrap(), *expected, "laid out again: {query}");
    }
}

#[test]
fn comments_stay_where_they_were_put() {
    check(&[
        ("up # is it there?", "up # is it there?"),
        ("# first\n#second\nup", "# first\n#second\nup"),
        ("up\n# last", "up\n# last"),
        ("# a\nup # b\n# c", "# a\nup # b\n# c"),
        ("a # left\n+ # plus\nb # right", "  a # left\n+ # plus\n  b # right"),
        ("a\n# before the operator\n+ b", "  a\n  # before the operator\n+\n  b"),
        ("a + # why\nb", "  a\n+ # why\n  b"),
        (
            "sum by (job) ( # all\n  rate(x[5m]) # per second\n  # done\n)",
            "sum by (job) ( # all\n  rate(x[5m]) # per second\n  # done\n)",
        ),
        ("sum(x) # of what\nby (job)", "sum by (job) (\n  x # of what\n)"),
        ("topk(5 # five\n, x # of these\n)", "topk(\n  5, # five\n  x # of these\n)"),
        ("time( # now\n)", "time( # now\n)"),
        ("( # in\nup)", "( # in\n  up\n)"),
    ]);
}

#[test]
fn a_comment_within_one_piece_moves_before_it() {
    check(&[
        ("up{ # mine\njob=\"a\"}", "# mine\nup{job=\"a\"}"),
        ("a + up{\n# theirs\njob=\"a\"}", "  a\n+\n  # theirs\n  up{job=\"a\"}"),
        ("rate(x[ # long\n1d])", "rate(\n  # long\n  x[1d]\n)"),
        ("max_over_time(x[1h: # fine\n1m])", "max_over_time(\n  # fine\n  x[1h:1m]\n)"),
        ("- # minus\nup", "# minus\n-up"),
        ("--up{ # deep\na=\"b\"}", "# deep\n--up{a=\"b\"}"),
        ("b{ # left\n} + a", "# left\nb + a"),
        ("-(a # inner\n)", "-(\n  a # inner\n)"),
        ("a / on (x) # m\ngroup_left # g\nb", "  a\n/ on (x) group_left () # m\n  # g\n  b"),
    ]);
}

#[test]
fn the_tree_names_the_node_a_comment_speaks_of() {
    let tree = parse_query("# all\nsum( # in\n  a # left\n  + # op\n  # right\n  b\n) # end").unwrap();
    let notes = |node: &serde_json::Value| {
        let list = node["comments"].as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|c| format!("{} {}", c["place"].as_str().unwrap(), c["text"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(notes(&tree), ["before # all", "inside # in", "after # end"]);
    assert_eq!(notes(&tree["expr"]["lhs"]), ["after # left", "after # op"]);
    assert_eq!(notes(&tree["expr"]["rhs"]), ["before # right"]);
    assert_eq!(notes(&parse_query("up").unwrap()), [""; 0]);
}

/// Pieces of queries between which comments and line breaks are strewn.
fn pieces() -> impl Strategy<Value = Vec<&'static str>> {
    let leaf = prop_oneof![
        Just(vec!["up"]),
        Just(vec!["up", "{", "job", "=", "\"a # b\"", ",", "x", "!=", "'#'", "}"]),
        Just(vec!["{", "\"a.b\"", ",", "c", "=~", "`#`", "}"]),
        Just(vec!["sum", "by", "(", "job", ",", "x", ")", "(", "up", ")"]),
        Just(vec!["sum", "(", "up", ")", "without", "(", "job", ")"]),
        Just(vec!["rate", "(", "x_total", "[", "5m", "]", "offset", "1m", "@", "10", ")"]),
        Just(vec!["max_over_time", "(", "up", "[", "1h", ":", "1m", "]", ")"]),
        Just(vec!["topk", "(", "3", ",", "up", ")"]),
        Just(vec!["time", "(", ")"]),
        Just(vec!["vector", "(", "-", "1", ")"]),
        Just(vec!["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
    ];
    let join = |a: Vec<&'static str>, op: &[&'static str], b: Vec<&'static str>| [a, op.to_vec(), b].concat();
    leaf.prop_recursive(5, 40, 3, move |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(move |(a, b)| join(a, &["+"], b)),
            (inner.clone(), inner.clone()).prop_map(move |(a, b)| join(
                a,
                &["/", "on", "(", "job", ")", "group_left", "(", "x", ")"],
                b
            )),
            (inner.clone(), inner.clone()).prop_map(move |(a, b)| join(a, &[">", "bool"], b)),
            inner.clone().prop_map(|a| [vec!["("], a, vec![")"]].concat()),
            inner.clone().prop_map(|a| [vec!["-", "("], a, vec![")"]].concat()),
            inner.clone().prop_map(|a| [vec!["-"], a].concat()),
            inner.clone().prop_map(|a| [vec!["abs", "("], a, vec![")"]].concat()),
            inner.prop_map(|a| [vec!["("], a, vec![")", "[", "1h", ":", "]"]].concat()).prop_map(|a| [
                vec!["avg_over_time", "("],
                a,
                vec![")"]
            ]
            .concat()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn laying_out_keeps_every_comment_and_the_meaning(pieces in pieces(), gaps in prop::collection::vec(0u8..12, 0..120)) {
        let (mut text, mut plain, mut comments) = (String::new(), String::new(), Vec::new());
        for (index, piece) in pieces.iter().enumerate() {
            let note = format!("# n{index}");
            match gaps.get(index).copied().unwrap_or(11) {
                0 => { text.push_str(&format!("\n{note}\n")); comments.push(note) }
                1 => { text.push_str(&format!(" {note} \n")); comments.push(note) }
                2 => { text.push_str(&format!("\n\t{note}\n  {note}b\n")); comments.push(note.clone()); comments.push(note + "b") }
                3 => text.push('\n'),
                _ => text.push(' '),
            }
            text.push_str(piece);
            plain.push(' ');
            plain.push_str(piece);
        }
        // Some pieces do not fit each other, such as a sign before a number range; those are not about layout.
        let Ok(expr) = parse(&plain) else { return Ok(()) };
        let once = format_query(&text).unwrap();
        prop_assert_eq!(parse(&once).unwrap().to_string(), expr.to_string(), "{}\n{}", text, once);
        prop_assert_eq!(&format_query(&once).unwrap(), &once, "{}", text);
        let mut kept: Vec<String> = once.lines().filter_map(|line| line.rfind("# n").map(|at| line[at..].to_owned())).collect();
        kept.sort();
        comments.sort();
        prop_assert_eq!(kept, comments, "{}\n{}", text, once);
        let tree = parse_query(&text).unwrap().to_string();
        prop_assert_eq!(tree.matches("\"place\"").count(), once.lines().filter(|line| line.contains("# n")).count());
    }
}
