//! Selectors are read as PromQL writes them, and refused with the bytes to blame.

use bellwether_slo::Selector;

use crate::world::series;

fn check(text: &str, expected: &str) {
    let shown = match Selector::parse(text) {
        Ok(selector) => selector.to_string(),
        Err(error) => format!("{:?}: {error}", &text[error.range.clone()]),
    };
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn selectors_are_read_as_promql_writes_them() {
    check("up", "up");
    check(" up { } ", "up");
    check("up{b='x', a!~\"y.*\",}", "up{a!~\"y.*\", b=\"x\"}");
    check("{__name__=\"up\"}", "up");
    check("{\"up\", a=\"b\"}", "up{a=\"b\"}");
    check("up{a=\"quote \\\" and \\\\\"}", "up{a=\"quote \\\" and \\\\\"}");
    check("{a=\"b\"}", "{a=\"b\"}");
}

#[test]
fn what_is_no_selector_is_pointed_at() {
    check("", "\"\": selector matches every series; name a metric");
    check("{a=~\".*\"}", "\"{a=~\\\".*\\\"}\": selector matches every series; name a metric");
    check("up[5m]", "\"[\": an indicator counts events itself: leave out the range");
    check("rate(up)", "\"(\": an indicator selects counters: functions cannot be used here");
    check("up{a}", "\"}\": expected =, !=, =~ or !~");
    check("up{a=b}", "\"b\": expected a quoted value");
    check("up{a=\"b}", "\"\\\"b}\": the quote is never closed");
    check("up{a=\"b\" c=\"d\"}", "\"c\": expected \",\" or \"}\"");
    check("up{__name__=\"x\"}", "\"__name__=\\\"x\\\"\": the metric's name is stated twice");
    check("up{a=\"\\d\"}", "\"\\\"\\\\d\": unknown escape \\d; write \\\\d for a backslash");
    check("up + up", "\"+\": unexpected '+' after the selector");
    check("up{a=\"é", "\"\\\"é\": the quote is never closed");
}

#[test]
fn a_label_that_is_not_there_is_empty() {
    let matches = |selector: &str, labels: &str| Selector::parse(selector).unwrap().matches(&series(labels));
    assert!(matches("up{a=\"\"}", "up"));
    assert!(matches("up{a!=\"x\"}", "up{b=1}"));
    assert!(!matches("up{a=\"x\"}", "up"));
    assert!(!matches("up", "down"));
}
