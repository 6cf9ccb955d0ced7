//! "Did you mean" helps with slips and keeps quiet otherwise.
use bellwether_diag::suggest;

#[test]
fn slips_are_recognised_and_other_words_are_not() {
    let fields = ["annotations", "expr", "for", "keep_firing_for", "labels", "record"];
    let check = |word: &str, want: Option<&str>| assert_eq!(suggest(word, fields), want, "{word:?}");
    check("annotation", Some("annotations"));
    check("exrp", Some("expr"));
    check("lables", Some("labels"));
    check("keepFiringFor", Some("keep_firing_for"));
    check("Record", Some("record"));
    check("fro", Some("for"));
    check("interval", None);
    check("recor", Some("record"));
    check("x", None);
    check("", None);
    check(&"labels".repeat(1000), None);
    assert_eq!(
        suggest("rat", ["rad", "rate", "rats"]),
        Some("rate"),
        "of equally near ones, the one that goes on"
    );
}
