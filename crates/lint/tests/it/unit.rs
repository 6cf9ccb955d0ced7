//! What a value is, and what texts say of it.

use bellwether_lint::{Setup, lint};

fn check(expr: &str, description: &str, expected: &[&str]) {
    let text = format!(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: '{expr}'\n    annotations:\n      description: \
         \"{description}\"\n"
    );
    let setup = Setup::read([("rules.yml", text.as_str())]);
    let ids = ["inverted-text", "rate-vs-text", "ratio-vs-percent"];
    let found: Vec<_> =
        lint(&setup).into_iter().map(|finding| finding.problem.id).filter(|id| ids.contains(id)).collect();
    assert_eq!(found, expected, "{expr}: {description}");
}

#[test]
fn texts_and_bounds_in_another_unit_than_the_value() {
    let share = "sum(rate(r_total{c=\"5\"}[5m])) / sum(rate(r_total[5m]))";
    let free = "fs_avail_bytes / fs_size_bytes * 100 < 10";
    let cases: Vec<(String, &str, &[&str])> = vec![
        ("rate(e_total[5m]) > 10".into(), "{{ $value }} errors per minute", &["rate-vs-text"]),
        ("rate(e_total[5m]) > 10".into(), "{{ $value }} errors per second", &[]),
        ("rate(e_total[5m]) * 60 > 10".into(), "{{ $value }} errors/min", &[]),
        ("increase(e_total[1h]) > 10".into(), "{{ $value }} errors per second", &["rate-vs-text"]),
        ("increase(e_total[1m]) > 10".into(), "{{ $value }} errors per minute", &[]),
        ("rate(e_total[5m]) > 10".into(), "{{ $value }} errors. We accept 600 per minute", &[]),
        (free.into(), "disk usage is {{ $value }}%", &["inverted-text"]),
        (free.into(), "only {{ $value }}% left", &[]),
        (free.into(), "only {{ $value }}% used", &["inverted-text"]),
        (format!("{free} and up == 1"), "{{ $value }}% of the disk used", &["inverted-text"]),
        ("rate(e_total[5m]) > 10".into(), "more than 10 errors per minute", &["rate-vs-text"]),
        ("100 - fs_avail_bytes / fs_size_bytes * 100 > 90".into(), "disk usage is {{ $value }}%", &[]),
        ("(fs_size_bytes - fs_free_bytes) / fs_size_bytes > 0.9".into(), "usage is {{ $value }}", &[]),
        (format!("{share} > 5"), "", &["ratio-vs-percent"]),
        (format!("{share} * 100 > 5"), "{{ $value }}%", &[]),
        (format!("100 * {share} < 0.99"), "", &["ratio-vs-percent"]),
        (format!("{share} > 0.05"), "{{ $value }}% fail", &["ratio-vs-percent"]),
        (format!("{share} > 0.05"), "{{ $value | humanizePercentage }} fail", &[]),
        (format!("{share} * 100 > 5"), "{{ $value | humanizePercentage }} fail", &["ratio-vs-percent"]),
        ("node_load1 / count(node_cpu_total) > 1.5".into(), "", &[]),
        ("rate(r_total[5m]) / rate(r_total[1d]) > 2".into(), "", &[]),
    ];
    for (expr, description, expected) in &cases {
        check(expr, description, expected);
    }
    bellwether_testkit::cases::ran("lint/unit", cases.len() as u64);
}
