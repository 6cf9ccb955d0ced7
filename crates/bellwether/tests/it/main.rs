//! Tests of the shell.

mod bad_targets;
mod browser;
mod check;
mod cli;
mod crash;
mod crash_service;
mod demo;
mod demo_process;
mod forged;
mod probe;
mod probe_process;
mod process;
mod prometheus_peer;
mod reload;
mod rules;
mod senders;
mod state;
mod test;
mod webdriver;
mod workshop_history;
mod workshop_http;
mod workshop_load_mix;
mod workshop_movie_guru;
mod workshop_phase;
mod world;
