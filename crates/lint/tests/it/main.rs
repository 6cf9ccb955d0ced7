//! Tests of this crate.

mod burns;
mod examples;
mod goals;
mod markdown;
