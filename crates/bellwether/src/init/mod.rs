//! `bellwether init`: a first configuration, made of what is there. What a service exposes is looked at ([`seen`]),
//! objectives are proposed with goals that its counts so far support ([`propose`]), and all of it is written as one
//! commented file ([`write`]). Nothing here asks or fetches; `commands/init.rs` does.

pub mod propose;
pub mod seen;
pub mod write;

pub use propose::{Proposal, propose};
pub use seen::Seen;
pub use write::{Plan, ReceiverPlan, Samples};
