//! Whatever bytes a file holds, reading it ends with trees and problems that can be shown.
use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Decode, Diagnostics, Sources, Style};
use bellwether_model::{Labels, TimeDelta};
use proptest::prelude::*;

/// Reads, renders, and decodes everything as everything.
fn exercise(bytes: Vec<u8>) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add_bytes("f", bytes, &mut out);
    let trees = yaml::parse(&sources, file, &mut out);
    for tree in &trees {
        visit(tree, &sources, &mut out);
    }
    let text = out.render(&sources, Style { color: true });
    assert!(text.lines().all(|line| line.len() < 10_000));
}

fn visit(node: &Node, sources: &Sources, out: &mut Diagnostics) {
    let text_len = sources.text(node.span.file).len() as u32;
    assert!(node.span.start <= node.span.end && node.span.end <= text_len, "{node:?}");
    if let Some(text) = node.as_text() {
        for (index, c) in text.char_indices() {
            let part = yaml::span_within(sources, node, index..index + c.len_utf8());
            assert!(
                part.start >= node.span.start && part.end <= node.span.end,
                "{node:?} at {index}: {part:?}"
            );
        }
    }
    let mut cx = Cx::new(sources, out);
    let _ = (bool::decode(node, &mut cx), i64::decode(node, &mut cx), f64::decode(node, &mut cx));
    let _ = (u16::decode(node, &mut cx), TimeDelta::decode(node, &mut cx), Labels::decode(node, &mut cx));
    for item in node.as_sequence().unwrap_or(&[]) {
        visit(item, sources, out);
    }
    for (key, value) in node.as_mapping().unwrap_or(&[]) {
        visit(key, sources, out);
        visit(value, sources, out);
    }
}

/// Pieces that YAML readers stumble over more often than over random bytes.
fn yaml_soup() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "b: ",
        "- ",
        "? ",
        ": ",
        "\n",
        "\n  ",
        "\n    ",
        "\n\t",
        "\"",
        "'",
        "&x ",
        "*x",
        "!",
        "!!str ",
        "%",
        "%41",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "|",
        "|2-\n",
        ">\n",
        ">+",
        "#",
        "\\",
        "\\x41",
        "\\uD800",
        "é",
        "\u{2028}",
        "\u{85}",
        "\r\n",
        "<<: *x",
        "@",
        "\t",
        " ",
        "1_0",
        "0x",
        ".inf",
        "-",
        "1e3",
        "5m",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn on_random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(bytes);
    }

    #[test]
    fn on_random_text(text in "\\PC{0,100}") {
        exercise(text.into_bytes());
    }

    #[test]
    fn on_pieces_of_yaml(text in yaml_soup()) {
        exercise(text.into_bytes());
    }

    #[test]
    fn a_plain_list_reads_back(words in prop::collection::vec("[a-z]{1,8}", 1..20)) {
        let text: String = words.iter().map(|word| format!("- {word}\n")).collect();
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let file = sources.add("f", text);
        let trees = yaml::parse(&sources, file, &mut out);
        let read = Vec::<String>::decode(&trees[0], &mut Cx::new(&sources, &mut out));
        let nouns = ["null", "true"];
        prop_assume!(!words.iter().any(|word| nouns.contains(&word.as_str())));
        prop_assert_eq!(read, Some(words));
    }
}

#[test]
fn what_the_parser_port_cannot_stand_is_reported() {
    for text in ["\"\\", "a: >\n x", "[!,", "[!a,b]", "a: |+", "\u{feff}", "!", "&a", "a: \"\\"] {
        exercise(text.as_bytes().to_vec());
    }
}

/// The problems of a text, as ids.
fn problems(text: String) -> Vec<&'static str> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("f", text);
    yaml::parse(&sources, file, &mut out);
    out.iter().map(|diagnostic| diagnostic.id).collect()
}

#[test]
fn sizes_are_bounded() {
    assert_eq!(problems("[".repeat(100_000)), ["yaml-too-deep"]);
    assert_eq!(problems(format!("{}1{}", "[".repeat(99), "]".repeat(99))), [""; 0]);
    assert_eq!(problems(" ".repeat(yaml::FILE_BYTES_MAX + 1)), ["yaml-too-large"]);
    // Ten levels of ten aliases each would be ten thousand million values.
    let mut bomb = "l0: &l0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..=10 {
        let aliases = vec![format!("*l{}", level - 1); 10].join(",");
        bomb.push_str(&format!("l{level}: &l{level} [{aliases}]\n"));
    }
    assert_eq!(problems(bomb), ["yaml-too-large"]);
    let mut tower = "l0: &l0 [x]\n".to_owned();
    for level in 1..=200 {
        tower.push_str(&format!("l{level}: &l{level} [*l{}]\n", level - 1));
    }
    assert_eq!(problems(tower), ["yaml-too-deep"]);
}

#[test]
fn bytes_that_are_not_utf_8_are_a_problem_with_a_place() {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    sources.add_bytes("f", b"a: 1\nb: \xff\n".to_vec(), &mut out);
    let text = out.render(&sources, Style { color: false });
    assert!(
        text.starts_with("f:2:4: error: byte 0xff is not valid UTF-8; save the file as UTF-8\n"),
        "{text}"
    );
}
