//! Every check's own examples: it finds the wrong one, and nobody finds anything in the right one that the check is about.

use bellwether_diag::Style;
use bellwether_lint::{Setup, catalogue, lint};

#[test]
fn every_check_finds_its_wrong_example_and_is_content_with_the_right_one() {
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
        assert_ne!(found_in(check.wrong), "", "{} does not find its wrong example", check.id);
        assert_eq!(found_in(check.right), "", "{} finds something in its right example", check.id);
    }
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
