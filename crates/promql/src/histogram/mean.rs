//! The mean of histograms.
//!
//! It is their sum divided by their number, until that sum would overflow; from then on it is adjusted by each one.

use bellwether_model::Histogram;

use super::scale::divided;
use super::sum::{Combined, HistogramSum, IncompatibleSchemas};

/// A mean that is built up.
#[derive(Clone, Debug)]
pub(crate) struct HistogramMean {
    /// The sum, or the mean itself once that would have overflowed.
    sum: HistogramSum,
    count: f64,
    is_incremental: bool,
}

impl HistogramMean {
    pub(crate) fn of(histogram: &Histogram) -> Self {
        Self { sum: HistogramSum::of(histogram), count: 1.0, is_incremental: false }
    }

    pub(crate) fn add(&mut self, histogram: &Histogram) -> Result<(), IncompatibleSchemas> {
        self.count += 1.0;
        if !self.is_incremental {
            let mut next = self.sum.clone();
            next.add(histogram)?;
            if !next.has_overflowed() {
                self.sum = next;
                return Ok(());
            }
            self.is_incremental = true;
            self.sum.divide(self.count - 1.0);
        }
        self.sum.scale((self.count - 1.0) / self.count);
        self.sum.add(&divided(histogram, self.count))
    }

    /// Whether custom bounds have differed.
    pub(crate) fn bounds_reconciled(&mut self) -> bool {
        self.sum.take_bounds_reconciled()
    }

    pub(crate) fn total(mut self) -> Combined {
        if !self.is_incremental {
            self.sum.divide(self.count);
        }
        self.sum.total()
    }
}
