//! What is read, how it is written back, and how what is wrong is said.

use bellwether_promql::{NESTING_MAX, parse, selectors};

/// Reads a query and writes it back.
fn canonical(query: &str) -> String {
    match parse(query) {
        Ok(expr) => expr.to_string(),
        Err(errors) => panic!("{query}: {errors:?}"),
    }
}

#[test]
fn a_query_is_written_back_in_one_canonical_form() {
    let cases = [
        ("up", "up"),
        ("up{}", "up"),
        ("SUM(up) BY (job,)", "sum by (job) (up)"),
        ("sum without() (up)", "sum without () (up)"),
        ("topk (3, up)", "topk(3, up)"),
        ("{\"http.requests\", 'a.b'=`c`}", "{\"a.b\"=\"c\",__name__=\"http.requests\"}"),
        ("rate(x[300])", "rate(x[5m])"),
        ("x[1h:]offset-5m", "x[1h:] offset -5m"),
        ("x offset 5m @ start()", "x @ start() offset 5m"),
        ("a+b*c^d^e", "a + b * c ^ d ^ e"),
        ("-2^2", "-2 ^ 2"),
        ("a and on(x) b", "a and on (x) b"),
        ("a{c=\"2\", b='1'}", "a{b=\"1\",c=\"2\"}"),
        ("a / ignoring(x) group_left b", "a / ignoring (x) group_left () b"),
        ("a > bool 0x1F", "a > bool 31"),
        ("a + fill(0) b", "a + fill (0) b"),
        ("1_000 + 010 + .5 + 1e3 + inf", "1000 + 8 + 0.5 + 1000 + +Inf"),
        ("5m + 1h30m", "5m + 1h30m"),
        ("sum", "sum"),
        ("by + and", "by + and"),
        ("x[(step()+1m)*2]", "x[(step() + 1m) * 2]"),
        ("a:b:c # comment\n + 1", "a:b:c + 1"),
    ];
    for (query, expected) in cases {
        assert_eq!(canonical(query), expected, "{query}");
        assert_eq!(canonical(expected), expected, "canonical text reads back as itself");
    }
}

#[test]
fn every_problem_is_reported_with_its_place_and_a_remedy() {
    type Problem = (&'static str, &'static str, &'static str);
    let cases: [(&str, &[Problem]); 14] = [
        ("rate(up)", &[("up", "got instant vector", "up[5m]")]),
        (
            "sum(rat(up[5m])) + ceill(up)",
            &[("rat", "unknown function", "did you mean"), ("ceill", "unknown", "ceil")],
        ),
        ("1 == 1", &[("==", "must use BOOL", "== bool")]),
        ("up{job=\"a\"", &[("", "unexpected end of input in label matching", "}")]),
        ("(up", &[("", "unexpected end of input", ")")]),
        ("up)", &[(")", "unexpected \")\"", "no open parenthesis")]),
        ("{job=~\".*\"}", &[("{job=~\".*\"}", "at least one non-empty matcher", "job=\"api\"")]),
        ("up{job=~\"(\"}", &[("job=~\"(\"", "regular expression", "")]),
        ("up offfset 5m", &[("offfset", "unexpected", "offset")]),
        ("up[0s]", &[("0s", "greater than 0", "5m")]),
        ("1m2", &[("1m2", "bad number or duration", "1h30m")]),
        ("\"abc", &[("\"abc", "unterminated", "close")]),
        ("topk(up)", &[("topk(up)", "expected 2, got 1", "topk(5, up)")]),
        ("", &[("", "no expression", "up")]),
    ];
    for (query, expected) in cases {
        let errors = parse(query).expect_err(query);
        assert_eq!(errors.len(), expected.len(), "{query}: {errors:?}");
        for (error, (place, message, help)) in errors.iter().zip(expected) {
            assert_eq!(&&query[error.span.clone()], place, "{query}: {error:?}");
            assert!(error.message.contains(message), "{query}: {error:?}");
            assert!(error.help.clone().unwrap_or_default().contains(help), "{query}: {error:?}");
        }
    }
}

#[test]
fn nesting_is_bounded_however_it_is_written() {
    for query in [
        format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        "-".repeat(10_000) + "1",
        vec!["a"; 10_000].join(" or "),
        vec!["1"; 10_000].join("^"),
        format!("a[{}5m{}]", "(".repeat(10_000), ")".repeat(10_000)),
        format!("a[{}5m]", "1+".repeat(10_000)),
        format!("a{}", "[5m:1m]".repeat(10_000)),
        "abs(".repeat(10_000),
    ] {
        let errors = parse(&query).expect_err("too deep");
        let start: String = query.chars().take(20).collect();
        assert!(
            errors[0].message.contains("too deep") || errors[0].message.contains("too long"),
            "{start}: {errors:?}"
        );
    }
    let depth = NESTING_MAX as usize - 2;
    assert!(parse(&format!("{}1{}", "(".repeat(depth), ")".repeat(depth))).is_ok());
}

#[test]
fn a_megabyte_of_query_is_read() {
    let labels: Vec<_> = (0..70_000).map(|n| format!("l{n}=\"v{n}\"")).collect();
    let query = format!("up{{{}}}", labels.join(","));
    assert!(query.len() > 1_000_000);
    let expr = parse(&query).expect("long is not wrong");
    assert_eq!(selectors(&expr)[0].matchers.len(), 70_001);
}

#[test]
fn selectors_are_found_wherever_they_stand() {
    let expr =
        parse("sum(rate(a[5m])) / on(x) b > max_over_time(c[1h:1m]) + quantile(scalar(d), e)").unwrap();
    let names: Vec<_> = selectors(&expr).into_iter().map(|s| s.name.clone().unwrap()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}
