//! Tests of this crate.

mod alertmanager;
mod api;
mod ask;
mod corrections;
mod digits;
mod explore;
mod fake;
mod fake_routing;
mod forms;
mod histogram;
mod pages;
mod prometheus;
