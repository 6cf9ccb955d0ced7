//! Development only: what fuzzers throw arbitrary input at. Each target is a plain function over bytes that panics on
//! whatever must never happen; `fuzz/` hands them to cargo-fuzz, and this crate's test runs each for a bounded number
//! of mutations of its seeds, so that what a fuzzer would find within seconds is found by every test run.

mod alertmanager;
mod exposition;
mod import_frames;
mod lint;
mod messages;
mod mutate;
mod notation;
mod otlp;
mod prometheus_block;
mod promql;
mod relabel;
mod remote_write;
mod rule_file;
mod slo_file;
mod source;
mod store;
mod target;
mod target_list;
mod template;

pub use mutate::Mutator;
pub use target::{TARGETS, Target, guided};
