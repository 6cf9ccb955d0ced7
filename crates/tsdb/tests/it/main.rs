//! Tests of this crate.

mod chunk;
mod clock;
mod compact;
mod copy;
mod crash;
mod damage;
mod death;
mod every_kind;
mod forget;
mod full_disk;
mod histogram;
mod import;
mod index;
mod late;
mod limits;
mod model;
mod model_table;
mod old_files;
mod overlap;
mod referring;
mod scrub;
mod snapshot;
mod store;
mod threads;
mod world;
