//! Resident memory as a share of virtual memory is a share of nothing.

use bellwether_diag::Severity;
use bellwether_promql::{BinaryOp, ExprKind};

use super::condition::metrics;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "resident-of-virtual",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "resident memory divided by virtual memory",
    why: "Virtual memory is what a process may address, not what it may use: a Go or Java process reserves many times \
          what it needs. The share says nothing about a limit, and in most processes never comes near one. Compare with \
          the limit of the container or the memory of the machine.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Memory\n    expr: process_resident_memory_bytes / \
         process_virtual_memory_bytes > 0.9\n    for: 5m\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Memory\n    expr: process_resident_memory_bytes > 0.9 * \
         on(instance) container_spec_memory_limit_bytes\n    for: 5m\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for query in setup.all_queries() {
        let Some(expr) = &query.parsed else { continue };
        expr.walk(&mut |node| {
            let ExprKind::Binary(binary) = &node.kind else { return };
            let all = |names: Vec<&str>, word: &str| {
                !names.is_empty() && names.iter().all(|name| name.contains(word) && !name.contains("max"))
            };
            let is_share = binary.op == BinaryOp::Divide
                && all(metrics(&binary.left), "resident_memory")
                && all(metrics(&binary.right), "virtual_memory");
            if is_share {
                report
                    .find(
                        query.span_of(&setup.sources, node),
                        "virtual memory is no limit: this share is small however much memory is used",
                    )
                    .help("divide by the limit of the container or the memory of the machine");
            }
        });
    }
}
