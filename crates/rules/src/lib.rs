//! Prometheus rule files, and (rule, state, now) to samples and alert transitions.
