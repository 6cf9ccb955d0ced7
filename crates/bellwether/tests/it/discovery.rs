//! Which targets there are when, in virtual time: what was found stays until something else is found.

use std::collections::BTreeMap;

use bellwether::config::load_text;
use bellwether::config::prometheus::{ScrapeJob, TargetGroup};
use bellwether::discovery::core::{Ask, Effect, Event, Finder, Fingerprint, Found, Part};
use bellwether_model::{Labels, TimeDelta, Timestamp};

/// Discoveries under a clock of their own.
#[derive(Default)]
struct World {
    finder: Finder,
    now: Timestamp,
    /// Questions without an answer.
    asked: Vec<Ask>,
    /// Addresses by job, as they were assigned last.
    targets: BTreeMap<String, Vec<String>>,
    assigned: usize,
}

fn jobs(text: &str) -> Vec<ScrapeJob> {
    let loaded = load_text("test", &format!("prometheus:\n  scrape_configs:\n{text}"));
    loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics)).prometheus.jobs
}

const FILES: &str = "  - job_name: a\n    static_configs: [{targets: ['s:1']}]\n    file_sd_configs: [{files: ['/x/*.yml'], refresh_interval: 1m}]\n";

fn found(addresses: &[&str]) -> Found {
    let groups = vec![TargetGroup::of(addresses.iter().copied(), Labels::empty())];
    Found::Groups(groups, Some(Fingerprint { bytes: addresses.len() as u64, written_at_ns: 0 }))
}

impl World {
    fn step(&mut self, event: Event) {
        for effect in self.finder.step(event, self.now) {
            match effect {
                Effect::Ask(ask) => self.asked.push(ask),
                Effect::Assign(jobs) => {
                    self.assigned += 1;
                    let addresses = |groups: &[TargetGroup]| {
                        let targets = groups.iter().flat_map(|group| &group.targets);
                        targets.map(|target| target.value_or_empty("__address__").to_owned()).collect()
                    };
                    self.targets =
                        jobs.iter().map(|of| (of.job.name.clone(), addresses(&of.groups))).collect();
                }
            }
        }
    }

    fn configure(&mut self, text: &str) {
        self.step(Event::Configured(jobs(text)));
    }

    /// Answers the oldest question.
    fn answer(&mut self, parts: &[(&str, Found)]) {
        let ask = self.asked.remove(0);
        let part = |(name, found): &(&str, Found)| Part { name: (*name).to_owned(), found: found.clone() };
        let parts = parts.iter().map(part).collect();
        self.step(Event::Answered { source: ask.source, number: ask.number, parts });
    }

    fn wait(&mut self, seconds: i64) {
        self.now += TimeDelta::from_secs(seconds);
        self.step(Event::Tick);
    }

    fn check(&self, job: &str, expected: &[&str]) {
        assert_eq!(self.targets[job], expected, "targets of {job}");
    }
}

#[test]
fn written_targets_are_there_at_once_and_found_ones_join_them() {
    let mut world = World::default();
    world.configure(FILES);
    world.check("a", &["s:1"]);
    world.answer(&[("/x/1.yml", found(&["f:1", "f:2"]))]);
    world.check("a", &["s:1", "f:1", "f:2"]);
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_targets_and_one_that_has_gone_does_not() {
    let mut world = World::default();
    world.configure(FILES);
    world.answer(&[("/x/1.yml", found(&["f:1"])), ("/x/2.yml", found(&["g:1"]))]);
    world.wait(2);
    world.answer(&[("/x/1.yml", Found::Failed("line 1".to_owned())), ("/x/2.yml", Found::Unchanged)]);
    world.check("a", &["s:1", "f:1", "g:1"]);
    let view = &world.finder.views()[0];
    assert_eq!((view.trouble.as_slice(), view.targets), (&["/x/1.yml: line 1".to_owned()][..], 2));
    assert_eq!((view.counts.asked, view.counts.failed), (2, 1));
    world.wait(2);
    // What could not be read is read again whatever it looks like.
    assert_eq!(world.asked[0].known.keys().collect::<Vec<_>>(), ["/x/2.yml"]);
    world.answer(&[("/x/1.yml", found(&["f:1"]))]);
    world.check("a", &["s:1", "f:1"]);
    assert_eq!(world.finder.views()[0].trouble, Vec::<String>::new());
}

#[test]
fn the_same_answer_assigns_nothing_anew() {
    let mut world = World::default();
    world.configure(FILES);
    world.answer(&[("/x/1.yml", found(&["f:1"]))]);
    let assigned = world.assigned;
    for _ in 0..5 {
        world.wait(2);
        world.answer(&[("/x/1.yml", found(&["f:1"]))]);
    }
    assert_eq!(world.assigned, assigned);
}

#[test]
fn files_are_looked_at_every_other_second_and_read_anew_once_a_refresh_interval() {
    let mut world = World::default();
    world.configure(FILES);
    world.answer(&[("/x/1.yml", found(&["f:1"]))]);
    world.wait(1);
    assert!(world.asked.is_empty());
    for _ in 0..29 {
        world.wait(2);
        assert_eq!(world.asked[0].known.len(), 1, "at {}", world.now);
        world.answer(&[("/x/1.yml", Found::Unchanged)]);
    }
    world.wait(2);
    assert!(world.asked[0].known.is_empty(), "at {}", world.now);
}

const HTTP: &str = "  - job_name: h\n    http_sd_configs: [{url: 'http://one/', refresh_interval: 30s}]\n";

#[test]
fn a_server_is_asked_once_an_interval_and_never_twice_at_a_time() {
    let mut world = World::default();
    world.configure(HTTP);
    world.wait(100);
    assert_eq!(world.asked.len(), 1);
    assert_eq!(world.finder.next_wake(), None);
    world.answer(&[("http://one/", found(&["h:1"]))]);
    assert_eq!(world.finder.next_wake(), Some(world.now + TimeDelta::from_secs(30)));
    world.wait(29);
    assert!(world.asked.is_empty());
    world.wait(1);
    assert_eq!(world.asked.len(), 1);
}

#[test]
fn a_reload_keeps_what_was_found_until_the_new_place_has_answered() {
    let mut world = World::default();
    world.configure(HTTP);
    world.answer(&[("http://one/", found(&["h:1"]))]);
    world.configure(HTTP);
    world.check("h", &["h:1"]);
    assert!(world.asked.is_empty(), "nothing about it has changed");
    world.configure(&HTTP.replace("one", "two"));
    world.check("h", &["h:1"]);
    world.answer(&[("http://two/", found(&["h:2"]))]);
    world.check("h", &["h:2"]);
    // Another place before it: it is the same one all the same.
    let both = HTTP.replace("[{url: 'http://one/'", "[{url: 'http://zero/'}, {url: 'http://two/'");
    world.configure(&both);
    world.check("h", &["h:2"]);
    assert_eq!(world.asked.len(), 1);
    world.configure("  - job_name: other\n");
    assert_eq!(world.targets.keys().collect::<Vec<_>>(), ["other"]);
}

#[test]
fn an_answer_to_what_is_no_longer_asked_is_nobodys() {
    let mut world = World::default();
    world.configure(HTTP);
    world.configure(&HTTP.replace("one", "two"));
    assert_eq!(world.asked.len(), 2);
    world.answer(&[("http://one/", found(&["h:1"]))]);
    world.check("h", &[]);
    world.answer(&[("http://two/", found(&["h:2"]))]);
    world.check("h", &["h:2"]);
}
