//! Tests of this crate.

mod burns;
mod examples;
mod fix;
mod goals;
mod markdown;
mod output;
mod promql;
mod slo;
mod suppress;
mod unit;
