//! What may be expected of a goal and a budget: arithmetic of a definition, and the past asked again.

pub(crate) mod calculator;
pub(crate) mod forecast;
pub(crate) mod past;
pub(crate) mod replay;
pub(crate) mod resample;
pub(crate) mod suggest;
pub(crate) mod what_if;
