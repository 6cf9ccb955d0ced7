//! Credits native histograms, and keeps a classic one of the same name from being counted beside them.
//!
//! Both are views of one counter. Whichever has been heard of last is gone on from: a target that exposes both is counted
//! once, and one that changes from one to the other goes on where it was.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{
    CounterReset, Histogram as NativeHistogram, HistogramSample, Labels, Sample, Timestamp,
};
use bellwether_promql::{increase, is_reset, observations_up_to};

use crate::goal::Counts;
use crate::ledger::Ledger;
use crate::ledger::arrival::Arrival;
use crate::ledger::credit::{Amounts, Given, is_count};
use crate::ledger::sli::{Histogram, Part, Weight};

/// A series of native histograms.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Native {
    pub(crate) previous: Option<HistogramSample>,
    /// The indicators it counts for, by position, and its name among their histograms.
    pub(crate) groups: Vec<(u32, Labels)>,
}

/// What a classic series is beside native histograms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mixed {
    name: Labels,
    part: Part,
}

/// What classic series say of a histogram.
struct Classic {
    at: Timestamp,
    good: f64,
    total: f64,
}

impl Ledger {
    /// Whether a native histogram began anew since it was last seen; `None` if it never was.
    pub(crate) fn is_histogram_anew(
        &self,
        source: u32,
        sample: &HistogramSample,
        started: Option<Timestamp>,
    ) -> Option<bool> {
        let previous =
            self.natives.get(&source)?.previous.as_ref().filter(|_| is_counter(&sample.histogram))?;
        let (now, before) = (&sample.histogram, &previous.histogram);
        let has_started = self.sources[source as usize].has_started_since(previous.at, started);
        Some(has_started || now.count < before.count || is_reset(now, before))
    }

    pub(crate) fn credit_native(
        &mut self,
        source: u32,
        sample: &HistogramSample,
        started: Option<Timestamp>,
        arrival: &Arrival<'_>,
    ) {
        let sample = HistogramSample { at: sample.at.min(arrival.at), ..sample.clone() };
        let Some(native) = self.natives.get(&source).filter(|_| is_counter(&sample.histogram)) else {
            return;
        };
        if native.previous.as_ref().is_some_and(|previous| sample.at <= previous.at) {
            return;
        }
        let is_first = native.previous.is_none();
        self.begin_native(source);
        let fell = self.is_histogram_anew(source, &sample, started).unwrap_or(false);
        let events = self.native_events(source, &sample, fell, started, arrival);
        if let Some(native) = self.natives.get_mut(&source) {
            native.previous = Some(sample.clone());
        }
        let known = &mut self.sources[source as usize];
        known.started = started.or(known.started);
        let since = started.filter(|_| is_first);
        let given = Given { at: sample.at, fell, since, amounts: Amounts::Events(events) };
        self.give(source, &given, arrival);
    }

    /// A series is credited only once it has shown that it has histograms: one of numbers may bear the same name.
    fn begin_native(&mut self, source: u32) {
        let credits = &self.sources[source as usize].credits;
        let is_new = |(sli, _): &&(u32, Labels)| credits.iter().all(|credit| credit.sli != *sli);
        let groups = self.natives.get(&source).into_iter().flat_map(|native| &native.groups);
        let groups: Vec<(u32, Labels)> = groups.filter(is_new).cloned().collect();
        for (sli, name) in groups {
            self.set_credits(sli as usize, source, &name, Weight { bad: 1.0, total: 1.0 });
            self.mix(sli, &name);
        }
    }

    /// Remembers which classic series stand beside a native one.
    pub(crate) fn mix(&mut self, sli: u32, name: &Labels) {
        let Some(histogram) = self.histogram(sli, name).filter(|histogram| !histogram.natives.is_empty())
        else {
            return;
        };
        let buckets = histogram.buckets.iter().map(|(bound, members)| (Part::Bucket(*bound), members));
        let whole = [(Part::Infinite, &histogram.infinite), (Part::Count, &histogram.counts)];
        let parts: Vec<(u32, Part)> = buckets
            .chain(whole)
            .flat_map(|(part, members)| members.iter().map(move |member| (*member, part)))
            .collect();
        for (member, part) in parts {
            self.mixed.entry((member, sli)).or_insert_with(|| Mixed { name: name.clone(), part });
        }
    }

    /// The natives of a ledger that was folded over the past of one indicator, under the numbers they have here.
    pub(crate) fn adopt_natives(
        &mut self,
        natives: BTreeMap<u32, Native>,
        numbers: &BTreeMap<u32, u32>,
        sli: u32,
    ) {
        for (old, past) in natives {
            let (Some(new), Some((_, name))) = (numbers.get(&old), past.groups.first()) else { continue };
            let known = self.natives.entry(*new).or_default();
            known.previous = known.previous.take().or(past.previous);
            known.groups.push((sli, name.clone()));
            self.mix(sli, name);
        }
    }

    fn histogram(&self, sli: u32, name: &Labels) -> Option<&Histogram> {
        self.slis[sli as usize].as_ref()?.histograms.get(name)
    }

    /// The events since the last histogram, for each credit of its series.
    fn native_events(
        &self,
        source: u32,
        sample: &HistogramSample,
        fell: bool,
        started: Option<Timestamp>,
        arrival: &Arrival<'_>,
    ) -> Vec<Counts> {
        let Some(native) = self.natives.get(&source) else { return Vec::new() };
        let now = &*sample.histogram;
        let previous = native.previous.as_ref();
        let grown = previous.filter(|_| !fell).and_then(|previous| increase(now, &previous.histogram));
        let known = &self.sources[source as usize];
        let of_sli = |sli: u32| -> Counts {
            let threshold = self.slis[sli as usize].as_ref().map_or(0.0, |sli| sli.threshold());
            let classic = native.groups.iter().find(|(index, _)| *index == sli);
            let classic = classic.and_then(|(_, name)| self.classic(sli, name, threshold));
            match (classic, previous) {
                // The classic series have told of it already.
                (Some(classic), _) if classic.at >= sample.at => Counts::default(),
                (Some(classic), previous) if previous.is_none_or(|previous| previous.at < classic.at) => {
                    gone_on_from(&classic, now, threshold)
                }
                (_, Some(_)) => events_in(grown.as_ref().unwrap_or(now), threshold),
                (_, None) if self.is_from_zero(known, sli, started, arrival) => events_in(now, threshold),
                (_, None) => Counts::default(),
            }
        };
        known.credits.iter().map(|credit| of_sli(credit.sli)).collect()
    }

    /// What the classic series of a histogram said last.
    fn classic(&self, sli: u32, name: &Labels, threshold: f64) -> Option<Classic> {
        let histogram = self.histogram(sli, name)?;
        let last = |members: &BTreeSet<u32>| -> Option<Sample> {
            members.iter().filter_map(|member| self.sources[*member as usize].previous).max_by_key(|s| s.at)
        };
        let total = last(&histogram.infinite).or_else(|| last(&histogram.counts))?;
        let good = histogram.shares(threshold).into_iter().map(|(bound, share)| {
            share * histogram.buckets.get(&bound).and_then(last).map_or(0.0, |sample| sample.value)
        });
        Some(Classic { at: total.at, good: good.sum(), total: total.value })
    }

    /// What the increment of a number is worth to each of its credits where native histograms are about.
    pub(crate) fn mixed_amounts(
        &self,
        source: u32,
        sample: Sample,
        fell: bool,
        started: Option<Timestamp>,
        arrival: &Arrival<'_>,
    ) -> Amounts {
        let known = &self.sources[source as usize];
        let of_sli = |sli: u32| -> f64 {
            let native = self.mixed.get(&(source, sli)).and_then(|mixed| self.native_beside(sli, mixed));
            match (native, known.previous) {
                // The native histogram has told of it already.
                (Some((at, _)), _) if at >= sample.at => 0.0,
                (Some((at, value)), previous) if previous.is_none_or(|previous| previous.at < at) => {
                    if sample.value >= value { sample.value - value } else { sample.value }
                }
                (_, Some(previous)) if !fell => sample.value - previous.value,
                (_, Some(_)) => sample.value,
                (_, None) if self.is_from_zero(known, sli, started, arrival) => sample.value,
                (_, None) => 0.0,
            }
        };
        Amounts::Each(known.credits.iter().map(|credit| of_sli(credit.sli)).collect())
    }

    /// Whether a series stands beside native histograms.
    pub(crate) fn is_mixed(&self, source: u32) -> bool {
        self.mixed.range((source, 0)..=(source, u32::MAX)).next().is_some()
    }

    /// When the native histogram beside a classic series was last heard of, and what the series would have said then.
    fn native_beside(&self, sli: u32, mixed: &Mixed) -> Option<(Timestamp, f64)> {
        let natives = self.histogram(sli, &mixed.name)?.natives.iter();
        let last =
            natives.filter_map(|native| self.natives.get(native)?.previous.as_ref()).max_by_key(|s| s.at)?;
        let value = match mixed.part {
            Part::Bucket(bound) => observations_up_to(bound.0, &last.histogram),
            Part::Infinite | Part::Count | Part::Native => last.histogram.count,
        };
        Some((last.at, value))
    }

    /// What must be said when the threshold is not a bound of the native histograms that are counted.
    pub(crate) fn native_notes(&self, key: &str) -> BTreeSet<String> {
        let Some(sli) = self.sli(key) else { return BTreeSet::new() };
        let natives = sli.histograms.values().flat_map(|histogram| &histogram.natives);
        let last = natives.filter_map(|native| self.natives.get(native)?.previous.as_ref());
        last.filter_map(|sample| note(&sample.histogram, sli.threshold())).collect()
    }
}

/// Whether it is a histogram of a counter that is still there.
fn is_counter(histogram: &NativeHistogram) -> bool {
    !histogram.is_stale() && histogram.counter_reset != CounterReset::Gauge && is_count(histogram.count)
}

fn events_in(histogram: &NativeHistogram, threshold: f64) -> Counts {
    let total = histogram.count.max(0.0);
    Counts { bad: total - observations_up_to(threshold, histogram).clamp(0.0, total), total }
}

/// The events between what classic series said and a native histogram.
fn gone_on_from(classic: &Classic, now: &NativeHistogram, threshold: f64) -> Counts {
    if now.count < classic.total {
        return events_in(now, threshold);
    }
    let total = now.count - classic.total;
    let good = observations_up_to(threshold, now) - classic.good;
    Counts { bad: total - good.clamp(0.0, total), total }
}

/// What must be said when a threshold is not a bound of a histogram.
fn note(histogram: &NativeHistogram, threshold: f64) -> Option<String> {
    let (below, above) = bucket_around(histogram, threshold)?;
    Some(match above.is_finite() {
        true => format!(
            "{threshold} is not a bucket bound of the native histogram: the count is interpolated between the bounds \
             {below} and {above}"
        ),
        false => format!(
            "{threshold} is above the last bucket bound, {below}: only events up to that bound count as good"
        ),
    })
}

/// The bounds between which a threshold lies; `None` if it is one.
fn bucket_around(histogram: &NativeHistogram, threshold: f64) -> Option<(f64, f64)> {
    if histogram.schema.is_custom() {
        let bounds = &histogram.custom_bounds;
        let above = bounds.partition_point(|bound| *bound < threshold);
        let upper = bounds.get(above).copied().unwrap_or(f64::INFINITY);
        let lower = above.checked_sub(1).map_or(0.0, |below| bounds[below]);
        return (upper != threshold).then_some((lower, upper));
    }
    if threshold <= histogram.zero_threshold {
        return (threshold != histogram.zero_threshold).then_some((0.0, histogram.zero_threshold));
    }
    // Only near the bound that the logarithm leads to is it asked for exactly.
    let per_octave = f64::from(histogram.schema.number()).exp2();
    let near = (threshold.log2() * per_octave).ceil() as i32;
    let upper = |index: i32| histogram.schema.exponential_bound(index);
    let index = (near - 1..=near + 1).find(|index| upper(*index) >= threshold)?;
    (upper(index) != threshold).then(|| (upper(index - 1).max(histogram.zero_threshold), upper(index)))
}
