//! What relabelling makes of labels, and what it refuses to be told.

use bellwether_diag::{Cx, Diagnostics, Sources, Style, yaml};
use bellwether_ingest::relabel::{NameScheme, Relabelling};
use bellwether_model::Labels;

fn read(text: &str, names: NameScheme) -> Result<Relabelling, String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("rules.yml", text);
    let documents = yaml::parse(&sources, file, &mut out);
    let rules = documents.first().and_then(|node| {
        Relabelling::decode(node, names, &mut Cx::new(&sources, &mut out)).filter(|_| !out.has_errors())
    });
    rules.ok_or_else(|| out.render(&sources, Style { color: false }))
}

/// `a=1 b=2` as labels.
fn labels(text: &str) -> Labels {
    Labels::from_pairs(text.split_whitespace().map(|pair| pair.split_once('=').unwrap()))
}

fn shown(labels: Option<Labels>) -> String {
    let Some(labels) = labels else { return "dropped".to_owned() };
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// Rules, the labels before, and those after.
const RULES: &[(&str, &str, &str)] = &[
    // replace
    ("[{source_labels: [a], target_label: b}]", "a=1", "a=1 b=1"),
    ("[{source_labels: [a, c], target_label: b}]", "a=1 c=2", "a=1 b=1;2 c=2"),
    ("[{source_labels: [a, no], target_label: b}]", "a=1", "a=1 b=1;"),
    ("[{source_labels: [a, c], separator: '', target_label: b}]", "a=1 c=2", "a=1 b=12 c=2"),
    ("[{source_labels: [a, c], separator: , target_label: b}]", "a=1 c=2", "a=1 b=12 c=2"),
    ("[{source_labels: [a], regex: 'x(.*)', target_label: b}]", "a=1", "a=1"),
    ("[{source_labels: [a], regex: 'x(.*)', target_label: b}]", "a=xy", "a=xy b=y"),
    ("[{source_labels: [a], regex: 'x', target_label: b, replacement: z}]", "a=xx b=1", "a=xx b=1"),
    (
        "[{source_labels: [a], regex: '([^:]+)(?::\\d+)?', target_label: a, replacement: '$1:9'}]",
        "a=h:80",
        "a=h:9",
    ),
    (
        "[{source_labels: [a], regex: '(.*)-(.*)', target_label: '$1', replacement: '$2'}]",
        "a=k-v",
        "a=k-v k=v",
    ),
    (
        "[{source_labels: [a], regex: '(.*)-(.*)', target_label: '${1}x', replacement: '${2}'}]",
        "a=k-v",
        "a=k-v kx=v",
    ),
    ("[{source_labels: [no], target_label: '${1}', replacement: v}]", "a=1", "a=1"), // an empty name is none
    ("[{target_label: b, replacement: fixed}]", "a=1", "a=1 b=fixed"),
    ("[{source_labels: [no], target_label: a}]", "a=1 b=2", "b=2"), // an empty value removes
    ("[{target_label: a, replacement: ''}]", "a=1 b=2", "b=2"),
    ("[{target_label: a, replacement: }]", "a=1 b=2", "b=2"),
    ("[{source_labels: [a], regex: '', target_label: b, replacement: none}]", "c=1", "b=none c=1"),
    ("[{source_labels: [a], regex: 'A|b', action: REPLACE, target_label: c}]", "a=A", "a=A"), // no group 1
    ("[{source_labels: [a], regex: '(?i)ABC', target_label: c, replacement: y}]", "a=abc", "a=abc c=y"),
    // later rules see what earlier ones wrote
    ("[{source_labels: [a], target_label: b}, {source_labels: [b], target_label: c}]", "a=1", "a=1 b=1 c=1"),
    // keep, drop
    ("[{source_labels: [a], regex: '1|2', action: keep}]", "a=2", "a=2"),
    ("[{source_labels: [a], regex: '1|2', action: keep}]", "a=21", "dropped"),
    ("[{source_labels: [a], regex: '1|2', action: drop}]", "a=2", "dropped"),
    ("[{source_labels: [a], regex: '1|2', action: drop}]", "a=3", "a=3"),
    ("[{source_labels: [no], regex: '.+', action: keep}]", "a=3", "dropped"),
    ("[{source_labels: [no], action: drop}]", "a=3", "dropped"), // (.*) matches nothing too
    ("[{source_labels: [a], action: drop}, {target_label: b, replacement: x}]", "a=3", "dropped"),
    // keepequal, dropequal
    ("[{source_labels: [a], target_label: b, action: keepequal}]", "a=1 b=1", "a=1 b=1"),
    ("[{source_labels: [a], target_label: b, action: keepequal}]", "a=1 b=2", "dropped"),
    ("[{source_labels: [a], target_label: b, action: dropequal}]", "a=1 b=1", "dropped"),
    ("[{source_labels: [a], target_label: b, action: dropequal}]", "a=1", "a=1"),
    ("[{source_labels: [no], target_label: none, action: dropequal}]", "a=1", "dropped"),
    // hashmod: the last eight bytes of MD5
    ("[{source_labels: [a], target_label: d, modulus: 1000, action: hashmod}]", "a=foo", "a=foo d=696"),
    (
        "[{source_labels: [c], target_label: d, modulus: 1000, action: hashmod}]",
        "a=foo c=baz",
        "a=foo c=baz d=976",
    ),
    ("[{source_labels: [c], target_label: d, modulus: 1, action: hashmod}]", "c=baz", "c=baz d=0"),
    // labelmap, labeldrop, labelkeep
    ("[{regex: '__meta_(.+)', action: labelmap}]", "__meta_x=1 y=2", "__meta_x=1 x=1 y=2"),
    ("[{regex: '(b)(.*)', replacement: 'c_${2}', action: labelmap}]", "b1=1 b2=2", "b1=1 b2=2 c_1=1 c_2=2"),
    ("[{regex: '(b.*)', action: labelmap}]", "b1=1 ab=2", "ab=2 b1=1"),
    ("[{regex: 'b.*', action: labeldrop}]", "a=1 b1=1 b2=2", "a=1"),
    ("[{regex: '.*', action: labeldrop}]", "a=1", "dropped"),
    ("[{regex: 'b.*', action: labelkeep}]", "a=1 b1=1 b2=2", "b1=1 b2=2"),
    ("[{action: labelkeep}]", "a=1", "a=1"),
    // lowercase, uppercase: letter by letter
    ("[{source_labels: [a], target_label: b, action: lowercase}]", "a=ÄbΣ", "a=ÄbΣ b=äbσ"),
    ("[{source_labels: [a], target_label: b, action: uppercase}]", "a=äß1", "a=äß1 b=Äß1"),
    ("[{source_labels: [no], target_label: a, action: uppercase}]", "a=1 b=2", "b=2"),
    ("[]", "a=1", "a=1"),
];

#[test]
fn rules_do_what_they_do_in_prometheus() {
    for (rules, before, after) in RULES {
        let relabelling = read(rules, NameScheme::Utf8).unwrap_or_else(|why| panic!("{rules}: {why}"));
        assert_eq!(shown(relabelling.of(labels(before))), *after, "{rules} on {before}");
    }
}

#[test]
fn classic_names_are_held_against_what_rules_make() {
    let rules = "[{source_labels: [a], target_label: '${1}', replacement: v}]";
    let check = |names, before: &str, after: &str| {
        assert_eq!(shown(read(rules, names).unwrap().of(labels(before))), after, "{before}");
    };
    check(NameScheme::Legacy, "a=good", "a=good good=v");
    check(NameScheme::Legacy, "a=not.good", "a=not.good");
    check(NameScheme::Utf8, "a=not.good", "a=not.good not.good=v");
}

/// Rules, and a part of what is said of them.
const REFUSED: &[(&str, &str)] = &[
    ("- ", "rules.yml:1:"),
    ("- source_labels: [a]\n", "rules.yml:1:3: error: relabel action replace needs a target_label"),
    ("- action: lowercase\n", "relabel action lowercase needs a target_label"),
    ("- {action: keepequal, source_labels: [a]}\n", "add target_label: and the label to compare with"),
    ("- {action: hashmod, target_label: a}\n", "hashmod needs a modulus"),
    ("- {action: hashmod, target_label: a, modulus: 0}\n", "hashmod needs a modulus"),
    ("- {action: hashmod, target_label: a, modulus: -1}\n", "write a number from 0"),
    ("- {action: hashmod, modulus: 8}\n", "hashmod needs a target_label"),
    (
        "- {action: labeldrop, source_labels: [a]}\n",
        "1:23: error: relabel action labeldrop does not use source_labels",
    ),
    ("- {action: labeldrop, source_labels: []}\n", "labeldrop does not use source_labels"),
    ("- {action: labeldrop, target_label: a}\n", "labeldrop does not use target_label"),
    ("- {action: labelkeep, modulus: 1}\n", "labelkeep does not use modulus"),
    ("- {action: labelkeep, separator: ','}\n", "labelkeep does not use separator"),
    ("- {action: labelkeep, replacement: a}\n", "looks at names only"),
    ("- {action: keepequal, target_label: a, regex: a}\n", "keepequal does not use regex"),
    ("- {action: dropequal, target_label: a, regex: (.*)}\n", "dropequal does not use regex"),
    ("- {action: uppercase, target_label: a, replacement: b}\n", "uppercase does not use replacement"),
    ("- {action: labelmap, replacement: ''}\n", "is no replacement for relabel action labelmap"),
    ("- {action: repalce, target_label: a}\n", "did you mean replace?"),
    ("- {action: '', target_label: a}\n", "unknown relabel action"),
    ("- {regex: '(', target_label: a}\n", "regular expression \"(\""),
    ("- {regex: 'a(?=b)', target_label: a}\n", "neither look-around"),
    ("- {targetlabel: a}\n", "did you mean target_label?"),
    ("a: b\n", "expected a list of relabelling rules"),
];

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    for (rules, said) in REFUSED {
        let why = read(rules, NameScheme::Utf8).expect_err(rules);
        assert!(why.contains(said), "{rules}: {why}");
    }
    let legacy = [
        "[{target_label: a.b, replacement: c}]",
        "[{target_label: '$1.b', replacement: c}]",
        "[{action: hashmod, target_label: '${1}', modulus: 1}]",
        "[{action: labelmap, replacement: 'a.${1}'}]",
    ];
    for rules in legacy {
        assert!(read(rules, NameScheme::Utf8).is_ok(), "{rules}");
        assert!(read(rules, NameScheme::Legacy).unwrap_err().contains("letters, digits and _"), "{rules}");
    }
    assert!(read("[{target_label: '${1}_b$2', replacement: c}]", NameScheme::Legacy).is_ok());
}

#[test]
fn every_problem_of_every_rule_is_said() {
    let why = read("- {action: nope}\n- {action: hashmod}\n", NameScheme::Utf8).unwrap_err();
    assert!(why.contains("\"nope\"") && why.contains("a modulus") && why.contains("a target_label"), "{why}");
}
