//! The log of a real Prometheus that packs it by zstd, of a process that was killed: nothing of it is in a block.

use std::time::{Duration, Instant};

use bellwether_testkit::peers;
use serde_json::Value;

use crate::import::{check, import};
use crate::process::{DEADLINE, Folder, Server, client, text};
use crate::prometheus_peer::{free_port, get, start_prometheus};

/// How many samples of `up` a server has up to a moment.
async fn count(url: &str, until: f64) -> Option<u64> {
    let query = "sum(count_over_time(up%5B1h%5D))";
    let (_, body): (u16, Value) =
        get(&client(), &format!("{url}/api/v1/query?query={query}&time={until}")).await?;
    body["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

#[tokio::test]
async fn a_log_packed_by_zstd_comes_along_whole() {
    let Some(program) = peers::program("prometheus") else { return };
    let folder = Folder::new("import-zstd");
    let target = free_port().await;
    // A target that does not answer has its series, too.
    folder.write(
        "zstd.yml",
        &format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: away\n  static_configs: [{{targets: \
             [\"127.0.0.1:{target}\", \"localhost:{target}\"]}}]\n"
        ),
    );
    let theirs =
        start_prometheus(&program, &folder, "zstd.yml", &["--storage.tsdb.wal-compression-type=zstd"]).await;
    let begun = Instant::now();
    let (until, expected) = loop {
        let until = bellwether::clock::now().0 as f64 / 1000.0 - 1.0;
        if let Some(count) = count(&theirs.url, until).await.filter(|count| *count >= 6) {
            break (until, count);
        }
        assert!(begun.elapsed() < DEADLINE, "nothing is scraped");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    drop(theirs);
    let log = std::fs::read(folder.path("zstd.yml-data/wal/00000000")).unwrap();
    assert_eq!(log.first().map(|kind| kind >> 3), Some(2), "it is not packed by zstd");
    folder.write("bellwether.yml", "{}\n");
    let data = folder.path("zstd.yml-data");
    check(&["prometheus-tsdb", text(&data)], &folder, &[], &["samples of 10 series"]);
    let again = import(&["prometheus-tsdb", text(&data)], &folder, &[]);
    assert!(again.stdout.contains("There was nothing new to import."), "{again:#?}");
    let ours = Server::start(&folder.path("bellwether.yml"), &folder.path("data")).await;
    assert_eq!(count(&ours.url, until).await, Some(expected));
}
