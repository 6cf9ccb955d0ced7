//! Queries that are counters in disguise are recognised; whatever might mean something else is not.

use bellwether_slo::recognise::{Recognised, recognise};
use bellwether_slo::{Ask, QueryEvents};
use bellwether_testkit::cases::ran;

fn shown(ask: Ask) -> String {
    // `W` stands for the window, to keep the tables readable.
    let put = |text: String| text.replace("[W]", "[{{.window}}]");
    let ask = match ask {
        Ask::GoodTotal { good, total } => Ask::GoodTotal { good: put(good), total: put(total) },
        Ask::BadTotal { bad, total } => Ask::BadTotal { bad: put(bad), total: put(total) },
        Ask::BadRatio(ratio) => Ask::BadRatio(put(ratio)),
        Ask::GoodRatio(ratio) => Ask::GoodRatio(put(ratio)),
    };
    match recognise(&QueryEvents { ask, slice: bellwether_model::TimeDelta::MINUTE }) {
        None => "asked".to_owned(),
        Some(Recognised { events, group_by }) if group_by.is_empty() => events.text(),
        Some(Recognised { events, group_by }) => format!("{} by {}", events.text(), group_by.join(", ")),
    }
}

fn check(cases: &[(Ask, &str)]) {
    for (ask, expected) in cases {
        assert_eq!(shown(ask.clone()), *expected, "{ask:?}");
    }
    ran("recognise", cases.len() as u64);
}

fn bad(bad: &str, total: &str) -> Ask {
    Ask::BadTotal { bad: bad.to_owned(), total: total.to_owned() }
}
fn good(good: &str, total: &str) -> Ask {
    Ask::GoodTotal { good: good.to_owned(), total: total.to_owned() }
}
fn bad_ratio(text: &str) -> Ask {
    Ask::BadRatio(text.to_owned())
}
fn good_ratio(text: &str) -> Ask {
    Ask::GoodRatio(text.to_owned())
}

#[test]
fn sums_of_counters_are_counters() {
    let (e, t) = ("sum(rate(r{code=~\"5..\"}[W]))", "sum(rate(r[W]))");
    check(&[
        (bad(e, t), "bad r{code=~\"5..\"} of all r"),
        (good("sum(increase(ok[W]))", "sum(increase(r[W]))"), "good ok of all r"),
        (bad("(\n  sum( (rate(e[W])) )\n)", "(sum by () (rate(r[W])))"), "bad e of all r"),
        (bad("sum(sum by (pod, job) (rate(e[W])))", t), "bad e of all r"),
        (bad("sum(rate(a[W])) + sum(rate(b[W]))", t), "bad a + b of all r"),
        (bad(e, "sum(rate({__name__=\"r\"}[W]))"), "bad r{code=~\"5..\"} of all r"),
        (bad(e, "sum(rate({__name__=~\"r|s\"}[W]))"), "bad r{code=~\"5..\"} of all {__name__=~\"r|s\"}"),
        // Good and bad that make up all.
        (bad("sum(rate(e[W]))", "sum(rate(ok[W])) + sum(rate(e[W]))"), "good ok against bad e"),
        (good("sum(rate(ok[W]))", "sum(rate(e[W])) + sum(rate(ok[W]))"), "good ok against bad e"),
        (bad("sum(rate(r[W])) - sum(rate(ok[W]))", t), "good ok of all r"),
        (good("sum(rate(r[W])) - sum(rate(e[W]))", t), "bad e of all r"),
        (bad(t, t), "bad r of all r"),
    ]);
}

#[test]
fn what_stands_for_nothing_counts_nothing() {
    let t = "sum(rate(r[W]))";
    check(&[
        (bad("sum(rate(e[W])) or vector(0)", t), "bad e of all r"),
        (bad("sum(rate(e[W])) or on() vector(0)", t), "bad e of all r"),
        (bad("sum(rate(e[W]) or vector(0))", t), "asked"),
        (bad("sum(rate(e[W])) or 0 * sum(rate(r[W]))", t), "bad e of all r"),
        (bad("sum(rate(e[W])) or sum(rate(r[W])) * 0", t), "bad e of all r"),
        (bad("(sum(rate(a[W])) or vector(0)) + (sum(rate(b[W])) or vector(0))", t), "bad a + b of all r"),
        (bad("sum(rate(e[W])) or vector(1)", t), "asked"),
        (bad("sum(rate(e[W]))", "sum(rate(r[W])) > 0"), "bad e of all r"),
        (bad("sum(rate(e[W]))", "sum(rate(r[W])) > 10"), "asked"),
        (bad("sum(rate(e[W]))", "sum(rate(r[W])) >bool 0"), "asked"),
        (bad("0 * sum(rate(e[W]))", t), "asked"),
    ]);
}

#[test]
fn a_share_is_the_two_counters_it_is_made_of() {
    check(&[
        (bad_ratio("sum(rate(e[W])) / sum(rate(r[W]))"), "bad e of all r"),
        (bad_ratio("(sum(rate(e[W]))) / on() (sum(rate(r[W])))"), "bad e of all r"),
        (bad_ratio("1 - (sum(rate(ok[W])) / sum(rate(r[W])))"), "good ok of all r"),
        (bad_ratio("1 - sum(rate(ok[W])) / sum(rate(r[W]))"), "good ok of all r"),
        (bad_ratio("vector(1) - sum(rate(ok[W])) / sum(rate(r[W]))"), "good ok of all r"),
        (bad_ratio("(sum(rate(r[W])) - sum(rate(ok[W]))) / sum(rate(r[W]))"), "good ok of all r"),
        (good_ratio("sum(rate(ok[W])) / (sum(rate(ok[W])) + sum(rate(e[W])))"), "good ok against bad e"),
        (good_ratio("1 - sum(rate(e[W])) / sum(rate(r[W]))"), "bad e of all r"),
        (bad_ratio("sum(rate(e[W])) / sum(rate(r[W])) or vector(0)"), "bad e of all r"),
        (bad_ratio("(1 - sum(rate(ok[W])) / sum(rate(r[W]))) or vector(0)"), "good ok of all r"),
        (bad_ratio("1 - (sum(rate(ok[W])) / sum(rate(r[W])) or vector(1))"), "good ok of all r"),
        (bad_ratio("sum(rate(e[W])) / sum(rate(r[W])) or vector(1)"), "asked"),
        (bad_ratio("1 - 1 * sum(rate(ok[W])) / sum(rate(r[W]))"), "good ok of all r"),
        (bad_ratio("2 - sum(rate(ok[W])) / sum(rate(r[W]))"), "asked"),
        (bad_ratio("sum(rate(e[W]))"), "asked"),
        (bad_ratio("slo:error_ratio:rate5m"), "asked"),
    ]);
}

#[test]
fn factors_that_cancel_do_not_matter() {
    check(&[
        (bad("60 * sum(rate(e[W]))", "sum(rate(r[W])) * 60"), "bad e of all r"),
        (bad("sum(rate(e[W])) / 2", "sum(rate(r[W])) / 2"), "bad e of all r"),
        (bad("60 * sum(rate(e[W]))", "sum(rate(r[W]))"), "asked"),
        (bad_ratio("100 * sum(rate(e[W])) / sum(rate(r[W]))"), "asked"),
        (bad_ratio("100 * sum(rate(e[W])) / sum(rate(r[W])) / 100"), "bad e of all r"),
        (bad_ratio("(4 * sum(rate(e[W])) / sum(rate(r[W]))) / 4"), "bad e of all r"),
        (bad("-sum(rate(e[W]))", "sum(rate(r[W]))"), "asked"),
        (bad("--sum(rate(e[W]))", "sum(rate(r[W]))"), "bad e of all r"),
        (bad("sum(rate(e[W])) + sum(rate(e[W]))", "sum(rate(r[W]))"), "asked"),
        (bad("sum(rate(e[W]))", "sum(increase(r[W]))"), "asked"),
    ]);
}

#[test]
fn all_less_a_bucket_is_a_latency() {
    let count = "sum(rate(d_seconds_count{verb!=\"WATCH\"}[W]))";
    let bucket = "sum(rate(d_seconds_bucket{le=\"0.4\",verb!=\"WATCH\"}[W]))";
    let infinite = "sum(rate(d_seconds_bucket{verb!=\"WATCH\", le=\"+Inf\"}[W]))";
    let shown = "events at or below 0.4 in d_seconds{verb!=\"WATCH\"}";
    check(&[
        (bad(&format!("({count} - {bucket})"), count), shown),
        (bad(&format!("{infinite} - {bucket}"), infinite), shown),
        (bad(&format!("{infinite} - {bucket}"), count), shown),
        (bad(&format!("{count} - {bucket}"), infinite), shown),
        (good(bucket, count), shown),
        (good(bucket, infinite), shown),
        (bad_ratio(&format!("1 - ({bucket} / {count})")), shown),
        // Buckets are counters too where total is something else.
        (
            good("sum(rate(d_bucket{le=\"0.4\", code=\"200\"}[W]))", "sum(rate(d_count[W]))"),
            "good d_bucket{code=\"200\", le=\"0.4\"} of all d_count",
        ),
        (
            good("sum(rate(d_bucket{le=~\"0.4|0.40\"}[W]))", "sum(rate(d_count[W]))"),
            "good d_bucket{le=~\"0.4|0.40\"} of all d_count",
        ),
        (
            good("sum(rate(d_bucket{le=\"0\"}[W]))", "sum(rate(d_count[W]))"),
            "good d_bucket{le=\"0\"} of all d_count",
        ),
        (bad("sum(rate(d_bucket[W])) - sum(rate(d_bucket{le=\"1\"}[W]))", "sum(rate(d_count[W]))"), "asked"),
        (bad_ratio("histogram_quantile(0.9, sum by (le) (rate(d_bucket[W]))) > bool 1"), "asked"),
        (good("sum by (le) (rate(d_bucket{le=\"1\"}[W]))", "sum by (le) (rate(d_count[W]))"), "asked"),
    ]);
}

#[test]
fn all_less_some_are_the_others() {
    let t = "sum(rate(r[W]))";
    check(&[
        (
            bad("sum(rate(x{a=\"1\"}[W])) - sum(rate(x{a=\"1\",ok=\"yes\"}[W]))", t),
            "bad x{a=\"1\", ok!=\"yes\"} of all r",
        ),
        (bad("sum(rate(x[W])) - sum(rate(x{code=~\"2..\"}[W]))", t), "bad x{code!~\"2..\"} of all r"),
        (bad("sum(rate(x[W])) - sum(rate(x{a=\"1\",b=\"2\"}[W]))", t), "asked"),
        (bad("sum(rate(x[W])) - sum(rate(y[W]))", t), "asked"),
    ]);
}

#[test]
fn groups_are_streams() {
    check(&[
        (bad("sum by (job) (rate(e[W]))", "sum by (job) (rate(r[W]))"), "bad e of all r by job"),
        (bad("sum by (b, a) (rate(e[W]))", "sum by (a, b) (rate(r[W]))"), "bad e of all r by a, b"),
        (
            bad_ratio("sum by (job) (rate(e[W])) / on (job) sum by (job) (rate(r[W]))"),
            "bad e of all r by job",
        ),
        (bad_ratio("1 - sum by (job) (rate(g[W])) / sum by (job) (rate(r[W]))"), "good g of all r by job"),
        (bad_ratio("vector(1) - sum by (job) (rate(g[W])) / sum by (job) (rate(r[W]))"), "asked"),
        (bad("sum by (job) (rate(e[W]))", "sum(rate(r[W]))"), "asked"),
        (bad("sum without (job) (rate(e[W]))", "sum without (job) (rate(r[W]))"), "asked"),
        (bad_ratio("sum by (a) (rate(e[W])) / ignoring (a) sum by (a) (rate(r[W]))"), "asked"),
        (bad_ratio("sum by (a) (rate(e[W])) / on (a) group_left sum by (a) (rate(r[W]))"), "asked"),
    ]);
}

#[test]
fn what_might_mean_something_else_is_asked() {
    let t = "sum(rate(r[W]))";
    check(&[
        (bad("sum(rate(e[5m]))", t), "asked"),
        (bad("sum(rate(e[W] offset 5m))", t), "asked"),
        (bad("sum(rate(e[W] @ end()))", t), "asked"),
        (bad("sum(rate(e[W] anchored))", t), "asked"),
        (bad("sum(irate(e[W]))", t), "asked"),
        (bad("sum(delta(e[W]))", t), "asked"),
        (bad("rate(e[W])", "rate(r[W])"), "asked"),
        (bad("avg(rate(e[W]))", t), "asked"),
        (bad("sum(rate(e[W]) + rate(f[W]))", t), "asked"),
        (bad("sum(rate(e[W]) > 0)", t), "asked"),
        (bad("sum(max_over_time(rate(e[W])[1h:5m]))", t), "asked"),
        (bad("sum(rate(e[W])) * sum(rate(r[W]))", t), "asked"),
        (bad("count(e)", "count(r)"), "asked"),
        (bad("sum(rate(e[W])", t), "asked"),
        (bad("", ""), "asked"),
        // One series may match both, and would count twice.
        (bad("sum(rate(e{a=\"1\"}[W])) + sum(rate(e{b=\"1\"}[W]))", t), "asked"),
        (
            bad("sum(rate(e{a=\"1\"}[W])) + sum(rate(e{a=\"2\"}[W]))", t),
            "bad e{a=\"1\"} + e{a=\"2\"} of all r",
        ),
        (
            bad("sum(rate(e{a=~\"1\"}[W])) + sum(rate(e{a!~\"1\"}[W]))", t),
            "bad e{a=~\"1\"} + e{a!~\"1\"} of all r",
        ),
        (bad("sum(rate({a=\"1\"}[W])) + sum(rate(e[W]))", t), "asked"),
        (bad("sum(rate(e[W]))", "1000"), "asked"),
        (bad("sum(rate(e[W] fill(0)))", t), "asked"),
    ]);
}
