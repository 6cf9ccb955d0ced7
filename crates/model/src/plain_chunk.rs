//! A chunk that lies in memory as it is, for whoever has samples at hand and nothing to gain from compressing them.

use std::sync::Arc;

use crate::{Chunk, ChunkKind, ChunkSummary, HistogramSample, Sample, SourceError};

/// Samples of one kind, in time order, and their summary.
pub struct PlainChunk {
    summary: ChunkSummary,
    entries: Entries,
}

enum Entries {
    Floats(Vec<Sample>),
    Histograms(Vec<HistogramSample>),
}

impl PlainChunk {
    /// A chunk of numbers in time order; `None` when there are none.
    pub fn of(samples: Vec<Sample>) -> Option<Arc<dyn Chunk>> {
        let summary = ChunkSummary::of(&samples)?;
        Some(Arc::new(Self { summary, entries: Entries::Floats(samples) }))
    }

    /// A chunk of histograms in time order; `None` when there are none.
    pub fn of_histograms(samples: Vec<HistogramSample>) -> Option<Arc<dyn Chunk>> {
        let summary = ChunkSummary::of_histograms(&samples)?;
        Some(Arc::new(Self { summary, entries: Entries::Histograms(samples) }))
    }
}

impl Chunk for PlainChunk {
    fn summary(&self) -> &ChunkSummary {
        &self.summary
    }

    fn kind(&self) -> ChunkKind {
        match self.entries {
            Entries::Floats(_) => ChunkKind::Floats,
            Entries::Histograms(_) => ChunkKind::Histograms,
        }
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        if let Entries::Floats(samples) = &self.entries {
            out.extend_from_slice(samples);
        }
        Ok(())
    }

    fn decode_histograms(&self, out: &mut Vec<HistogramSample>) -> Result<(), SourceError> {
        if let Entries::Histograms(samples) = &self.entries {
            out.extend_from_slice(samples);
        }
        Ok(())
    }
}
