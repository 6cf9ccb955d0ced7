//! Tests of this crate.

mod chunk;
mod crash;
mod damage;
mod histogram;
mod index;
mod model;
mod store;
mod threads;
mod world;
