//! Tests of this crate.

mod exposition;
mod relabel;
mod otlp;
mod scan;
mod series;
mod target_labels;
