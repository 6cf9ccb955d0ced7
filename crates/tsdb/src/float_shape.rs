//! How a column of numbers with fractions is best told: most were written by somebody with a few decimals, or are sums
//! of such; others have all digits.
//!
//! pco would find out by compressing samples of all ways, which takes longer than the compression itself. It is asked
//! only for what is neither: multiples of something odd, or numbers that come from half the width.

use pco::{DeltaSpec, ModeSpec};

use crate::column_shape::Shape;

/// The most decimals that are looked for: seconds told in nanoseconds.
const DECIMALS_MAX: usize = 9;
const TENS: [f64; DECIMALS_MAX + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Beyond this, what is left of a product's digits says little about whether it is whole.
const PRODUCT_MAX: f64 = 1e12;
/// How far a product may be from a whole number, as a part of itself: sums of thousands are some of the smallest steps
/// off.
const NEAR: f64 = 1e-14;

/// What was found out about a column.
#[derive(Debug, PartialEq)]
pub(crate) enum FloatShape {
    /// Whole numbers divided by a power of ten, or next to it.
    Decimal(Decimals),
    /// The bits of each, in an order that is the numbers' own.
    Bits(Vec<i64>),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Decimals {
    /// How many there are behind the point.
    pub(crate) count: usize,
    pub(crate) numbers: Vec<i64>,
}

impl Decimals {
    /// How many of the smallest steps each value is above its decimal: mostly none, but sums are a few off.
    pub(crate) fn steps_above(&self, values: &[f64]) -> Vec<i64> {
        let nearest = |number: &i64| ordered_bits(*number as f64 / TENS[self.count]);
        self.numbers
            .iter()
            .zip(values)
            .map(|(n, value)| ordered_bits(*value).wrapping_sub(nearest(n)))
            .collect()
    }
}

impl FloatShape {
    pub(crate) fn of(values: &[f64]) -> Self {
        match decimals(values) {
            Some(decimals) => Self::Decimal(decimals),
            None => Self::Bits(values.iter().map(|value| ordered_bits(*value)).collect()),
        }
    }

    /// What tells pco so.
    pub(crate) fn specs(&self) -> (DeltaSpec, ModeSpec) {
        match self {
            Self::Decimal(decimals) => {
                let shape = Shape::of(&decimals.numbers);
                let base = 1.0 / TENS[decimals.count];
                let mode = if shape.is_stepped { ModeSpec::Auto } else { ModeSpec::TryFloatMult(base) };
                (shape.delta(), mode)
            }
            Self::Bits(bits) => (Shape::of(bits).delta(), ModeSpec::Auto),
        }
    }
}

/// Numbers with so many decimals, each some of the smallest steps above; `None` when there are never so many decimals.
pub(crate) fn from_decimals(numbers: &[i64], count: usize, steps_above: &[i64]) -> Option<Vec<f64>> {
    let ten = TENS.get(count)?;
    let value = |(number, steps): (&i64, &i64)| match steps {
        0 => *number as f64 / ten,
        steps => from_ordered_bits(ordered_bits(*number as f64 / ten).wrapping_add(*steps)),
    };
    Some(numbers.iter().zip(steps_above).map(value).collect())
}

fn decimals(values: &[f64]) -> Option<Decimals> {
    let mut count = 0;
    for value in values {
        while !is_nearly_whole(value * TENS[count]) {
            count = Some(count + 1).filter(|count| *count <= DECIMALS_MAX)?;
        }
    }
    let numbers: Vec<i64> = values.iter().map(|value| (value * TENS[count]).round() as i64).collect();
    // Few digits may have become many on the way to the last value.
    if !values.iter().all(|value| is_nearly_whole(value * TENS[count])) {
        return None;
    }
    Some(Decimals { count, numbers })
}

/// No for what is no number.
fn is_nearly_whole(product: f64) -> bool {
    product.abs() < PRODUCT_MAX && (product - product.round()).abs() <= product.abs() * NEAR
}

/// Bits of a number such that a greater number has greater ones.
pub(crate) fn ordered_bits(value: f64) -> i64 {
    turn(value.to_bits() as i64)
}

/// The number with these [`ordered_bits`].
pub(crate) fn from_ordered_bits(bits: i64) -> f64 {
    f64::from_bits(turn(bits) as u64)
}

/// Turns round all but the sign of what is negative; done twice it does nothing.
fn turn(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many decimals there are, if that is what it is, and whether all values are exactly those.
    fn decimals_of(values: &[f64]) -> Option<(usize, bool)> {
        let FloatShape::Decimal(decimals) = FloatShape::of(values) else { return None };
        let steps = decimals.steps_above(values);
        let back = from_decimals(&decimals.numbers, decimals.count, &steps).unwrap();
        assert!(back.iter().zip(values).all(|(back, value)| back.to_bits() == value.to_bits()), "{values:?}");
        Some((decimals.count, steps.iter().all(|steps| *steps == 0)))
    }

    #[test]
    fn decimals_are_found_and_nothing_is_taken_for_them() {
        let check = |name: &str, values: &[f64], expected: Option<(usize, bool)>| {
            assert_eq!(decimals_of(values), expected, "{name}");
        };
        check("cents", &[1.25, 3.0, 17.5, -0.01], Some((2, true)));
        check("milliseconds", &[0.001, 0.002, 12.345], Some((3, true)));
        check("added up, so that an end is off", &[0.1 + 0.2, 0.5], Some((1, false)));
        check("a zero with a sign", &[-0.0, 0.5], Some((1, false)));
        check("all digits", &[std::f64::consts::PI, 1.0], None);
        check("one of many", &[0.5, 0.25, std::f64::consts::E], None);
        check("no number", &[0.5, f64::NAN], None);
        check("no bound", &[0.5, f64::INFINITY], None);
        check("too great to tell", &[1e15 + 0.5], None);
        check("great, then with many decimals", &[123_456_789_012.5, 0.000_000_001], None);
    }

    #[test]
    fn bits_are_in_the_order_of_the_numbers_and_turn_back() {
        let values = [f64::NEG_INFINITY, -2.0, -1.0, -1e-300, -0.0, 0.0, 1e-300, 1.0, 2.0, f64::INFINITY];
        let bits: Vec<i64> = values.iter().map(|value| ordered_bits(*value)).collect();
        assert!(bits.is_sorted());
        let back = bits.iter().map(|bits| from_ordered_bits(*bits).to_bits());
        assert!(back.eq(values.iter().map(|value| value.to_bits())));
    }
}
