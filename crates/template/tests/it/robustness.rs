//! Whatever people type, the answer is a text or an error.

use bellwether_template::{
    ClockOnly, Escape, Limits, TemplateSet, Value, alertmanager_functions, prometheus_functions,
};
use proptest::prelude::*;

const PIECES: [&str; 74] = [
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{ ",
    " }}",
    "{{- ",
    " -}}",
    "{{/*",
    "*/}}",
    "if ",
    "else",
    "end",
    "range ",
    "with ",
    "define ",
    "block ",
    "template ",
    "break",
    "continue",
    "$x",
    "$",
    ".",
    ".a",
    ".b.c",
    "|",
    "(",
    ")",
    ",",
    ":=",
    "=",
    " ",
    "\n",
    "1",
    "-1",
    "9223372036854775807",
    "1.5e300",
    "0x",
    "0x1p9",
    "1i",
    "'a'",
    "'",
    "\"%*[1]d %.99f\"",
    "\"%q\"",
    "\"",
    "`",
    "nil",
    "true",
    "printf ",
    "index ",
    "slice ",
    "len ",
    "eq ",
    "lt ",
    "and ",
    "print ",
    "html ",
    "humanize ",
    "humanizeDuration ",
    "toTime ",
    "toDuration ",
    "reReplaceAll ",
    "date ",
    "tz ",
    "dict ",
    "toJson ",
    "tmpl ",
    "\"t\"",
    "<a href=",
    "<script>",
    "é",
    "\\",
    "{{end}}",
    "{{range 3}}",
];

fn data() -> Value {
    Value::map([
        ("a", Value::list([Value::Int(i64::MIN), Value::Float(f64::NAN), Value::Nil])),
        ("b", Value::map([("c", Value::from("é<"))])),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_never_panics(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)) {
        let text = pieces.concat();
        for functions in [prometheus_functions(), alertmanager_functions()] {
            let mut set = TemplateSet::new(functions);
            set.limits = Limits { output_bytes_max: 100_000, steps_max: 2000, depth_max: 50 };
            let _ = set.parse("file", &text);
            let _ = set.check("inline", &text, &["$x"]);
            for escape in [Escape::None, Escape::Html] {
                let _ = set.render_text(escape, &text, &data(), &ClockOnly::default());
            }
        }
    }

    #[test]
    fn well_formed_actions_never_panic(words in prop::collection::vec(prop::sample::select(&PIECES[20..]), 1..8)) {
        let set = TemplateSet::new(prometheus_functions());
        let text = format!("{{{{ {} }}}}", words.join(" "));
        let _ = set.render_text(Escape::None, &text, &data(), &ClockOnly::default());
    }

    #[test]
    fn any_format_with_any_number_never_panics(format in "%[-+# 0]{0,3}[0-9*]{0,3}(\\.[0-9*]{0,3})?(\\[[0-9]\\])?[a-zA-Z%]", number: f64, whole: i64) {
        let set = TemplateSet::new(prometheus_functions());
        let data = Value::map([("f", Value::from(format)), ("n", Value::Float(number)), ("i", Value::Int(whole))]);
        let _ = set.render_text(Escape::None, "{{ printf .f .n .i }}{{ printf .f .i }}{{ humanize .n }}{{ humanizeDuration .n }}{{ toTime .n }}{{ toDuration .n }}", &data, &ClockOnly::default());
    }
}
