use bellwether_model::{Labels, MatchOp, Matcher};

fn check(op: MatchOp, pattern: &str, value: &str, want: bool) {
    let matcher = Matcher::new(op, "x", pattern).unwrap();
    assert_eq!(matcher.matches(&Labels::from_pairs([("x", value)])), want, "{matcher} against {value:?}");
}

#[test]
fn a_regex_must_match_the_whole_value_across_lines() {
    check(MatchOp::Regex, "a|b", "a", true);
    check(MatchOp::Regex, "a|b", "ab", false);
    check(MatchOp::Regex, "a.*b", "a\nb", true);
    check(MatchOp::NotRegex, "2..", "500", true);
    check(MatchOp::NotRegex, "", "", false);
}

#[test]
fn a_choice_of_words_is_compared_as_words() {
    check(MatchOp::Regex, "Engaged|Acknowledged", "Acknowledged", true);
    check(MatchOp::Regex, "Engaged|Acknowledged", "engaged", false);
    check(MatchOp::Regex, "a||b", "", true);
    check(MatchOp::NotRegex, "a|b", "c", true);
    // A space or a slash means nothing special; a dot does.
    check(MatchOp::Regex, "/a b/c", "/a b/c", true);
    check(MatchOp::Regex, "a.c", "abc", true);
}

#[test]
fn a_missing_label_is_the_empty_text() {
    check(MatchOp::Equal, "", "", true);
    check(MatchOp::NotEqual, "a", "", true);
    check(MatchOp::Regex, ".*", "", true);
    check(MatchOp::Regex, ".+", "", false);
}

#[test]
fn a_pattern_cannot_balance_itself_against_the_anchors() {
    assert!(Matcher::new(MatchOp::Regex, "x", "a)(?:b").is_err());
    let error = Matcher::new(MatchOp::Regex, "x", "a(").unwrap_err();
    assert_eq!(error.to_string(), r#"regular expression "a(": unclosed group"#);
}

#[test]
fn a_regex_bomb_is_refused() {
    assert!(Matcher::new(MatchOp::Regex, "x", "((a{100}){100}){100}").is_err());
}
