//! What the readers of rule files and of queries find.

use bellwether_diag::Severity;

use crate::check::found_by_the_reader as run;
use crate::{Area, Check};

pub(crate) static PROMQL: Check = Check {
    id: "promql",
    area: Area::Promql,
    severity: Severity::Error,
    title: "a query that Prometheus refuses",
    why: "A rule file with one query that cannot be read is refused as a whole: none of its alerts exists. Every mistake \
          in every query is told at once, each where it stands.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: sum(rate(errors_total[5m]) > 1\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: sum(rate(errors_total[5m])) > 1\n",
    )],
    run,
};

pub(crate) static RULE_EXPR_TYPE: Check = Check {
    id: "rule-expr-type",
    area: Area::Promql,
    severity: Severity::Warning,
    title: "a rule whose query gives a range of samples or a text",
    why: "A rule needs one number per series. Prometheus loads a rule that gives a range vector or a string, and every \
          evaluation of it fails.",
    wrong: &[("rules.yml", "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: up[5m]\n")],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: avg_over_time(up[5m])\n",
    )],
    run,
};

pub(crate) static RULE_GROUP_DUPLICATE: Check = Check {
    id: "rule-group-duplicate",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "two groups of one name in a file",
    why: "A group is known by its file and its name; Prometheus refuses a file that has the same name twice.",
    wrong: &[("rules.yml", "groups:\n- name: api\n  rules: []\n- name: api\n  rules: []\n")],
    right: &[("rules.yml", "groups:\n- name: api\n  rules: []\n- name: web\n  rules: []\n")],
    run,
};

pub(crate) static RULE_DUPLICATE: Check = Check {
    id: "rule-duplicate",
    area: Area::Yaml,
    severity: Severity::Warning,
    title: "two rules of a group with one name and the same labels",
    why: "Two recordings of one series overwrite one another, and two alerts with the same labels are one alert to whoever \
          is told. One of the two is usually a copy whose name was to be changed.",
    wrong: &[],
    right: &[],
    run,
};
