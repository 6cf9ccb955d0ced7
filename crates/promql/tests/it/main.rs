//! Tests of this crate.

mod parse;
