//! Tests of this crate.

mod alertmanager;
mod alerts;
mod alertmanager_v1;
mod api;
mod ask;
mod corrections;
mod deliveries;
mod digits;
mod explore;
mod fake;
mod fake_routing;
mod forms;
mod histogram;
mod pages;
mod prometheus;
mod silences;
