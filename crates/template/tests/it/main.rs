//! Tests of this crate.

mod golden;
