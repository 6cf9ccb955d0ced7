//! The part of a checkpoint that tells of the recent samples of series that may come late, and of gaps they may fill.

use bellwether_model::Sample;

use crate::ledger::Ledger;
use crate::ledger::late::Recent;
use crate::ledger::late_gap::Gap;
use crate::ledger::wire::{Reader, Writer, read_all, write_all};

pub(crate) fn write_recent(w: &mut Writer, ledger: &Ledger) {
    write_all(w, ledger.recent.iter(), |w, (source, recent)| {
        w.u32(*source);
        write_all(w, recent.samples.iter(), |w, sample| {
            w.time(sample.at);
            w.f64(sample.value);
        });
        write_all(w, recent.starts.iter(), |w, (at, started)| {
            w.time(*at);
            w.time(*started);
        });
        w.flag(recent.born.is_some());
        write_all(w, recent.born.as_deref().unwrap_or_default().iter(), |w, (stream, amount)| {
            w.u32(*stream);
            w.f64(*amount);
        });
        w.u32(recent.on_time);
        w.u64(recent.too_late);
    });
    write_all(w, ledger.gaps.iter(), |w, (target, gaps)| {
        w.u32(*target);
        write_all(w, gaps.iter(), |w, gap| {
            w.time(gap.from);
            w.time(gap.to);
            w.maybe_time(gap.failed);
            w.flag(gap.is_measured);
            write_all(w, gap.streams.iter(), |w, stream| w.u32(*stream));
        });
    });
}

/// `None` where it contradicts what was read before.
pub(crate) fn read_recent(r: &mut Reader<'_>, ledger: &mut Ledger) -> Option<()> {
    for (source, recent) in read_all(r, read_one)? {
        ledger.sources.get(source as usize)?;
        let is_sorted = recent.samples.is_sorted_by(|a, b| a.at < b.at);
        if recent.samples.is_empty() || !is_sorted || !recent.starts.is_sorted_by(|a, b| a.0 < b.0) {
            return None;
        }
        ledger.recent.insert(source, recent);
    }
    for (target, gaps) in read_all(r, |r| Some((r.u32()?, read_all(r, read_gap)?)))? {
        ledger.targets.get(target as usize)?;
        let mut streams = gaps.iter().flat_map(|gap| &gap.streams);
        if !streams.all(|stream| (*stream as usize) < ledger.streams.len()) {
            return None;
        }
        ledger.gaps.insert(target, gaps);
    }
    Some(())
}

fn read_gap(r: &mut Reader<'_>) -> Option<Gap> {
    Some(Gap {
        from: r.time()?,
        to: r.time()?,
        failed: r.maybe_time()?,
        is_measured: r.flag()?,
        streams: read_all(r, |r| r.u32())?,
    })
}

fn read_one(r: &mut Reader<'_>) -> Option<(u32, Recent)> {
    let source = r.u32()?;
    let samples = read_all(r, |r| Some(Sample::new(r.time()?, r.f64()?)))?;
    let starts = read_all(r, |r| Some((r.time()?, r.time()?)))?;
    let was_born = r.flag()?;
    let born = read_all(r, |r| Some((r.u32()?, r.f64()?)))?;
    let born = was_born.then_some(born);
    Some((source, Recent { samples, starts, born, on_time: r.u32()?, too_late: r.u64()? }))
}
