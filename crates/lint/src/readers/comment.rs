//! What is wrong with comments to the linter itself.

use bellwether_diag::Severity;

use crate::check::found_by_the_reader as run;
use crate::{Area, Check};

pub(crate) static BAD_SUPPRESSION: Check = Check {
    id: "bad-suppression",
    area: Area::Yaml,
    severity: Severity::Warning,
    title: "a comment to the linter without a reason, or with an id that does not exist",
    why: "A finding that is switched off without a reason cannot be told from one that somebody overlooked, and one that \
          is misspelt switches nothing off. Until the comment is mended, everything it names is still found.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  # bellwether-lint: off missing-by-le\n  - record: a:b\n    expr: sum(b)\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  # bellwether-lint: off missing-by-le because the metric is a gauge of quantiles\n  \
         - record: a:b\n    expr: sum(b)\n",
    )],
    run,
};

pub(crate) static UNUSED_SUPPRESSION: Check = Check {
    id: "unused-suppression",
    area: Area::Yaml,
    severity: Severity::Note,
    title: "a comment to the linter that switches nothing off",
    why: "What was wrong has been mended, or the comment stands in the wrong place: it holds for what begins on its line, \
          or, alone on a line, for what begins on the next. Left where it is, it would hide the same mistake made again.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  # bellwether-lint: off missing-by-le because the buckets are few\n  - record: \
         a:b\n    expr: sum(b)\n",
    )],
    right: &[("rules.yml", "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: sum(b)\n")],
    run,
};
