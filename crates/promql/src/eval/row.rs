//! One series of a range argument, and where its samples are.

use std::sync::Arc;

use bellwether_model::{Chunk, ChunkKind, Labels, Sample};

use super::EvalError;
use super::cost::Cost;
use super::mixed_samples::MixedSamples;
use crate::function::Function;

/// One series of a range argument.
pub(super) struct Row {
    pub(super) labels: Labels,
    pub(super) drop_name: bool,
    pub(super) samples: RowSamples,
}

/// Where a row's samples are.
#[derive(Clone)]
pub(super) enum RowSamples {
    /// Still in the source's chunks.
    Chunks(Vec<Arc<dyn Chunk>>),
    /// Calculated by a subquery.
    Plain(Vec<Sample>),
    /// Calculated by a subquery, native histograms among them.
    Mixed(MixedSamples),
}

impl RowSamples {
    /// What of it are numbers.
    pub(super) fn floats(&self) -> Self {
        match self {
            Self::Chunks(chunks) => {
                let floats = chunks.iter().filter(|chunk| chunk.kind() != ChunkKind::Histograms);
                Self::Chunks(floats.cloned().collect())
            }
            Self::Plain(samples) => Self::Plain(samples.clone()),
            Self::Mixed(samples) => Self::Plain(samples.floats.clone()),
        }
    }

    pub(super) fn chunk_count(&self) -> usize {
        match self {
            Self::Chunks(chunks) => chunks.len(),
            Self::Plain(_) | Self::Mixed(_) => 0,
        }
    }

    /// Whether there may be native histograms, or start times that matter, so that the slower way is to be taken.
    pub(super) fn is_mixed_for(&self, function: Function) -> bool {
        let reads_starts =
            matches!(function, Function::Rate | Function::Increase | Function::Irate | Function::Resets);
        let is_mixed = |chunk: &Arc<dyn Chunk>| {
            chunk.kind() == ChunkKind::Histograms || (reads_starts && chunk.has_start_times())
        };
        match self {
            Self::Chunks(chunks) => chunks.iter().any(is_mixed),
            Self::Plain(_) => false,
            Self::Mixed(_) => true,
        }
    }

    pub(super) fn mixed(self, cost: &Cost<'_>) -> Result<MixedSamples, EvalError> {
        match self {
            Self::Chunks(chunks) => MixedSamples::of(&chunks, cost),
            Self::Plain(floats) => Ok(MixedSamples::new(floats, Vec::new())),
            Self::Mixed(samples) => Ok(samples),
        }
    }
}
