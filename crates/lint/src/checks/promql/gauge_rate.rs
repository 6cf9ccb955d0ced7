//! The growth of something that goes up and down.

use bellwether_diag::Severity;
use bellwether_promql::Function;

use crate::checks::shape::range_calls;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "gauge-rate",
    area: Area::Promql,
    severity: Severity::Error,
    title: "`rate` or `increase` of a gauge",
    why: "`rate`, `irate` and `increase` take every fall for a restart of a counter and add the whole value after it. Of a \
          gauge they give a number that means nothing. `delta` and `deriv` are made for gauges.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Filling\n    expr: rate(queue_active_connections[5m]) > 10\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Filling\n    expr: deriv(queue_active_connections[5m]) > 10\n",
    )],
    run,
};

/// Ends of names that only gauges have.
const ENDS: &[&str] = &[
    "_active_connections",
    "_connections_active",
    "_in_flight",
    "_inflight",
    "_in_progress",
    "_queue_length",
    "_queue_size",
    "_queue_depth",
    "_ratio",
    "_percent",
    "_celsius",
    "_utilization",
    "_temperature",
    "_avail_bytes",
    "_free_bytes",
    "_available_bytes",
    "_resident_memory_bytes",
    "_virtual_memory_bytes",
    "_memory_usage_bytes",
    "_working_set_bytes",
    "_heap_alloc_bytes",
    "_open_fds",
    "_goroutines",
    "_threads",
    "_info",
    "_pending",
    "_active",
];

/// Beginnings of names of exporters that count nothing below them but what ends in `_total`.
const BEGINNINGS: &[&str] = &[
    "node_memory_",
    "node_filesystem_",
    "node_load",
    "kube_pod_",
    "kube_deployment_",
    "kube_node_",
    "kube_statefulset_",
    "kube_daemonset_",
    "kube_job_",
    "container_memory_working",
    "container_memory_usage",
    "container_memory_rss",
    "process_resident_memory",
    "process_virtual_memory",
    "process_open_fds",
    "process_max_fds",
    "go_goroutines",
    "go_memstats_heap",
    "kubelet_volume_stats_",
    "probe_success",
];

fn is_gauge(name: &str) -> bool {
    let counts = ["_total", "_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end));
    let is_known =
        BEGINNINGS.iter().any(|begin| name.starts_with(begin)) || name == "up" || name.ends_with(":up");
    !counts && !name.contains(':') && (is_known || ENDS.iter().any(|end| name.ends_with(end)))
}

fn run(setup: &Setup, report: &mut Report) {
    for query in setup.all_queries() {
        let Some(expr) = &query.parsed else { continue };
        for (function, range, call) in range_calls(expr) {
            let instead = match function {
                Function::Rate | Function::Irate => "deriv",
                Function::Increase => "delta",
                _ => continue,
            };
            let Some(name) = range.selector.name.as_deref() else { continue };
            let why = match setup.online_type(name) {
                Some("gauge") => "is a gauge, as the server knows it",
                Some("counter" | "histogram" | "summary") => continue,
                _ if is_gauge(name) => "is a gauge by its name",
                _ => continue,
            };
            let written = function.spec().name;
            report
                .find(
                    query.span_of(&setup.sources, call),
                    format!("{name} {why}, and {written} takes every fall of it for a restart"),
                )
                .help(format!("write {instead}({name}[...])"));
        }
    }
}
