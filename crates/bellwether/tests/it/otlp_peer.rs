//! The real Prometheus with its OTLP receiver beside us: the same requests make the same series with the same values.
//! Where it is not there (`cargo xtask peers` unpacks it), or was built without that receiver as Debian's is, that is said
//! and skipped.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bellwether_testkit::peers;
use regex::Regex;
use serde_json::{Value, json};

use crate::otlp::now_ns;
use crate::process::{DEADLINE, Folder, Server, client};
use crate::prometheus_peer::start_prometheus;

/// Requests of a generator, with what the translator of Prometheus makes of each; here they go to the whole program.
const REQUESTS: &str = include_str!("../../../ingest/tests/it/otlp/translations.jsonl");
/// The moment around which the generator's points lie.
const GENERATED_NS: u64 = 1_700_000_000_000_000_000;

/// The requests as of now, each of an instance of its own, so that none is in the way of another.
fn requests(now_ns: u64) -> Vec<String> {
    let time = Regex::new(r#""(1[67]\d{17})""#).unwrap();
    let lines = REQUESTS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["request"].take());
    let requests = lines.enumerate().map(|(number, mut request)| {
        for (index, resource) in request["resourceMetrics"].as_array_mut().unwrap().iter_mut().enumerate() {
            let id = json!({"stringValue": format!("{number}-{index}")});
            let attributes = &mut resource["resource"]["attributes"];
            let mut all = attributes.as_array().cloned().unwrap_or_default();
            all.retain(|attribute| attribute["key"] != "service.instance.id");
            all.push(json!({"key": "service.instance.id", "value": id}));
            *attributes = Value::Array(all);
        }
        // That release escapes these two where a list becomes the value of a label.
        let text = request.to_string().replace(['<', '>'], "");
        let shifted = |found: &regex::Captures<'_>| {
            let at: u64 = found[1].parse().unwrap();
            format!("\"{}\"", at + now_ns - GENERATED_NS)
        };
        time.replace_all(&text, shifted).into_owned()
    });
    requests.collect()
}

/// All series at a moment, with their values.
async fn everything(http: &reqwest::Client, url: &str, at_s: u64) -> BTreeMap<String, String> {
    let query = "query=%7B__name__%3D~%22.%2B%22%7D";
    let answer = http.get(format!("{url}/api/v1/query?{query}&time={at_s}")).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    let series = body["data"]["result"].as_array().unwrap_or_else(|| panic!("{body}")).iter();
    let long = Regex::new(r"\d+\.\d{10,}(e-?\d+)?").unwrap();
    let text = |series: &Value| {
        let value = if series["value"].is_null() { &series["histogram"][1] } else { &series["value"][1] };
        // Bounds of buckets are calculated here and there; their last digits are not compared.
        let rounded = |found: &regex::Captures<'_>| format!("{:.9e}", found[0].parse::<f64>().unwrap());
        (series["metric"].to_string(), long.replace_all(&value.to_string(), rounded).into_owned())
    };
    series.map(text).collect()
}

async fn compare(settings: &str) -> Option<u64> {
    let program = peers::program("prometheus")?;
    let help = std::process::Command::new(&program).arg("--help").output().unwrap();
    if !String::from_utf8_lossy(&[help.stdout, help.stderr].concat()).contains("enable-otlp-receiver") {
        eprintln!("skipped: this build of Prometheus takes nothing by OTLP");
        return None;
    }
    let folder = Folder::new(&format!("otlp-peer-{}", settings.len()));
    folder.write("prometheus.yml", &format!("otlp: {settings}\n"));
    let config = folder.write("bellwether.yml", "prometheus: prometheus.yml\n");
    let more = ["--web.enable-otlp-receiver", "--enable-feature=native-histograms"];
    let prometheus = start_prometheus(&program, &folder, "prometheus.yml", &more).await;
    let server = Server::start(&config, &folder.path("data")).await;
    let http = client();
    let begun = Instant::now();
    while !http.get(format!("{}/-/ready", prometheus.url)).send().await.is_ok_and(|a| a.status().is_success())
    {
        assert!(begun.elapsed() < DEADLINE, "Prometheus is not ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let now = (now_ns() / 1_000_000_000 - 60) * 1_000_000_000;
    let (mut compared, mut refused) = (0, Vec::new());
    for request in requests(now) {
        let push = async |url: &str| {
            let request = http.post(format!("{url}/api/v1/otlp/v1/metrics")).body(request.clone());
            let answer = request.header("content-type", "application/json").send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let theirs = push(&prometheus.url).await;
        if theirs.0 != 200 {
            refused.push(theirs.1); // all of it, for one series that is there twice
            continue;
        }
        assert_eq!(push(&server.url).await, (200, "{}".to_owned()), "{request}");
        compared += 1;
    }
    assert!(compared >= 30, "{compared} requests are taken, of others it is said: {refused:#?}");
    let at = now / 1_000_000_000 + 20;
    let theirs = everything(&http, &prometheus.url, at).await;
    let ours = everything(&http, &server.url, at).await;
    let mut differences = Vec::new();
    for labels in theirs.keys().chain(ours.keys().filter(|labels| !theirs.contains_key(*labels))) {
        if theirs.get(labels) != ours.get(labels) {
            differences.push(format!("{labels}: {:?}, we {:?}", theirs.get(labels), ours.get(labels)));
        }
    }
    assert!(differences.is_empty(), "{settings}\n{}", differences.join("\n"));
    assert!(theirs.len() > 100, "{} series", theirs.len());
    Some(compared)
}

#[tokio::test]
async fn series_and_values_are_those_of_prometheus() {
    let mut compared = 0;
    for settings in [
        "{}",
        "{translation_strategy: NoUTF8EscapingWithSuffixes, promote_all_resource_attributes: true, ignore_resource_attributes: [host.name]}",
        "{convert_histograms_to_nhcb: true, keep_identifying_resource_attributes: true, promote_resource_attributes: [host.name, deployment.environment]}",
    ] {
        let Some(requests) = compare(settings).await else { return };
        compared += requests;
    }
    bellwether_testkit::cases::ran("peers/otlp", compared);
}
