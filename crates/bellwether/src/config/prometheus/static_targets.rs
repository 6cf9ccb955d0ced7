//! Targets that are written down in `static_configs`, and what is wrong with them.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, Spanned};
use bellwether_ingest::{TargetGroup, WrittenGroup};

/// Reports a target that is none.
pub(in crate::config) type CheckTarget = fn(&Spanned<String>, &mut Cx<'_>);

/// Reads one of `static_configs`. Unless it will be relabelled, every target has to pass a check.
pub(in crate::config) fn decode_static(
    node: &Node,
    check: Option<CheckTarget>,
    cx: &mut Cx<'_>,
) -> Option<TargetGroup> {
    let written = WrittenGroup::decode(node, cx)?;
    if let Some(check) = check {
        written.targets.iter().for_each(|target| check(target, cx));
    }
    Some(written.group())
}

/// What is scraped is `host:port`.
pub(in crate::config) fn check_address(target: &Spanned<String>, cx: &mut Cx<'_>) {
    let host = target.value.as_str();
    if host.contains('/') {
        let bare = host.split("://").last().unwrap_or(host).split('/').next().unwrap_or(host);
        cx.error_help(
            target.span,
            format!("{host:?} is a URL, a target is host:port"),
            format!("write {bare:?}; scheme and metrics_path are settings of the job"),
        );
    } else if host.is_empty() || host.contains(char::is_whitespace) {
        cx.error_help(target.span, format!("{host:?} is not host:port"), "write it like localhost:8080");
    }
}
