//! Why somebody was or was not told: gathers what rules, objectives, routing and the state database know of an alert,
//! and lets [`bellwether_alerts::explain`] say it.

mod gather;
mod objective;
mod rule;
mod values;
pub mod view;

pub use gather::explain;
