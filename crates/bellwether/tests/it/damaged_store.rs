//! A bit flips in a file under a running server: the query that meets it says so, the file is put aside, the rest is
//! served with a warning, every page and the metrics say what is missing, and a file from a backup ends it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{Batch, Labels, Origin, Sample, TimeDelta, Timestamp};
use bellwether_tsdb::{Options, RealDisk, Store};
use reqwest::Method;
use serde_json::Value;

use crate::process::{Folder, Server};

const CONFIG: &str =
    "prometheus:\n  scrape_configs: [{job_name: shop, static_configs: [{targets: ['127.0.0.1:1']}]}]\n";

/// Two segments of an hour each, half an hour apart; gives the first file, and when its samples begin.
fn filled(metrics: &Path) -> (PathBuf, Timestamp) {
    std::fs::create_dir_all(metrics).unwrap();
    let store = Store::open(metrics, Options::default(), Arc::new(RealDisk)).unwrap().0;
    let id = store.series(&Labels::from_pairs([("__name__", "stock"), ("job", "shop")])).unwrap();
    let now = Timestamp(bellwether::clock::now().floor_to(TimeDelta::MINUTE).0);
    let begin = now - TimeDelta(5 * TimeDelta::HOUR.0);
    let mut at = begin;
    while at < begin + TimeDelta(5 * TimeDelta::HOUR.0 / 2) {
        let sample = Sample::new(at, (at.0 as f64).sqrt());
        store.append(&Batch::floats(Origin::Backfill, at, vec![(id, sample)])).unwrap();
        at += TimeDelta(10_000);
        if at == begin + TimeDelta::HOUR {
            store.seal(at).unwrap();
            at += TimeDelta(TimeDelta::HOUR.0 / 2);
        }
    }
    store.seal(at).unwrap();
    store.release(store.position());
    store.trim_log().unwrap();
    (metrics.join("segment-0000000000000001.bwg"), begin)
}

fn flip(file: &Path) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 100).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 100).unwrap();
}

/// How many samples there are from the tenth minute after a moment to the sixtieth, and what is warned of. A chunk that
/// reaches beyond that must be decoded for it.
async fn counted(server: &Server, begin: Timestamp) -> Result<(Value, Value), String> {
    let at = begin + TimeDelta::HOUR - TimeDelta::SECOND;
    let path = format!("/api/v1/query?query=count_over_time(stock%5B50m%5D)&time={}", at.0 / 1000);
    let answer = server.ask(Method::GET, &path, None).await.unwrap();
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    match answer.status {
        200 => Ok((body["data"]["result"][0]["value"][1].clone(), body["warnings"].clone())),
        _ => Err(body["error"].to_string()),
    }
}

#[tokio::test]
async fn a_file_damaged_under_a_running_server_is_put_aside_said_and_restored() {
    let folder = Folder::new("damaged-store");
    let data = folder.path("data");
    let (file, begin) = filled(&data.join("metrics"));
    let backup = folder.path("backup.bwg");
    std::fs::copy(&file, &backup).unwrap();
    let config = folder.write("bellwether.yml", CONFIG);
    let mut server = Server::start(&config, &data).await;
    assert_eq!(counted(&server, begin).await, Ok(("300".into(), Value::Null)));

    flip(&file);
    // Whoever meets the damage before the check does is told of it.
    let met = counted(&server, begin).await;
    assert!(
        met.as_ref().is_err_and(|why| why.contains("segment-0000000000000001.bwg does not pass")),
        "{met:?}"
    );
    server
        .until("the file is put aside", async |server| {
            let trouble = "bellwether_trouble{kind=\"quarantined\"} 1";
            server.text("/metrics").await.contains(trouble).then_some(()).ok_or_else(String::new)
        })
        .await;
    let check = async |server: &Server| {
        let (samples, warnings) = counted(server, begin).await.unwrap();
        assert_eq!(samples, Value::Null);
        assert!(
            warnings[0].as_str().unwrap().contains("segment-0000000000000001.bwg.quarantined"),
            "{warnings}"
        );
        let later = begin + TimeDelta(3 * TimeDelta::HOUR.0 / 2);
        assert_eq!(counted(server, later).await, Ok(("300".into(), Value::Null)), "the rest is served");
        let metrics = server.text("/metrics").await;
        assert!(metrics.contains("bellwether_store_quarantined_files{store=\"samples\"} 1"), "{metrics}");
        let page = server.text("/").await;
        assert!(page.contains("360 samples from") && page.contains("snapshot"), "{page}");
    };
    check(&server).await;
    server.stop().await;
    let mut server = Server::start(&config, &data).await;
    check(&server).await;
    server.stop().await;

    std::fs::copy(&backup, &file).unwrap();
    let server = Server::start(&config, &data).await;
    assert_eq!(counted(&server, begin).await, Ok(("300".into(), Value::Null)));
    assert!(server.text("/metrics").await.contains("bellwether_trouble{kind=\"quarantined\"} 0"));
}
