//! Tests of this crate.

mod config;
mod delivery;
mod explain;
mod group;
mod hand_over;
mod inhibit;
mod ledger;
mod matchers;
mod opsgenie;
mod pagerduty;
mod rendered;
mod restore;
mod route_trace;
mod script;
mod silence;
mod slack;
mod texts;
mod time_interval;
mod webhook;
mod world;
