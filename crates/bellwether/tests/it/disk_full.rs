//! A real file system that is full, under a running server: it says so, loses nothing, still tells people, and goes on
//! by itself. Needs the right to mount; without it nothing is tested, and that is said.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::{get, post};
use reqwest::Method;
use serde_json::json;

use crate::process::{Folder, Server};

/// A small file system in memory, gone at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(path))
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        for piece in [1 << 20, 4096, 1] {
            while file.write_all(&vec![1; piece]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What is scraped, and who is told: how many bodies were answered, how many messages came.
async fn neighbour() -> (String, Arc<AtomicU64>) {
    let (scrapes, messages) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let told = messages.clone();
    let body = move || {
        let number = scrapes.fetch_add(1, Ordering::Relaxed);
        async move { format!("scrapes_total {number}\n") }
    };
    let hear = move || {
        told.fetch_add(1, Ordering::Relaxed);
        async { "" }
    };
    let router = Router::new().route("/metrics", get(body)).route("/hook", post(hear));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, messages)
}

fn config(address: &str) -> String {
    format!(
        "prometheus:
  global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
  scrape_configs:
    - job_name: api
      static_configs: [{{targets: ['{address}']}}]
alertmanager:
  route: {{receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
  receivers: [{{name: all, webhook_configs: [{{url: 'http://{address}/hook'}}]}}]
"
    )
}

/// Gives the answer's status: 503 says that it may be forgotten by a crash, so that whoever posts it posts it again.
async fn fire(server: &Server, name: &str) -> u16 {
    let alerts = json!([{"labels": {"alertname": name}}]);
    let answer = server.ask(Method::POST, "/api/v2/alerts", Some(&alerts)).await.unwrap();
    assert!([200, 503].contains(&answer.status), "{}", answer.body);
    answer.status
}

async fn until_told(server: &Server, messages: &AtomicU64, count: u64) {
    let told = async |_: &Server| match messages.load(Ordering::Relaxed) {
        number if number >= count => Ok(()),
        number => Err(format!("{number} of {count} messages")),
    };
    server.until("somebody is told", told).await;
}

async fn until_metric(server: &Server, line: &str) {
    let look = async |server: &Server| {
        let metrics = server.text("/metrics").await;
        let name = line.split_once(' ').unwrap().0;
        match metrics.lines().find(|found| found.starts_with(name)) {
            Some(found) if found == line => Ok(()),
            found => Err(format!("{found:?}")),
        }
    };
    server.until(line, look).await;
}

async fn scrapes(server: &Server) -> usize {
    let found = server.query("count_over_time(scrapes_total[1h])").await;
    found[0]["value"][1].as_str().map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_samples_and_not_alerts_and_is_over_when_there_is_room() {
    let folder = Folder::new("disk-full");
    let Some(disk) = SmallDisk::mount(folder.path("disk"), 24) else {
        eprintln!("skipped: this user may not mount a file system");
        return;
    };
    let (address, messages) = neighbour().await;
    let path = folder.write("bellwether.yml", &config(&address));
    let data: &Path = &disk.0.join("data");
    let mut server = Server::start(&path, data).await;
    until_metric(&server, "bellwether_store_accepting 1").await;
    server
        .until(
            "samples",
            async |server| if scrapes(server).await > 5 { Ok(()) } else { Err("none".to_owned()) },
        )
        .await;

    disk.fill();
    until_metric(&server, "bellwether_store_accepting 0").await;
    until_metric(&server, "bellwether_trouble{kind=\"store\"} 1").await;
    let targets = server.json("/api/v1/targets").await;
    let why = targets["data"]["activeTargets"][0]["lastError"].as_str().unwrap();
    assert!(why.contains("the disk is full"), "{why}");
    assert!(server.text("/targets").await.contains("the disk is full"));
    let before = scrapes(&server).await;
    assert_eq!(fire(&server, "first").await, 200, "recorded in the room that was kept for it");
    until_told(&server, &messages, 1).await;

    // The room kept for the last words is gone too.
    let mut more = std::fs::File::create(disk.0.join("more")).unwrap();
    while std::io::Write::write_all(&mut more, &[1; 512]).is_ok() {}
    for name in ["second", "third"] {
        fire(&server, name).await;
    }
    until_told(&server, &messages, 3).await;

    // It dies, and starts on the full disk or says why not.
    server.kill();
    let mut server = Server::spawn(&path, data);
    if server.ready_or_dead().await {
        // The one that did not fit was to be seen for a while, and was never said to be stored.
        let found = scrapes(&server).await;
        assert!(found + 1 >= before, "what was stored is there: {found} of {before}");
        server.kill();
    } else {
        let said = server.stderr();
        assert!(said.contains("full"), "{said}");
    }
    std::fs::remove_file(disk.0.join("more")).unwrap();
    let mut server = Server::start(&path, data).await;
    until_metric(&server, "bellwether_store_accepting 0").await;
    disk.make_room();
    until_metric(&server, "bellwether_store_accepting 1").await;
    until_metric(&server, "bellwether_trouble{kind=\"store\"} 0").await;
    server
        .until("new samples", async |server| match scrapes(server).await {
            count if count > before + 5 => Ok(()),
            count => Err(format!("{count} after {before}")),
        })
        .await;
    assert_eq!(fire(&server, "fourth").await, 200);
    until_told(&server, &messages, 4).await;
    server.stop().await;
}
