//! Sections of `alertmanager.yml` that are about Alertmanager's own telemetry. They are read, so that a mistake in them is
//! found and the file can stay as it is; they have no effect here, which is said.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Diagnostic, MapReader, Spanned};
use bellwether_model::TimeDelta;

use crate::connection::{http_config, http_headers, is_null, tls_config};
use crate::fields::items;

fn has_no_effect(node: &Node, section: &str, cx: &mut Cx<'_>) {
    let message = format!("{section} has no effect here: it is about Alertmanager's own process");
    let help = "it may stay; what happens to alerts is recorded in the state database";
    cx.push(Diagnostic::warning("no-effect", node.span, message).with_help(help));
}

/// Traces of Alertmanager's own work.
pub(super) fn tracing(node: Option<&Node>, cx: &mut Cx<'_>) {
    let Some(node) = node.filter(|node| !is_null(node)) else { return };
    let Some(mut map) = MapReader::open(node, cx) else { return };
    one_of(&mut map, "client_type", &["http", "grpc"], cx);
    let _: Option<String> = map.required("endpoint", cx);
    let _: Option<f64> = map.optional("sampling_fraction", cx);
    let _: Option<bool> = map.optional("insecure", cx);
    map.node("tls_config").filter(|n| !is_null(n)).and_then(|n| tls_config(n, cx));
    map.node("headers").map(|n| http_headers(n, cx));
    one_of(&mut map, "compression", &["gzip"], cx);
    let _: Option<TimeDelta> = map.optional("timeout", cx);
    let span = map.span_first_line(cx);
    map.finish(cx);
    has_no_effect(&Node { span, ..node.clone() }, "tracing", cx);
}

/// Events of Alertmanager for other systems.
pub(super) fn event_recorder(node: Option<&Node>, cx: &mut Cx<'_>) {
    let Some(node) = node.filter(|node| !is_null(node)) else { return };
    let Some(mut map) = MapReader::open(node, cx) else { return };
    items(map.node("file_outputs"), cx, |item, cx| {
        let mut map = MapReader::open(item, cx)?;
        let path: Option<String> = map.required("path", cx);
        map.finish(cx);
        path
    });
    items(map.node("stdout_outputs"), cx, |item, cx| MapReader::open(item, cx).map(|map| map.finish(cx)));
    items(map.node("webhook_outputs"), cx, webhook_output);
    items(map.node("kafka_outputs"), cx, kafka_output);
    let span = map.span_first_line(cx);
    map.finish(cx);
    has_no_effect(&Node { span, ..node.clone() }, "event_recorder", cx);
}

fn webhook_output(node: &Node, cx: &mut Cx<'_>) -> Option<()> {
    let mut map = MapReader::open(node, cx)?;
    let _: Option<String> = map.required("url", cx);
    map.node("http_config").filter(|n| !is_null(n)).and_then(|n| http_config(n, cx));
    for name in ["timeout", "retry_backoff", "batch_flush_interval"] {
        let _: Option<TimeDelta> = map.optional(name, cx);
    }
    for name in ["workers", "max_retries", "batch_max_events", "batch_max_bytes"] {
        let _: Option<i64> = map.optional(name, cx);
    }
    let _: Option<bool> = map.optional("batch", cx);
    map.finish(cx);
    Some(())
}

fn kafka_output(node: &Node, cx: &mut Cx<'_>) -> Option<()> {
    let mut map = MapReader::open(node, cx)?;
    let _: Option<Vec<String>> = map.required("brokers", cx);
    for name in ["topic", "client_id", "format", "acks", "compression"] {
        let _: Option<String> = map.optional(name, cx);
    }
    let _: Option<i64> = map.optional("buffer_size", cx);
    map.node("tls_config").filter(|n| !is_null(n)).and_then(|n| tls_config(n, cx));
    map.finish(cx);
    Some(())
}

fn one_of(map: &mut MapReader<'_>, name: &'static str, words: &[&str], cx: &mut Cx<'_>) {
    let word: Option<Spanned<String>> = map.optional(name, cx);
    if let Some(word) = word.filter(|word| !word.value.is_empty() && !words.contains(&word.value.as_str())) {
        let message = format!("unknown {name} {:?}", word.value);
        cx.error_help(word.span, message, format!("write {}", words.join(" or ")));
    }
}
