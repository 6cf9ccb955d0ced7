//! Prometheus' discoveries, of targets and of Alertmanagers: each is refused by name.

/// Ways to find targets, and members of a cluster, that are not written down.
pub(super) const DISCOVERIES: [&str; 11] = [
    "file_sd_configs",
    "http_sd_configs",
    "dns_sd_configs",
    "kubernetes_sd_configs",
    "consul_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "gce_sd_configs",
    "azure_sd_configs",
    "openstack_sd_configs",
];
