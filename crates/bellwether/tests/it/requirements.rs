//! `docs/requirements.md` is true: each id stands there once, and what it names to show for it is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bellwether_testkit::cases::ran;

/// Why something is not there yet; nothing else is a reason.
const LATER: [&str; 11] = [
    "access control",
    "budget policy",
    "deployments",
    "gate",
    "frontend of the workshop",
    "incidents",
    "logs are not read",
    "on-call",
    "lessons and exams",
    "page-load beacons",
    "reports",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of all tables whose first cell is an id.
fn rows() -> Vec<[String; 3]> {
    let page = std::fs::read_to_string(root().join("docs/requirements.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, what, shown] = cells[..] else { return None };
        id.starts_with('R').then(|| [id.to_owned(), what.to_owned(), shown.to_owned()])
    };
    page.lines().filter_map(row).collect()
}

/// What stands in backticks, links aside.
fn named(shown: &str) -> Vec<String> {
    let mut plain = shown.to_owned();
    while let Some(link) = plain.find('[') {
        let Some(end) = plain[link..].find(')') else { break };
        plain.replace_range(link..=link + end, "");
    }
    plain.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether the linter has a check of this id: each is a file of its own.
pub(crate) fn is_a_check(id: &str) -> bool {
    let file = format!("{}.rs", id.replace('-', "_"));
    let areas = std::fs::read_dir(root().join("crates/lint/src/checks")).unwrap();
    let of_area = areas.map(|area| area.unwrap().path().join(&file)).any(|path| path.is_file());
    // What readers of files find has a page, and no check.
    of_area || root().join(format!("docs/lint/{id}.md")).is_file()
}

/// Whether a test, a run, a check or a file is there.
fn is_there(name: &str) -> bool {
    let holds =
        |path: PathBuf, text: &str| std::fs::read_to_string(path).is_ok_and(|written| written.contains(text));
    if let Some((place, test)) = name.split_once("::") {
        let Some((krate, file)) = place.split_once('/') else { return false };
        let path = root().join(format!("crates/{krate}/tests/it/{file}.rs"));
        return holds(path, &format!("fn {test}("));
    }
    if let Some((scenario, run)) = name.strip_prefix("run ").and_then(|rest| rest.split_once(' ')) {
        let path = root().join(format!("scenarios/{scenario}/scenario.yml"));
        let written = [format!("- name: {run}\n"), format!("- name: '{run}'\n")];
        return written.iter().any(|name| holds(path.clone(), name));
    }
    if let Some(id) = name.strip_prefix("lint ") {
        return is_a_check(id);
    }
    name.starts_with("scenarios/") && root().join(name).is_file()
}

#[test]
fn each_id_stands_once_and_what_shows_it_is_there() {
    let (mut ids, mut wrong) = (BTreeSet::new(), Vec::new());
    for [id, what, shown] in rows() {
        if !ids.insert(id.clone()) {
            wrong.push(format!("{id} stands twice"));
        }
        if what.is_empty() {
            wrong.push(format!("{id} does not say what"));
        }
        let names = named(&shown);
        let missing = names.iter().filter(|name| name.contains(['/', ' ']) && !is_there(name));
        wrong.extend(missing.map(|name| format!("{id}: there is no {name}")));
        let later =
            shown.split_once("later").is_some_and(|(_, why)| LATER.iter().any(|reason| why.contains(reason)));
        if shown.contains("later") && !later {
            wrong.push(format!("{id}: no reason for later: {shown}"));
        }
        if names.is_empty() && !shown.contains("](") && !later {
            wrong.push(format!("{id}: nothing shows it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ids.len() > 300, "{}", ids.len());
}

/// Where the list of requirements lies beside the project, none of it is left out.
#[test]
fn every_requirement_is_listed() {
    let Ok(list) = std::fs::read_to_string(root().join("../shared/scenarios/requirements.csv")) else {
        return ran("requirements", 0);
    };
    let is_id = |cell: &&str| {
        let Some((seed, number)) = cell.strip_prefix('R').and_then(|rest| rest.split_once('-')) else {
            return false;
        };
        seed.len() == 3 && number.len() == 3 && format!("{seed}{number}").chars().all(|c| c.is_ascii_digit())
    };
    let asked: BTreeSet<&str> =
        list.lines().filter_map(|line| line.split(',').next()).filter(is_id).collect();
    let rows = rows();
    let listed: BTreeSet<&str> = rows.iter().map(|[id, _, _]| id.as_str()).collect();
    assert!(!asked.is_empty());
    assert_eq!(asked, listed);
    ran("requirements", asked.len() as u64);
}
