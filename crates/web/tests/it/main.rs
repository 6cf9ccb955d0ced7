//! Tests of this crate.

mod alertmanager;
mod api;
mod ask;
mod corrections;
mod digits;
mod explore;
mod fake;
mod forms;
mod histogram;
mod pages;
mod prometheus;
