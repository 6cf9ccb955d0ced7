//! Tests of this crate.

mod equivalence;
mod eval;
mod memory;
mod parse;
mod promqltest;
mod script;
