//! Scenarios: a small world that misbehaves on cue, the configuration under test, and what must come of it.
//!
//! | where | what |
//! |---|---|
//! | [`model`], [`definition`], [`quantity`] | what a scenario file says |
//! | [`services`], `meter`, `draw` | the services at work |
//! | [`world`], [`memory`], [`player`], `act` | everything together under one clock, and the runs of a scenario |
//! | [`story`], [`look`], [`tracks`], [`expect`] | what happened, what was looked at, and what was expected |
//! | [`timeline`], `timeline_text`, `timeline_json`, `timeline_page` | telling it |
//! | [`real`], [`stage`], [`real_run`] | the same on this machine, by the clock on the wall |
//! | [`embedded`] | the scenarios that come with the program |
//! | [`load`] | a scenario and its configurations, from the disk or from the program |
//! | `decode`, `definition_decode`, `event_decode`, `expect_decode` | reading it, with every problem |

mod act;
pub mod decode;
pub mod definition;
mod definition_decode;
mod draw;
pub mod embedded;
mod event_decode;
pub mod expect;
mod expect_decode;
pub mod load;
pub mod look;
pub mod memory;
mod meter;
pub mod model;
pub mod player;
pub mod quantity;
pub mod real;
pub mod real_run;
pub mod services;
mod settings;
pub mod stage;
pub mod story;
pub mod timeline;
mod timeline_json;
mod timeline_page;
mod timeline_text;
pub mod tracks;
pub mod world;

pub use timeline_json::as_json;
pub use timeline_page::page;
pub use timeline_text::text;
