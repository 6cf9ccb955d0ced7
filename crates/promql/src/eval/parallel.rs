//! Series side by side: where a query reads many chunks, several threads take series in turn. Which thread calculates
//! a series changes nothing about its column, and columns keep the order of their series.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::EvalError;
use super::cost::{Cost, Interrupt};
use super::row::RowSamples;

/// Below this many chunks starting a thread costs more than it brings.
const CHUNKS_MIN: usize = 800;

/// A series' place among all, and its samples.
type Job = (usize, RowSamples);
/// What became of a job.
type Done = (usize, Result<Vec<f64>, EvalError>);

/// Calculates a column for each of some series; `None` when there is too little to do for more than one thread, and
/// then nothing was taken.
pub(super) fn columns<'r>(
    rows: impl ExactSizeIterator<Item = &'r mut RowSamples>,
    threads: usize,
    cost: &Cost<'_>,
    calculate: impl Fn(RowSamples, &Cost<'_>) -> Result<Vec<f64>, EvalError> + Sync,
) -> Result<Option<Vec<Vec<f64>>>, EvalError> {
    let rows: Vec<&mut RowSamples> = rows.collect();
    let threads = threads.min(rows.len());
    if threads < 2 || rows.iter().map(|row| row.chunk_count()).sum::<usize>() < CHUNKS_MIN {
        return Ok(None);
    }
    let jobs = rows.into_iter().map(|row| std::mem::replace(row, RowSamples::Plain(Vec::new()))).enumerate();
    let jobs = Mutex::new(jobs.collect::<Vec<Job>>().into_iter());
    let is_over = AtomicBool::new(false);
    let (limits, held) = (cost.limits(), cost.held());
    let work = |cost: &Cost<'_>| {
        let mut done: Vec<Done> = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let Some((index, samples)) = next(&jobs) else { break };
            let column = cost.ask().and_then(|()| calculate(samples, cost));
            is_over.fetch_or(column.is_err(), Ordering::Relaxed);
            done.push((index, column));
        }
        done
    };
    let done = std::thread::scope(|scope| {
        let beside = || {
            let interrupt = || is_over.load(Ordering::Relaxed).then_some(Interrupt::Cancelled);
            work(&Cost::holding(limits, held, &interrupt))
        };
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(beside)).collect();
        // This thread's errors come first: it alone asks whether anybody still waits for the answer.
        let mut done = work(cost);
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    let mut found: Vec<(usize, Vec<f64>)> = Vec::with_capacity(done.len());
    let mut failed = None;
    for (index, column) in done {
        match column {
            Ok(column) => found.push((index, column)),
            // The others were only told to stop.
            Err(error) if failed.is_none() || matches!(failed, Some(EvalError::Cancelled)) => {
                failed = Some(error)
            }
            Err(_) => {}
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    found.sort_unstable_by_key(|(index, _)| *index);
    Ok(Some(found.into_iter().map(|(_, column)| column).collect()))
}

fn next(jobs: &Mutex<std::vec::IntoIter<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next()
}
