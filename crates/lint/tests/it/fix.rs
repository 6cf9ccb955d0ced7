//! Ready fixes: what a text looks like afterwards, and that everything else stays as it is.

use bellwether_lint::{Mended, Setup, output};

fn mended(name: &str, text: &str) -> String {
    let mended = Mended::of(Setup::read([(name, text)]));
    mended.setup.sources.text(mended.setup.files[0].file).to_owned()
}

#[test]
fn a_fix_changes_its_place_and_nothing_else() {
    let check = |before: &str, after: &str| {
        for (name, start, end) in [
            ("rules.yml", "groups:\n- name: g # é\n  rules:\n  - record: a:b\n    expr: ", "\n# last"),
            ("doc.md", "# Slö\n\n```yaml\n- record: a:b\n  expr: ", "\n```\n\nmore\n"),
            ("doc.md", "# One\n\n```promql\n# a comment\n", "\n```\n"),
            ("q.promql", "", "\n\nup\n"),
        ] {
            assert_eq!(
                mended(name, &format!("{start}{before}{end}")),
                format!("{start}{after}{end}"),
                "{name}"
            );
        }
    };
    check(
        "histogram_quantile(0.9, sum(rate(x_bucket[5m])))",
        "histogram_quantile(0.9, sum by (le)(rate(x_bucket[5m])))",
    );
    check(
        "histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m])))",
        "histogram_quantile(0.9, sum by (le, job) (rate(x_bucket[5m])))",
    );
    check(
        "histogram_quantile(0.9, sum(rate(x_bucket[5m])) by (job))",
        "histogram_quantile(0.9, sum(rate(x_bucket[5m])) by (le, job))",
    );
    check(
        "histogram_quantile(0.9, sum(rate(x_bucket[5m]))) / histogram_quantile(0.5, sum by () (rate(x_bucket[5m])))",
        "histogram_quantile(0.9, sum by (le)(rate(x_bucket[5m]))) / histogram_quantile(0.5, sum by (le) (rate(x_bucket[5m])))",
    );
    // Nothing that can be mended: the text stays, byte by byte.
    check("sum(rate(x_bucket[5m]))", "sum(rate(x_bucket[5m]))");
}

#[test]
fn what_was_mended_is_told_and_no_longer_found() {
    let text = "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: >-\n      histogram_quantile(0.9,\n        \
                sum(rate(x_bucket[5m])))\n";
    let mended = Mended::of(Setup::read([("rules.yml", text)]));
    let told: Vec<_> = mended.changes.iter().map(|it| (it.file.as_str(), it.line, it.id)).collect();
    assert_eq!(told, [("rules.yml", 7, "missing-by-le")]);
    assert!(mended.findings.iter().all(|finding| finding.problem.id != "missing-by-le"));
}

#[test]
fn a_diff_shows_what_changed_with_lines_around_it() {
    let check =
        |old: &str, new: &str, want: &str| assert_eq!(output::unified("f", old, new), want, "{old:?}");
    let head = "--- a/f\n+++ b/f\n";
    check("a\n", "a\n", "");
    check("a\nb\nc\n", "a\nB\nc\n", &format!("{head}@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"));
    check("", "a\n", &format!("{head}@@ -0,0 +1,1 @@\n+a\n"));
    check("a", "", &format!("{head}@@ -1,1 +0,0 @@\n-a\n\\ No newline at end of file\n"));
    check(
        "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n",
        "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n",
        &format!("{head}@@ -2,9 +2,10 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n 10\n+11\n"),
    );
    check(
        "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n",
        "0\n2\n3\n4\n5\n6\n7\n8\n9\n10\nx\n",
        &format!("{head}@@ -1,4 +1,4 @@\n-1\n+0\n 2\n 3\n 4\n@@ -8,4 +8,4 @@\n 8\n 9\n 10\n-11\n+x\n"),
    );
}
