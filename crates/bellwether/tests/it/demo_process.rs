//! The demonstration as its own process on ports of its own, as somebody trying Bellwether would start it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bellwether::workshop::Phase;
use serde_json::Value;

/// The first line needs a day of history to be written.
const START_MAX: Duration = Duration::from_secs(60);
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A running demonstration; it is killed and its data removed when this is dropped.
pub(crate) struct DemoProcess {
    child: Child,
    data: PathBuf,
    client: reqwest::Client,
    /// Address of pages and API, as `http://127.0.0.1:1`.
    pub(crate) page: String,
    /// Address of the Movie Guru service.
    pub(crate) mock: String,
    /// Address of the list of messages that arrived.
    pub(crate) messages: String,
    /// How long it took from its start to its addresses.
    pub(crate) started_in: Duration,
}

impl DemoProcess {
    /// Starts it on free ports and waits until it says where it is.
    pub(crate) fn start(name: &str) -> Self {
        bellwether::install_tls();
        let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&data);
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_bellwether"))
            .args(["demo", "--listen", "127.0.0.1:0", "--mock-listen", "127.0.0.1:0"])
            .args(["--receiver-listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let mut demo = Self {
            child,
            data,
            client: reqwest::Client::builder().timeout(ANSWER_MAX).build().unwrap(),
            page: String::new(),
            mock: String::new(),
            messages: String::new(),
            started_in: Duration::ZERO,
        };
        while demo.messages.is_empty() {
            let line = lines.recv_timeout(START_MAX).expect("the demonstration did not say where it is");
            demo.read(&line);
        }
        demo.started_in = begun.elapsed();
        demo
    }

    /// Takes an address out of a line of the greeting.
    fn read(&mut self, line: &str) {
        let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) else { return };
        match line.trim_start() {
            line if line.starts_with("Open ") => self.page = url.to_owned(),
            line if line.starts_with("Break it ") => {
                self.mock = url.strip_suffix("/phase").expect("the service's /phase is named").to_owned();
            }
            line if line.starts_with("Messages ") => self.messages = url.to_owned(),
            other => panic!("an address nobody expects: {other}"),
        }
    }

    /// Gets a page as text.
    pub(crate) async fn text(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.page)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// Gets any address as JSON.
    pub(crate) async fn json(&self, url: &str) -> Value {
        let answer = self.client.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{url}");
        answer.json().await.unwrap()
    }

    /// The bodies of the messages that have arrived at the receiver.
    pub(crate) async fn received(&self) -> Vec<Value> {
        let messages = self.json(&self.messages).await;
        messages.as_array().unwrap().iter().map(|message| message["body"].clone()).collect()
    }

    /// Sends a body to the service's `/phase`, as the workshop's participants do.
    pub(crate) async fn post_phase(&self, body: String) -> (u16, String) {
        let request = self.client.post(format!("{}/phase", self.mock)).body(body);
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// How the service behaves at the moment.
    pub(crate) async fn phase(&self) -> Phase {
        let answer = self.json(&format!("{}/phase", self.mock)).await;
        Phase::from_json(answer["CurrentProbMetrics"].to_string().as_bytes()).unwrap()
    }
}

impl Drop for DemoProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// The lines of a stream as they come, so that waiting for one can end.
pub(crate) fn lines_of(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Whoever asked may have heard enough; the stream is read on so that its writer never stops.
            let _ = sender.send(line);
        }
    });
    lines
}

/// Asks again and again until something is so, or fails with what was waited for.
pub(crate) async fn until<T>(what: &str, at_most: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < at_most, "waited {at_most:?} for {what}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
