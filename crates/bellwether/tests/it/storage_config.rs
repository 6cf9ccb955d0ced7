//! What is set of the store, in either of the files that may say so.

use bellwether::config::{self, Config};
use bellwether_diag::Style;
use bellwether_model::TimeDelta;

fn load(text: &str) -> Result<Config, String> {
    let loaded = config::load_text("bellwether.yml", text);
    let problems = loaded.all_problems().render(&loaded.sources, Style { color: false });
    loaded.config.ok_or(problems)
}

#[test]
fn what_prometheus_file_says_holds_where_ours_says_nothing() {
    let minutes = |minutes: i64| TimeDelta(minutes * TimeDelta::MINUTE.0);
    let check = |text: &str, window: TimeDelta, retention_days: i64, exemplars: Option<u64>| {
        let config = load(text).unwrap_or_else(|problems| panic!("{problems}"));
        let found = (config.storage.out_of_order_window(), config.retention, config.storage.max_exemplars);
        assert_eq!(found, (window, TimeDelta(retention_days * TimeDelta::DAY.0), exemplars), "{text}");
    };
    check("{}", minutes(0), 30, None);
    check("storage: {out_of_order_time_window: 10m}", minutes(10), 30, None);
    let theirs = "prometheus: {storage: {tsdb: {out_of_order_time_window: 30m, retention: {time: 15d}}, \
                  exemplars: {max_exemplars: 5}}}";
    check(theirs, minutes(30), 15, Some(5));
    check(
        &format!("{theirs}\nstorage: {{out_of_order_time_window: 1m, retention: 20d}}"),
        minutes(1),
        20,
        Some(5),
    );
    check(&format!("{theirs}\nstorage: {{max_exemplars: 0}}"), minutes(30), 15, Some(0));
}

#[test]
fn mistakes_have_their_place() {
    for (text, part) in [
        ("prometheus: {storage: {tsdb: {out_of_order_time_windov: 30m}}}", "out_of_order_time_window"),
        ("prometheus: {storage: {tsdb: {retention: {time: 1h}}}}", "write at least 6h"),
        ("prometheus: {storage: {exemplars: 5}}", "bellwether.yml:1:35"),
        ("storage: {out_of_order_time_window: ten}", "bellwether.yml:1:37"),
    ] {
        let problems = load(text).map(|_| ()).unwrap_err();
        assert!(problems.contains(part), "{part:?} is not in\n{problems}");
    }
}
