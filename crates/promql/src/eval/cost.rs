//! What one query costs, counted against its bounds while it is evaluated, so that a query that asks for too much is
//! refused long before the process is short of memory, and one nobody waits for stops soon.
//!
//! Counted is what is held at one time: the columns of every node whose value is still needed, the samples decoded for
//! the series at hand, and the labels. What a source holds itself is not a query's.

use std::cell::Cell;

use super::EvalError;

/// Bounds on what one query may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Samples held in memory at one time.
    pub samples: u64,
    /// Steps of a range query.
    pub steps: u64,
    /// Memory held at one time, in bytes.
    pub memory_bytes: u64,
}

impl Default for Limits {
    /// Samples and steps as Prometheus bounds them, and as much memory as that many samples with their labels take.
    fn default() -> Self {
        Self { samples: 50_000_000, steps: 11_000, memory_bytes: 1 << 30 }
    }
}

/// Why evaluation is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Nobody waits for the answer any more.
    Cancelled,
    /// Its time is over.
    TimedOut,
}

/// What is held at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) samples: u64,
    pub(super) bytes: u64,
}

impl Held {
    /// So many values in columns.
    pub(super) fn of_samples(count: usize) -> Self {
        Self { samples: count as u64, bytes: (count as u64).saturating_mul(COLUMN_SLOT_BYTES) }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            samples: self.samples.saturating_add(other.samples),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// One value of a column.
const COLUMN_SLOT_BYTES: u64 = size_of::<f64>() as u64;

/// Units of work between two questions; a unit takes nanoseconds, at worst some hundreds of them where a window is
/// sorted, so that fifty milliseconds never pass.
const WORK_BETWEEN_ASKING: u64 = 1 << 15;

/// What a query costs so far.
pub(super) struct Cost<'a> {
    limits: Limits,
    interrupt: Option<&'a dyn Fn() -> Option<Interrupt>>,
    held: Held,
    /// Samples held at one time, at most.
    samples_peak: u64,
    /// Work since the question was last asked.
    work: Cell<u64>,
}

impl<'a> Cost<'a> {
    pub(super) fn new(limits: Limits, interrupt: Option<&'a dyn Fn() -> Option<Interrupt>>) -> Self {
        Self { limits, interrupt, held: Held::default(), samples_peak: 0, work: Cell::new(0) }
    }

    /// The costs of another thread, which begins with what is held already.
    pub(super) fn holding(limits: Limits, held: Held, interrupt: &'a dyn Fn() -> Option<Interrupt>) -> Self {
        Self { held, ..Self::new(limits, Some(interrupt)) }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn held(&self) -> Held {
        self.held
    }

    pub(super) fn samples_peak(&self) -> u64 {
        self.samples_peak
    }

    /// Counts values that will be held.
    pub(super) fn hold(&mut self, samples: u64) -> Result<(), EvalError> {
        self.settle(self.held, Held { samples, bytes: samples.saturating_mul(COLUMN_SLOT_BYTES) })
    }

    /// Counts memory that will be held beside values, such as new labels.
    pub(super) fn hold_bytes(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.settle(self.held, Held { samples: 0, bytes: bytes as u64 })
    }

    /// From now on exactly this is held.
    pub(super) fn settle(&mut self, before: Held, result: Held) -> Result<(), EvalError> {
        self.held = before.and(result);
        self.samples_peak = self.samples_peak.max(self.held.samples);
        self.check(self.held)
    }

    /// Asks whether so much more may be held for a moment.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), EvalError> {
        self.check(self.held.and(Held { samples: 0, bytes }))
    }

    fn check(&self, held: Held) -> Result<(), EvalError> {
        if held.samples > self.limits.samples {
            return Err(EvalError::TooManySamples { limit: self.limits.samples });
        }
        if held.bytes > self.limits.memory_bytes {
            return Err(EvalError::TooMuchMemory { limit_bytes: self.limits.memory_bytes });
        }
        Ok(())
    }

    /// Counts work such as samples looked at; once there was enough of it, asks whether to go on.
    pub(super) fn spend(&self, work: u64) -> Result<(), EvalError> {
        let work = self.work.get().saturating_add(work);
        self.work.set(work);
        if work < WORK_BETWEEN_ASKING { Ok(()) } else { self.ask() }
    }

    /// Asks whether to go on.
    pub(super) fn ask(&self) -> Result<(), EvalError> {
        self.work.set(0);
        match self.interrupt.and_then(|reason| reason()) {
            None => Ok(()),
            Some(Interrupt::Cancelled) => Err(EvalError::Cancelled),
            Some(Interrupt::TimedOut) => Err(EvalError::TimedOut),
        }
    }
}
