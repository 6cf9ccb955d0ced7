//! Arithmetic on native histograms, as queries do it. Nothing here knows of queries: what deserves a warning is
//! reported to the caller, who knows where in the query it belongs.

mod layout;
mod mean;
mod quantile;
mod reset;
mod scale;
mod sum;
mod trim;
mod variance;

pub(crate) use mean::HistogramMean;
pub use quantile::observations_up_to;
pub(crate) use quantile::{Fraction, Quantile, fraction, quantile};
pub use reset::is_reset;
pub(crate) use reset::is_same;
pub(crate) use scale::{divided, scaled};
pub use sum::increase;
pub(crate) use sum::{Combined, HistogramSum, IncompatibleSchemas, difference, sum};
pub(crate) use trim::{Keep, trimmed};
pub(crate) use variance::variance;
