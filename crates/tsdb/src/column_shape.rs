//! How a column of whole numbers is best told: by its values, by their differences, or by the differences of those.
//!
//! pco would find out by compressing samples of all of them, which takes three times as long as the compression itself.
//! How many bits the numbers have says nearly as much.

use pco::{DeltaSpec, ModeSpec};

/// Numbers looked at for what all of them are multiples of.
const MULTIPLES_LOOKED_AT: usize = 64;

/// What was found out about a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// How often differences are taken.
    order: usize,
    /// Roughly how many bits it takes that way.
    pub(crate) bits: u64,
    /// Whether all steps are multiples of something.
    pub(crate) is_stepped: bool,
}

impl Shape {
    /// Of at least one number.
    pub(crate) fn of(numbers: &[i64]) -> Self {
        let count = numbers.len() as i64;
        let mean_step = match count {
            0 | 1 => 0,
            _ => numbers[numbers.len() - 1].wrapping_sub(numbers[0]) / (count - 1),
        };
        let sum: i128 = numbers.iter().map(|number| i128::from(*number)).sum();
        let middle = (sum / i128::from(count.max(1))) as i64;
        let mut bits = [0u64; 3];
        let (mut before, mut step_before) = (numbers.first().copied().unwrap_or(0), mean_step);
        for number in numbers {
            let step = number.wrapping_sub(before);
            bits[0] += width(number.wrapping_sub(middle));
            bits[1] += width(step.wrapping_sub(mean_step));
            bits[2] += width(step.wrapping_sub(step_before));
            (before, step_before) = (*number, step);
        }
        // Of two that are as good the counter's way: its numbers grow, and the tables of another would not.
        let order = if bits[1] <= bits[0].min(bits[2]) {
            1
        } else if bits[0] <= bits[2] {
            0
        } else {
            2
        };
        Self { order, bits: bits[order], is_stepped: is_stepped(numbers) }
    }

    pub(crate) fn delta(&self) -> DeltaSpec {
        match self.order {
            0 => DeltaSpec::NoOp,
            order => DeltaSpec::TryConsecutive(order),
        }
    }

    pub(crate) fn mode(&self) -> ModeSpec {
        if self.is_stepped { ModeSpec::Auto } else { ModeSpec::Classic }
    }
}

/// Bits of a magnitude, and one for its sign.
fn width(number: i64) -> u64 {
    u64::from(65 - number.unsigned_abs().leading_zeros())
}

fn is_stepped(numbers: &[i64]) -> bool {
    let steps = numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]).unsigned_abs());
    let common = steps.filter(|step| *step > 0).take(MULTIPLES_LOOKED_AT).try_fold(0, |common, step| {
        let divisor = greatest_common_divisor(common, step);
        (divisor > 1).then_some(divisor)
    });
    common.is_some_and(|divisor| divisor > 1)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_by_steps_and_what_wavers_by_itself() {
        let noise = |n: i64| ((n * n * n * 2_654_435_761) >> 20) & 63;
        let check = |name: &str, number: fn(i64, i64) -> i64, expected: (usize, bool)| {
            let numbers: Vec<i64> = (0..500).map(|n| number(n, noise(n))).collect();
            let shape = Shape::of(&numbers);
            assert_eq!((shape.order, shape.is_stepped), expected, "{name}");
        };
        check("a counter", |n, noise| n * 100 + noise / 8, (1, false));
        check("noise", |_, noise| noise, (0, false));
        check("a counter that speeds up", |n, noise| n * n * 1000 + noise / 32, (2, false));
        check("kilobytes", |_, noise| noise * 1024, (0, true));
        check("nothing", |_, _| 5, (1, false));
    }
}
