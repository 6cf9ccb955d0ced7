//! Which series a selection finds, whichever way the index takes to them.

use std::path::Path;
use std::sync::Arc;

use bellwether_model::{
    Batch, Labels, MatchOp, Matcher, Origin, Sample, SeriesSource, TimeRange, Timestamp, matches_all,
};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Options, Store};

/// Many values of one label, few of another, and a label that most series lack.
fn all_labels() -> Vec<Labels> {
    (0..600)
        .map(|n: u32| {
            let rare = if n % 100 == 3 { "yes" } else { "" };
            Labels::from_pairs([
                ("__name__", if n.is_multiple_of(3) { "a" } else { "b" }.to_owned()),
                ("code", format!("{}", 200 + n % 5 * 100)),
                ("pod", format!("pod-{}", n % 150)),
                ("n", n.to_string()),
                ("rare", rare.to_owned()),
            ])
        })
        .collect()
}

fn check(store: &Store, all: &[Labels], matchers: &[Matcher]) {
    let views = store.snapshot().select(matchers, TimeRange::ALL).unwrap();
    let found: Vec<Labels> = views.into_iter().map(|view| view.labels).collect();
    let mut expected: Vec<Labels> =
        all.iter().filter(|labels| matches_all(matchers, labels)).cloned().collect();
    expected.sort();
    assert_eq!(found, expected, "{matchers:?}");
}

#[test]
fn a_selection_finds_the_series_that_pass_every_matcher() {
    let store =
        Store::open(Path::new("data"), Options::default(), Arc::new(FaultDisk::new())).ok().unwrap().0;
    let all = all_labels();
    let id = |labels: &Labels| (store.series(labels).unwrap(), Sample::new(Timestamp(1), 1.0));
    let samples = all.iter().map(id).collect();
    store.append(&Batch::floats(Origin::Backfill, Timestamp(1), samples)).unwrap();
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let tests = [
        (Equal, "__name__", "a"),
        (Equal, "__name__", "c"),
        (Equal, "nosuch", "x"),
        (Equal, "nosuch", ""),
        (Equal, "rare", "yes"),
        (Equal, "rare", ""),
        (Equal, "pod", "pod-7"),
        (NotEqual, "pod", "pod-7"),
        (NotEqual, "code", "200"),
        (NotEqual, "rare", ""),
        (NotEqual, "nosuch", ""),
        (Regex, "code", "2.."),
        (Regex, "code", "200|500"),
        (Regex, "pod", "pod-1.*"),
        (Regex, "rare", ".*"),
        (Regex, "rare", ".+"),
        (NotRegex, "code", "5.."),
        (NotRegex, "pod", "pod-[0-9]"),
        (NotRegex, "rare", ".+"),
        (NotRegex, "nosuch", ".+"),
    ];
    let matchers: Vec<Matcher> =
        tests.iter().map(|(op, name, value)| Matcher::new(*op, *name, *value).unwrap()).collect();
    check(&store, &all, &[]);
    for (index, one) in matchers.iter().enumerate() {
        check(&store, &all, std::slice::from_ref(one));
        for (other_index, other) in matchers.iter().enumerate() {
            check(&store, &all, &[one.clone(), other.clone()]);
            let third = &matchers[(index + other_index) % matchers.len()];
            check(&store, &all, &[one.clone(), other.clone(), third.clone()]);
        }
    }
}
