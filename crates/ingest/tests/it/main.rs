//! Tests of this crate.

mod exposition;
mod otlp;
mod relabel;
mod scan;
mod series;
mod target_labels;
