//! The shell: everything that touches clocks, sockets, files and databases, around cores that touch nothing.
//!
//! | where | what |
//! |---|---|
//! | [`cli`], [`commands`] | what the user typed, and one file per command |
//! | [`config`] | `bellwether.yml` and everything it names, to types, with every problem |
//! | [`scrape`], [`probe`], [`writer`] | targets to batches, from their own words and from outside; the one way into the store |
//! | [`target_tasks`] | one task per target of either, which a new configuration leaves alone |
//! | [`source`] | another store's samples to batches, and its answers to queries |
//! | [`pipeline`], [`decide`] | the deciding cores put together; the task that runs them and carries out what they say |
//! | [`request`], [`rule_worker`] | what others ask of that task; what evaluates the queries it asks |
//! | [`checkpoint`], [`fold`], [`backfill`] | the ledger on disk; how a start brings it up to date |
//! | [`backup`], [`storage_view`] | a snapshot of all data; what the store is made of |
//! | [`recorder`], [`state`] | decisions on their way to the database that must survive a restart |
//! | [`failpoint`] | where tests have the process die on that way |
//! | [`senders`] | what goes out to people |
//! | [`server`], [`reload`], [`maintain`], [`series_limits`], [`full_disk`] | one running server; a new configuration; housekeeping; when nothing new can be taken |
//! | [`pages`], [`telemetry`], [`health`] | what pages, API and metrics see of it; what keeps alerts from people |
//! | [`actions`], [`alert_view`], [`delivery_view`], [`rule_view`], [`server_view`], [`slo_definition`] | the same, part by part, as the web crate's structs |
//! | [`google_objectives`], [`google_interface`] | objectives made while it runs, in the way of Google Cloud Monitoring |
//! | [`import`] | history that somebody else measured, into the store |
//! | [`scenario`] | small worlds that misbehave on cue, played under a virtual clock |
//! | [`demo`], [`workshop`], [`workshop_check`] | the demonstration, the service it watches, and the checklists of its challenges |

pub mod actions;
pub mod alert_counts;
pub mod alert_metrics;
pub mod alert_view;
pub mod backfill;
pub mod backup;
mod base64;
pub mod checkpoint;
pub mod cli;
pub mod client;
pub mod clock;
pub mod commands;
pub mod config;
pub mod corrections;
pub mod dashboard;
pub mod decide;
pub mod deliveries;
pub mod delivery_view;
pub mod demo;
pub mod discovery;
pub mod entropy;
pub mod exemplars;
pub mod explain;
pub mod failpoint;
pub mod failure;
pub mod fold;
pub mod full_disk;
pub mod gauge_notes;
pub mod google_interface;
pub mod google_objectives;
pub mod health;
mod http;
pub mod import;
pub mod import_intake;
pub mod init;
pub mod lanes;
pub mod ledger_rows;
pub mod listen;
pub mod listing;
pub mod log;
pub mod maintain;
pub mod otlp;
pub mod output;
pub mod pages;
pub mod pipeline;
pub mod probe;
pub mod query_output;
pub mod receive;
pub mod recorder;
pub mod reload;
pub mod request;
pub mod retention_clock;
pub mod round;
pub mod rule_view;
pub mod rule_worker;
pub mod scenario;
pub mod scrape;
pub mod senders;
pub mod series_limits;
pub mod server;
pub mod server_view;
pub mod shutdown;
pub mod slo_asker;
pub mod slo_definition;
pub mod source;
pub mod state;
pub mod statistics;
pub mod storage_view;
pub mod store_check;
pub mod target_tasks;
pub mod telemetry;
pub mod terminal;
mod web_app;
pub mod workshop;
pub mod workshop_check;
pub mod writer;

/// Chooses the one TLS library. Called by whoever first needs HTTP; later calls change nothing.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
