//! Tests of the shell.

mod bad_targets;
mod check;
mod cli;
mod crash;
mod process;
mod reload;
mod senders;
mod state;
mod workshop_history;
mod workshop_http;
mod workshop_load_mix;
mod workshop_movie_guru;
mod workshop_phase;
