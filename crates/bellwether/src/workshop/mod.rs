//! The Movie Guru workshop: a service that misbehaves on cue, the users who meet it, and a past for both.
//!
//! [`MovieGuru`] draws outcomes and counts them and knows neither clock nor socket, so the same service runs in
//! simulated days and behind a real port ([`http`]). [`History`] writes the past, and the live service goes on counting
//! where the past ended.

pub mod frontend;
pub mod history;
pub mod http;
pub mod load;
pub mod load_html;
pub mod load_mix;
pub mod load_page;
pub mod load_stats;
pub mod login_meter;
pub mod mock;
mod mock_answer;
pub mod mock_faults;
pub mod movie_guru;
pub mod phase;
pub mod sampler;
pub mod systems;

pub use frontend::Frontend;
pub use history::{History, HistoryPlan};
pub use http::MockState;
pub use load::LoadOptions;
pub use load_mix::{CallRates, Task};
pub use load_page::LoadControl;
pub use load_stats::LoadStats;
pub use login_meter::{LoginMeter, LoginStatus};
pub use mock::Mock;
pub use movie_guru::{Endpoint, MovieGuru, Reply};
pub use phase::{LatencyRange, Phase, PhaseProblem, Probability};
pub use sampler::{Draw, Sampler};
pub use systems::{Answered, Call, System};
