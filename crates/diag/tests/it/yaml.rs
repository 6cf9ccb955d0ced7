//! The YAML reader: what is read, and what is said about what cannot be.
use bellwether_diag::yaml::{self, Node, Value};
use bellwether_diag::{Diagnostics, Sources, Style};

/// Reads a text and writes the trees in a short form; problems follow, one line each.
fn read(text: &str) -> String {
    let mut sources = Sources::new();
    let file = sources.add("f", text);
    let mut out = Diagnostics::new();
    let trees = yaml::parse(&sources, file, &mut out);
    let mut lines: Vec<String> = trees.iter().map(short).collect();
    let rendered = out.render(&sources, Style { color: false });
    lines.extend(rendered.lines().filter(|line| !line.contains(" |")).map(str::to_owned));
    lines.join("\n")
}

fn short(node: &Node) -> String {
    match &node.value {
        Value::Null => "~".to_owned(),
        Value::Scalar(scalar) if scalar.quoted => format!("{:?}", scalar.text),
        Value::Scalar(scalar) => scalar.text.clone(),
        Value::Sequence(items) => format!("[{}]", items.iter().map(short).collect::<Vec<_>>().join(" ")),
        Value::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}:{}", short(key), short(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
        }
    }
}

#[track_caller]
fn check(text: &str, want: &str) {
    assert_eq!(read(text), want, "reading {text:?}");
}

#[test]
fn trees_have_the_shape_that_was_written() {
    check("a: 1\nb: [x, 'y', \"z\"]\nc: {d: ~, e: null, f: }", "{a:1 b:[x \"y\" \"z\"] c:{d:~ e:~ f:~}}");
    check("- a\n-\n- b: |\n    x\n    y\n", "[a ~ {b:\"x\\ny\\n\"}]");
    check("a: !!str 5\nb: !!str\n", "{a:\"5\" b:\"\"}");
    check("{\"a\": [1, 2.5, true, null], \"b\": {}}", "{\"a\":[1 2.5 true ~] \"b\":{}}");
    check("a: |\n  x", "{a:\"x\"}");
    check("a: |\n  x\n  ", "{a:\"x\\n\"}");
    check("a: |-\n  x", "{a:\"x\"}");
    check("a: >\n  x\n  y", "{a:\"x y\"}");
    check("", "");
    check("# only a remark\n", "");
    check("\u{feff}a: 1", "{a:1}");
    check("a: 1\n---\nb: 2\n...\n", "{a:1}\n{b:2}");
}

#[test]
fn quoted_text_may_go_on_at_column_zero() {
    check("a:\n  b: \"one\ntwo\nthree\"\n  c: 'x\ny'\n", "{a:{b:\"one two three\" c:\"x y\"}}");
}

#[test]
fn aliases_repeat_and_merge_keys_fill_in() {
    check("a: &x [1]\nb: *x", "{a:[1] b:[1]}");
    check("- &d {a: 1, b: 2}\n- {<<: *d, b: 3}\n- {b: 4, <<: *d}", "[{a:1 b:2} {b:3 a:1} {b:4 a:1}]");
    check("- &d {a: 1}\n- &e {a: 2, c: 3}\n- <<: [*d, *e]", "[{a:1} {a:2 c:3} {a:1 c:3}]");
    check("- \"<<\": 1", "[{\"<<\":1}]");
    check(
        "a: &d 1\nb: {<<: *d}",
        "{a:1 b:{}}\nf:1:7: error: a merge key takes a mapping or a list of mappings, found a single value; write an alias of a mapping, such as `<<: *defaults`",
    );
    check(
        "a: *nobody",
        "f:1:4: error: alias *nobody has no anchor before it; write &nobody before the value it should repeat",
    );
    check("a: &name 1\nb: *nane", "f:2:4: error: alias *nane has no anchor before it; did you mean *name?");
    check("a: &x [*x]", "f:1:8: error: alias *x stands inside the value it names");
}

#[test]
fn a_key_written_twice_is_reported_with_both_places() {
    let want = "{a:1 b:2}\nf:3:1: error: \"a\" is written twice; keep one of the two\n  note: f:1:1: the first one is here";
    check("a: 1\nb: 2\na: 3\n", want);
}

#[test]
fn form_errors_say_where_and_what_to_do() {
    let check =
        |text: &str, want: &str| assert_eq!(read(text).lines().next().unwrap_or(""), want, "{text:?}");
    check("a:\n\tb: 1\n", "f:2:1: error: a tab is used for indentation; indent with spaces");
    check(
        "a:\n  b: {{ $labels.job }} is down\n",
        "f:2:6: error: `{{` begins a mapping of YAML here, not a template; put the text in quotes",
    );
    check("a:\n  b: 1\n\tc: 1\n", "f:3:1: error: a tab is used for indentation; indent with spaces");
    check(
        "a: \"open\nb: 1\n",
        "f:1:4: error: the quote that opens here is never closed; add the closing quote",
    );
    check(
        "a: b: c\n",
        "f:1:5: error: a `key: value` cannot start here; check the indentation of this line, or put text that holds \": \" in quotes",
    );
    check(
        "a: 1\n b: 2\n",
        "f:2:3: error: a `key: value` cannot start here; check the indentation of this line, or put text that holds \": \" in quotes",
    );
    check(
        "a:\n  b: 1\n c: 2\n",
        "f:3:2: error: expected another key of the mapping that began above; align this line with the keys before it",
    );
    check(
        "a: [1, 2\nb: 3\n",
        "f:2:2: error: the list in brackets goes on or is not closed; write `,` or `]` before this",
    );
    check("a: @home\n", "f:1:4: error: no value can start with this character; put the text in quotes");
    check(
        "a: \"\\d\"\n",
        "f:1:5: error: unknown escape in double quotes; write the backslash twice, or use single quotes",
    );
    check(
        "a: 1\nnonsense\nb: 2\n",
        "f:2:1: error: this line is neither a `key: value` nor indented as part of the value above; write a colon and a blank after the key, or indent the line",
    );
    check(
        "a: \u{7}",
        "f:1:4: error: character U+0007 is not allowed in YAML; remove it, or write it as an escape inside double quotes",
    );
}

#[test]
fn json_is_read_as_it_is_written_by_programs() {
    check(
        "{\n\t\"a\": [\n\t\t1,\n\t\t-2.5e3\n\t],\n\t\"b\":\"c:\\/\\/d\\u00e9\\n\"\n}\n",
        "{\"a\":[1 -2.5e3] \"b\":\"c://dé\\n\"}",
    );
    check("{\"a\":1,\"b\":[{\"c\":null}]}", "{\"a\":1 \"b\":[{\"c\":~}]}");
    check(
        "{\"face\":\"a \\uD83D\\ude00 b\", \"b\": *x}",
        "f:1:34: error: alias *x has no anchor before it; write &x before the value it should repeat",
    );
    check("{\"face\":\"a \\uD83D\\ude00 b\"}", "{\"face\":\"a \u{1f600} b\"}");
    check("{\"a\":\"\\\\ud83d\\\\ude00\"}", "{\"a\":\"\\\\ud83d\\\\ude00\"}");
}
