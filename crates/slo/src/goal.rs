//! Goals and factors as exact numbers, and the one comparison that decides whether a burn-rate alert fires.
//!
//! `burn > factor` is never asked of rounded quotients: with a goal of 80 % and 40 bad events of 100, dividing
//! floats gives a burn rate of 2.0000000000000004 and a 2x alert would fire at exactly 2. The goal is kept as a
//! decimal `good / scale` and the factor as a fraction, so that the comparison is one of integers.

use std::fmt;

/// Digits after the decimal point that a goal may have; more could not be told apart by any traffic.
const GOAL_DECIMALS_MAX: usize = 9;
/// Largest numerator and denominator of a factor, so that every product below fits 127 bits.
const FACTOR_PART_MAX: u64 = 1 << 40;

/// The share of events that must be good: an exact decimal in (0, 1).
/// Invariant: `0 < good < scale`, `scale` is a power of ten, and the fraction is in lowest decimal terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Goal {
    good: u64,
    scale: u64,
}

/// Why a text is not a goal. The message says what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GoalError {
    /// What is wrong.
    pub message: String,
    /// What to write instead, if that can be guessed.
    pub help: Option<String>,
}

impl GoalError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }
}

impl Goal {
    /// Reads a ratio (`0.999`) or a percentage with its sign (`99.9%`).
    pub fn parse(text: &str) -> Result<Self, GoalError> {
        let text = text.trim();
        let (number, is_percent) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (text, false),
        };
        let Some(decimal) = Decimal::parse(number) else { return Err(not_a_number(text)) };
        let decimal = if is_percent { decimal.divided_by_100() } else { decimal };
        if decimal.is_zero() {
            return Err(GoalError::new(
                "a goal of 0 asks for nothing",
                "write what users need, such as \"99.9%\"",
            ));
        }
        if !is_percent && decimal.exceeds_one() {
            return Err(without_unit(number, &decimal));
        }
        if decimal.is_one() {
            return Err(GoalError::new(
                format!("a goal of {text} leaves no budget to spend"),
                "write less than 100 %, such as \"99.9%\"",
            ));
        }
        if decimal.exceeds_one() {
            return Err(GoalError::new(
                format!("a goal of {text} is more than everything"),
                "write less than 100 %",
            ));
        }
        decimal.into_goal().ok_or_else(|| {
            GoalError::new(
                format!("goal {text} has too many digits"),
                "at most nine after the point of the ratio",
            )
        })
    }

    /// Numerator of the ratio.
    pub const fn good(self) -> u64 {
        self.good
    }

    /// Denominator of the ratio, a power of ten.
    pub const fn scale(self) -> u64 {
        self.scale
    }

    /// The goal as a number, for display and formulas that need no exactness.
    pub fn ratio(self) -> f64 {
        self.good as f64 / self.scale as f64
    }

    /// The share of events that may be bad, `1 − goal`, rounded once.
    pub fn allowed_ratio(self) -> f64 {
        (self.scale - self.good) as f64 / self.scale as f64
    }

    /// The highest burn rate there can be, `1 / (1 − goal)`: everything is bad.
    pub fn burn_rate_max(self) -> f64 {
        self.scale as f64 / (self.scale - self.good) as f64
    }

    /// The ratio as a decimal text, e.g. `0.999`.
    pub fn ratio_text(self) -> String {
        let digits = self.scale.ilog10() as usize;
        format!("0.{:0digits$}", self.good)
    }
}

impl fmt::Display for Goal {
    /// As a percentage with its sign and every digit it has: `99.995%` never prints as `100%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.scale.ilog10() as usize;
        if decimals <= 2 {
            return write!(f, "{}%", self.good * 100 / self.scale);
        }
        let unit = self.scale / 100;
        write!(f, "{}.{:0width$}%", self.good / unit, self.good % unit, width = decimals - 2)
    }
}

fn not_a_number(text: &str) -> GoalError {
    let dotted = text.replacen(',', ".", 1);
    if text.contains(',') && Decimal::parse(dotted.trim_end_matches('%').trim_end()).is_some() {
        let help = match Goal::parse(&dotted) {
            Ok(goal) => format!("write {} or \"{goal}\"", goal.ratio_text()),
            Err(error) => error.help.unwrap_or_else(|| format!("write {dotted}")),
        };
        return GoalError::new(
            format!("goal {text} has a decimal comma; decimals are written with a point"),
            help,
        );
    }
    GoalError::new(
        format!("goal {text:?} is not a number"),
        "write a ratio such as 0.999 or a percentage such as \"99.9%\"",
    )
}

fn without_unit(number: &str, decimal: &Decimal) -> GoalError {
    match decimal.divided_by_100() {
        percent if percent.is_one() => GoalError::new(
            format!("a goal of {number} leaves no budget to spend"),
            "write less than 100 %, such as \"99.9%\"",
        ),
        percent => match percent.into_goal() {
            Some(goal) => GoalError::new(
                format!("goal {number} has no unit"),
                format!("write {} or \"{goal}\"", goal.ratio_text()),
            ),
            None => GoalError::new(
                format!("goal {number} is more than everything"),
                "write a ratio such as 0.999",
            ),
        },
    }
}

/// A non-negative decimal `digits / 10^decimals` on its way to becoming a goal or a factor.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u64,
    decimals: usize,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let fraction = fraction.trim_end_matches('0');
        if whole.len() + fraction.len() == 0
            || !is_digits(whole)
            || !is_digits(fraction)
            || fraction.len() > 16
        {
            return (text == "0." || text == ".0").then_some(Self { digits: 0, decimals: 0 });
        }
        let digits = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { digits, decimals: fraction.len() })
    }

    fn divided_by_100(self) -> Self {
        let mut shifted = Self { digits: self.digits, decimals: self.decimals + 2 };
        while shifted.decimals > 0 && shifted.digits.is_multiple_of(10) {
            shifted = Self { digits: shifted.digits / 10, decimals: shifted.decimals - 1 };
        }
        shifted
    }

    fn scale(self) -> u128 {
        10u128.pow(self.decimals as u32)
    }

    fn is_zero(self) -> bool {
        self.digits == 0
    }

    fn is_one(self) -> bool {
        u128::from(self.digits) == self.scale()
    }

    fn exceeds_one(self) -> bool {
        u128::from(self.digits) > self.scale()
    }

    fn into_goal(self) -> Option<Goal> {
        let fits =
            self.decimals <= GOAL_DECIMALS_MAX && !self.is_zero() && !self.is_one() && !self.exceeds_one();
        fits.then(|| Goal { good: self.digits, scale: 10u64.pow(self.decimals as u32) })
    }
}

/// How many times faster than sustainable the budget must burn: an exact positive fraction.
/// Invariant: both parts are positive, at most [`FACTOR_PART_MAX`], and without a common divisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Factor {
    numerator: u64,
    denominator: u64,
}

impl Factor {
    /// The fraction `numerator / denominator`; `None` when it is zero, endless or too fine to compare exactly.
    pub fn fraction(numerator: u64, denominator: u64) -> Option<Self> {
        let divisor = gcd(numerator, denominator);
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        (numerator <= FACTOR_PART_MAX && denominator <= FACTOR_PART_MAX)
            .then_some(Self { numerator, denominator })
    }

    /// Reads a positive decimal such as `14.4`, or a fraction such as `14/15`; a trailing `x` is accepted.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches(['x', '×']);
        if let Some((numerator, denominator)) = text.split_once('/') {
            return Self::fraction(numerator.trim().parse().ok()?, denominator.trim().parse().ok()?);
        }
        let decimal = Decimal::parse(text)?;
        Self::fraction(decimal.digits, u64::try_from(decimal.scale()).ok()?)
    }

    /// The factor as a number, for display.
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// Numerator in lowest terms.
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// Denominator in lowest terms.
    pub const fn denominator(self) -> u64 {
        self.denominator
    }
}

/// A share of something, from 0 to 1: an exact decimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Share {
    /// Parts of a thousand million.
    parts: u64,
}

impl Share {
    /// Everything.
    pub const ALL: Self = Self { parts: Self::SCALE };
    /// What the parts are parts of.
    const SCALE: u64 = 10u64.pow(GOAL_DECIMALS_MAX as u32);

    /// Reads `0.2` or `20%`; `None` unless from 0 to 1 with at most nine decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let decimal = match text.strip_suffix('%') {
            Some(number) => Decimal::parse(number.trim_end())?.divided_by_100(),
            None => Decimal::parse(text)?,
        };
        if decimal.exceeds_one() || decimal.decimals > GOAL_DECIMALS_MAX {
            return None;
        }
        Some(Self { parts: decimal.digits * 10u64.pow((GOAL_DECIMALS_MAX - decimal.decimals) as u32) })
    }

    /// Nothing.
    pub const NONE: Self = Self { parts: 0 };

    /// Numerator of the share.
    pub const fn parts(self) -> u64 {
        self.parts
    }

    /// Denominator of the share.
    pub const fn scale(self) -> u64 {
        Self::SCALE
    }

    /// The share as a number.
    pub fn ratio(self) -> f64 {
        self.parts as f64 / Self::SCALE as f64
    }
}

impl fmt::Display for Share {
    /// As a percentage with its sign and every digit it has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = Self::SCALE / 100;
        let fraction = format!("{:07}", self.parts % unit);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{}%", self.parts / unit),
            digits => write!(f, "{}.{digits}%", self.parts / unit),
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Bad and all events of one window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Bad events.
    pub bad: f64,
    /// All events.
    pub total: f64,
}

impl Counts {
    /// Good events.
    pub fn good(self) -> f64 {
        self.total - self.bad
    }
}

/// Whether `burn(counts) > factor`, strictly: `bad · scale > factor · (scale − good) · total`.
///
/// Exact for whole counts below 2^53; counts with a fraction (an interpolated bucket) are compared as floats.
pub fn burns_faster(counts: Counts, goal: Goal, factor: Factor) -> bool {
    let allowed = goal.scale - goal.good;
    match (whole(counts.bad), whole(counts.total)) {
        (Some(bad), Some(total)) => {
            bad * i128::from(goal.scale) * i128::from(factor.denominator)
                > i128::from(factor.numerator) * i128::from(allowed) * total
        }
        _ => {
            counts.bad * goal.scale as f64 * factor.denominator as f64
                > factor.numerator as f64 * allowed as f64 * counts.total
        }
    }
}

/// Whether at least the goal's share of the events is good; of no events all are.
///
/// Exact for whole counts below 2^53, as in [`burns_faster`].
pub(crate) fn is_met(counts: Counts, goal: Goal) -> bool {
    let allowed = goal.scale - goal.good;
    match (whole(counts.bad), whole(counts.total)) {
        (Some(bad), Some(total)) => bad * i128::from(goal.scale) <= i128::from(allowed) * total,
        _ => counts.bad * goal.scale as f64 <= allowed as f64 * counts.total,
    }
}

/// Whether less than a share of the budget is left, strictly:
/// `(scale − good) · total − bad · scale < share · (scale − good) · total`. Exact as [`burns_faster`] is.
pub fn is_left_below(counts: Counts, goal: Goal, share: Share) -> bool {
    let allowed = goal.scale - goal.good;
    match (whole(counts.bad), whole(counts.total)) {
        (Some(bad), Some(total)) => {
            let allowed = i128::from(allowed) * total;
            (allowed - bad * i128::from(goal.scale)) * i128::from(Share::SCALE)
                < i128::from(share.parts) * allowed
        }
        _ => {
            let allowed = allowed as f64 * counts.total;
            allowed - counts.bad * (goal.scale as f64) < share.ratio() * allowed
        }
    }
}

/// A count as an integer, if it is one and is small enough to have been counted exactly.
fn whole(count: f64) -> Option<i128> {
    (count.fract() == 0.0 && count.abs() <= 9_007_199_254_740_992.0).then_some(count as i128)
}
