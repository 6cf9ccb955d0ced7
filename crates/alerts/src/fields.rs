//! What every part of `alertmanager.yml` is read with: lists item by item, references to names defined elsewhere in the
//! file. Nothing here knows a particular field, so that every part may use it.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Diagnostic, Spanned, suggest};

/// The id of every "not yet" in the configuration.
pub(crate) const UNSUPPORTED: &str = "not-supported-yet";

/// Reads every item of a list, also after one has failed.
pub(crate) fn items<T>(
    node: Option<&Node>,
    cx: &mut Cx<'_>,
    mut read: impl FnMut(&Node, &mut Cx<'_>) -> Option<T>,
) -> Vec<T> {
    match node.map(|n| (&n.value, n.span)) {
        None | Some((Value::Null, _)) => Vec::new(),
        Some((Value::Sequence(items), _)) => items.iter().filter_map(|item| read(item, cx)).collect(),
        Some((value @ (Value::Scalar(_) | Value::Mapping(_)), span)) => {
            let message = format!("expected a list, found {}", value.kind());
            cx.error_help(span, message, "write it as an item: `- ` before the value");
            Vec::new()
        }
    }
}

/// Reports a name that is not among the defined ones.
pub(crate) fn undefined<'n>(
    what: &str,
    name: &Spanned<String>,
    mut defined: impl Iterator<Item = &'n String> + Clone,
    cx: &mut Cx<'_>,
) {
    if defined.clone().any(|d| *d == name.value) {
        return;
    }
    let help = match suggest(&name.value, defined.clone().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None if defined.next().is_none() => format!("no {what} is defined in this file"),
        None => format!("define a {what} of this name, or use one that is defined"),
    };
    let id = if what == "receiver" { "undefined-receiver" } else { "invalid-value" };
    let problem = Diagnostic::error(id, name.span, format!("undefined {what} {:?}", name.value));
    cx.push(problem.with_help(help));
}
