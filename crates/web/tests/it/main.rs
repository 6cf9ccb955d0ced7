//! Tests of this crate.

mod api;
mod ask;
mod digits;
mod explore;
mod fake;
mod forms;
mod histogram;
mod pages;
mod prometheus;
