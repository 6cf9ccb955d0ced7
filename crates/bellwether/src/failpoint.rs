//! Where a test may have the process die, as if by `kill -9`: `BELLWETHER_DIE_AT=recorded:3` ends it when it gets to
//! that step for the third time. Builds for people have none of this.

/// The steps of a decision on its way to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is decided and nobody knows yet.
    Decided,
    /// It is recorded and nobody has been answered.
    Recorded,
    /// Whoever asked has their answer, and nothing is sent yet.
    Answered,
    /// A message is about to leave.
    Sending,
    /// The receiver has answered, and what it said is not known here yet.
    Heard,
    /// What it said is known here and not recorded.
    Reported,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Decided, Self::Recorded, Self::Answered, Self::Sending, Self::Heard, Self::Reported];

    /// As the variable names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Recorded => "recorded",
            Self::Answered => "answered",
            Self::Sending => "sending",
            Self::Heard => "heard",
            Self::Reported => "reported",
        }
    }
}

/// Dies here if it is time to.
#[cfg(not(debug_assertions))]
pub fn here(_step: Step) {}

/// Dies here if it is time to.
#[cfg(debug_assertions)]
pub fn here(step: Step) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static WHERE: LazyLock<Option<(String, AtomicUsize)>> = LazyLock::new(|| {
        let text = std::env::var("BELLWETHER_DIE_AT").ok()?;
        let (step, times) = text.split_once(':')?;
        Some((step.to_owned(), AtomicUsize::new(times.parse().ok()?)))
    });
    if let Some((name, left)) = WHERE.as_ref().filter(|(name, _)| name == step.as_str())
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        eprintln!("dying at {name}");
        std::process::abort();
    }
}
