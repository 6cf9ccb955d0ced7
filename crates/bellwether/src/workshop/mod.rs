//! The Movie Guru workshop: a service that misbehaves on cue, the users who meet it, and a past for both.
//!
//! [`MovieGuru`] draws outcomes and counts them and knows neither clock nor socket, so the same service runs in
//! simulated days and behind a real port ([`http`]). [`History`] writes the past, and the live service goes on counting
//! where the past ended.

pub mod frontend;
pub mod history;
pub mod http;
pub mod load;
pub mod load_mix;
pub mod movie_guru;
pub mod phase;
pub mod sampler;

pub use frontend::Frontend;
pub use history::{History, HistoryPlan};
pub use http::MockState;
pub use load::{LoadOptions, LoadStats};
pub use load_mix::{CallRates, Task};
pub use movie_guru::{Endpoint, MovieGuru, Reply};
pub use phase::{LatencyRange, Phase, PhaseProblem, Probability};
pub use sampler::{Draw, Sampler};
