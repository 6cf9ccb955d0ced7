//! Pages of what is found while files are read, before any check looks, and by the linter about its own comments.

pub(crate) mod comment;
mod files;
mod objectives;
mod routing;
mod rules;

use std::collections::BTreeSet;

use bellwether_diag::{Diagnostic, FileId};

use crate::{Area, Check, Finding, Setup, catalogue};

/// What readers say of a whole file and a check says too, of pieces of one as well and with what is around it in view.
const SAID_BY_CHECKS: [(&str, &str); 7] = [
    ("glob-in-match", "glob-in-equality"),
    ("idle-inhibition", "dead-inhibit"),
    ("invalid-value", "objective-100"),
    ("invalid-value", "undefined-receiver"),
    ("no-effect", "noop-setting"),
    ("rule-duplicate", "duplicate"),
    ("short-repeat", "repeat-vs-interval"),
];

/// All of them.
pub(crate) static ALL: &[&Check] = &[
    &comment::BAD_SUPPRESSION,
    &comment::UNUSED_SUPPRESSION,
    &files::DOUBTFUL_VALUE,
    &files::INVALID_VALUE,
    &files::MISSING_FIELD,
    &files::NOT_UTF8,
    &files::UNKNOWN_FIELD,
    &files::YAML_ALIAS,
    &files::YAML_CHARACTER,
    &files::YAML_DUPLICATE_KEY,
    &files::YAML_MERGE,
    &files::YAML_SYNTAX,
    &files::YAML_TOO_DEEP,
    &files::YAML_TOO_LARGE,
    &objectives::CONFIGURED_ELSEWHERE,
    &objectives::DUPLICATE_SLO,
    &objectives::DUPLICATE_WINDOWS,
    &objectives::FIELD_NOT_CARRIED,
    &objectives::MONITORING_FILTER,
    &objectives::OPENSLO_MINUTES,
    &objectives::OPENSLO_OPERATOR,
    &objectives::OPENSLO_SLICES,
    &objectives::PLACEHOLDER_QUERY,
    &objectives::SLO_COMPOSITE_CYCLE,
    &objectives::SLO_COMPOSITE_FORM,
    &objectives::SLO_COMPOSITE_MEMBER,
    &objectives::UNKNOWN_DIALECT,
    &objectives::UNKNOWN_REFERENCE,
    &routing::BROAD_INHIBITION,
    &routing::DOUBTFUL_MATCHER,
    &routing::GLOB_IN_MATCH,
    &routing::IDLE_INHIBITION,
    &routing::NOT_SUPPORTED_YET,
    &routing::NO_EFFECT,
    &routing::SHORT_REPEAT,
    &routing::UNUSED_RECEIVER,
    &routing::UNUSED_TIME_INTERVAL,
    &rules::PROMQL,
    &rules::RULE_DUPLICATE,
    &rules::RULE_EXPR_TYPE,
    &rules::RULE_GROUP_DUPLICATE,
];

/// What was found while reading, without what checks have found as well.
pub(crate) fn not_said_by(checked: &[Finding], setup: &Setup) -> Vec<Finding> {
    let line = |problem: &Diagnostic| -> Option<(FileId, u32)> {
        let whole = setup.sources.whole(problem.span?);
        Some((whole.file, setup.sources.position(whole).line))
    };
    let said: BTreeSet<(&str, Option<(FileId, u32)>)> =
        checked.iter().map(|finding| (finding.problem.id, line(&finding.problem))).collect();
    let is_said = |problem: &Diagnostic| {
        let is_checked = |check: &&Check| check.id == problem.id && check.area == Area::Alertmanager;
        let mut others = SAID_BY_CHECKS.iter().filter(|(read, _)| *read == problem.id);
        catalogue::ALL.iter().copied().any(|check| is_checked(&check))
            || others.any(|(_, check)| said.contains(&(check, line(problem))))
    };
    setup.problems.iter().filter(|problem| !is_said(problem)).cloned().map(Finding::from).collect()
}
