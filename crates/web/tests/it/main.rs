//! Tests of this crate.

mod alertmanager;
mod alertmanager_v1;
mod alerts;
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
mod openapi;
mod otlp;
mod pages;
mod prometheus;
mod silences;
