//! Tests of this crate.

mod book;
mod challenge_six;
mod checkpoint;
mod definition;
mod engine;
mod goal;
mod ledger;
mod memory;
mod period;
mod recognise;
mod remote;
mod replay;
mod selector;
mod world;
