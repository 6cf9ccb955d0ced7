//! Sums of many numbers that keep the bits a plain sum loses.

/// Kahan's summation as improved by Neumaier: the lost low bits are kept beside the sum.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kahan {
    pub(crate) sum: f64,
    pub(crate) lost: f64,
}

impl Kahan {
    pub(crate) fn of(value: f64) -> Self {
        Self { sum: value, lost: 0.0 }
    }

    /// Takes in another sum with what it lost.
    pub(crate) fn add_sum(&mut self, other: Self) {
        self.add(other.sum);
        self.add(other.lost);
    }

    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { sum: self.sum * factor, lost: self.lost * factor }
    }

    pub(crate) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - total) + value;
        } else {
            self.lost += (value - total) + self.sum;
        }
        self.sum = total;
    }

    pub(crate) fn total(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}
