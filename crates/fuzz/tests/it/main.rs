//! Every target, for a bounded number of mutations that are the same in every run.

mod interrupt;

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bellwether_fuzz::{Mutator, TARGETS, Target};

/// What one input may take, unoptimised and on a busy machine.
const SLOWEST_MAX: Duration = Duration::from_secs(10);

/// Names an input that made a target panic: the panic's own message does not.
struct Named<'a>(&'a Target, &'a [u8]);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} failed on {:?}", self.0.name, String::from_utf8_lossy(self.1));
        }
    }
}

fn run(target: &'static Target, input: &[u8]) -> Duration {
    let started = Instant::now();
    let named = Named(target, input);
    (target.run)(named.1);
    started.elapsed()
}

/// Runs a target as a server's thread would, with a stack of 2 MiB.
fn explore(target: &'static Target, seed: u64, runs: u32) -> JoinHandle<()> {
    let work = move || {
        let seeds = target.seeds();
        let mut mutator = Mutator::new(seed);
        let mutations = (0..runs).map(|_| mutator.mutated(&seeds));
        let mut slowest = Duration::ZERO;
        for input in seeds.iter().cloned().chain(mutations) {
            let took = run(target, &input);
            let shown = String::from_utf8_lossy(&input);
            assert!(took < SLOWEST_MAX, "{} took {took:?} for {shown:?}", target.name);
            if took > slowest {
                slowest = took;
                eprintln!("{} took {took:?} for {shown:.300?}", target.name);
            }
        }
    };
    let thread = std::thread::Builder::new().name(target.name.to_owned()).stack_size(2 << 20);
    thread.spawn(work).expect("a thread starts")
}

#[test]
fn no_input_makes_a_target_panic_or_hang() {
    let threads: Vec<_> = TARGETS.iter().map(|target| explore(target, 1, target.runs)).collect();
    for thread in threads {
        thread.join().expect("no input makes a target panic");
    }
    bellwether_testkit::cases::ran("fuzz", TARGETS.iter().map(|target| u64::from(target.runs)).sum());
}

#[test]
fn seeds_are_what_they_are_meant_to_be() {
    for target in TARGETS {
        assert!(target.seeds().len() > 1, "{} has something to start from", target.name);
        assert!(Target::of_name(target.name).is_some_and(|found| found.name == target.name));
    }
}

/// `FUZZ_TARGET=promql_eval FUZZ_SEED=7 FUZZ_RUNS=1000000 cargo test -p bellwether-fuzz -- --ignored`
#[test]
#[ignore = "runs as long as it is told to"]
fn explore_as_long_as_told() {
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    for target in TARGETS.iter().filter(|target| wanted.is_empty() || target.name == wanted) {
        let runs = u32::try_from(number("FUZZ_RUNS", 20_000)).unwrap_or(u32::MAX);
        explore(target, number("FUZZ_SEED", 2), runs).join().expect("no input makes a target panic");
    }
}
