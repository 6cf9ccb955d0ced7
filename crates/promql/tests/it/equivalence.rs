//! Which expressions count as the same.

use bellwether_promql::parse;

fn check(cases: &[(&str, &str)], expected: bool) {
    for (a, b) in cases {
        let (one, two) = (parse(a).expect("parses"), parse(b).expect("parses"));
        assert_eq!(one.is_equivalent(&two), expected, "{a} and {b}");
        assert_eq!(two.is_equivalent(&one), expected, "{b} and {a}");
        assert!(one.is_equivalent(&one) && two.is_equivalent(&two));
    }
}

#[test]
fn writing_it_differently_changes_nothing() {
    check(
        &[
            ("((up))", "up"),
            ("up{a=\"1\",b=\"2\"}", "{b='2', \"up\", a=`1`}"),
            ("sum(up) by (a, b)", "SUM BY (b, a) (up)"),
            ("x[300]", "x[5m]"),
            ("x[2m+3m]", "x[5m]"),
            ("x > (14.4 * 0.001)", "x>14.4*0.0010000000000000001"),
            ("a / on (x, y) group_left b", "a / on (y, x) group_left () b"),
            ("x[step()]", "x[step()]"),
            ("NaN", "nan"),
            ("sum(up)", "sum by () (up)"),
            ("a * b", "a * ignoring () b"),
        ],
        true,
    );
}

#[test]
fn whatever_may_give_another_result_is_another_expression() {
    check(
        &[
            ("up", "down"),
            ("up{a=\"1\"}", "up{a!=\"1\"}"),
            ("sum by (a) (up)", "sum without (a) (up)"),
            ("sum(up)", "sum without () (up)"),
            ("a * b", "a * on () b"),
            ("x[5m]", "x[6m]"),
            ("x[5m]", "x[5m:]"),
            ("x offset 5m", "x"),
            ("x @ 5", "x @ start()"),
            ("a > b", "a > bool b"),
            ("a - b", "b - a"),
            ("a * on (x) b", "a * ignoring (x) b"),
            ("1", "1.000001"),
            ("-x", "+x"),
            ("topk(1, x)", "topk(2, x)"),
            ("rate(x[5m])", "increase(x[5m])"),
        ],
        false,
    );
}
