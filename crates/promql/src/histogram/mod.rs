//! Arithmetic on native histograms, as queries do it.

mod scale;

pub(crate) use scale::scaled;
