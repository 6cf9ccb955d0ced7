//! When the data of a comparison begin, how long they last and how close samples lie, in milliseconds.

/// The first moment of the data: midnight before a leap day, for the sake of functions about dates.
pub const START: i64 = 1_709_164_800_000;
/// How long the data is.
pub const LENGTH: i64 = 2 * 3_600_000;
/// How far samples are apart, mostly.
pub const INTERVAL: i64 = 15_000;
pub const MINUTE: i64 = 60_000;
