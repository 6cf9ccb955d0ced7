//! Receivers as they are written. A kind that cannot be delivered to is refused by name: a receiver that is silently
//! skipped is a pager that never rings.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Span, Spanned};
use bellwether_model::TimeDelta;

use super::{Base, Global, Integration, IntegrationKind, Receiver, read_settings};
use crate::connection::{http_config, is_null};
use crate::fields::items;
use crate::{HttpConfig, IntegrationId};

/// Reads a receiver. The span is that of its name.
pub(crate) fn receiver(node: &Node, global: Option<&Global>, cx: &mut Cx<'_>) -> Option<(Span, Receiver)> {
    let mut map = MapReader::open(node, cx)?;
    let name: Option<Spanned<String>> = map.required("name", cx);
    if let Some(name) = name.as_ref().filter(|n| n.value.is_empty()) {
        cx.error(name.span, "a receiver needs a name");
    }
    let receiver = name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
    let mut integrations = Vec::new();
    for kind in IntegrationKind::ALL {
        let mut index = 0;
        integrations.extend(items(map.node(kind.field()), cx, |item, cx| {
            let id = IntegrationId { receiver: receiver.clone(), kind, index };
            index += 1;
            integration(item, id, global, cx)
        }));
    }
    let labels = labels(map.node("labels"), &receiver, cx);
    map.finish(cx);
    let name = name?;
    Some((name.span, Receiver { name: name.value, labels, integrations }))
}

/// `name` is always the receiver's own name, so that it may be repeated and nothing else.
fn labels(node: Option<&Node>, receiver: &str, cx: &mut Cx<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (key, value) in node.and_then(|node| bellwether_diag::entries(node, cx)).unwrap_or(&[]) {
        let name = key.as_text().unwrap_or_default();
        let Some(text) = String::decode(value, cx) else { continue };
        match name {
            "" => cx.error(key.span, "a label needs a name"),
            "name" if text == receiver => {}
            "name" => {
                let message =
                    format!("the label name is that of the receiver, {receiver:?}, and not {text:?}");
                cx.error_help(value.span, message, "remove it, or call it otherwise");
            }
            _ => {
                labels.insert(name.to_owned(), text);
            }
        }
    }
    labels
}

fn integration(
    node: &Node,
    id: IntegrationId,
    global: Option<&Global>,
    cx: &mut Cx<'_>,
) -> Option<Integration> {
    let mut map = MapReader::open(node, cx)?;
    let send_resolved = map.optional("send_resolved", cx).unwrap_or(id.kind.sends_resolved());
    let http = own_http(&mut map, global, cx);
    let base = Base { global, http: http.clone().unwrap_or_default() };
    let settings = read_settings(id.kind, &mut map, &base, cx);
    map.finish(cx);
    http?;
    Some(Integration { id, send_resolved, settings: settings? })
}

/// A text with a default.
pub(crate) fn text(map: &mut MapReader<'_>, name: &'static str, default: &str, cx: &mut Cx<'_>) -> String {
    map.optional(name, cx).unwrap_or_else(|| default.to_owned())
}

fn own_http(map: &mut MapReader<'_>, global: Option<&Global>, cx: &mut Cx<'_>) -> Option<HttpConfig> {
    match map.node("http_config").filter(|n| !is_null(n)) {
        Some(node) => http_config(node, cx),
        None => Some(global.map(|g| g.http.clone()).unwrap_or_default()),
    }
}

/// How long a receiver may take; nothing or zero leaves it to the sender.
pub(crate) fn timeout(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    map.optional::<TimeDelta>("timeout", cx).filter(|t| t.0 > 0)
}
