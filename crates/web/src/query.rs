//! Evaluates a query beside the threads that answer requests, so that a slow one delays nobody else; gives it up when
//! its time is over or when nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bellwether_model::{SeriesSource, Timestamp};
use bellwether_promql::{
    EvalError, EvalOptions, Evaluated, Interrupt, ParseError, RangeSpec, eval_instant, eval_range, parse,
};
use tokio::sync::Semaphore;

/// Queries evaluated at once; the rest wait. As Prometheus bounds them.
static SLOTS: Semaphore = Semaphore::const_new(20);

/// The longest a query may take, waiting included. As Prometheus bounds it.
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(120);

/// When to evaluate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    At(Timestamp),
    Over(RangeSpec),
}

/// Why a query has no answer.
#[derive(Debug)]
pub(crate) enum QueryError {
    /// It cannot be read.
    Syntax(Vec<ParseError>),
    /// It cannot be evaluated.
    Evaluation(EvalError),
    /// Its time was over.
    Timeout(Duration),
    /// The evaluator failed; a bug.
    Broken,
}

pub(crate) async fn run(
    source: Arc<dyn SeriesSource>,
    text: String,
    when: When,
    timeout: Duration,
) -> Result<Evaluated, QueryError> {
    let timeout = timeout.min(TIMEOUT_MAX);
    let deadline = Instant::now() + timeout;
    let Ok(Ok(_slot)) = tokio::time::timeout(timeout, SLOTS.acquire()).await else {
        return Err(QueryError::Timeout(timeout));
    };
    let abandoned = Abandon(Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&abandoned.0);
    let worker = tokio::task::spawn_blocking(move || {
        let interrupt = || match () {
            () if flag.load(Ordering::Relaxed) => Some(Interrupt::Cancelled),
            () if Instant::now() >= deadline => Some(Interrupt::TimedOut),
            () => None,
        };
        evaluate(source.as_ref(), &text, when, &interrupt)
    });
    match worker.await {
        Ok(Err(QueryError::Evaluation(EvalError::TimedOut))) => Err(QueryError::Timeout(timeout)),
        Ok(answer) => answer,
        Err(_) => Err(QueryError::Broken),
    }
}

/// Tells the worker to stop once the request that waits for it is gone.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn evaluate(
    source: &dyn SeriesSource,
    text: &str,
    when: When,
    interrupt: &dyn Fn() -> Option<Interrupt>,
) -> Result<Evaluated, QueryError> {
    let expr = parse(text).map_err(QueryError::Syntax)?;
    let options = EvalOptions { interrupt: Some(interrupt), ..EvalOptions::default() };
    let answer = match when {
        When::At(at) => eval_instant(&expr, at, source, &options),
        When::Over(range) => eval_range(&expr, range, source, &options),
    };
    answer.map_err(QueryError::Evaluation)
}
