//! Tests of this crate.

mod challenge_six;
mod goal;
mod ledger;
mod world;
