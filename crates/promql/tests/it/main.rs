//! Tests of this crate.

mod equivalence;
mod eval;
mod golden;
mod histogram;
mod layout;
mod memory;
mod parse;
mod parse_error;
mod promqltest;
mod script;
mod script_load;
mod series_notation;
mod sliding;
