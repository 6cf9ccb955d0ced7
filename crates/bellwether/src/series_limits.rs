//! Says that new series are refused, for as long as they are: which job has too many, and what to do about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_tsdb::{LimitKind, RefusedSeries, Store};
use tokio::sync::watch;

use crate::clock;
use crate::health::{Health, Trouble};

/// How often it is looked.
const LOOK_EVERY: TimeDelta = TimeDelta(5 * TimeDelta::SECOND.0);
/// It is over when nothing was refused for so long: longer than most targets are scraped apart.
const OVER_AFTER: TimeDelta = TimeDelta(3 * TimeDelta::MINUTE.0);

/// Runs until told to stop.
pub async fn watch(store: Arc<Store>, health: Arc<Health>, mut stop: watch::Receiver<bool>) {
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = clock::sleep_until(clock::now() + LOOK_EVERY) => {}
        }
        match seen.look(&store.refused_series(), clock::now()) {
            Some(sentence) => health.report(Trouble::SeriesLimit, sentence),
            None => health.clear(Trouble::SeriesLimit),
        }
    }
}

/// How often each job's series had been refused when it was last looked, and when that last grew.
#[derive(Default)]
struct Seen(BTreeMap<(LimitKind, String), (u64, Timestamp)>);

impl Seen {
    /// What to say, if something was refused lately.
    fn look(&mut self, refused: &[RefusedSeries], now: Timestamp) -> Option<String> {
        for RefusedSeries { reached, refusals } in refused {
            let known = self.0.entry((reached.kind, reached.job.clone())).or_insert((0, now));
            if known.0 != *refusals {
                *known = (*refusals, now);
            }
        }
        let lately = |r: &&RefusedSeries| {
            let at = self.0.get(&(r.reached.kind, r.reached.job.clone())).map(|(_, at)| now - *at);
            at.is_some_and(|since| since < OVER_AFTER)
        };
        let mut lately = refused.iter().filter(lately);
        let first = lately.next()?;
        let others = match lately.count() {
            0 => String::new(),
            1 => " (and another job's)".to_owned(),
            others => format!(" (and those of {others} other jobs)"),
        };
        Some(format!("new series are refused{others}: {}", first.reached))
    }
}

#[cfg(test)]
mod tests {
    use bellwether_tsdb::LimitReached;

    use super::*;

    #[test]
    fn it_is_said_while_series_are_refused_and_for_a_while_after() {
        let mut seen = Seen::default();
        let minute = |n: i64| Timestamp(n * TimeDelta::MINUTE.0);
        let refused = |job: &str, refusals| RefusedSeries {
            reached: LimitReached { kind: LimitKind::Job, limit: 10, job: job.to_owned() },
            refusals,
        };
        assert_eq!(seen.look(&[], minute(0)), None);
        let said = seen.look(&[refused("api", 3), refused("web", 1)], minute(1)).unwrap();
        assert!(
            said.starts_with("new series are refused (and another job's): job api has 10 series"),
            "{said}"
        );
        let said = seen.look(&[refused("api", 5), refused("web", 1)], minute(5)).unwrap();
        assert!(said.starts_with("new series are refused: job api"), "{said}");
        assert_eq!(seen.look(&[refused("api", 5), refused("web", 1)], minute(8)), None);
    }
}
