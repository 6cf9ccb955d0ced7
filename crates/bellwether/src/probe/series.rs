//! From an attempt to the series that it leaves: what was measured this time, and counters of attempts and failures.
//!
//! A counter begins at zero, in a batch of its own before the first attempt, so that the first attempt is counted too.
//! It begins anew with every process, as any exporter's does. What had been counted stays counted, and the time in
//! which nobody asked stays unmeasured: a counter that went on would claim that it had been watched.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{
    Batch, Labels, METRIC_NAME, Origin, STALE_NAN, Sample, SeriesId, TimeDelta, Timestamp,
};
use bellwether_slo::{PROBE_ATTEMPTS, PROBE_FAILURES};

use super::attempt::{Attempt, Reason};
use super::definition::Ask;

/// Finds or makes the number of a series.
pub type Resolve<'a> = dyn FnMut(&Labels) -> Result<SeriesId, String> + 'a;

/// The series that stands for the target: it is written with every attempt.
const SUCCESS: &str = "probe_success";
/// Failures by reason; the sum is [`PROBE_FAILURES`].
const FAILURES_BY_REASON: &str = "bellwether_probe_failures_by_reason_total";

/// What one target of a probe has counted since the process began, and which series it has.
#[derive(Debug)]
pub struct ProbeSeries {
    labels: Labels,
    interval: TimeDelta,
    attempts: u64,
    failures: BTreeMap<Reason, u64>,
    ids: BTreeMap<Labels, SeriesId>,
    /// Series that had a value last time.
    present: BTreeSet<SeriesId>,
}

impl ProbeSeries {
    /// For a target that has not been tried.
    pub fn new(labels: Labels, interval: TimeDelta) -> Self {
        Self {
            labels,
            interval,
            attempts: 0,
            failures: BTreeMap::new(),
            ids: BTreeMap::new(),
            present: BTreeSet::new(),
        }
    }

    /// Goes on with the counters of the same target under other settings.
    pub fn succeed(&mut self, before: Self) {
        (self.attempts, self.failures, self.ids) = (before.attempts, before.failures, before.ids);
        self.present = before.present;
    }

    /// Asks for all series by their labels again: some were forgotten by the store.
    pub fn ask_anew(&mut self) {
        self.ids.clear();
    }

    /// Attempts so far.
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Failures so far.
    pub fn failures(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The batch before the first attempt: its counters, as they stand.
    pub fn begin(&mut self, at: Timestamp, resolve: &mut Resolve<'_>) -> Result<Batch, String> {
        let mut values = Values::default();
        self.count(&mut values);
        self.batch(at, true, values, resolve)
    }

    /// An attempt that was made.
    pub fn take(
        &mut self,
        at: Timestamp,
        ask: &Ask,
        attempt: &Attempt,
        resolve: &mut Resolve<'_>,
    ) -> Result<Batch, String> {
        self.attempts += 1;
        if let Some(reason) = attempt.reason() {
            *self.failures.entry(reason).or_default() += 1;
        }
        let mut values = Values::default();
        values.set(SUCCESS, f64::from(u8::from(attempt.succeeded())));
        values.set("probe_duration_seconds", attempt.took.as_secs_f64());
        measured(ask, attempt, &mut values);
        self.count(&mut values);
        self.batch(at, true, values, resolve)
    }

    /// An attempt that could not be made: nothing is known of the target.
    pub fn miss(&mut self, at: Timestamp, resolve: &mut Resolve<'_>) -> Result<Batch, String> {
        let mut values = Values::default();
        self.count(&mut values);
        self.batch(at, false, values, resolve)
    }

    /// The batch that says goodbye when a target is no longer asked.
    pub fn farewell(&mut self, at: Timestamp, resolve: &mut Resolve<'_>) -> Result<Batch, String> {
        let target = self.id(self.labels.with(METRIC_NAME, SUCCESS), resolve)?;
        let mut gone = std::mem::take(&mut self.present);
        gone.insert(target);
        let samples = gone.into_iter().map(|id| (id, Sample::new(at, STALE_NAN))).collect();
        let origin = Origin::Scrape { target, ok: false, interval: self.interval };
        Ok(Batch::floats(origin, at, samples))
    }

    fn count(&self, values: &mut Values) {
        values.set(PROBE_ATTEMPTS, self.attempts as f64);
        values.set(PROBE_FAILURES, self.failures() as f64);
        for (reason, count) in &self.failures {
            values.set_with(FAILURES_BY_REASON, ("reason", reason.as_str()), *count as f64);
        }
    }

    fn batch(
        &mut self,
        at: Timestamp,
        ok: bool,
        values: Values,
        resolve: &mut Resolve<'_>,
    ) -> Result<Batch, String> {
        let target = self.id(self.labels.with(METRIC_NAME, SUCCESS), resolve)?;
        let mut samples = Vec::with_capacity(values.0.len() + 2);
        for (labels, value) in values.0 {
            let mut whole = self.labels.clone();
            for (name, value) in labels.iter() {
                whole = whole.with(name, value);
            }
            samples.push((self.id(whole, resolve)?, Sample::new(at, value)));
        }
        let present: BTreeSet<SeriesId> = samples.iter().map(|(id, _)| *id).collect();
        let gone = self.present.difference(&present);
        samples.extend(gone.map(|id| (*id, Sample::new(at, STALE_NAN))));
        self.present = present;
        let origin = Origin::Scrape { target, ok, interval: self.interval };
        Ok(Batch::floats(origin, at, samples))
    }

    fn id(&mut self, labels: Labels, resolve: &mut Resolve<'_>) -> Result<SeriesId, String> {
        if let Some(id) = self.ids.get(&labels) {
            return Ok(*id);
        }
        let id = resolve(&labels)?;
        self.ids.insert(labels, id);
        Ok(id)
    }
}

/// Values with what is their own of labels, in the order in which they are written.
#[derive(Default)]
struct Values(Vec<(Labels, f64)>);

impl Values {
    fn set(&mut self, name: &str, value: f64) {
        self.0.push((Labels::from_pairs([(METRIC_NAME, name)]), value));
    }

    fn set_with(&mut self, name: &str, label: (&str, &str), value: f64) {
        self.0.push((Labels::from_pairs([(METRIC_NAME, name), label]), value));
    }
}

/// What only some protocols have, under the names that the field's black-box exporter gives it.
fn measured(ask: &Ask, attempt: &Attempt, values: &mut Values) {
    let facts = &attempt.facts;
    let phases = match ask {
        Ask::Http(_) => "probe_http_duration_seconds",
        Ask::Tcp(_) => "probe_tcp_duration_seconds",
        Ask::Dns(_) => "probe_dns_duration_seconds",
        Ask::Grpc(_) => "probe_grpc_duration_seconds",
    };
    for (phase, took) in &attempt.phases {
        values.set_with(phases, ("phase", phase.as_str()), took.as_secs_f64());
    }
    if let Some(address) = facts.address {
        values.set("probe_ip_protocol", if address.is_ipv4() { 4.0 } else { 6.0 });
    }
    if let Some(status) = facts.http_status {
        values.set("probe_http_status_code", f64::from(status));
    }
    if let Some(redirects) = facts.redirects {
        values.set("probe_http_redirects", f64::from(redirects));
    }
    if let Some(answers) = facts.dns_answers {
        values.set("probe_dns_answer_rrs", f64::from(answers));
    }
    if let Some(status) = facts.grpc_status {
        values.set("probe_grpc_status_code", f64::from(status));
    }
    if let Some(ends) = facts.certificate_ends {
        values.set("probe_ssl_earliest_cert_expiry", ends.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use bellwether_testkit::series_numbers::SeriesNumbers;

    use super::*;
    use crate::probe::attempt::Check;
    use crate::probe::definition::TcpAsk;

    struct World {
        series: ProbeSeries,
        names: SeriesNumbers,
    }

    impl World {
        fn new() -> Self {
            let labels = Labels::from_pairs([("probe", "p"), ("instance", "a")]);
            Self {
                series: ProbeSeries::new(labels, TimeDelta::from_secs(15)),
                names: SeriesNumbers::default(),
            }
        }

        /// Makes a batch: whether it counts as measured, and its samples without the times of phases.
        fn batch(
            &mut self,
            make: impl FnOnce(&mut ProbeSeries, &mut Resolve<'_>) -> Result<Batch, String>,
        ) -> (bool, Vec<String>) {
            let names = &mut self.names;
            let mut resolve = |labels: &Labels| Ok(names.of(labels));
            let batch = make(&mut self.series, &mut resolve).unwrap();
            let Origin::Scrape { ok, target, .. } = batch.origin else { panic!("{:?}", batch.origin) };
            assert_eq!(self.names.labels(target).metric_name(), Some(SUCCESS));
            let text = |(id, sample): &(SeriesId, Sample)| {
                let labels = self.names.labels(*id);
                let short = labels.metric_name().unwrap().trim_start_matches("bellwether_probe_").to_owned();
                let reason = labels.get("reason").map(|reason| format!(" {reason}")).unwrap_or_default();
                let value = if sample.is_stale() { "gone".to_owned() } else { sample.value.to_string() };
                format!("{short}{reason} {value}")
            };
            (ok, batch.samples.iter().map(text).filter(|text| !text.contains("duration")).collect())
        }

        fn attempt(&mut self, failed: Option<Reason>) -> (bool, Vec<String>) {
            let attempt = Attempt { checks: vec![Check::of("x", "y", failed)], ..Attempt::default() };
            let ask = Ask::Tcp(TcpAsk::default());
            self.batch(|series, resolve| series.take(Timestamp(1), &ask, &attempt, resolve))
        }
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn counters_begin_at_zero_and_count_every_attempt() {
        let mut world = World::new();
        let first = world.batch(|series, resolve| series.begin(Timestamp(0), resolve));
        assert_eq!(first, (true, texts(&["attempts_total 0", "failures_total 0"])));
        assert_eq!(
            world.attempt(None),
            (true, texts(&["probe_success 1", "attempts_total 1", "failures_total 0"]))
        );
        let failed =
            ["probe_success 0", "attempts_total 2", "failures_total 1", "failures_by_reason_total tls 1"];
        assert_eq!(world.attempt(Some(Reason::Tls)), (true, texts(&failed)));
        let again = ["failures_by_reason_total tls 1", "failures_by_reason_total timeout 1"];
        assert!(world.attempt(Some(Reason::Timeout)).1.ends_with(&texts(&again)));
    }

    #[test]
    fn what_was_not_tried_counts_neither_way_and_what_leaves_says_goodbye() {
        let mut world = World::new();
        world.attempt(None);
        let missed = world.batch(|series, resolve| series.miss(Timestamp(2), resolve));
        assert_eq!(missed, (false, texts(&["attempts_total 1", "failures_total 0", "probe_success gone"])));
        let (ok, gone) = world.batch(|series, resolve| series.farewell(Timestamp(3), resolve));
        assert!(!ok && gone.iter().all(|text| text.ends_with("gone")) && gone.len() == 3, "{gone:?}");
        let mut next = ProbeSeries::new(world.series.labels.clone(), TimeDelta::MINUTE);
        next.succeed(std::mem::replace(
            &mut world.series,
            ProbeSeries::new(Labels::empty(), TimeDelta::MINUTE),
        ));
        world.series = next;
        assert!(
            world.attempt(None).1.contains(&"attempts_total 2".to_owned()),
            "other settings, same counters"
        );
    }
}
