//! The part of a checkpoint that tells of native histograms, and of when counters began.

use bellwether_model::{Bucket, Histogram, HistogramSample, Schema};

use crate::ledger::Ledger;
use crate::ledger::credit_native::Native;
use crate::ledger::wire::{Reader, Writer, read_all, write_all};

pub(crate) fn write_natives(w: &mut Writer, ledger: &Ledger) {
    let started =
        ledger.sources.iter().enumerate().filter_map(|(index, source)| Some((index, source.started?)));
    let started: Vec<_> = started.collect();
    write_all(w, started.into_iter(), |w, (index, started)| {
        w.u32(index as u32);
        w.time(started);
    });
    write_all(w, ledger.natives.iter(), |w, (source, native)| {
        w.u32(*source);
        w.flag(native.previous.is_some());
        if let Some(previous) = &native.previous {
            w.time(previous.at);
            write_histogram(w, &previous.histogram);
        }
        write_all(w, native.groups.iter(), |w, (sli, name)| {
            w.u32(*sli);
            w.labels(name);
        });
    });
}

/// `None` where it contradicts what was read before.
pub(crate) fn read_natives(r: &mut Reader<'_>, ledger: &mut Ledger) -> Option<()> {
    for (index, started) in read_all(r, |r| Some((r.u32()?, r.time()?)))? {
        ledger.sources.get_mut(index as usize)?.started = Some(started);
    }
    for (source, mut native) in read_all(r, read_native)? {
        ledger.sources.get(source as usize)?;
        native.groups.retain(|(sli, _)| ledger.slis.get(*sli as usize).is_some_and(Option::is_some));
        for (sli, name) in &native.groups {
            let sli = ledger.slis[*sli as usize].as_mut()?;
            sli.histograms.entry(name.clone()).or_default().natives.insert(source);
        }
        ledger.natives.insert(source, native);
    }
    let heard = ledger.natives.values().filter(|native| native.previous.is_some());
    let groups: Vec<_> = heard.flat_map(|native| native.groups.clone()).collect();
    groups.into_iter().for_each(|(sli, name)| ledger.mix(sli, &name));
    Some(())
}

fn read_native(r: &mut Reader<'_>) -> Option<(u32, Native)> {
    let source = r.u32()?;
    let previous = match r.flag()? {
        true => Some(HistogramSample { at: r.time()?, histogram: read_histogram(r)?.into() }),
        false => None,
    };
    let groups = read_all(r, |r| Some((r.u32()?, r.labels()?)))?;
    Some((source, Native { previous, groups }))
}

fn write_histogram(w: &mut Writer, histogram: &Histogram) {
    w.i64(i64::from(histogram.schema.number()));
    for number in [histogram.zero_threshold, histogram.zero_count, histogram.count, histogram.sum] {
        w.f64(number);
    }
    for buckets in [&histogram.positive, &histogram.negative] {
        write_all(w, buckets.iter(), |w, bucket| {
            w.i64(i64::from(bucket.index));
            w.f64(bucket.count);
        });
    }
    write_all(w, histogram.custom_bounds.iter(), |w, bound| w.f64(*bound));
}

fn read_histogram(r: &mut Reader<'_>) -> Option<Histogram> {
    let schema = Schema::from_number(i32::try_from(r.i64()?).ok()?)?;
    let buckets = |r: &mut Reader<'_>| {
        read_all(r, |r| Some(Bucket { index: i32::try_from(r.i64()?).ok()?, count: r.f64()? }))
    };
    let histogram = Histogram {
        zero_threshold: r.f64()?,
        zero_count: r.f64()?,
        count: r.f64()?,
        sum: r.f64()?,
        positive: buckets(r)?,
        negative: buckets(r)?,
        custom_bounds: read_all(r, |r| r.f64())?.into(),
        ..Histogram::empty(schema)
    };
    histogram.validate().ok().map(|()| histogram)
}
