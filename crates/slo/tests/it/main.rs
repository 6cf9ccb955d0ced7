//! Tests of this crate.

mod alerting;
mod anchors;
mod book;
mod challenge_six;
mod checkpoint;
mod correction;
mod decode_sampled;
mod definition;
mod engine;
mod exactness;
mod goal;
mod google;
mod ledger;
mod memory;
mod openslo;
mod period;
mod pyrra;
mod recognise;
mod remote;
mod replay;
mod sampled;
mod selector;
mod slices;
mod sloth;
mod trace;
mod world;
