//! Tests of this crate.

mod burns;
mod examples;
mod goals;
mod fix;
mod markdown;
mod output;
mod suppress;
