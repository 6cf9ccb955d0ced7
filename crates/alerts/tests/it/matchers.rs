use bellwether_alerts::{parse_matcher, parse_matchers};

#[test]
fn matchers_read_in_both_notations() {
    let check = |text: &str, want: &str| {
        let read = parse_matchers(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(read.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), want, "{text}");
    };
    check("severity=\"critical\"", "severity=\"critical\"");
    check("{a=b, c!=\"d\",}", "a=\"b\" c!=\"d\"");
    check("a =~ \"x|y\" , b!~z.*", "a=~\"x|y\" b!~\"z.*\"");
    check("\"my label\"=\"\\\"quoted\\\"\"", "\"my label\"=\"\\\"quoted\\\"\"");
    check("d=~\"\\d+\"", "d=~\"\\\\d+\"");
    check("überwachung=ja", "\"überwachung\"=\"ja\"");
    check("a=", "a=\"\"");
    check("", "");
    check("{}", "");
    // What only the classic notation reads.
    check("a==b", "a=\"=b\"");
    check("{a=b", "a=\"b\"");
    check("a=b c", "a=\"b c\"");
    check("a=b\\", "a=\"b\\\\\"");
    check("foo:bar=x", "\"foo:bar\"=\"x\"");
    // What only today's notation reads.
    check("\"a b\"=c", "\"a b\"=\"c\"");
    check("a=\"\\u00fc\\x41\\101\"", "a=\"\\\\u00fc\\\\x41\\\\101\"");
    check("ü=\"\\u00fc\\x41\\101\\t\"", "\"ü\"=\"üAA\t\"");
}

/// Where both notations read a text and disagree, Alertmanager keeps the older meaning.
#[test]
fn the_older_meaning_counts_where_the_notations_disagree() {
    let read = parse_matchers("a=\"\\t\"").unwrap();
    assert_eq!(read[0].value, "\\t");
    assert_eq!(parse_matchers("ü=\"\\t\"").unwrap()[0].value, "\t");
}

#[test]
fn a_wrong_matcher_says_what_is_wrong() {
    let check =
        |text: &str, want: &str| assert_eq!(parse_matcher(text).unwrap_err().to_string(), want, "{text}");
    check("", "no matcher; write one such as severity=\"critical\"");
    check("severity", "expected =, !=, =~ or !~ before \"\" in \"severity\"");
    check("a==b\"", "unknown operator in \"a==b\\\"\"; use =, !=, =~ or !~");
    check("a=\"b", "the quote before \"b\" is not closed");
    check("{a=b", "\"{a=b\" has braces, which stand around a list; write one matcher without them");
    check("a=b,c=d", "\"a=b,c=d\" holds more than one matcher; write each as its own item");
    check("a=~\"(\"", "regular expression \"(\": unclosed group");
    check("=b", "expected a label name before \"=b\" in \"=b\"");
}
