//! Probes: what a user would see, asked from outside. Results are ordinary series, written through the same writer as
//! scrapes, and every attempt is an event that an objective can count.

pub mod attempt;
pub mod certificate;
pub mod definition;
pub mod dial;
pub mod dns;
pub mod dns_message;
pub mod grpc;
pub mod http;
pub mod pool;
pub mod run;
pub mod series;
pub mod serving;
pub mod tcp;

pub use attempt::{Attempt, Check, Facts, Outcome, Phase, Reason, Verdict};
pub use definition::{Ask, Bounds, Probe, Target};
pub use dns_message::{RecordType, is_name as is_dns_name};
pub use pool::ProbePool;
pub use run::run;
