//! The checks, a folder for each area of the catalogue, a file for each check.

pub(crate) mod alert;
pub(crate) mod am;
pub(crate) mod doc;
pub(crate) mod promql;
mod shape;
pub(crate) mod template;
pub(crate) mod unit;
