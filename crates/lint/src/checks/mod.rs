//! The checks, a folder for each area of the catalogue, a file for each check.

mod shape;

pub(crate) mod alert;
pub(crate) mod am;
pub(crate) mod doc;
pub(crate) mod promql;
pub(crate) mod slo;
pub(crate) mod template;
pub(crate) mod unit;
pub(crate) mod yaml;
