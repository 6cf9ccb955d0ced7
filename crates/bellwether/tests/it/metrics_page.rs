//! `docs/metrics.md` is what a running server says of itself: every metric with its type, its labels and its help.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bellwether_testkit::cases::ran;

use crate::process::{Folder, Server};

/// Something to say of everything: a rule, a receiver, a target.
const CONFIG: &str = "
prometheus:
  scrape_configs: [{job_name: shop, static_configs: [{targets: ['127.0.0.1:1']}]}]
rules:
  - {name: some, rules: [{record: 'job:up:sum', expr: sum by (job) (up)}]}
alertmanager:
  route: {receiver: team}
  receivers: [{name: team, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}]
";

/// Where metrics are written, for those that only some servers have.
const WRITERS: [&str; 3] = ["telemetry.rs", "alert_metrics.rs", "source/metrics.rs"];

#[derive(Debug, Default)]
struct Family {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

fn crate_file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The families of a page of metrics.
fn exposed(page: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for line in page.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            families.entry(name.to_owned()).or_default().help = help.to_owned();
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            families.entry(name.to_owned()).or_default().kind = kind.to_owned();
        } else if let Some((name, rest)) = line.split_once('{') {
            let parts = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
            let of_histogram = parts.filter(|base| families.contains_key(*base));
            let family = families.get_mut(of_histogram.unwrap_or(name)).expect(line);
            let labels = rest.split("=\"").filter_map(|text| text.rsplit([',', '{', ' ']).next());
            let labels =
                labels.filter(|label| label.chars().all(|c| c.is_ascii_lowercase()) && *label != "le");
            family.labels.extend(labels.filter(|label| !label.is_empty()).map(str::to_owned));
        }
    }
    families
}

/// The rows of the page: type, labels, help.
fn documented() -> BTreeMap<String, Family> {
    let page = crate_file("../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    rows.map(|row| {
        let (name, rest) = row.split_once("` | ").unwrap();
        let cells: Vec<&str> = rest.splitn(3, '|').map(str::trim).collect();
        let labels = cells[1].split(", ").map(|label| label.trim_matches('`').to_owned());
        let labels = labels.filter(|label| !label.is_empty()).collect();
        (name.to_owned(), Family { kind: cells[0].to_owned(), help: cells[2].to_owned(), labels })
    })
    .collect()
}

#[tokio::test]
async fn every_metric_of_a_running_server_is_on_the_page_in_its_own_words() {
    let folder = Folder::new("metrics-page");
    let server = Server::start(&folder.write("bellwether.yml", CONFIG), &folder.path("data")).await;
    let (exposed, documented) = (exposed(&server.text("/metrics").await), documented());
    assert!(exposed.len() > 40, "{exposed:?}");
    ran("docs/metrics", exposed.len() as u64);
    for (name, family) in &exposed {
        let Some(row) = documented.get(name) else { panic!("{name} is not in docs/metrics.md") };
        assert_eq!((&row.kind, &row.help), (&family.kind, &family.help), "{name}");
        assert!(family.labels.is_subset(&row.labels), "{name}: {:?} of {:?}", row.labels, family.labels);
    }
    // What this server does not have, others do: with a source.
    let written: String = WRITERS.iter().map(|file| crate_file(&format!("src/{file}"))).collect();
    for name in documented.keys().filter(|name| !exposed.contains_key(*name)) {
        assert!(written.contains(&format!("\"{name}\"")), "no server exposes {name}");
    }
    for name in written.split('"').filter(|text| text.starts_with("bellwether_source_")) {
        assert!(documented.contains_key(name), "{name} is not in docs/metrics.md");
    }
}
