//! Classic histograms made native ones with the same bounds (`convert_classic_histograms_to_nhcb`). The series of one
//! histogram stand together in a body; when another begins, what was collected becomes one native histogram. One whose
//! buckets do not add up becomes none, as in Prometheus.

use std::sync::Arc;

use bellwether_ingest::{decode_series, series_text};
use bellwether_model::{Bucket, Histogram, METRIC_NAME, Schema, Timestamp};

/// What a classic series is to its histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// All observations up to a bound.
    Bucket(f64),
    /// All observations.
    Count,
    /// Their sum.
    Sum,
}

/// A classic series, as part of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The histogram's series, as text.
    pub series: Arc<str>,
    /// What this one is to it.
    pub part: Part,
}

/// What a series is to a histogram of this name; `None` if it is no part of it.
pub fn member_of(series: &str, family: &str) -> Option<Member> {
    let labels = decode_series(series).ok()?;
    let name = labels.get(METRIC_NAME)?;
    let (base, part) = if let Some(base) = name.strip_suffix("_bucket") {
        let bound: f64 = labels.get("le")?.parse().ok()?;
        (base, Part::Bucket(Some(bound).filter(|bound| !bound.is_nan())?))
    } else if let Some(base) = name.strip_suffix("_count") {
        (base, Part::Count)
    } else {
        (name.strip_suffix("_sum")?, Part::Sum)
    };
    if base != family {
        return None;
    }
    let rest = labels.iter().filter(|(name, _)| *name != METRIC_NAME && *name != "le");
    Some(Member { series: series_text(base, rest).into(), part })
}

/// The histogram at hand.
#[derive(Debug, Default)]
pub struct Collecting {
    series: Option<Arc<str>>,
    /// Bounds going up, with all observations up to them.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    is_broken: bool,
    timestamp: Option<Timestamp>,
    since: Option<Timestamp>,
}

/// A histogram that was collected.
#[derive(Debug, PartialEq)]
pub struct Collected {
    /// Its series, as text.
    pub series: Arc<str>,
    /// What it holds.
    pub histogram: Histogram,
    /// The time, if the target gave one.
    pub timestamp: Option<Timestamp>,
    /// Since when it has been counting, if that was said.
    pub since: Option<Timestamp>,
}

impl Collecting {
    /// Whether this is a part of the histogram at hand.
    pub fn is_of(&self, member: &Member) -> bool {
        self.series.as_ref() == Some(&member.series)
    }

    /// Takes in a part. The first one says whose, and when.
    pub fn add(
        &mut self,
        member: &Member,
        value: f64,
        timestamp: Option<Timestamp>,
        since: Option<Timestamp>,
    ) {
        if self.series.is_none() {
            (self.timestamp, self.since) = (timestamp, since);
            self.series = Some(member.series.clone());
        }
        match member.part {
            Part::Bucket(bound) => self.bucket(bound, value),
            Part::Count => self.count = Some(value),
            Part::Sum => self.sum = value,
        }
        self.is_broken |= value < 0.0 && member.part != Part::Sum;
    }

    /// The first of two buckets with the same bound counts.
    fn bucket(&mut self, bound: f64, count: f64) {
        let place = self.buckets.partition_point(|(other, _)| *other < bound);
        let (before, after) = (place.checked_sub(1).map(|at| self.buckets[at]), self.buckets.get(place));
        if after.is_some_and(|(other, _)| *other == bound) {
            return;
        }
        let is_cumulative =
            before.is_none_or(|(_, less)| less <= count) && after.is_none_or(|(_, more)| count <= *more);
        self.is_broken |= !is_cumulative;
        self.buckets.insert(place, (bound, count));
    }

    /// The histogram, if its parts add up; another may follow.
    pub fn finish(&mut self) -> Option<Collected> {
        let Self { series, mut buckets, count, sum, is_broken, timestamp, since } = std::mem::take(self);
        let series = series?;
        let last = buckets.last().copied();
        let count = count.or(last.map(|(_, count)| count)).unwrap_or(0.0);
        if last.is_none_or(|(bound, _)| bound != f64::INFINITY) {
            buckets.push((f64::INFINITY, count));
        }
        let in_all = buckets.last().map_or(0.0, |(_, count)| *count);
        if is_broken || in_all != count {
            return None;
        }
        let mut below = 0.0;
        let positive = buckets.iter().zip(0..).map(|((_, upto), index)| {
            let count = upto - below;
            below = *upto;
            Bucket { index, count }
        });
        let positive = positive.filter(|bucket| bucket.count != 0.0).collect();
        let custom_bounds =
            buckets.iter().map(|(bound, _)| *bound).filter(|bound| *bound != f64::INFINITY).collect();
        let histogram = Histogram { count, sum, positive, custom_bounds, ..Histogram::empty(Schema::CUSTOM) };
        histogram.validate().ok()?;
        Some(Collected { series, histogram, timestamp, since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_histogram_are_known_by_their_names() {
        let check = |series: &str, expected: Option<(&str, Part)>| {
            let found = member_of(series, "h");
            assert_eq!(found.as_ref().map(|member| (&*member.series, member.part)), expected, "{series}");
        };
        check("h_bucket{le=\"0.5\",a=\"b\"}", Some(("h{a=\"b\"}", Part::Bucket(0.5))));
        check("h_bucket{le=\"+Inf\"}", Some(("h", Part::Bucket(f64::INFINITY))));
        check("h_count{a=\"b\"}", Some(("h{a=\"b\"}", Part::Count)));
        check("h_sum", Some(("h", Part::Sum)));
        for other in
            ["h", "h_created", "g_count", "h_bucket", "h_bucket{le=\"x\"}", "h_bucket{le=\"NaN\"}", "hh_sum"]
        {
            check(other, None);
        }
    }

    #[test]
    fn buckets_that_add_up_become_one_histogram() {
        let inf = f64::INFINITY;
        let check = |buckets: &[(f64, f64)], count: Option<f64>, expected: Option<&str>| {
            let mut collecting = Collecting::default();
            let member = |part| Member { series: "h".into(), part };
            for (bound, value) in buckets {
                collecting.add(&member(Part::Bucket(*bound)), *value, None, None);
            }
            if let Some(count) = count {
                collecting.add(&member(Part::Count), count, None, None);
            }
            collecting.add(&member(Part::Sum), 7.0, None, None);
            let found = collecting.finish().map(|collected| collected.histogram.to_string());
            assert_eq!(found.as_deref(), expected, "{buckets:?} {count:?}");
            assert_eq!(collecting.finish(), None);
        };
        let whole = Some("{count:6, sum:7, [-Inf,1]:2, (1,5]:3, (5,+Inf]:1}");
        check(&[(1.0, 2.0), (5.0, 5.0), (inf, 6.0)], Some(6.0), whole);
        check(&[(1.0, 2.0), (5.0, 5.0)], Some(6.0), whole);
        check(&[(5.0, 5.0), (1.0, 2.0), (inf, 6.0), (1.0, 9.0)], None, whole);
        check(&[(1.0, 2.5), (inf, 2.5)], None, Some("{count:2.5, sum:7, [-Inf,1]:2.5}"));
        check(&[], None, Some("{count:0, sum:7}"));
        check(&[(1.0, 2.0), (inf, 6.0)], Some(7.0), None);
        check(&[(1.0, 2.0), (5.0, 1.0), (inf, 6.0)], None, None);
        check(&[(1.0, -2.0), (inf, 6.0)], None, None);
        check(&[(1.0, f64::NAN), (inf, 6.0)], None, None);
    }
}
