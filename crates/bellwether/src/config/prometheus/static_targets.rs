//! Targets that are written down, with the labels they share: in `static_configs`, and in what files and servers of
//! discoveries say.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Spanned};
use bellwether_model::Labels;

/// Targets with the labels they share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetGroup {
    /// What is known of each: `__address__`, and what its discovery adds.
    pub targets: Vec<Labels>,
    /// The labels they share; those of a target win.
    pub labels: Labels,
}

/// The label that says where a target is.
pub const ADDRESS: &str = "__address__";

/// Reports a target that is none.
pub(in crate::config) type CheckTarget = fn(&Spanned<String>, &mut Cx<'_>);

impl TargetGroup {
    /// Of addresses.
    pub fn of<'a>(addresses: impl IntoIterator<Item = &'a str>, labels: Labels) -> Self {
        let target = |address: &str| Labels::from_pairs([(ADDRESS, address)]);
        Self { targets: addresses.into_iter().map(target).collect(), labels }
    }

    /// Reads one of `static_configs`. Unless it will be relabelled, every target has to pass a check.
    pub(in crate::config) fn decode_static(
        node: &Node,
        check: Option<CheckTarget>,
        cx: &mut Cx<'_>,
    ) -> Option<Self> {
        let written = Written::decode(node, cx)?;
        if let Some(check) = check {
            written.targets.iter().for_each(|target| check(target, cx));
        }
        Some(written.group())
    }
}

impl Decode for TargetGroup {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        Written::decode(node, cx).map(Written::group)
    }
}

struct Written {
    targets: Vec<Spanned<String>>,
    labels: Labels,
}

impl Decode for Written {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let targets = map.optional("targets", cx);
        let labels = map.optional("labels", cx);
        map.finish(cx);
        Some(Self { targets: targets.unwrap_or_default(), labels: labels.unwrap_or_default() })
    }
}

impl Written {
    fn group(self) -> TargetGroup {
        TargetGroup::of(self.targets.iter().map(|target| target.value.as_str()), self.labels)
    }
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
