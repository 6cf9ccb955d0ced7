//! Tests of this crate.

mod exposition;
mod openmetrics;
mod otlp;
mod protobuf;
mod prometheus_block;
mod relabel;
mod scan;
mod series;
mod target_labels;
