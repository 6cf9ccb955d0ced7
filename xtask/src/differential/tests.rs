//! Some of the questions as a test: wherever Prometheus is unpacked, no answer differs for a reason nobody knows.

use super::{Options, tally};
use crate::peers;

/// Data and questions of these seeds; whether `bellwether serve` is asked as well, which takes most of the time.
const SEEDS: [(u64, bool); 2] = [(1, true), (2, false)];
const QUERIES: usize = 1_000;

#[test]
fn generated_questions_are_answered_as_prometheus_answers_them() {
    if peers::unpacked("prometheus").is_none() {
        eprintln!("skipped: there is no Prometheus; `cargo xtask peers` unpacks one");
        return;
    }
    let (mut asked, mut unexplained) = (0, Vec::new());
    for (seed, is_served) in SEEDS {
        let options = Options { seed, queries: QUERIES, keep: false, against: None, no_serve: !is_served };
        let tally = tally(&options).expect("both sides answer");
        asked += (tally.asked + tally.inquiries) as u64;
        unexplained.extend(tally.name_differences);
        unexplained.extend(tally.disagreements.iter().map(ToString::to_string));
    }
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    bellwether_testkit::cases::ran("differential", asked);
}
