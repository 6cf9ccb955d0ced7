//! Every check's own examples: it finds the wrong one, and nobody finds anything in the right one that the check is about.

use bellwether_diag::Style;
use bellwether_lint::{Setup, catalogue, lint};

#[test]
fn every_check_finds_its_wrong_example_and_is_content_with_the_right_one() {
    let mut failed = Vec::new();
    for check in catalogue::documented() {
        let found_in = |example: bellwether_lint::Example| {
            let setup = Setup::read(example.iter().copied());
            let found = lint(&setup).into_iter().filter(|finding| finding.problem.id == check.id);
            let problems: bellwether_diag::Diagnostics = found.map(|finding| finding.problem).collect();
            problems.render(&setup.sources, Style::default())
        };
        // What cannot be shown in a document, such as bytes that are no text, has no example.
        if check.wrong.is_empty() {
            continue;
        }
        if found_in(check.wrong).is_empty() {
            failed.push(format!("{} does not find its wrong example", check.id));
        }
        let found = found_in(check.right);
        if !found.is_empty() {
            failed.push(format!("{} finds something in its right example:\n{found}", check.id));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    bellwether_testkit::cases::ran("lint/examples", catalogue::documented().count() as u64);
}

#[test]
fn ids_are_unique_and_sorted_within_their_area() {
    let ids: Vec<_> = catalogue::ALL.iter().map(|check| (check.area, check.id)).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let mut ids: Vec<_> = catalogue::documented().map(|check| (check.id, check.area)).collect();
    ids.sort();
    assert!(ids.windows(2).all(|pair| pair[0].0 != pair[1].0));
}
