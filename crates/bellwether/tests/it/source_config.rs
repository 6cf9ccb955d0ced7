//! `source:` as it is written: every mistake with its place and its remedy, and no secret in sight.

use bellwether::config::{self, Config, Loaded};
use bellwether_diag::Style;
use bellwether_model::TimeDelta;

fn load(text: &str) -> Loaded {
    config::load_text("bellwether.yml", text)
}

fn good(text: &str) -> Config {
    let loaded = load(text);
    let problems = loaded.all_problems().render(&loaded.sources, Style { color: false });
    loaded.config.unwrap_or_else(|| panic!("{problems}"))
}

#[test]
fn an_address_is_enough() {
    let source = good("source: {prometheus: 'http://prometheus:9090/'}").source.unwrap();
    assert_eq!((source.url.as_str(), source.interval), ("http://prometheus:9090", TimeDelta::from_secs(15)));
    assert_eq!((source.overlap, source.history), (TimeDelta(5 * 60_000), None));
}

#[test]
fn mistakes_have_their_place_and_what_to_write_instead() {
    let check = |text: &str, parts: &[&str]| {
        let loaded = load(text);
        let problems = loaded.all_problems().render(&loaded.sources, Style { color: false });
        assert!(loaded.config.is_none(), "{text}");
        for part in parts {
            assert!(problems.contains(part), "{part:?} is not in\n{problems}");
        }
    };
    check("source: {}", &["bellwether.yml:1:9", "prometheus is missing"]);
    check(
        "source: {prometheus: prometheus}",
        &["bellwether.yml:1:22", "not a web address", "http://prometheus:9090"],
    );
    check("source: {prometheus: 'http://a:b@c'}", &["a login in it", "basic_auth"]);
    check("source: {thanos: 'http://a'}", &["unknown field", "prometheus"]);
    check("source: {prometheus: {tenant: x}}", &["url is missing"]);
    check("source: {prometheus: {url: 'http://a', tennant: x}}", &["did you mean tenant"]);
    check(
        "source: {prometheus: {url: 'http://a', interval: 0s}}",
        &["interval of 0s is out of range", "write 1s to 5m"],
    );
    check("source: {prometheus: {url: 'http://a', max_samples: 3}}", &["max_samples of 3", "write 1000 to"]);
    check("source: {prometheus: {url: 'http://a', headers: {'a b': c}}}", &["not a header's name"]);
    check("source: {prometheus: {url: 'http://a', tenant: \"a\\nb\"}}", &["without line breaks"]);
    check(
        "source: {prometheus: {url: 'http://a', bearer_token: x, basic_auth: {username: y}}}",
        &["more than one way to authenticate"],
    );
    check(
        "source: {prometheus: {url: 'http://a', authorization: {credentials: x, credentials_file: y}}}",
        &["which one counts", "remove one of them"],
    );
    check("source: {prometheus: {url: 'http://a', authorization: {type: Basic}}}", &["use basic_auth"]);
    check(
        "source: {prometheus: {url: 'http://a', tls_config: {cert_file: x}}}",
        &["without its key", "add key_file"],
    );
    check(
        "source: {prometheus: 'http://a'}\nprometheus: {scrape_configs: [{job_name: x, static_configs: [{targets: [a]}]}]}",
        &["targets are scraped here, and a source is read", "leave out scrape_configs"],
    );
    // All of them at once.
    check(
        "source: {prometheus: {url: x, interval: 0s, tennant: y}}",
        &["web address", "out of range", "did you mean"],
    );
}

#[test]
fn secrets_are_not_shown() {
    let config = good(
        "source: {prometheus: {url: 'http://a', tenant: shop, headers: {X-Key: hunter2}, basic_auth: {username: me, password: hunter2}}}",
    );
    for text in [config.shown.clone(), format!("{config:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(config.shown.contains("shop"));
}
