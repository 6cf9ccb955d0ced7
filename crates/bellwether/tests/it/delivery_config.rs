//! Who hears what could not be delivered, as `bellwether.yml` says it.

use bellwether::config::load_text;
use bellwether_diag::Style;
use bellwether_model::TimeDelta;

const ROUTING: &str = "
alertmanager:
  route: {receiver: oncall}
  receivers:
    - {name: oncall, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}
    - {name: managers, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}
    - {name: nobody}
";

fn load(delivery: &str) -> bellwether::config::Loaded {
    load_text("bellwether.yml", &format!("delivery: {delivery}{ROUTING}"))
}

#[test]
fn a_receiver_stands_in_after_ten_minutes_unless_stated_otherwise() {
    let check = |delivery: &str, want: Option<(&str, TimeDelta)>| {
        let fallback = load(delivery).config.expect("valid").fallback;
        let found = fallback.as_ref().map(|fallback| (fallback.receiver.as_str(), fallback.after));
        assert_eq!(found, want, "{delivery}");
    };
    check("{fallback_receiver: managers}", Some(("managers", TimeDelta::MINUTE * 10)));
    check("{fallback_receiver: managers, fallback_after: 90s}", Some(("managers", TimeDelta::from_secs(90))));
    check("{}", None);
}

#[test]
fn who_stands_in_needs_no_route() {
    let unused = |delivery: &str| {
        let problems = load(delivery).diagnostics;
        problems.iter().filter(|problem| problem.id == "unused-receiver").count()
    };
    assert_eq!(unused("{}"), 2);
    assert_eq!(unused("{fallback_receiver: managers}"), 1);
}

#[test]
fn a_mistake_is_reported_where_it_stands() {
    let check = |delivery: &str, place: &str, message: &str, help: &str| {
        let loaded = load(delivery);
        assert!(loaded.config.is_none(), "{delivery} is accepted");
        let text = loaded.diagnostics.render(&loaded.sources, Style { color: false });
        let first = format!("bellwether.yml:{place}: error: {message}");
        assert!(text.contains(&first) && text.contains(help), "{delivery}: want {first}\n{text}");
    };
    check(
        "{fallback_receiver: manager}",
        "1:31",
        "undefined receiver \"manager\"",
        "did you mean \"managers\"?",
    );
    check(
        "{fallback_receiver: nobody}",
        "1:31",
        "receiver \"nobody\" tells nobody",
        "name one that has an integration",
    );
    check(
        "{fallback_after: 5m}",
        "1:28",
        "fallback_after without a receiver has no effect",
        "name one with fallback_receiver",
    );
    check(
        "{fallback_receiver: managers, fallback_after: 0s}",
        "1:57",
        "fallback_after must be longer than nothing",
        "write it like 10m",
    );
    check("{fallback: managers}", "1:12", "unknown field", "fallback_receiver");
}
