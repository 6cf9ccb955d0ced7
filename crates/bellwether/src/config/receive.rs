//! `receive:` of `bellwether.yml`: what is made of samples that are pushed.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Spanned};
use bellwether_model::TimeDelta;

use crate::receive::replica::ReplicaSettings;

/// A shorter silence is one that every restart of a sender brings.
const FAIL_OVER_MIN: TimeDelta = TimeDelta(5 * TimeDelta::SECOND.0);

/// What is set of pushes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiveConfig {
    /// By which labels senders of the same are told apart, if there are any.
    pub replicas: Option<ReplicaSettings>,
}

impl Decode for ReceiveConfig {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let replicas = map.node("replicas").and_then(|node| replicas(node, cx));
        map.finish(cx);
        Some(Self { replicas })
    }
}

fn replicas(node: &Node, cx: &mut Cx<'_>) -> Option<ReplicaSettings> {
    let defaults = ReplicaSettings::default();
    let mut map = MapReader::open(node, cx)?;
    let cluster_label = map.optional("cluster_label", cx).unwrap_or(defaults.cluster_label);
    let replica_label: Option<Spanned<String>> = map.optional("replica_label", cx);
    let fail_over: Option<Spanned<TimeDelta>> = map.optional("fail_over", cx);
    map.finish(cx);
    if let Some(label) = replica_label.as_ref().filter(|label| label.value == cluster_label) {
        cx.error_help(
            label.span,
            format!("both labels are {:?}", label.value),
            "name the label that tells one sender of a cluster from the other",
        );
    }
    if let Some(fail_over) = fail_over.as_ref().filter(|fail_over| fail_over.value < FAIL_OVER_MIN) {
        cx.error_help(
            fail_over.span,
            format!("a fail-over after {} is too early", fail_over.value),
            format!("write at least {FAIL_OVER_MIN}: a sender that restarts is silent for as long"),
        );
    }
    Some(ReplicaSettings {
        cluster_label,
        replica_label: replica_label.map_or(defaults.replica_label, |label| label.value),
        fail_over: fail_over.map_or(defaults.fail_over, |fail_over| fail_over.value),
    })
}
