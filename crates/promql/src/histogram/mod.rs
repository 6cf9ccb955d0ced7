//! Arithmetic on native histograms, as queries do it. Nothing here knows of queries: what deserves a warning is
//! reported to the caller, who knows where in the query it belongs.

mod layout;
mod scale;
mod sum;

pub(crate) use scale::scaled;
pub(crate) use sum::{Combined, IncompatibleSchemas, difference, sum};
