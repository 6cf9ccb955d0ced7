//! What is read, how it is written back, and where its bounds are.

use bellwether_promql::{NESTING_MAX, format, parse, selectors, tree};

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
        ("Inf^+up - inf", "Inf ^ +up - +Inf"),
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
fn input_is_bounded_in_every_direction() {
    let many = |count: usize, item: &str| vec![item; count].join(",");
    let cases = [
        (
            format!("up{}", " ".repeat(1_000_000)),
            "query of 1000002 bytes is too long; at most 524288 are read",
        ),
        (
            format!("1{}", "0".repeat(400_000)),
            "number of 400001 characters is too long; at most 1000 are read",
        ),
        (
            format!("0.{}", "1".repeat(400_000)),
            "number of 400002 characters is too long; at most 1000 are read",
        ),
        ("1e400".to_owned(), "number \"1e400\" is out of range"),
        (format!("sum by ({}) (up)", many(100_000, "a")), "more than 1000 labels of one list"),
        (format!("up{{{}}}", many(50_000, "a=\"b\"")), "more than 1000 conditions of one selector"),
        (format!("label_join(up,{})", many(50_000, "\"a\"")), "more than 1000 arguments"),
        ("up{a=~\"(x{1000}){1000}\"}".to_owned(), "is too large: compiled it takes more than 4 MiB"),
        (
            "up{a=~\"((((((x{99}){99}){99}){99}){99}){99})\"}".to_owned(),
            "is too large: compiled it takes more than 4 MiB",
        ),
        (
            vec!["up{a=~\"(x{100}y){100}\"}"; 300].join(" or "),
            "the regular expressions of this query need more than 64 MiB",
        ),
        (format!("up{{a=~\"{}a{}\"}}", "(".repeat(100_000), ")".repeat(100_000)), "exceed"),
    ];
    for (query, expected) in cases {
        let errors = parse(&query).expect_err(expected);
        let start: String = query.chars().take(30).collect();
        assert!(errors.iter().any(|e| e.message.contains(expected)), "{start}: {:?}", errors[0]);
        assert!(errors.iter().all(|e| e.message.len() < 300), "{start}: {:?}", errors[0]);
    }
}

#[test]
fn what_is_long_but_not_too_long_is_read() {
    let labels: Vec<_> = (0..999).map(|n| format!("l{n}=\"{}\"", "v".repeat(500))).collect();
    let query = format!("up{{{}}}", labels.join(","));
    assert!(query.len() > 500_000);
    let expr = parse(&query).expect("long is not wrong");
    assert_eq!(selectors(&expr)[0].matchers.len(), 1000);
}

#[test]
fn the_deepest_trees_fit_a_small_stack_and_are_dropped_again() {
    let depth = NESTING_MAX as usize - 2;
    let queries = [
        format!("{}1{}", "(".repeat(depth), ")".repeat(depth)),
        format!("{}up{}", "abs(".repeat(depth - 1), ")".repeat(depth - 1)),
        vec!["up"; 399].join(" or "),
        vec!["up"; 99].join(" ^ "),
        format!("up[{}5m{}]", "(1+".repeat(depth / 2), ")".repeat(depth / 2)),
        "(".repeat(300_000),
        "sum(".repeat(100_000),
        "-".repeat(400_000),
        "up{".repeat(100_000),
        "[".repeat(300_000),
    ];
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let read = move || {
        for query in &queries {
            if let Ok(expr) = parse(query) {
                assert_eq!(parse(&format(&expr)).unwrap().to_string(), expr.to_string());
                drop(tree(&expr));
            }
        }
    };
    small.spawn(read).unwrap().join().expect("nothing overflows");
}

#[test]
fn selectors_are_found_wherever_they_stand() {
    let expr =
        parse("sum(rate(a[5m])) / on(x) b > max_over_time(c[1h:1m]) + quantile(scalar(d), e)").unwrap();
    let names: Vec<_> = selectors(&expr).into_iter().map(|s| s.name.clone().unwrap()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}
