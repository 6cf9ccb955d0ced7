//! How far an import is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;

use bellwether_model::{TimeDelta, Timestamp};
use indicatif::ProgressBar;

use super::summary::grouped;
use crate::output::warn;
use crate::{clock, terminal};

/// Between two lines where there is no bar.
const LINE_EVERY: TimeDelta = TimeDelta(5 * TimeDelta::SECOND.0);

/// What is counted on the way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Samples,
    Bytes,
    /// Of the time that is imported.
    Seconds,
}

/// How far it is.
pub(super) struct Progress {
    bar: ProgressBar,
    unit: Unit,
    is_shown: bool,
    began: Timestamp,
    said: Timestamp,
    total: u64,
    done: u64,
}

impl Progress {
    /// Towards a total; 0 when nobody knows it.
    pub(super) fn new(unit: Unit, total: u64) -> Self {
        let template = match (unit, total) {
            (Unit::Samples, _) => "{bar:16} {percent:>3}% of {human_len} samples, {eta} left  {msg}",
            (Unit::Seconds, _) => "{bar:16} {percent:>3}% of the time, {eta} left  {msg}",
            (Unit::Bytes, 0) => "{spinner} {bytes} read  {msg}",
            (Unit::Bytes, _) => "{bar:16} {percent:>3}% of {total_bytes}, {eta} left  {msg}",
        };
        let bar = terminal::bar(template);
        bar.set_length(total);
        let now = clock::now();
        let is_shown = std::io::stderr().is_terminal();
        Self { bar, unit, is_shown, began: now, said: now, total, done: 0 }
    }

    /// Gets to a place; `samples` were read so far in all.
    pub(super) fn to(&mut self, done: u64, samples: u64) {
        self.done = done;
        self.bar.set_position(done);
        let now = clock::now();
        if now - self.said < LINE_EVERY && !(self.is_shown && self.said == self.began) {
            return;
        }
        self.said = now;
        let seconds = (now - self.began).as_secs_f64().max(0.001);
        let rate = format!("{} samples/s", grouped((samples as f64 / seconds) as u64));
        if self.is_shown {
            self.bar.set_message(rate);
            return;
        }
        let of = |total: u64| {
            (done * 100).checked_div(total).map_or(String::new(), |percent| format!(" ({percent}%)"))
        };
        let what = match self.unit {
            Unit::Samples | Unit::Seconds => format!("{} samples read", grouped(samples)),
            Unit::Bytes => format!("{} bytes and {} samples read", grouped(done), grouped(samples)),
        };
        warn(&format!("{what}{}, {rate}", of(self.total)));
    }

    /// How far it is.
    pub(super) const fn done(&self) -> u64 {
        self.done
    }

    /// A line that the bar does not overwrite.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| warn(line));
    }

    /// Takes the bar away; gives the seconds it took.
    pub(super) fn finish(&self) -> f64 {
        self.bar.finish_and_clear();
        (clock::now() - self.began).as_secs_f64()
    }
}
