//! Tests of this crate.

mod exposition;
mod openmetrics;
mod otlp;
mod prometheus_block;
mod protobuf;
mod relabel;
mod remote_read;
mod remote_read_frames;
mod remote_write;
mod scan;
mod series;
mod target_labels;
