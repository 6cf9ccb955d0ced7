//! `storage:` of `prometheus.yml`: what it says holds where `bellwether.yml` says nothing.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader};

use super::prometheus::limits::byte_size;
use super::storage::{RETENTION_MIN, StorageConfig, retention};

pub(super) fn decode(node: &Node, cx: &mut Cx<'_>) -> StorageConfig {
    let mut config = StorageConfig::default();
    let Some(mut map) = MapReader::open(node, cx) else { return config };
    if let Some(node) = map.node("tsdb") {
        decode_tsdb(node, &mut config, cx);
    }
    if let Some(mut exemplars) = map.node("exemplars").and_then(|node| MapReader::open(node, cx)) {
        config.max_exemplars = exemplars.optional("max_exemplars", cx);
        exemplars.finish(cx);
    }
    map.finish(cx);
    config
}

fn decode_tsdb(node: &Node, config: &mut StorageConfig, cx: &mut Cx<'_>) {
    let Some(mut tsdb) = MapReader::open(node, cx) else { return };
    // When its blocks are put together is Prometheus' own affair.
    tsdb.ignore(&["stale_series_compaction_threshold"]);
    config.out_of_order_time_window = tsdb.optional("out_of_order_time_window", cx);
    if let Some(mut kept) = tsdb.node("retention").and_then(|node| MapReader::open(node, cx)) {
        config.retention = retention(&mut kept, "time", RETENTION_MIN, cx);
        let size = kept.node("size").and_then(|node| byte_size(node, cx));
        config.retention_bytes = size.filter(|bytes| *bytes > 0);
        if let Some((key, _)) = kept.entry("percentage") {
            let message = "percentage is Prometheus', but Bellwether does not honour it yet";
            cx.error_help(key.span, message, "write size");
        }
        kept.finish(cx);
    }
    tsdb.finish(cx);
}
