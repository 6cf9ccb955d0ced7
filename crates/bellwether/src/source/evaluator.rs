//! Where a query is evaluated: by the source, if there is one and the query reads nothing that lies here; otherwise by
//! our own engine.

use std::sync::Arc;

use bellwether_model::{SeriesSource, Timestamp};
use bellwether_promql::{EvalError, EvalOptions, Expr, RangeSpec, Value, eval_instant, eval_range};
use bellwether_tsdb::Store;
use bellwether_web::{BoxFuture, Elsewhere, ElsewhereError, ElsewhereQuery, ElsewhereWhen};
use tokio::runtime::Handle;

use super::SourceHandle;
use super::ask_error::AskError;
use super::evaluate::{Both, When, evaluated};
use crate::ledger_rows::LedgerRows;

/// Evaluates queries, waiting for the answer.
#[derive(Clone)]
pub struct Evaluator {
    store: Arc<Store>,
    source: Option<(Arc<SourceHandle>, Handle)>,
    rows: Option<LedgerRows>,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// It cannot be evaluated here.
    #[error(transparent)]
    Here(#[from] EvalError),
    /// The source has not answered.
    #[error("the source: {0}")]
    There(AskError),
}

impl Evaluator {
    /// Evaluates over what lies here and nothing else.
    pub const fn local(store: Arc<Store>) -> Self {
        Self { store, source: None, rows: None }
    }

    /// Asks the source first. Must be called where tasks run.
    pub fn with_source(store: Arc<Store>, source: Arc<SourceHandle>) -> Self {
        Self { store, source: Some((source, Handle::current())), rows: None }
    }

    /// Reads rows of objectives too.
    pub fn with_rows(self, rows: LedgerRows) -> Self {
        Self { rows: Some(rows), ..self }
    }

    /// The value at a moment. Only for threads that may wait.
    pub fn instant(
        &self,
        text: &str,
        expr: &Expr,
        at: Timestamp,
        options: &EvalOptions<'_>,
    ) -> Result<Value, EvaluateError> {
        if let Some(answer) = self.ask(text, expr, When::At(at)) {
            return answer;
        }
        Ok(eval_instant(expr, at, &*self.series(), options)?.value)
    }

    /// The values at each step. Only for threads that may wait.
    pub fn range(
        &self,
        text: &str,
        expr: &Expr,
        range: RangeSpec,
        options: &EvalOptions<'_>,
    ) -> Result<Value, EvaluateError> {
        if let Some(answer) = self.ask(text, expr, When::Over(range)) {
            return answer;
        }
        Ok(eval_range(expr, range, &*self.series(), options)?.value)
    }

    fn ask(&self, text: &str, expr: &Expr, when: When) -> Option<Result<Value, EvaluateError>> {
        let (source, runtime) = self.source.as_ref()?;
        let client = source.client().filter(|_| !source.local_names().are_read_by(expr))?;
        // What decides must know all of it: an answer of which something is missing is none.
        let answer = runtime.block_on(client.evaluate_whole(text, when));
        Some(answer.map_err(EvaluateError::There))
    }

    fn series(&self) -> Arc<dyn SeriesSource> {
        let here = Arc::new(self.store.snapshot());
        let series = match &self.source {
            Some((source, runtime)) => source.series(here, runtime.clone()),
            None => here,
        };
        match &self.rows {
            Some(rows) => rows.beside(series),
            None => series,
        }
    }
}

impl SourceHandle {
    /// What lies here, and the source behind it if there is one.
    pub fn series(&self, here: Arc<dyn SeriesSource>, runtime: Handle) -> Arc<dyn SeriesSource> {
        match self.client() {
            Some(there) => Arc::new(Both { here, there, names: self.local_names(), runtime }),
            None => here,
        }
    }
}

impl std::fmt::Debug for SourceHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceHandle").field("view", &self.view()).finish_non_exhaustive()
    }
}

impl Elsewhere for SourceHandle {
    fn answer<'a>(
        &'a self,
        query: ElsewhereQuery<'a>,
    ) -> Option<BoxFuture<'a, Result<bellwether_promql::Evaluated, ElsewhereError>>> {
        let client = self.client().filter(|_| !self.local_names().are_read_by(query.expr))?;
        let when = match query.when {
            ElsewhereWhen::At(at) => When::At(at),
            ElsewhereWhen::Over(range) => When::Over(range),
        };
        Some(Box::pin(async move {
            let answer = client.evaluate(query.text, when, query.lookback).await;
            let (value, warnings) = answer.map_err(|error| explained(&client.config().url, &error))?;
            Ok(evaluated(value, warnings))
        }))
    }
}

/// Whether the query is to blame or the source.
fn explained(url: &str, error: &AskError) -> ElsewhereError {
    let sentence = format!("the source {url}: {error}");
    match error {
        AskError::Refused { .. } | AskError::TooMuch(_) | AskError::DownSampled(_) => {
            ElsewhereError::Refused(sentence)
        }
        AskError::Setup(_)
        | AskError::Unreachable(_)
        | AskError::Slow(_)
        | AskError::Denied { .. }
        | AskError::Limited { .. }
        | AskError::Broken { .. }
        | AskError::Unreadable(_)
        | AskError::Partial(_) => ElsewhereError::Unavailable(sentence),
    }
}
