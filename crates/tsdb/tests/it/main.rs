//! Tests of this crate.

mod store;
