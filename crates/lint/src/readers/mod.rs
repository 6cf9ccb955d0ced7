//! Pages of what is found while files are read, before any check looks, and by the linter about its own comments.

pub(crate) mod comment;
mod files;
mod objectives;
mod routing;
mod rules;

use crate::Check;

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
    &rules::RULE_EXPR_TYPE,
    &rules::RULE_GROUP_DUPLICATE,
    &rules::TEMPLATE,
];
