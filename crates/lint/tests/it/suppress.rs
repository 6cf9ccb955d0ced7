//! Comments that switch findings off: what each holds for, and what is said of those that are wrong.

use bellwether_lint::{Setup, lint};

/// The ids that are found, with their lines.
fn found(name: &str, text: &str) -> Vec<(&'static str, u32)> {
    let setup = Setup::read([(name, text)]);
    let known = ["missing-by-le", "bad-suppression", "unused-suppression", "promql"];
    let place = |finding: &bellwether_lint::Finding| {
        (finding.problem.id, setup.sources.position(finding.problem.span.unwrap()).line)
    };
    lint(&setup).iter().map(place).filter(|(id, _)| known.contains(id)).collect()
}

const WRONG: &str = "histogram_quantile(0.9, sum(rate(x_bucket[5m])))";
const OFF: &str = "bellwether-lint: off missing-by-le because x";

#[test]
fn in_yaml_a_comment_holds_for_what_begins_beside_or_below_it() {
    let check = |template: &str, want: &[(&str, u32)]| {
        let text = template.replace("WRONG", WRONG).replace("OFF", OFF);
        assert_eq!(found("rules.yml", &text), want, "{text}");
    };
    // In front of a rule: all of it, and no other.
    check(
        "groups:\n- name: g\n  rules:\n  # OFF\n  - record: a:b\n    expr: WRONG\n  - record: a:c\n    expr: WRONG\n",
        &[("missing-by-le", 8)],
    );
    check(
        "groups:\n- name: g\n  rules:\n  # OFF\n\n  # why it is so\n  - record: a:b\n    labels: {a: b}\n    expr: |\n      \
         WRONG\n",
        &[],
    );
    // Beside its first line, its name, or beside the query.
    check("groups:\n- name: g\n  rules:\n  - record: a:b # OFF\n    expr: WRONG\n", &[]);
    check(
        "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: WRONG # OFF\n  - {record: a:c, expr: 'WRONG'}\n",
        &[("missing-by-le", 6)],
    );
    // In front of a field that it is not about.
    check(
        "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: WRONG\n    # OFF\n    labels: {a: b}\n",
        &[("missing-by-le", 5), ("unused-suppression", 6)],
    );
    // In the query itself, which has comments of the same form.
    check("groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: |\n      # OFF\n      WRONG\n", &[]);
    check("groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: |\n      WRONG # OFF\n", &[]);
    // In front of a group.
    check(
        "groups:\n# OFF\n- name: g\n  rules:\n  - record: a:b\n    expr: WRONG\n  - record: a:c\n    expr: WRONG\n\
         - name: h\n  rules:\n  - {record: a:d, expr: 'WRONG'}\n",
        &[("missing-by-le", 11)],
    );
    // Before everything else: the file.
    check("# about\n\n# OFF\ngroups:\n- name: g\n  rules:\n  - {record: a:b, expr: 'WRONG'}\n", &[]);
    check("---\n# OFF\ngroups:\n- name: g\n  rules:\n  - {record: a:b, expr: 'WRONG'}\n", &[]);
}

#[test]
fn in_documents_a_comment_holds_for_the_next_paragraph_block_or_section() {
    let check = |template: &str, want: &[(&str, u32)]| {
        let text = template.replace("WRONG", WRONG).replace("OFF", OFF);
        assert_eq!(found("doc.md", &text), want, "{text}");
    };
    let block = "```promql\nWRONG\n```\n";
    check(&format!("# A\n\n<!-- OFF -->\n\n{block}\n{block}"), &[("missing-by-le", 10)]);
    check("# A\n\n<!-- OFF -->\nThe query `WRONG`\nis one.\n\nThe `WRONG` too.\n", &[("missing-by-le", 7)]);
    check("# A\n\n- `WRONG` <!-- OFF -->\n\n- `WRONG`\n", &[("missing-by-le", 5)]);
    check(
        &format!("# A\n\n<!-- OFF -->\n## B\n\n{block}### C\n\n{block}## D\n\n{block}"),
        &[("missing-by-le", 17)],
    );
    check(&format!("<!-- OFF -->\n# A\n\n{block}# B\n\n{block}"), &[]);
    check("# A\n\n```promql\n# OFF\nWRONG\n\n# another\nWRONG\n```\n", &[("missing-by-le", 8)]);
    check(
        "# A\n\n```yaml\n# OFF\n- record: a:b\n  expr: WRONG\n- record: a:c\n  expr: WRONG\n```\n",
        &[("missing-by-le", 8)],
    );
    // Only talked about.
    check("# A\n\nWrite `<!-- OFF -->` or `# OFF` in front.\n# OFF\n\n`WRONG`\n", &[("missing-by-le", 6)]);
}

#[test]
fn a_comment_needs_a_reason_and_ids_that_exist() {
    let check = |comment: &str, want: &[(&str, u32)]| {
        let text = format!(
            "groups:\n- name: g\n  rules:\n  # bellwether-lint: {comment}\n  - {{record: a:b, expr: '{WRONG}'}}\n"
        );
        assert_eq!(found("rules.yml", &text), want, "{comment}");
    };
    check("off missing-by-le because the metric is no histogram", &[]);
    check("off promql, missing-by-le because x", &[("unused-suppression", 4)]);
    check("off missing-by-le", &[("bad-suppression", 4), ("missing-by-le", 5)]);
    check("off missing-by-le because", &[("bad-suppression", 4), ("missing-by-le", 5)]);
    check("off missing-by-el, missing-by-le because x", &[("bad-suppression", 4)]);
    check("off because x", &[("bad-suppression", 4), ("missing-by-le", 5)]);
    check("ignore missing-by-le because x", &[("bad-suppression", 4), ("missing-by-le", 5)]);
    check("offmissing-by-le because x", &[("bad-suppression", 4), ("missing-by-le", 5)]);
}

#[test]
fn what_cannot_be_read_can_be_switched_off_too() {
    let text = "# A\n\n<!-- bellwether-lint: off promql because it shows what is refused -->\n\n```promql\nsum(\n```\n";
    assert_eq!(found("doc.md", text), []);
    assert_eq!(
        found("doc.md", &text.replace("off promql", "off missing-by-le")),
        [("unused-suppression", 3), ("promql", 6)]
    );
}
