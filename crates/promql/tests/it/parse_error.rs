//! How what is wrong with a query is said: where, what was expected, and what to write instead.

use bellwether_promql::{parse, render_errors};

/// The underlined text, a part of the message, a part of the remedy.
type Problem = (&'static str, &'static str, &'static str);

fn check(cases: &[(&str, &[Problem])]) {
    for (query, expected) in cases {
        let errors = parse(query).expect_err(query);
        let rendered = render_errors(&errors, query, Default::default());
        assert_eq!(errors.len(), expected.len(), "{query}\n{rendered}");
        for (error, (place, message, help)) in errors.iter().zip(*expected) {
            assert_eq!(&&query[error.span.clone()], place, "{query}\n{rendered}");
            assert!(error.message.contains(message), "{query}\n{rendered}");
            assert!(error.help.clone().unwrap_or_default().contains(help), "{query}\n{rendered}");
        }
    }
}

#[test]
fn names_and_types_carry_the_likely_fix() {
    check(&[
        ("rat(up[5m])", &[("rat", "unknown function with name \"rat\"", "did you mean \"rate\"?")]),
        (
            "Sum_Over_Time(up[5m])",
            &[("Sum_Over_Time", "unknown function", "did you mean \"sum_over_time\"?")],
        ),
        ("average(up)", &[("average", "unknown function", "write avg(...)")]),
        ("rate(up)", &[("up", "expected type range vector in call to function \"rate\"", "write up[5m]")]),
        (
            "rate(up{a=\"b\"} offset 5m)",
            &[("up{a=\"b\"} offset 5m", "got instant vector", "write up{a=\"b\"}[5m] offset 5m")],
        ),
        ("rate(sum(up))", &[("sum(up)", "got instant vector", "write sum(up)[1h:1m]")]),
        ("rate(a + b)", &[("a + b", "got instant vector", "write (a + b)[1h:1m]")]),
        ("abs(up[5m])", &[("up[5m]", "expected type instant vector", "leave the range out")]),
        ("sum(up[5m])", &[("up[5m]", "in aggregation expression, got range vector", "rate()")]),
        ("up[5m] > 1", &[("up[5m]", "only scalar and instant vector types", "rate()")]),
        (
            "histogram_quantile(x, 0.9)",
            &[("x", "expected type scalar", "the other way round: histogram_quantile(0.9, x)")],
        ),
        ("topk(up, 5)", &[("up", "expected type scalar", "the other way round: topk(5, ...)")]),
        ("rate(up[5m], 1)", &[("rate(up[5m], 1)", "expected 1 argument(s)", "rate(range vector)")]),
        ("topk(up)", &[("topk(up)", "expected 2, got 1", "topk(5, up)")]),
        ("1 == 1", &[("==", "must use BOOL", "write == bool")]),
        ("{job=~\".*\"}", &[("{job=~\".*\"}", "at least one non-empty matcher", "job=\"api\"")]),
        ("", &[("", "no expression found in input", "up")]),
    ]);
}

#[test]
fn all_independent_problems_are_reported_at_once() {
    check(&[
        (
            "sum(rat(up[5m])) + ceill(up) / abs(up[5m])",
            &[
                ("rat", "unknown function", "rate"),
                ("ceill", "unknown", "ceil"),
                ("up[5m]", "instant vector", ""),
            ],
        ),
        (
            "sum by (job,,1) (rate(up{job=api, zone==\"a\"}[5x])) && foo",
            &[
                (",", "expected label", "leave the comma out"),
                ("1", "expected label", "names of labels"),
                ("api", "expected string", "job=\"api\""),
                ("==", "expected label matching operator", "zone=\"...\""),
                ("5x", "bad number or duration", "unknown unit"),
                ("&&", "unexpected character", "`and`"),
            ],
        ),
        (
            "label_replace(up, , \"$1\", src, \"(\") + clamp(up, 1 2, 3)",
            &[
                (",", "unexpected \",\"", "missing"),
                ("src", "expected type string", "put it in quotes"),
                ("2", "unexpected number \"2\"", "operator"),
            ],
        ),
        // One cause, one problem.
        ("unknown(up) > 5", &[("unknown", "unknown function", "")]),
        ("rate(unknown(up)[5m])", &[("unknown", "unknown function", "")]),
        ("sum(up{a=\"1)", &[("\"1)", "unterminated quoted string", "close it with \"")]),
        ("-unknown(up) and on (a) up", &[("unknown", "unknown function", "")]),
    ]);
}

#[test]
fn brackets_name_the_place_where_they_were_opened() {
    let cases: [(&str, &str, &[&str]); 9] = [
        ("(up", "unclosed left parenthesis", &["("]),
        ("sum(rate(up[5m", "unclosed left bracket", &["[", "(", "("]),
        ("sum(rate(up{a=\"b\"", "unclosed left brace", &["{", "(", "("]),
        ("sum(", "unclosed left parenthesis", &["("]),
        ("1 + (", "unclosed left parenthesis", &["("]),
        ("histogram_quantile(0.9, sum(", "unclosed left parenthesis", &["(", "("]),
        ("sum by (job, instance", "unclosed left parenthesis", &["("]),
        ("rate(up[5m)", "expected \"]\"", &["["]),
        ("(up]", "expected \")\"", &["("]),
    ];
    for (query, message, opened) in cases {
        let errors = parse(query).expect_err(query);
        assert_eq!(errors.len(), 1, "{query}: {errors:?}");
        assert!(errors[0].message.contains(message), "{query}: {errors:?}");
        let places: Vec<_> = errors[0].related.iter().map(|(span, _)| &query[span.clone()]).collect();
        assert_eq!(places, opened, "{query}: {errors:?}");
    }
    check(&[
        ("up)", &[(")", "unexpected right parenthesis ')'", "no open parenthesis")]),
        ("sum(up))", &[(")", "unexpected right parenthesis ')'", "no open parenthesis")]),
        ("up]", &[("]", "unexpected \"]\"", "nothing open")]),
    ]);
}

#[test]
fn what_other_languages_write_is_read_as_it_was_meant() {
    check(&[
        ("a = b", &[("=", "unexpected \"=\"", "write ==")]),
        ("a <> b", &[("<>", "unexpected", "write !=")]),
        ("a => b", &[("=>", "unexpected", "write >=")]),
        ("a > = b", &[("> =", "unexpected", "write >=")]),
        ("a === b", &[("===", "unexpected", "write ==")]),
        ("a ** 2", &[("**", "unexpected", "write ^")]),
        ("a || b", &[("||", "unexpected character: '|'", "`or`")]),
        ("a != b;", &[(";", "unexpected character: ';'", "leave the semicolon out")]),
        ("a ≥ 1", &[("≥", "unexpected character", "write >=")]),
        ("a − 1", &[("−", "unexpected character", "write -")]),
        ("up{job=“api”}", &[("“api”", "unexpected character: '“'", "straight quotes: \"")]),
        ("up{job=‘api’}", &[("‘api’", "unexpected character: '‘'", "straight quotes: '")]),
        ("up{job=api-server}", &[("api-server", "expected string", "job=\"api-server\"")]),
        ("up{code=500}", &[("500", "expected string", "code=\"500\"")]),
        ("up{job \"a\"}", &[("\"a\"", "expected label matching operator", "job=\"a\"")]),
        ("up{job: \"a\"}", &[(":", "expected label matching operator", "job=\"...\"")]),
        ("up{a=\"1\" b=\"2\"}", &[("b", "expected \",\" or \"}\"", "a comma")]),
        (
            "up{code>400}",
            &[(">", "expected label matching operator", "texts"), ("400", "expected string", "quotes")],
        ),
        ("http.requests", &[(".", "unexpected character: '.'", "{\"http.requests\"}")]),
        ("größe", &[("ö", "unexpected character: 'ö'", "{\"größe\"}")]),
        ("up{http.status=\"1\"}", &[(".", "inside braces: '.'", "\"http.status\"=\"...\"")]),
        ("rate(up[$__rate_interval])", &[("$__rate_interval", "unexpected character: '$'", "dashboard")]),
        ("up{job=\"$job\"} > ${limit}", &[("${limit}", "unexpected character: '$'", "dashboard")]),
        ("up =~ \"a\"", &[("=~", "unexpected \"=~\"", "stand in braces")]),
        ("not up", &[("up", "unexpected identifier", "unless up")]),
        ("up{job in \"a\"}", &[("in", "expected label matching operator", "job=~\"a|b\"")]),
    ]);
}

#[test]
fn modifiers_say_where_they_belong() {
    check(&[
        ("by (job) sum(up)", &[("by", "unexpected identifier \"by\"", "sum by (job) (up)")]),
        ("sum by job (up)", &[("job", "expected \"(\"", "in parentheses: (job)")]),
        ("sum(up) by job, instance", &[("job", "expected \"(\"", "in parentheses: (job, instance)")]),
        ("rate(up[5m]) by (job)", &[("by", "unexpected identifier \"by\"", "only aggregations group")]),
        ("sum(rate(up[5m]) by (job))", &[("by", "unexpected identifier \"by\"", "only aggregations group")]),
        ("up offset 5m [5m]", &[("[5m]", "no offset modifiers allowed before range", "up[5m] offset")]),
        ("up @ 5 [5m]", &[("[5m]", "no @ modifiers allowed before range", "up[5m] @")]),
        (
            "sum(up) offset 5m",
            &[("offset 5m", "must be preceded by an instant vector selector", "inside: up offset 5m")],
        ),
        ("rate(up)[5m]", &[("[5m]", "ranges only allowed for vector selectors", "rate(up[5m])")]),
        ("sum(up)[5m]", &[("[5m]", "ranges only allowed for vector selectors", "subquery: [5m:]")]),
        ("a + group_left (x) b", &[("group_left", "unexpected <group_left>", "on (...) group_left")]),
        ("a + bool b", &[("bool", "only be used on comparison operators", "leave bool out")]),
        ("up offfset 5m", &[("offfset", "unexpected identifier", "did you mean \"offset\"?")]),
        ("up anchored", &[("anchored", "need a range vector selector", "up[5m] anchored")]),
        ("up @ yesterday", &[("yesterday", "in @, expected timestamp", "seconds since 1970")]),
    ]);
}

#[test]
fn numbers_and_durations_are_read_as_they_were_meant() {
    check(&[
        ("up[5min]", &[("5min", "bad number or duration syntax: \"5min\"", "write 5m")]),
        ("up[1.5h]", &[("1.5h", "bad number or duration", "write 1h30m")]),
        ("up[1h30]", &[("1h30", "bad number or duration", "write 1h30m")]),
        ("up[30m1h]", &[("30m1h", "bad number or duration", "write 1h30m")]),
        ("up[5M]", &[("5M", "bad number or duration", "months differ in length")]),
        ("up[1month]", &[("1month", "bad number or duration", "30d")]),
        (
            "up[5x]",
            &[("5x", "bad number or duration", "unknown unit \"x\"; units are ms, s, m, h, d, w and y")],
        ),
        ("up[10us]", &[("10us", "bad number or duration", "the smallest unit is ms")]),
        ("up[5 m]", &[("5 m", "unexpected identifier \"m\"", "write 5m without a blank")]),
        ("up[m]", &[("m", "unexpected identifier \"m\"", "write a number before the unit")]),
        ("up[]", &[("]", "unexpected \"]\" in duration", "such as 5m")]),
        ("up[\"5m\"]", &[("\"5m\"", "unexpected string", "leave the quotes out: 5m")]),
        ("up[0s]", &[("0s", "greater than 0", "5m")]),
        ("up[5m / 0]", &[("0", "division by zero", "")]),
        ("up[step]", &[("]", "expected \"(\"", "write \"(\"")]),
        ("up[(5m]", &[("]", "expected \")\"", "write \")\"")]),
        ("up[min_of(5m)]", &[(")", "expected \",\"", "write \",\"")]),
        ("1__0", &[("1__0", "bad number", "0x1f")]),
    ]);
}

#[test]
fn the_place_is_underlined_whatever_stands_before_it() {
    let cases = [
        (
            "sum(\n\trate(up)\n)",
            "query:2:7: error: expected type range vector in call to function \"rate\", got instant vector; write up[5m]\n  2 |     rate(up)\n    |          ^^\n",
        ),
        (
            "label_replace(up, \"世界\", \"é\", 1, \"\")",
            "query:1:30: error: expected type string in call to function \"label_replace\", got scalar; put it in quotes\n  1 | label_replace(up, \"世界\", \"é\", 1, \"\")\n    |                                ^\n",
        ),
        (
            "# why\n(up\n",
            "query:3:1: error: unexpected end of input inside parentheses: unclosed left parenthesis; close it with \")\"\n  3 | \n    | ^\n  note: query:2:1: this parenthesis was opened here\n",
        ),
    ];
    for (query, expected) in cases {
        let errors = parse(query).unwrap_err();
        assert_eq!(render_errors(&errors, query, Default::default()), expected);
        assert_eq!(errors[0].render(query), expected);
    }
}

#[test]
fn a_thousand_mistakes_are_not_all_listed() {
    for query in [
        "up{a b,".repeat(2_000),
        "rat(1),".repeat(2_000),
        "$a + ".repeat(2_000),
        "\"\\q\" + ".repeat(2_000),
        format!("sum by ({}) (up)", ",".repeat(500_000)),
        format!("up{{{}}}", ",".repeat(500_000)),
        format!("up[x{}]", ")".repeat(500_000)),
        format!("rat({}", "up,".repeat(900)),
        vec![vec!["rat(1)"; 300].join(" + "); 200].join(" ^ ("),
        vec![format!("({})", vec!["rate(1)"; 300].join(" + ")); 200].join(" + "),
    ] {
        let errors = parse(&query).unwrap_err();
        assert!(!errors.is_empty() && errors.len() <= 31, "{}", errors.len());
    }
}
