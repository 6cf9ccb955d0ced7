//! `bellwether lint` as people and scripts use it: exit codes, formats, fixes that are written or only shown.

use std::time::Instant;

use crate::process::{DEADLINE, Ended, Folder, Server, run, text};

const WRONG: &str = "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: histogram_quantile(0.9, sum(rate(x_bucket[5m])))\n";
const RIGHT: &str = "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: histogram_quantile(0.9, sum by (le)(rate(x_bucket[5m])))\n";

fn lint(folder: &Folder, flags: &[&str]) -> Ended {
    run(&[&["lint", text(&folder.path(""))], flags].concat())
}

#[test]
fn the_exit_code_says_whether_something_was_found() {
    let check = |name: &str, content: &str, flags: &[&str], want: i32| {
        let folder = Folder::new(&format!("lint-code-{name}"));
        folder.write("rules.yml", content);
        let ended = lint(&folder, flags);
        assert_eq!(ended.code, Some(want), "{name}: {ended:#?}");
    };
    let unused = format!("# bellwether-lint: off not-utf8 because of a test\n{RIGHT}");
    check("wrong", WRONG, &[], 1);
    check("right", RIGHT, &[], 0);
    check("note", &unused, &[], 0);
    check("note-counts", &unused, &["--fail-on", "note"], 1);
    check("note-is-no-warning", &unused, &["--fail-on", "warning"], 0);
    check("mended", WRONG, &["--fix"], 0);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_linted() {
    let folder = Folder::new("lint-unreadable");
    let rules = folder.write("rules.yml", WRONG);
    let missing = folder.path("missing.yml");
    let ended = run(&["lint", text(&rules), text(&missing), "--format", "json"]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.stderr.contains("missing.yml"), "{ended:#?}");
    assert_eq!(ended.json()[0]["id"], "missing-by-le");

    std::fs::write(folder.path("bytes.yml"), b"groups: [\xff]").unwrap();
    let ended = run(&["lint", text(&folder.path("bytes.yml")), "--format", "json"]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert_eq!((&ended.json()[0]["id"], &ended.json()[0]["column"]), (&"not-utf8".into(), &10.into()));
}

#[test]
fn fixes_are_shown_and_then_written_once() {
    let folder = Folder::new("lint-fix");
    let rules = folder.write("rules.yml", WRONG);
    let ended = lint(&folder, &["--fix", "--dry-run"]);
    assert!(ended.stdout.contains("\n-    expr: histogram_quantile(0.9, sum(rate"), "{ended:#?}");
    assert!(ended.stdout.contains("\n+    expr: histogram_quantile(0.9, sum by (le)(rate"), "{ended:#?}");
    assert_eq!(std::fs::read_to_string(&rules).unwrap(), WRONG);
    let ended = lint(&folder, &["--fix"]);
    assert!(ended.stderr.contains("rules.yml:5: [missing-by-le] write by (le)"), "{ended:#?}");
    assert_eq!(std::fs::read_to_string(&rules).unwrap(), RIGHT);
    let names: Vec<_> =
        std::fs::read_dir(folder.path("")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["rules.yml"], "nothing is left beside it");
    let ended = lint(&folder, &["--fix"]);
    assert!(ended.stderr.contains("nothing that can be mended"), "{ended:#?}");
}

#[test]
fn programs_get_what_they_read() {
    let folder = Folder::new("lint-formats");
    folder.write("rules.yml", WRONG);
    assert_eq!(lint(&folder, &["--format", "json"]).json().as_array().unwrap().len(), 1);
    assert_eq!(lint(&folder, &["--format", "sarif"]).json()["version"], "2.1.0");
    let annotations = lint(&folder, &["--format", "github"]).stdout;
    assert!(annotations.starts_with("::error file=") && annotations.lines().count() == 1, "{annotations}");
}

#[test]
fn an_id_is_explained_and_a_misspelt_one_is_found() {
    let page = run(&["lint", "--explain", "missing-by-le"]);
    assert!(page.stdout.contains("## Wrong") && page.code == Some(0), "{page:#?}");
    let near = run(&["lint", "--explain", "missing-by-el"]);
    assert!(near.stderr.contains("did you mean missing-by-le?") && near.code == Some(2), "{near:#?}");
    let list = run(&["lint", "--list"]);
    assert!(list.stdout.lines().any(|line| line.contains("missing-by-le")), "{list:#?}");
}

const RECORDED: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - record: shop_orders\n    expr: vector(1)\n    \
                        labels: {region: north}\n";
const ASKED: &str = "shop_order\n\nshop_orders{region=\"south\"}\n\nshop_orders{region=\"north\"}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_is_asked_which_metrics_and_series_there_are() {
    let folder = Folder::new("lint-online");
    folder.write("rules.yml", RECORDED);
    let config = folder.write("bellwether.yml", "rules: [rules.yml]\n");
    let asked = folder.write("asked.promql", ASKED);
    let server = Server::start(&config, &folder.path("data")).await;
    let begun = Instant::now();
    loop {
        let arguments =
            ["lint", text(&asked), "--online", &server.url, "--format", "json", "--fail-on", "note"];
        let ended = tokio::task::block_in_place(|| run(&arguments));
        let all = ended.json();
        let lines: Vec<_> = all.as_array().unwrap().iter().map(|it| it["line"].as_u64().unwrap()).collect();
        // Line 5 asks for what is recorded, as soon as it is.
        if lines == [1, 3] {
            assert_eq!(all[0]["help"], "did you mean shop_orders?");
            assert_eq!(ended.code, Some(1));
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "{ended:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[test]
fn a_server_that_cannot_be_asked_is_said() {
    let folder = Folder::new("lint-offline");
    let asked = folder.write("asked.promql", ASKED);
    for (url, want) in [("http://127.0.0.1:1", "nothing listens there"), ("localhost:1", "is not a URL")] {
        let ended = run(&["lint", text(&asked), "--online", url]);
        assert_eq!(ended.code, Some(2), "{ended:#?}");
        assert!(ended.stderr.contains(want), "{ended:#?}");
    }
}
