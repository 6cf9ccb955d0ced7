//! Tests of this crate.

mod alert_rule;
mod conformance;
mod engine;
mod expand;
mod file;
mod properties;
mod snapshot;
mod unit_test;
mod world;
