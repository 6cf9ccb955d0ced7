//! Tests of this crate.

mod eval;
mod memory;
mod parse;
mod promqltest;
mod script;
