//! Tests of this crate.

mod examples;
mod markdown;
