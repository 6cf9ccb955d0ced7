//! Chunks of one series that overlap in time: late samples and imported history lie beside what was there already.
//! A reader gets them in time order without overlap; of two entries of one moment the one that was stored first counts.
//!
//! Only chunks that overlap others are decoded. Most series have none, and for those this is one look at the ends.

use std::sync::Arc;

use bellwether_model::{Chunk, ChunkKind, ChunkSummary, HistogramSample, Sample, SourceError, Timestamp};

use crate::run::Run;

/// Puts chunks in time order and merges those that overlap. They come in the order in which they were stored.
pub(crate) fn in_order(mut chunks: Vec<Arc<dyn Chunk>>) -> Result<Vec<Arc<dyn Chunk>>, SourceError> {
    if is_in_order(&chunks) {
        return Ok(chunks);
    }
    let mut ranked: Vec<(usize, Arc<dyn Chunk>)> = chunks.drain(..).enumerate().collect();
    ranked.sort_by_key(|(_, chunk)| chunk.summary().range.start);
    let mut rest = ranked.as_slice();
    while let Some((_, first)) = rest.first() {
        let (cluster, others) = rest.split_at(cluster_length(rest));
        match cluster {
            [_] => chunks.push(Arc::clone(first)),
            _ => chunks.extend(merge(cluster)?),
        }
        rest = others;
    }
    Ok(chunks)
}

pub(crate) fn is_in_order(chunks: &[Arc<dyn Chunk>]) -> bool {
    chunks.windows(2).all(|pair| pair[0].summary().range.end < pair[1].summary().range.start)
}

/// Takes away what lies at some moments.
pub(crate) fn without(
    chunks: Vec<Arc<dyn Chunk>>,
    moments: &[Timestamp],
) -> Result<Vec<Arc<dyn Chunk>>, SourceError> {
    let mut kept: Vec<Arc<dyn Chunk>> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let range = chunk.summary().range;
        if moments.iter().any(|moment| range.contains(*moment)) {
            let run = Run::of(&*chunk)?.without(moments);
            kept.extend(DecodedChunk::of(run).map(|chunk| chunk as Arc<dyn Chunk>));
        } else {
            kept.push(chunk);
        }
    }
    Ok(kept)
}

/// How many of the first chunks hang together; at least one.
fn cluster_length(chunks: &[(usize, Arc<dyn Chunk>)]) -> usize {
    let mut end = Timestamp::MIN;
    let joins = |(_, chunk): &&(usize, Arc<dyn Chunk>)| {
        let range = chunk.summary().range;
        let is_joined = end == Timestamp::MIN || range.start <= end;
        end = end.max(range.end);
        is_joined
    };
    chunks.iter().take_while(joins).count().max(1)
}

fn merge(cluster: &[(usize, Arc<dyn Chunk>)]) -> Result<Vec<Arc<dyn Chunk>>, SourceError> {
    let mut ranked: Vec<(usize, Run)> = Vec::with_capacity(cluster.len());
    for (rank, chunk) in cluster {
        ranked.push((*rank, Run::of(&**chunk)?));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let runs: Vec<Run> = ranked.into_iter().map(|(_, run)| run).collect();
    Ok(Run::merged(&runs).into_iter().filter_map(DecodedChunk::of).map(|chunk| chunk as _).collect())
}

/// A chunk that is decoded already.
pub(crate) struct DecodedChunk {
    summary: ChunkSummary,
    run: Run,
}

impl DecodedChunk {
    /// `None` when there is nothing in it.
    pub(crate) fn of(run: Run) -> Option<Arc<Self>> {
        Some(Arc::new(Self { summary: run.summary()?, run }))
    }
}

impl Chunk for DecodedChunk {
    fn summary(&self) -> &ChunkSummary {
        &self.summary
    }

    fn kind(&self) -> ChunkKind {
        self.run.kind()
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        out.extend_from_slice(self.run.floats());
        Ok(())
    }

    fn decode_histograms(&self, out: &mut Vec<HistogramSample>) -> Result<(), SourceError> {
        out.extend_from_slice(self.run.histograms());
        Ok(())
    }

    fn has_start_times(&self) -> bool {
        !self.run.starts().is_empty()
    }

    fn decode_start_times(&self, out: &mut Vec<Option<Timestamp>>) -> Result<(), SourceError> {
        out.extend_from_slice(self.run.starts());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk with these moments, each valued by its rank.
    fn chunk(rank: i64, times: &[i64]) -> Arc<dyn Chunk> {
        let samples = times.iter().map(|at| Sample::new(Timestamp(*at), rank as f64)).collect();
        DecodedChunk::of(Run::of_floats(samples, Vec::new())).unwrap()
    }

    fn check(stored: &[&[i64]], expected: &[&[(i64, i64)]]) {
        let chunks = stored.iter().zip(0..).map(|(times, rank)| chunk(rank, times)).collect();
        let merged = in_order(chunks).unwrap();
        let mut found = Vec::new();
        for chunk in merged {
            let mut samples = Vec::new();
            chunk.decode(&mut samples).unwrap();
            assert_eq!(Some(*chunk.summary()), ChunkSummary::of(&samples));
            found.push(samples.iter().map(|s| (s.at.0, s.value as i64)).collect::<Vec<_>>());
        }
        assert_eq!(found, expected, "{stored:?}");
    }

    #[test]
    fn overlapping_chunks_become_one_and_the_first_stored_wins() {
        check(&[&[1, 2], &[3, 4]], &[&[(1, 0), (2, 0)], &[(3, 1), (4, 1)]]);
        check(&[&[3, 4], &[1, 2]], &[&[(1, 1), (2, 1)], &[(3, 0), (4, 0)]]);
        check(&[&[1, 3], &[2, 3, 4]], &[&[(1, 0), (2, 1), (3, 0), (4, 1)]]);
        check(&[&[2, 3, 4], &[1, 3]], &[&[(1, 1), (2, 0), (3, 0), (4, 0)]]);
        check(
            &[&[1, 9], &[12, 13], &[2, 3], &[9, 10]],
            &[&[(1, 0), (2, 2), (3, 2), (9, 0), (10, 3)], &[(12, 1), (13, 1)]],
        );
    }
}
