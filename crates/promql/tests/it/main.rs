//! Tests of this crate.

mod equivalence;
mod eval;
mod golden;
mod memory;
mod parse;
mod promqltest;
mod script;
mod series_notation;
