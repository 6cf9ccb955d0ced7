//! The files in `scenarios/` are what their pages say: `as-written/` is the documents' own text, `repaired/` is without a
//! mistake, and the rules of both fire when the tables say, also as Prometheus' own promtool runs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use bellwether_testkit::cases::ran;
use bellwether_testkit::peers;

use crate::process::{run, text};
use crate::requirements::is_a_check;

const SCENARIOS: [&str; 5] = ["s000", "s001", "s002", "s003", "s004"];

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// All files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    paths.into_iter().flat_map(below).collect()
}

fn unit_tests() -> Vec<PathBuf> {
    let tests: Vec<PathBuf> = files(&scenarios())
        .into_iter()
        .filter(|path| path.to_str().unwrap().ends_with("_test.yml"))
        .collect();
    assert!(tests.len() >= 10, "{tests:?}");
    tests
}

#[test]
fn what_is_repaired_has_no_mistake() {
    for name in SCENARIOS {
        let folder = scenarios().join(name).join("repaired");
        for file in files(&folder) {
            let shown = file.to_str().unwrap();
            if !shown.ends_with(".yml") {
                continue;
            }
            let ended = run(&["check", shown]);
            assert_eq!(ended.code, Some(0), "{shown}: {}{}", ended.stdout, ended.stderr);
            assert!(ended.stdout.contains("nothing wrong"), "{shown}: {}", ended.stdout);
        }
        let ended = run(&["lint", "--format", "json", text(&folder)]);
        let findings = ended.json();
        let errors: Vec<_> =
            findings.as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

/// R000-008, R002-047: the page of objectives is what the objectives say.
#[test]
fn the_page_of_objectives_is_made_of_them() {
    let folder = scenarios().join("s000/repaired");
    let ended = run(&["slo", "export", "--format", "md", text(&folder.join("slos.yml"))]);
    let page = std::fs::read_to_string(folder.join("SLO.md")).unwrap();
    assert_eq!(ended.stdout, page, "write it anew: bellwether slo export --format md");
    for stated in
        ["99.5%", "95%", "rolling 28d", "status=\"succeeded\"", "0.15", "loadtest_login_latency_seconds"]
    {
        assert!(page.contains(stated), "{stated}");
    }
}

/// R001-074: the rules fire when the tables say, as this program evaluates them.
#[test]
fn the_rules_fire_when_the_tables_say() {
    let tests = unit_tests();
    for file in &tests {
        let ended = run(&["test", "--coverage", "none", text(file)]);
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    }
    ran("unit tests of scenarios", tests.len() as u64);
}

/// The same, as Prometheus' own promtool evaluates them.
#[test]
fn promtool_says_the_same() {
    let Some(promtool) = peers::program("promtool") else { return };
    for file in unit_tests() {
        let output = Command::new(&promtool).args(["test", "rules", text(&file)]).output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", file.display());
    }
}

/// Lines without what stands before them: a rule that was put into a group moved to the right.
fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| line.trim_start().trim_start_matches("- "))
        .filter(|line| !line.is_empty())
        .collect()
}

/// Whether the lines stand in the document, in this order.
fn in_order(lines: &[&str], document: &[&str]) -> Result<(), String> {
    let mut rest = document.iter();
    for line in lines {
        if !rest.any(|stated| stated == line) {
            return Err((*line).to_owned());
        }
    }
    Ok(())
}

/// Holds `as-written/` against the documents, where they lie beside the project.
#[test]
fn what_is_as_written_is_what_the_documents_say() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seeds");
    let Ok(entries) = std::fs::read_dir(&seeds) else { return ran("files held against their documents", 0) };
    let mut documents: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    documents.sort();
    let mut held = 0;
    for (name, document) in SCENARIOS.iter().zip(documents) {
        let document = std::fs::read_to_string(document).unwrap();
        for file in files(&scenarios().join(name).join("as-written")) {
            let written = std::fs::read_to_string(&file).unwrap();
            let group = ["groups:", "name: websocket_alerts", "rules:"];
            let ours = |line: &&str| line.starts_with("# One group around") || group.contains(line);
            let joined = file.ends_with("docker/alert_rules.yml");
            let lines: Vec<&str> =
                self::lines(&written).into_iter().filter(|line| !(joined && ours(line))).collect();
            let missing = in_order(&lines, &self::lines(&document));
            assert_eq!(missing, Ok(()), "{}", file.display());
            held += 1;
        }
    }
    ran("files held against their documents", held);
}

#[test]
fn what_was_repaired_names_the_check_that_asks_for_it() {
    let mut changes = 0;
    for name in SCENARIOS {
        for file in files(&scenarios().join(name).join("repaired")) {
            let Ok(written) = std::fs::read_to_string(&file) else { continue };
            for id in words_after(&written, "# lint: ") {
                assert!(is_a_check(id), "{}: {id}", file.display());
                changes += 1;
            }
        }
    }
    assert!(changes > 60, "{changes}");
}

/// What follows a marker in a text, up to the end of the word.
fn words_after<'a>(text: &'a str, marker: &str) -> Vec<&'a str> {
    let ends =
        |rest: &'a str| rest.split(|c: char| !(c.is_alphanumeric() || c == '-')).next().unwrap_or(rest);
    text.split(marker).skip(1).map(ends).collect()
}

/// R001-025, R001-028, R004-004, R004-072: who is told what fires is told what to do.
#[test]
fn every_alert_has_a_page_that_says_what_to_do() {
    const ADDRESS: &str = "https://runbooks.example.org/";
    let pages = scenarios().join("../docs/runbooks");
    let (mut alerts, mut named) = (0, std::collections::BTreeSet::new());
    for name in SCENARIOS {
        for file in files(&scenarios().join(name).join("repaired")) {
            let Ok(written) = std::fs::read_to_string(&file) else { continue };
            named.extend(words_after(&written, ADDRESS).into_iter().map(str::to_owned));
            for rule in written.split("- alert: ").skip(1) {
                let alert = rule.lines().next().unwrap_or_default();
                let runbook = words_after(rule, ADDRESS).first().copied().unwrap_or_default().to_owned();
                let page = std::fs::read_to_string(pages.join(format!("{runbook}.md")));
                let page = page.unwrap_or_else(|error| panic!("{alert}: \"{runbook}\": {error}"));
                assert!(
                    page.contains(&format!("`{alert}`")) || page.contains(&format!("# {alert}\n")),
                    "{alert}"
                );
                alerts += 1;
            }
        }
    }
    assert!(alerts >= 20, "{alerts}");
    for runbook in named {
        let page = std::fs::read_to_string(pages.join(format!("{runbook}.md"))).unwrap();
        for heading in
            ["## Fires when\n", "## What people notice\n", "## Do\n\n1. ", "\n2. ", "## Over when\n"]
        {
            assert!(page.contains(heading), "{runbook}: {heading:?}");
        }
    }
}
