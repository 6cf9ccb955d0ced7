//! Tests of this crate.

mod ack;
mod by_hand;
mod config;
mod delivery;
mod drill;
mod episode;
mod explain;
mod fallback;
mod group;
mod hand_over;
mod inhibit;
mod known_faults;
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
