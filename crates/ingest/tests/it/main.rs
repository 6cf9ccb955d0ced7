//! Tests of this crate.

mod exposition;
mod scan;
mod series;
mod target_labels;
