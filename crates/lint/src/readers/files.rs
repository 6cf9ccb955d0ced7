//! What the reader of YAML and the decoders of every kind of file find.

use bellwether_diag::Severity;

use crate::check::found_by_the_reader as run;
use crate::{Area, Check};

pub(crate) static NOT_UTF8: Check = Check {
    id: "not-utf8",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "a file that is no text in UTF-8",
    why: "Prometheus and Alertmanager read UTF-8 only. Such a file usually comes from an editor that saved it in another \
          encoding, or was damaged on its way. It is not read further.",
    wrong: &[],
    right: &[],
    run,
};

pub(crate) static YAML_SYNTAX: Check = Check {
    id: "yaml-syntax",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "text that is no YAML",
    why: "Indentation, a quote that is never closed, a tab, a colon without a blank after it: nothing below that place \
          can be read, and the program the file is for refuses it.",
    wrong: &[("rules.yml", "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: 'sum(b)\n")],
    right: &[("rules.yml", "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: 'sum(b)'\n")],
    run,
};

pub(crate) static YAML_ALIAS: Check = Check {
    id: "yaml-alias",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "an alias that names nothing before it, or itself",
    why: "`*name` repeats the value that `&name` marks, which must stand above it in the same document.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: team}\nreceivers:\n- name: team\n  webhook_configs: [*hook]\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route: {receiver: team}\nreceivers:\n- name: team\n  webhook_configs: [&hook {url: 'http://hook.example.org/'}]\n\
         - name: night\n  webhook_configs: [*hook]\n",
    )],
    run,
};

pub(crate) static YAML_CHARACTER: Check = Check {
    id: "yaml-character",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "a character that YAML forbids",
    why: "Control characters come from copying out of a terminal or a web page; YAML refuses the file.",
    wrong: &[("rules.yml", "groups:\n- name: \"g\u{1}\"\n  rules: []\n")],
    right: &[("rules.yml", "groups:\n- name: g\n  rules: []\n")],
    run,
};

pub(crate) static YAML_DUPLICATE_KEY: Check = Check {
    id: "yaml-duplicate-key",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "one key twice in a mapping",
    why: "One of the two values would be lost without a word; Prometheus and Alertmanager refuse the file.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    labels: {team: a}\n    labels: {severity: \
         page}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    labels: {team: a, severity: page}\n",
    )],
    run,
};

pub(crate) static YAML_MERGE: Check = Check {
    id: "yaml-merge",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "a merge key that merges no mapping",
    why: "`<<:` takes the entries of another mapping in; of anything else there is nothing to take.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - <<: page\n    alert: Down\n    expr: up == 0\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - &page\n    alert: Down\n    expr: up == 0\n  - <<: *page\n    alert: Gone\n    \
         expr: absent(up)\n",
    )],
    run,
};

pub(crate) static YAML_TOO_LARGE: Check = Check {
    id: "yaml-too-large",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "more YAML than is read",
    why: "A file of many megabytes, or a few lines whose aliases repeat one another into billions of values, is not read: \
          it would take the memory of whoever reads it. Split it.",
    wrong: &[],
    right: &[],
    run,
};

pub(crate) static YAML_TOO_DEEP: Check = Check {
    id: "yaml-too-deep",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "YAML nested deeper than is read",
    why: "No configuration that people write is nested that deeply; a file that is comes from a program that went wrong.",
    wrong: &[],
    right: &[],
    run,
};

pub(crate) static UNKNOWN_FIELD: Check = Check {
    id: "unknown-field",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "a field that does not exist",
    why: "A misspelt field would be ignored, and what it was meant to set keeps its default. Prometheus and Alertmanager \
          refuse the file.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    fore: 5m\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5m\n",
    )],
    run,
};

pub(crate) static MISSING_FIELD: Check = Check {
    id: "missing-field",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "a field that must be there is not",
    why: "Without it the rule, route or objective means nothing, and the program the file is for refuses it.",
    wrong: &[("rules.yml", "groups:\n- name: g\n  rules:\n  - alert: Down\n    for: 5m\n")],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5m\n",
    )],
    run,
};

pub(crate) static INVALID_VALUE: Check = Check {
    id: "invalid-value",
    area: Area::Yaml,
    severity: Severity::Error,
    title: "a value that its field cannot have",
    why: "A duration without a unit, a name with a blank in it, text where a list belongs: the program the file is for \
          refuses it.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5 minutes\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5m\n",
    )],
    run,
};

pub(crate) static DOUBTFUL_VALUE: Check = Check {
    id: "doubtful-value",
    area: Area::Yaml,
    severity: Severity::Warning,
    title: "a value that is accepted and probably not meant",
    why: "YAML makes a number, a truth value or a date of some texts, and other programs that read the file may take it for \
          something else. Quotes settle it.",
    wrong: &[],
    right: &[],
    run,
};
