//! Tests of this crate.

mod memory;
mod parse;
mod promqltest;
mod script;
