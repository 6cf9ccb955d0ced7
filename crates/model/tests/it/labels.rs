use bellwether_model::Labels;
use proptest::prelude::*;

#[test]
fn a_set_is_sorted_and_drops_empty_values() {
    let labels = Labels::from_pairs([("job", "api"), ("__name__", "up"), ("gone", "")]);
    assert_eq!(labels.to_string(), r#"up{job="api"}"#);
    assert_eq!(labels.get("job"), Some("api"));
    assert_eq!(labels.get("gone"), None);
    assert_eq!(labels.with("job", "").to_string(), "up");
}

#[test]
fn names_beyond_the_classic_set_are_quoted() {
    let labels = Labels::from_pairs([("__name__", "http.requests"), ("a.b", "c\"d")]);
    assert_eq!(labels.to_string(), r#"{"http.requests", "a.b"="c\"d"}"#);
    assert_eq!(Labels::empty().to_string(), "{}");
}

#[test]
fn the_fingerprint_is_the_one_alertmanager_sends() {
    // FNV-1a of no bytes at all is its offset basis.
    assert_eq!(Labels::empty().fingerprint(), 0xcbf2_9ce4_8422_2325);
    assert_ne!(
        Labels::from_pairs([("a", "bc")]).fingerprint(),
        Labels::from_pairs([("ab", "c")]).fingerprint()
    );
}

proptest! {
    #[test]
    fn order_agrees_with_the_order_of_pairs(a in pairs(), b in pairs()) {
        let (x, y) = (Labels::from_pairs(a.clone()), Labels::from_pairs(b.clone()));
        prop_assert_eq!(x.cmp(&y), a.iter().cmp(b.iter()));
        prop_assert_eq!(x == y, a == b);
        prop_assert!(x.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).eq(a));
    }
}

fn pairs() -> impl Strategy<Value = std::collections::BTreeMap<String, String>> {
    proptest::collection::btree_map("[a-cé]{1,3}", "[a-c]{1,3}", 0..4)
}

#[test]
fn sets_of_any_length_are_packed_alike() {
    for bytes in [0, 1, 127, 128, 8_000, 16_370, 16_400, 300_000] {
        let value = "é".repeat(bytes);
        let labels = Labels::from_pairs([("b", value.as_str()), ("a", "first"), ("c", "last")]);
        let expected = if bytes == 0 { vec!["a", "c"] } else { vec!["a", "b", "c"] };
        assert_eq!(labels.iter().map(|(name, _)| name).collect::<Vec<_>>(), expected);
        assert_eq!((labels.value_or_empty("b"), labels.get("c")), (value.as_str(), Some("last")));
        assert_eq!(labels.with("b", "").len(), 2);
    }
    let many = Labels::from_pairs((0..20_000).map(|n| (format!("n{n:05}"), format!("v{n}"))));
    assert_eq!((many.len(), many.get("n19999"), many.get("n00000")), (20_000, Some("v19999"), Some("v0")));
}
