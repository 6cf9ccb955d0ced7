//! Tests of this crate.

mod crash;
mod damage;
mod model;
mod store;
mod world;
