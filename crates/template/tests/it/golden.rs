//! Output equals real Go's on the table in `tests/golden`, which `generate.go` there writes.

use bellwether_template::{ClockOnly, Escape, Functions, MissingKey, TemplateSet, Value};
use serde_json::Value as Json;

/// The data of `generate.go`.
fn data() -> Value {
    let int = |n: i64| Value::Int(n);
    let float = |n: f64| Value::Float(n);
    Value::map([
        ("zero", int(0)),
        ("one", int(1)),
        ("neg", int(-7)),
        ("big", int(123_456_789)),
        ("huge", int(9_007_199_254_740_993)),
        ("f0", float(0.0)),
        ("f1", float(1.0)),
        ("f15", float(1.5)),
        ("tiny", float(0.000001234)),
        ("small", float(0.0001)),
        ("e20", float(1e20)),
        ("e21", float(1e21)),
        ("pi", float(std::f64::consts::PI)),
        ("third", float(1.0 / 3.0)),
        ("negf", float(-2.5)),
        ("million", float(1_000_000.0)),
        ("ratio", float(0.9951)),
        ("s", "hello".into()),
        ("empty", "".into()),
        ("html", r#"<a href="x">T&J's</a>"#.into()),
        ("uni", "héllo, 世界".into()),
        ("nl", "a\tb\n".into()),
        ("yes", true.into()),
        ("no", false.into()),
        ("null", Value::Nil),
        ("list", Value::list([int(1), "two".into(), float(3.5), true.into()])),
        ("ints", Value::list([int(3), int(1), int(2)])),
        ("none", Value::list([])),
        ("nested", Value::list([Value::list([int(1), int(2)]), Value::list([int(3)])])),
        ("m", Value::map([("b", int(2)), ("a", int(1)), ("c", Value::map([("d", "deep".into())]))])),
        ("em", Value::map::<&str>([])),
        ("kv", Value::text_map([("job", "api"), ("alertname", "HighLatency"), ("zone", "eu")])),
    ])
}

fn check(case: &Json) -> Result<(), String> {
    let text = case["template"].as_str().unwrap();
    let missing = if case["zero"].as_bool() == Some(true) { MissingKey::Zero } else { MissingKey::NoValue };
    let set = TemplateSet::new(Functions::go().with_missing_key(missing));
    let found = set.render_text(Escape::None, text, &data(), &ClockOnly::default());
    let fails = case["fails"].as_bool() == Some(true);
    match found {
        Ok(found) if !fails && found == case["output"].as_str().unwrap() => Ok(()),
        Err(_) if fails => Ok(()),
        Ok(found) if fails => Err(format!("{text:?}\n    Go: an error\n  ours: {found:?}")),
        Ok(found) => Err(format!("{text:?}\n    Go: {}\n  ours: {found:?}", case["output"])),
        Err(error) => Err(format!("{text:?}\n    Go: {}\n  ours: error: {error}", case["output"])),
    }
}

#[test]
fn every_template_of_the_table_renders_as_in_go() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("../golden/cases.json")).unwrap();
    assert!(cases.len() >= 300, "the table has only {} cases", cases.len());
    bellwether_testkit::cases::ran("templates/as-in-go", cases.len() as u64);
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
