//! Evaluates queries beside the threads that answer requests, so that a slow one delays nobody else: so many at a time,
//! the rest wait; each is given up when its time is over or when nobody waits for it any more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bellwether_model::{SeriesSource, TimeDelta, Timestamp};
use bellwether_promql::{
    EvalError, EvalOptions, Evaluated, Expr, Interrupt, Kind, Limits, ParseError, RangeSpec, eval_instant,
    eval_range, parse,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::elsewhere::{Elsewhere, ElsewhereError, ElsewhereQuery, ElsewhereWhen};
use crate::missing::Noting;
use crate::query_stats::{Counted, Stats};

/// Bounds on queries.
#[derive(Clone, Debug, PartialEq)]
pub struct QuerySettings {
    /// Queries evaluated at once; the rest wait.
    pub concurrency: usize,
    /// The longest a query may take, waiting included.
    pub timeout: Duration,
    /// How old a sample an instant selector accepts.
    pub lookback: TimeDelta,
    /// What one query may cost.
    pub limits: Limits,
    /// Whether every query is written to the log.
    pub is_logged: bool,
}

impl Default for QuerySettings {
    /// As Prometheus bounds them.
    fn default() -> Self {
        Self {
            concurrency: 20,
            timeout: Duration::from_secs(120),
            lookback: TimeDelta(5 * 60_000),
            limits: Limits::default(),
            is_logged: false,
        }
    }
}

/// Longer than this nobody waits, and a deadline stays a moment that the clock can show.
const TIMEOUT_MAX: Duration = Duration::from_secs(366 * 86_400);

/// What became of queries since the start, and how many there are now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueryCounts {
    /// Queries that are evaluated now.
    pub running: u64,
    /// Queries that wait for their turn.
    pub waiting: u64,
    /// Queries that were answered.
    pub answered: u64,
    /// Queries that could not be read or evaluated.
    pub failed: u64,
    /// Queries whose time was over.
    pub timed_out: u64,
    /// Queries whose client went away.
    pub abandoned: u64,
    /// Time spent evaluating, in seconds.
    pub evaluation_seconds: f64,
    /// Time spent waiting for a turn, in seconds.
    pub waiting_seconds: f64,
}

/// All queries of a process.
#[derive(Debug)]
pub struct Queries {
    settings: QuerySettings,
    slots: Arc<Semaphore>,
    counters: Arc<Counters>,
    elsewhere: Option<Arc<dyn Elsewhere>>,
}

#[derive(Debug, Default)]
struct Counters {
    running: AtomicU64,
    waiting: AtomicU64,
    answered: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    abandoned: AtomicU64,
    evaluation_us: AtomicU64,
    waiting_us: AtomicU64,
}

impl Counters {
    fn running(&self) -> &AtomicU64 {
        &self.running
    }

    fn waiting(&self) -> &AtomicU64 {
        &self.waiting
    }
}

impl Default for Queries {
    fn default() -> Self {
        Self::new(QuerySettings::default())
    }
}

/// When to evaluate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    At(Timestamp),
    Over(RangeSpec),
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) text: String,
    pub(crate) when: When,
    /// The longest it may take; never longer than the settings allow.
    pub(crate) timeout: Option<Duration>,
    /// How old a sample may be, instead of what the settings say.
    pub(crate) lookback: Option<TimeDelta>,
    /// Whether it is counted what was read.
    pub(crate) is_measured: bool,
}

impl Ask {
    pub(crate) fn new(text: impl Into<String>, when: When) -> Self {
        Self { text: text.into(), when, timeout: None, lookback: None, is_measured: false }
    }
}

/// An answer, and what it cost.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) evaluated: Evaluated,
    pub(crate) stats: Stats,
    /// What of the samples it rests on is missing, in words.
    pub(crate) missing: Vec<String>,
}

/// Why a query has no answer.
#[derive(Debug)]
pub(crate) enum QueryError {
    /// It cannot be read.
    Syntax(Vec<ParseError>),
    /// A range query must give one value per step.
    NotPerStep(Kind),
    /// It cannot be evaluated.
    Evaluation(EvalError),
    /// The store that has the samples has not answered it.
    Elsewhere(ElsewhereError),
    /// Its time was over.
    Timeout(Duration),
    /// The evaluator failed; a bug.
    Broken,
}

impl Queries {
    /// With these bounds.
    pub fn new(settings: QuerySettings) -> Self {
        let slots = Arc::new(Semaphore::new(settings.concurrency.clamp(1, Semaphore::MAX_PERMITS)));
        let timeout = settings.timeout.min(TIMEOUT_MAX);
        Self {
            settings: QuerySettings { timeout, ..settings },
            slots,
            counters: Arc::default(),
            elsewhere: None,
        }
    }

    /// The same, but first asking another store.
    pub fn with_elsewhere(self, elsewhere: Arc<dyn Elsewhere>) -> Self {
        Self { elsewhere: Some(elsewhere), ..self }
    }

    /// The bounds.
    pub const fn settings(&self) -> &QuerySettings {
        &self.settings
    }

    /// What became of queries so far.
    pub fn counts(&self) -> QueryCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let seconds = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64 / 1e6;
        let counters = &self.counters;
        QueryCounts {
            running: read(&counters.running),
            waiting: read(&counters.waiting),
            answered: read(&counters.answered),
            failed: read(&counters.failed),
            timed_out: read(&counters.timed_out),
            abandoned: read(&counters.abandoned),
            evaluation_seconds: seconds(&counters.evaluation_us),
            waiting_seconds: seconds(&counters.waiting_us),
        }
    }

    /// Evaluates in its turn. Dropping the future stops the evaluation.
    pub(crate) async fn run(&self, source: Arc<dyn SeriesSource>, ask: Ask) -> Result<Answered, QueryError> {
        let asked_at = Instant::now();
        let mut fate = Fate { counters: &self.counters, is_known: false };
        let outcome = self.run_counted(source, ask, asked_at).await;
        fate.is_known = true;
        let counter = match &outcome {
            Ok(_) => &self.counters.answered,
            Err(QueryError::Timeout(_)) => &self.counters.timed_out,
            Err(
                QueryError::Syntax(_)
                | QueryError::NotPerStep(_)
                | QueryError::Evaluation(_)
                | QueryError::Elsewhere(_)
                | QueryError::Broken,
            ) => &self.counters.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        outcome
    }

    async fn run_counted(
        &self,
        source: Arc<dyn SeriesSource>,
        ask: Ask,
        asked_at: Instant,
    ) -> Result<Answered, QueryError> {
        let expr = parse(&ask.text).map_err(QueryError::Syntax)?;
        if let (When::Over(_), kind @ (Kind::Range | Kind::Text)) = (ask.when, expr.result()) {
            return Err(QueryError::NotPerStep(kind));
        }
        let timeout = ask.timeout.unwrap_or(self.settings.timeout).min(self.settings.timeout);
        let deadline = asked_at + timeout;
        let Some(slot) = self.turn(timeout).await else { return Err(QueryError::Timeout(timeout)) };
        let waited = asked_at.elapsed();
        self.counters.waiting_us.fetch_add(micros(waited), Ordering::Relaxed);
        if let Some(answered) = self.ask_elsewhere(&expr, &ask, timeout.saturating_sub(waited)).await {
            let evaluated = answered?;
            let stats = Stats { waited, evaluated: asked_at.elapsed() - waited, ..Stats::default() };
            self.counters.evaluation_us.fetch_add(micros(stats.evaluated), Ordering::Relaxed);
            return Ok(Answered { evaluated, stats, missing: Vec::new() });
        }
        let abandoned = Abandon(Arc::new(AtomicBool::new(false)));
        let work = Work {
            expr,
            when: ask.when,
            lookback: ask.lookback.filter(|l| l.0 > 0).unwrap_or(self.settings.lookback),
            limits: self.settings.limits,
            deadline,
            is_abandoned: Arc::clone(&abandoned.0),
            is_measured: ask.is_measured,
        };
        // The worker holds its slot: it may outlive the request by a moment.
        let running = Running { slot, gauge: Gauge::begin(&self.counters, Counters::running) };
        let worker = tokio::task::spawn_blocking(move || {
            let _running = running;
            work.evaluate(source)
        });
        let outcome = worker.await;
        if self.settings.is_logged {
            let (took, waited) = (asked_at.elapsed().as_secs_f64(), waited.as_secs_f64());
            tracing::info!(query = ask.text, when = ?ask.when, took, waited, ok = matches!(outcome, Ok(Ok(_))), "query");
        }
        match outcome {
            Ok(Err(QueryError::Evaluation(EvalError::TimedOut))) => Err(QueryError::Timeout(timeout)),
            Ok(Ok((evaluated, mut stats, missing))) => {
                stats.waited = waited;
                self.counters.evaluation_us.fetch_add(micros(stats.evaluated), Ordering::Relaxed);
                Ok(Answered { evaluated, stats, missing })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(QueryError::Broken),
        }
    }

    /// The answer of the store that has the samples; `None` when the query is to be evaluated here.
    async fn ask_elsewhere(
        &self,
        expr: &Expr,
        ask: &Ask,
        timeout: Duration,
    ) -> Option<Result<Evaluated, QueryError>> {
        let when = match ask.when {
            When::At(at) => ElsewhereWhen::At(at),
            When::Over(range) => ElsewhereWhen::Over(range),
        };
        let query = ElsewhereQuery { text: &ask.text, expr, when, lookback: ask.lookback };
        let answer = self.elsewhere.as_ref()?.answer(query)?;
        Some(match tokio::time::timeout(timeout, answer).await {
            Ok(answer) => answer.map_err(QueryError::Elsewhere),
            Err(_) => Err(QueryError::Timeout(timeout)),
        })
    }

    /// Waits for a slot; `None` when the time was over before there was one.
    async fn turn(&self, at_most: Duration) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Some(slot);
        }
        let _waiting = Gauge::begin(&self.counters, Counters::waiting);
        tokio::time::timeout(at_most, Arc::clone(&self.slots).acquire_owned()).await.ok()?.ok()
    }
}

/// A query on its way to a worker's thread.
struct Work {
    expr: Expr,
    when: When,
    lookback: TimeDelta,
    limits: Limits,
    deadline: Instant,
    is_abandoned: Arc<AtomicBool>,
    is_measured: bool,
}

impl Work {
    fn evaluate(&self, source: Arc<dyn SeriesSource>) -> Result<(Evaluated, Stats, Vec<String>), QueryError> {
        let started = Instant::now();
        let interrupt = || match () {
            () if self.is_abandoned.load(Ordering::Relaxed) => Some(Interrupt::Cancelled),
            () if Instant::now() >= self.deadline => Some(Interrupt::TimedOut),
            () => None,
        };
        let options = EvalOptions {
            lookback: self.lookback,
            limits: self.limits,
            threads: *THREADS,
            interrupt: Some(&interrupt),
            ..EvalOptions::default()
        };
        let evaluate = |source: &dyn SeriesSource| match self.when {
            When::At(at) => eval_instant(&self.expr, at, source, &options),
            When::Over(range) => eval_range(&self.expr, range, source, &options),
        };
        let mut stats = Stats::default();
        let source = Arc::new(Noting::new(source));
        let evaluated = if self.is_measured {
            let counted = Counted::new(source.clone());
            let evaluated = evaluate(&counted);
            stats.samples_read = counted.samples();
            evaluated
        } else {
            evaluate(source.as_ref())
        };
        stats.evaluated = started.elapsed();
        let evaluated = evaluated.map_err(QueryError::Evaluation)?;
        stats.samples_peak = evaluated.samples_peak;
        Ok((evaluated, stats, source.noted()))
    }
}

/// Threads for one query that reads much. More of them would only take turns at memory.
static THREADS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, |count| count.get().min(8)));

/// Tells the worker to stop once the request that waits for it is gone.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a worker holds while it works.
struct Running {
    #[expect(dead_code, reason = "held until the worker ends")]
    slot: OwnedSemaphorePermit,
    #[expect(dead_code, reason = "counts until the worker ends")]
    gauge: Gauge,
}

/// Counts one while it lives.
struct Gauge(Arc<Counters>, fn(&Counters) -> &AtomicU64);

impl Gauge {
    fn begin(counters: &Arc<Counters>, which: fn(&Counters) -> &AtomicU64) -> Self {
        which(counters).fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counters), which)
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}

/// A query that is dropped before its fate is known was abandoned by its client.
struct Fate<'a> {
    counters: &'a Counters,
    is_known: bool,
}

impl Drop for Fate<'_> {
    fn drop(&mut self) {
        if !self.is_known {
            self.counters.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
