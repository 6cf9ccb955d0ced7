//! Scenarios: a small world that misbehaves on cue, the configuration under test, and what must come of it.
//!
//! | where | what |
//! |---|---|
//! | [`model`], [`definition`], [`quantity`] | what a scenario file says |
//! | [`load`] | a scenario and its configurations, from the disk or from the program |
//! | `decode`, `definition_decode`, `event_decode`, `expect_decode` | reading it, with every problem |

pub mod decode;
pub mod definition;
mod definition_decode;
mod event_decode;
mod expect_decode;
pub mod load;
pub mod model;
pub mod quantity;
