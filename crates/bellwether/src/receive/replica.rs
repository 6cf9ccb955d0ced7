//! Which of several senders of the same is listened to: a pair of Prometheus servers scrapes everything twice, and tells
//! both what it saw. One of them is elected; when nothing came from it for a while, the first other that comes is.
//!
//! Nothing of it survives a restart, and need not. Whoever is elected sends values of the same counters under the same
//! labels, so that what is credited is the difference to the last value that anybody told, and a sample that is not
//! after it is late or refused. What must not happen is that two take turns: their clocks and scrapes differ, so that a
//! value may be smaller than an earlier one of the other, which looks like a counter that began anew. Hence the
//! election, and hence a fail-over that takes longer than any clock is wrong.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta, Timestamp};

use super::series_cache::NO_REPLICA;

/// By which labels replicas are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSettings {
    /// Names those that send the same.
    pub cluster_label: String,
    /// Tells them apart; it is taken off.
    pub replica_label: String,
    /// After how long without samples of the elected one another is elected.
    pub fail_over: TimeDelta,
}

impl Default for ReplicaSettings {
    fn default() -> Self {
        Self {
            cluster_label: "cluster".to_owned(),
            replica_label: "__replica__".to_owned(),
            fail_over: TimeDelta(30 * TimeDelta::SECOND.0),
        }
    }
}

/// A sender among those of its cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Replica {
    /// Those that send the same.
    pub cluster: String,
    /// Which of them.
    pub name: String,
}

impl ReplicaSettings {
    /// The sender that labels name, and the labels without it; `None` where they name none.
    pub fn split(&self, labels: &Labels) -> Option<(Replica, Labels)> {
        let (cluster, name) = (labels.get(&self.cluster_label)?, labels.get(&self.replica_label)?);
        let replica = Replica { cluster: cluster.to_owned(), name: name.to_owned() };
        Some((replica, labels.without(&[self.replica_label.as_str()])))
    }
}

/// Clusters that are remembered; of more, the one that was silent for the longest time is forgotten.
const CLUSTERS_MAX: usize = 10_000;

/// Who is listened to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Election {
    elected: BTreeMap<String, Elected>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Elected {
    name: String,
    heard_at: Timestamp,
}

/// What becomes of what a replica sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is stored.
    Taken,
    /// It is stored, and its sender is listened to from now on instead of another.
    FailedOver,
    /// Another one tells the same.
    Duplicate,
}

impl Election {
    /// A replica sends samples.
    pub fn hear(&mut self, replica: &Replica, fail_over: TimeDelta, now: Timestamp) -> Heard {
        let Some(elected) = self.elected.get_mut(&replica.cluster) else {
            self.make_room();
            let elected = Elected { name: replica.name.clone(), heard_at: now };
            self.elected.insert(replica.cluster.clone(), elected);
            return Heard::Taken;
        };
        if elected.name == replica.name {
            elected.heard_at = elected.heard_at.max(now);
            return Heard::Taken;
        }
        let silence = now - elected.heard_at;
        // A clock that was set back must not keep everybody out.
        if silence < fail_over && silence > -fail_over {
            return Heard::Duplicate;
        }
        *elected = Elected { name: replica.name.clone(), heard_at: now };
        Heard::FailedOver
    }

    fn make_room(&mut self) {
        if self.elected.len() < CLUSTERS_MAX {
            return;
        }
        let quietest = self.elected.iter().min_by_key(|(_, elected)| elected.heard_at);
        if let Some(cluster) = quietest.map(|(cluster, _)| cluster.clone()) {
            self.elected.remove(&cluster);
        }
    }
}

/// Replicas that series have named so far, by numbers that fit beside a series in a table.
#[derive(Debug, Default)]
pub struct Replicas {
    settings: Option<ReplicaSettings>,
    election: Election,
    names: Vec<Replica>,
    numbers: BTreeMap<Replica, u16>,
}

impl Replicas {
    /// Tells senders apart by these labels from now on; whether that is new.
    pub fn set(&mut self, settings: Option<ReplicaSettings>) -> bool {
        if self.settings == settings {
            return false;
        }
        *self = Self { settings, ..Self::default() };
        true
    }

    /// Whether senders are told apart at all.
    pub const fn is_on(&self) -> bool {
        self.settings.is_some()
    }

    /// The number of the sender that labels name, and the labels without it. There are 65,535 numbers; those of whom
    /// nothing more can be remembered are nobody's replica.
    pub fn split(&mut self, labels: Labels) -> (u16, Labels) {
        let Some((replica, rest)) = self.settings.as_ref().and_then(|settings| settings.split(&labels))
        else {
            return (NO_REPLICA, labels);
        };
        if let Some(number) = self.numbers.get(&replica) {
            return (*number, rest);
        }
        let Ok(number) = u16::try_from(self.names.len() + 1) else { return (NO_REPLICA, labels) };
        self.names.push(replica.clone());
        self.numbers.insert(replica, number);
        (number, rest)
    }

    /// A replica sends samples.
    pub fn hear(&mut self, number: u16, now: Timestamp) -> Heard {
        let replica = usize::from(number).checked_sub(1).and_then(|place| self.names.get(place));
        match (replica, &self.settings) {
            (Some(replica), Some(settings)) => self.election.hear(replica, settings.fail_over, now),
            (None, _) | (_, None) => Heard::Taken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_pair_is_listened_to_until_it_is_silent_for_too_long() {
        let mut election = Election::default();
        let mut check = |second: i64, cluster: &str, name: &str, expected: Heard| {
            let replica = Replica { cluster: cluster.to_owned(), name: name.to_owned() };
            let fail_over = ReplicaSettings::default().fail_over;
            let heard = election.hear(&replica, fail_over, Timestamp::from_secs(second));
            assert_eq!(heard, expected, "{second} s: {cluster} {name}");
        };
        check(100, "eu", "a", Heard::Taken);
        check(101, "eu", "b", Heard::Duplicate);
        check(101, "us", "b", Heard::Taken);
        check(115, "eu", "a", Heard::Taken);
        check(144, "eu", "b", Heard::Duplicate);
        check(145, "eu", "b", Heard::FailedOver);
        check(146, "eu", "a", Heard::Duplicate);
        check(160, "eu", "b", Heard::Taken);
        check(189, "eu", "a", Heard::Duplicate);
        check(191, "eu", "c", Heard::FailedOver);
        check(192, "us", "b", Heard::Taken);
        // The clock is set back by an hour.
        check(-3600, "eu", "a", Heard::FailedOver);
        check(-3599, "eu", "c", Heard::Duplicate);
    }

    #[test]
    fn labels_that_name_a_replica_lose_it_and_others_stay_as_they_are() {
        let check = |labels: &[(&str, &str)], expected: Option<(&str, &str)>| {
            let split = ReplicaSettings::default().split(&Labels::from_pairs(labels.iter().copied()));
            let split = split.map(|(replica, labels)| (replica.name, labels.to_string()));
            let split = split.as_ref().map(|(name, labels)| (name.as_str(), labels.as_str()));
            assert_eq!(split, expected, "{labels:?}");
        };
        check(
            &[("__name__", "a"), ("cluster", "eu"), ("__replica__", "0")],
            Some(("0", "a{cluster=\"eu\"}")),
        );
        check(&[("__name__", "a"), ("cluster", "eu")], None);
        check(&[("__name__", "a"), ("__replica__", "0")], None);
    }

    #[test]
    fn clusters_are_bounded() {
        let mut election = Election::default();
        for number in 0..CLUSTERS_MAX as i64 + 5 {
            let replica = Replica { cluster: format!("c{number}"), name: "a".to_owned() };
            election.hear(&replica, TimeDelta::MINUTE, Timestamp(number));
        }
        assert_eq!(election.elected.len(), CLUSTERS_MAX);
        assert!(!election.elected.contains_key("c0"));
    }
}
