//! Objectives of any dialect on the command line and in a server: read with what they refer to, written in another way,
//! and never with a silent loss.

use serde_json::json;

use crate::process::{Ended, Folder, Server, run, text};

const SLI: &str = "\
apiVersion: openslo/v1
kind: SLI
metadata: {name: search-ok}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {type: Prometheus, spec: {query: 'sum(search_total{code=\"500\"})'}}}
    total: {metricSource: {type: Prometheus, spec: {query: sum(search_total)}}}
";

const SLO: &str = "\
apiVersion: openslo/v1
kind: SLO
metadata: {name: search, annotations: {bellwether/owner: web}}
spec:
  service: shop
  indicatorRef: search-ok
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
  alertPolicies:
    - kind: AlertPolicy
      metadata: {name: fast}
      spec:
        alertWhenBreaching: true
        conditions:
          - kind: AlertCondition
            metadata: {name: fast}
            spec:
              severity: page
              condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h}
";

const WRITTEN: &str = "\
slos:
  - name: search
    service: shop
    owner: web
    goal: 99%
    window: 28d
    indicator:
      ratio:
        bad: \"search_total{code=\\\"500\\\"}\"
        total: search_total
    alerts:
      - name: fast
        severity: page
        long: 1h
        factor: 14.4
";

fn files(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("sli.yml", SLI);
    folder.write("slo.yml", SLO);
    folder
}

fn slo(folder: &Folder, arguments: &[&str], files: &[&str]) -> Ended {
    let paths: Vec<_> = files.iter().map(|file| folder.path(file)).collect();
    let all = ["slo"].iter().chain(arguments).copied().chain(paths.iter().map(|path| text(path)));
    run(&all.collect::<Vec<_>>())
}

#[test]
fn an_import_prints_our_own_way() {
    let folder = files("dialects-import");
    let ended = slo(&folder, &["import"], &["slo.yml", "sli.yml"]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), WRITTEN, ""));
    // And what it prints is a file that can be checked and imported itself.
    folder.write("own.yml", WRITTEN);
    assert_eq!(slo(&folder, &["import"], &["own.yml"]).stdout, WRITTEN);
    let checked = run(&["check", text(&folder.path("own.yml"))]);
    assert_eq!(checked.code, Some(0), "{checked:#?}");
    let checked = run(&["check", text(&folder.path("slo.yml")), text(&folder.path("sli.yml"))]);
    assert_eq!(checked.code, Some(0), "{checked:#?}");
}

#[test]
fn a_reference_to_nothing_is_said_with_its_place() {
    let folder = files("dialects-missing");
    let ended = slo(&folder, &["import"], &["slo.yml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("slo.yml:6:17: error: no SLI is named \"search-ok\""), "{}", ended.stderr);
}

#[test]
fn a_loss_is_an_error_unless_it_was_asked_for() {
    let folder = files("dialects-loss");
    let late = SLO.replace("lookbackWindow: 1h", "lookbackWindow: 1h, alertAfter: 5m");
    folder.write("slo.yml", &late);
    let strict = slo(&folder, &["import"], &["slo.yml", "sli.yml"]);
    assert_eq!((strict.code, strict.stdout.as_str()), (Some(2), ""));
    let lenient = slo(&folder, &["import", "--lenient"], &["slo.yml", "sli.yml"]);
    assert_eq!((lenient.code, lenient.stdout.as_str()), (Some(0), WRITTEN));
    assert!(
        lenient.stderr.contains(": warning: a burn rate is acted on when it is seen"),
        "{}",
        lenient.stderr
    );

    folder.write("slo.yml", SLO);
    let strict = slo(&folder, &["convert", "--to", "google"], &["slo.yml", "sli.yml"]);
    assert_eq!((strict.code, strict.stdout.as_str()), (Some(2), ""));
    assert!(
        strict.stderr.contains("Google Cloud Monitoring has no words for its owner"),
        "{}",
        strict.stderr
    );
    let lenient = slo(&folder, &["convert", "--to", "google", "--lenient"], &["slo.yml", "sli.yml"]);
    let name = "projects/-/services/shop/serviceLevelObjectives/search";
    assert_eq!(lenient.json()["serviceLevelObjectives"][0]["name"], json!(name));
}

#[test]
fn objectives_of_a_whole_configuration_are_listed_shown_and_drawn() {
    let folder = files("dialects-whole");
    folder.write("bellwether.yml", "prometheus: {}\nslos: ['sl*.yml']\n");
    let listed = slo(&folder, &["list", "--format", "json"], &["bellwether.yml"]).json();
    assert_eq!((&listed[0]["id"], &listed[0]["dialect"]), (&json!("shop/search"), &json!("openslo")));
    let shown = slo(&folder, &["show"], &["bellwether.yml"]).stdout;
    for line in ["- **Owner:** web", "as a whole outage that is 6.7 hours", "        factor: 14.4"] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let board = slo(&folder, &["export", "--format", "grafana"], &["bellwether.yml"]).json();
    assert_eq!(board["templating"]["list"][0]["type"], "datasource");
    let queries: Vec<&str> = board["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(queries.contains(&"slo:burn_rate:ratio1h{slo_id=\"shop/search\"}"), "{queries:?}");
    for query in queries {
        assert!(bellwether_promql::parse(query).is_ok(), "{query}");
    }
}

#[tokio::test]
async fn a_server_watches_objectives_of_another_dialect() {
    let folder = files("dialects-serve");
    let config = folder.write("bellwether.yml", "slos: ['sl*.yml']\n");
    let mut server = Server::start(&config, &folder.path("data")).await;
    let slos = server.json("/api/bellwether/v1/slos").await;
    assert_eq!((&slos[0]["id"], &slos[0]["dialect"]), (&json!("shop/search"), &json!("openslo")));
    assert_eq!((&slos[0]["source"], &slos[0]["goal_text"]), (&json!("file"), &json!("99%")));
    let listed = run(&["slo", "list", "--server", &server.url, "--format", "json"]).json();
    assert_eq!((&listed[0]["id"], &listed[0]["owner"]), (&json!("shop/search"), &json!("web")));
    server.stop().await;
}
