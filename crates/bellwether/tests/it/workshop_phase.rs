use bellwether::workshop::{Phase, Probability};
use serde_json::{Value, json};

/// A body that is accepted, with some fields replaced, added, or (with null) removed.
fn body(changes: Value) -> String {
    let mut fields = Phase::challenge(6).unwrap().to_json();
    for (field, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(fields.as_object_mut().unwrap().remove(field)),
            value => fields[field] = value.clone(),
        }
    }
    fields.to_string()
}

#[track_caller]
fn check(body: &str, want: &[&str]) {
    let problems = Phase::from_json(body.as_bytes()).unwrap_err();
    assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), want, "{body}");
}

#[test]
fn what_a_phase_shows_it_accepts() {
    for number in [1, 5, 6, 7] {
        let phase = Phase::challenge(number).unwrap();
        let shown = phase.to_json();
        assert_eq!(shown.as_object().unwrap().len(), 24);
        assert_eq!(Phase::from_json(shown.to_string().as_bytes()), Ok(phase));
    }
    assert_eq!(Phase::challenge(5), Phase::challenge(7));
    assert_eq!(Phase::challenge(2), None);
    assert_eq!(Phase::demo_start().chat_engaged.get(), 0.75);
}

#[test]
fn a_wrong_field_is_named_with_what_to_write() {
    let chance = "write a chance between 0 and 1, such as 0.95";
    check(&body(json!({"ChatSuccess": 95})), &[&format!("ChatSuccess is 95; {chance}")]);
    check(&body(json!({"ChatSuccess": -0.1})), &[&format!("ChatSuccess is -0.1; {chance}")]);
    check(&body(json!({"ChatSPositive": "0.6"})), &[&format!("ChatSPositive is \"0.6\"; {chance}")]);
    let whole = "write whole milliseconds between 0 and 86400000";
    check(&body(json!({"ChatLatencyMinMS": 1.5})), &[&format!("ChatLatencyMinMS is 1.5; {whole}")]);
    check(&body(json!({"ChatLatencyMinMS": -1})), &[&format!("ChatLatencyMinMS is -1; {whole}")]);
    check(
        &body(json!({"ChatLatencyMaxMS": 86_400_001})),
        &[&format!("ChatLatencyMaxMS is 86400001; {whole}")],
    );
    check(
        &body(json!({"LoginLatencyMinMS": 200})),
        &["LoginLatencyMaxMS is 200, which is not above LoginLatencyMinMS (200)"],
    );
    check(
        &body(json!({"ChatEngaged": null})),
        &["ChatEngaged is missing; a phase replaces the whole behaviour, so every field is needed"],
    );
    check(
        &body(json!({"ChatSuces": 1})),
        &["ChatSuces is not a field of a phase; did you mean ChatSuccess?"],
    );
    check(&body(json!({"Colour": 1})), &["Colour is not a field of a phase"]);
}

#[test]
fn every_problem_is_told_at_once() {
    let body = body(json!({"LoginSuccess": 2, "ChatRejected": null, "StartupLatencyMaxMS": 0, "Colour": 1}));
    let fields: Vec<_> = Phase::from_json(body.as_bytes())
        .unwrap_err()
        .iter()
        .map(|problem| problem.field().map(str::to_owned))
        .collect();
    let want = ["ChatRejected", "LoginSuccess", "StartupLatencyMaxMS", "Colour"];
    assert_eq!(fields, want.map(|field| Some(field.to_owned())));
}

#[test]
fn a_body_that_is_no_object_says_what_it_is() {
    check("{\"ChatSuccess\": 0.7,\n}", &["not JSON at line 2, column 1: trailing comma"]);
    check("", &["not JSON at line 1, column 0: EOF while parsing a value"]);
    check("[]", &["expected an object with 24 fields, found a list"]);
    check("0.7", &["expected an object with 24 fields, found a number"]);
    let mut nothing = Vec::new();
    nothing.extend(Phase::from_json(b"{}").unwrap_err());
    assert_eq!(nothing.len(), 24);
}

#[test]
fn a_chance_lies_between_0_and_1() {
    for (chance, is_one) in
        [(0.0, true), (1.0, true), (0.5, true), (-0.0, true), (1.1, false), (f64::NAN, false)]
    {
        assert_eq!(Probability::new(chance).is_some(), is_one, "{chance}");
    }
}
