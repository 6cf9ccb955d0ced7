//! Exemplars over restarts of the real program: killed or stopped, what was on the disk is answered again.

use std::path::Path;
use std::time::{Duration, Instant};

use bellwether_testkit::remote_write::{Message, sample};
use serde_json::Value;

use crate::process::{DEADLINE, Folder, Server, client, run};

/// A push of a series with one sample and one exemplar.
fn push(at: i64, trace: &str) -> Vec<u8> {
    let pair =
        |name: &str, value: &str| Message::default().bytes(1, name.as_bytes()).bytes(2, value.as_bytes()).0;
    let exemplar = Message::default().bytes(1, &pair("trace_id", trace)).double(2, 0.25).number(3, at as u64);
    let series = Message::default()
        .bytes(1, &pair("__name__", "shop_seconds_bucket"))
        .bytes(1, &pair("le", "0.5"))
        .bytes(2, &sample(at, 1.0).0)
        .bytes(3, &exemplar.0);
    snap::raw::Encoder::new().compress_vec(&Message::default().bytes(1, &series.0).0).unwrap()
}

pub(crate) async fn send(server: &Server, at: i64, trace: &str) {
    let url = format!("{}/api/v1/write", server.url);
    let answer = client().post(url).body(push(at, trace)).send().await.unwrap();
    assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
}

async fn traces(server: &Server, now: i64) -> Vec<String> {
    let (start, end) = (now / 1000 - 60, now / 1000 + 60);
    let path = format!("/api/v1/query_exemplars?query=shop_seconds_bucket&start={start}&end={end}");
    let body: Value = serde_json::from_str(&server.text(&path).await).unwrap();
    let found = body["data"][0]["exemplars"].as_array().cloned().unwrap_or_default();
    found.iter().map(|one| one["labels"]["trace_id"].as_str().unwrap().to_owned()).collect()
}

async fn until_written(file: &Path, trace: &str) {
    let begun = Instant::now();
    let has = |bytes: Vec<u8>| bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
    while !std::fs::read(file).is_ok_and(has) {
        assert!(begun.elapsed() < DEADLINE, "the file does not have it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn exemplars_are_in_a_snapshot_and_what_is_half_written_is_not() {
    let folder = Folder::new("exemplars-snapshot");
    let config = folder.write("bellwether.yml", "{}\n");
    let (data, copy) = (folder.path("data"), folder.path("copy"));
    let now = bellwether::clock::now().0;
    let mut server = Server::spawn_with(&config, &data, &["--enable-admin-api"], &[]);
    server.ready().await;
    send(&server, now - 3000, "first").await;
    send(&server, now - 2000, "second").await;
    until_written(&data.join("exemplars.log"), "second").await;
    let said = server.run_text(&["snapshot", copy.to_str().unwrap()]);
    assert!(said.contains("1 series, 2 samples, 2 exemplars, read back whole"), "{said}");
    server.stop().await;
    let mut copied = Server::start(&config, &copy).await;
    assert_eq!(traces(&copied, now).await, ["first", "second"]);
    copied.stop().await;
    // Of a folder that nobody has, whose file a crash has cut.
    let mut bytes = std::fs::read(data.join("exemplars.log")).unwrap();
    bytes.truncate(bytes.len() - 3);
    std::fs::write(data.join("exemplars.log"), bytes).unwrap();
    let made = run(&["snapshot", "--data", data.to_str().unwrap(), folder.path("third").to_str().unwrap()]);
    assert!(made.code == Some(0) && made.stdout.contains(", 1 exemplars, read back"), "{made:#?}");
}

#[tokio::test]
async fn exemplars_are_there_after_a_kill_and_after_a_stop() {
    let folder = Folder::new("exemplars");
    let config = folder.write("bellwether.yml", "{}\n");
    let data = folder.path("data");
    let file = data.join("exemplars.log");
    let now = bellwether::clock::now().0;
    let mut server = Server::start(&config, &data).await;
    send(&server, now - 3000, "first").await;
    until_written(&file, "first").await;
    server.kill();
    let mut server = Server::start(&config, &data).await;
    assert_eq!(traces(&server, now).await, ["first"]);
    send(&server, now - 2000, "second").await;
    // Nothing is waited for: an ordinary end writes what is new.
    server.stop().await;
    let mut bytes = std::fs::read(&file).unwrap();
    let mut server = Server::start(&config, &data).await;
    assert_eq!(traces(&server, now).await, ["first", "second"]);
    send(&server, now - 1000, "third").await;
    assert_eq!(traces(&server, now).await, ["first", "second", "third"]);
    server.kill();
    // Half a record at the end, as a crash leaves it.
    bytes.truncate(bytes.len() - 3);
    std::fs::write(&file, bytes).unwrap();
    let server = Server::start(&config, &data).await;
    assert_eq!(traces(&server, now).await, ["first"]);
}
