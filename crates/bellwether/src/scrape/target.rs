//! What becomes of what is known about a target: its labels and its address, or that a rule drops it. The steps are
//! Prometheus': what the job says fills in what the target does not, rules change it, and what begins with `__` goes.

use bellwether_ingest::relabel::Verdict;
use bellwether_model::{Labels, LabelsBuilder, TimeDelta};

use super::target_url::target_url;
use crate::config::prometheus::{ADDRESS, ScrapeJob, TargetGroup};

/// One address to scrape.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The whole address.
    pub url: String,
    /// `job`, `instance` and what else its series get.
    pub labels: Labels,
    /// What was known of it before it was relabelled.
    pub discovered: Labels,
    /// How often to scrape.
    pub interval: TimeDelta,
    /// How long a scrape may take.
    pub timeout: TimeDelta,
}

/// The targets of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets {
    /// What is scraped.
    pub active: Vec<Target>,
    /// What a rule dropped, as it was known before; as many as are to be remembered.
    pub dropped: Vec<Labels>,
    /// How many a rule dropped.
    pub dropped_count: u64,
    /// Why others cannot be scraped.
    pub failures: Vec<String>,
}

/// Dropped targets that are remembered of a job that does not say: discoveries of a whole data centre drop most.
const DROPPED_MAX: u64 = 10_000;

impl Targets {
    /// Those of groups, in their order. What is found twice is scraped once.
    pub fn of<'a>(job: &ScrapeJob, groups: impl IntoIterator<Item = &'a TargetGroup>) -> Self {
        let mut targets = Self::default();
        let dropped_max = match job.limits.dropped_targets {
            0 => DROPPED_MAX,
            some => some,
        };
        for group in groups {
            for known in &group.targets {
                let discovered = discovered(job, group, known);
                match relabelled(job, &discovered) {
                    Ok(Some(target)) => targets.active.push(target),
                    Ok(None) => {
                        targets.dropped_count += 1;
                        if targets.dropped_count <= dropped_max {
                            targets.dropped.push(discovered);
                        }
                    }
                    Err(why) => {
                        targets.failures.push(format!("{:?}: {why}", known.value_or_empty(ADDRESS)));
                    }
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        targets.active.retain(|target| seen.insert((target.labels.clone(), target.url.clone())));
        targets
    }
}

/// What is known of a target before any rule: its own labels, then those of its group, then what the job says.
fn discovered(job: &ScrapeJob, group: &TargetGroup, target: &Labels) -> Labels {
    let mut labels = LabelsBuilder::from(&group.labels);
    for (name, value) in target.iter() {
        labels.set(name, value);
    }
    let (interval, timeout) = (job.interval.to_string(), job.timeout.to_string());
    let of_job = [
        ("job", job.name.as_str()),
        ("__scrape_interval__", &interval),
        ("__scrape_timeout__", &timeout),
        ("__metrics_path__", &job.path),
        ("__scheme__", job.scheme.as_str()),
    ];
    let params =
        job.params.iter().filter_map(|(name, values)| Some((format!("__param_{name}"), values.first()?)));
    let params = params.map(|(name, value)| (name, value.as_str()));
    for (name, value) in of_job.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(params) {
        if labels.get(&name).is_none() {
            labels.set(name, value);
        }
    }
    labels.build()
}

/// The target that rules make of it; `None` if one drops it.
fn relabelled(job: &ScrapeJob, discovered: &Labels) -> Result<Option<Target>, String> {
    let mut labels = LabelsBuilder::from(discovered);
    match job.relabel.apply(&mut labels) {
        Verdict::Kept => {}
        Verdict::Dropped => return Ok(None),
    }
    let address = labels.get(ADDRESS).unwrap_or("").to_owned();
    if address.is_empty() {
        return Err("no address".to_owned());
    }
    if address.contains('/') {
        return Err(format!("{address:?} is not a valid hostname"));
    }
    let interval = length(&labels, "__scrape_interval__", "scrape interval")?;
    let timeout = length(&labels, "__scrape_timeout__", "scrape timeout")?;
    if timeout > interval {
        return Err(format!(
            "scrape timeout cannot be greater than scrape interval (\"{timeout}\" > \"{interval}\")"
        ));
    }
    let url = target_url(&labels.build(), &job.params)?;
    if labels.get("instance").is_none() {
        labels.set("instance", address);
    }
    labels.retain(|name| !name.starts_with("__"));
    Ok(Some(Target { url, labels: labels.build(), discovered: discovered.clone(), interval, timeout }))
}

fn length(labels: &LabelsBuilder, name: &str, what: &str) -> Result<TimeDelta, String> {
    let text = labels.get(name).unwrap_or("");
    let length: TimeDelta = text
        .parse()
        .map_err(|error: bellwether_model::DurationError| format!("error parsing {what}: {error}"))?;
    match length > TimeDelta::ZERO {
        true => Ok(length),
        false => Err(format!("{what} cannot be 0")),
    }
}
