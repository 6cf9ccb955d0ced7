//! The real program as a child process, for tests of what only a process can show: exit codes, signals, sudden death.
//!
//! Nothing here waits for a fixed time: every wait looks for its condition until a deadline, and what was started is
//! killed when its owner goes out of scope, also by a failed assertion.

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Generous, since the machine may be busy; a condition that holds is seen at once.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A folder of its own that is removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bellwether-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program with arguments and nothing of the caller's environment that changes what it prints.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwether"));
    command.args(arguments).env("NO_COLOR", "1").env("USER", "tester").env_remove("RUST_LOG");
    command.stdin(Stdio::null());
    command
}

/// How a command ended and what it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// Runs a command of the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    let child = program(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(DEADLINE) else {
        send_signal("KILL", pid);
        panic!("{arguments:?} did not end within {DEADLINE:?}");
    };
    let Output { status, stdout, stderr } = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

fn send_signal(name: &str, pid: u32) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status().unwrap();
    assert!(sent.success());
}

/// A running `bellwether serve`.
pub(crate) struct Server {
    child: Child,
    /// Its address, such as `http://127.0.0.1:41234`; empty until it is ready.
    pub(crate) url: String,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    http: reqwest::Client,
}

impl Server {
    /// Starts it on a free port without waiting for anything.
    pub(crate) fn spawn(config: &Path, data: &Path) -> Self {
        Self::spawn_with(config, data, &[], &[])
    }

    /// The same with more arguments and variables of the environment.
    pub(crate) fn spawn_with(config: &Path, data: &Path, more: &[&str], env: &[(&str, &str)]) -> Self {
        Self::spawn_on("127.0.0.1:0", config, data, more, env)
    }

    /// The same at an address, which a restart needs that others notice.
    pub(crate) fn spawn_on(
        listen: &str,
        config: &Path,
        data: &Path,
        more: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let basic = ["serve", "--listen", listen, "--config", text(config), "--data", text(data)];
        let mut program = program(&[&basic, more].concat());
        let mut child =
            program.envs(env.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Self { child, url: String::new(), stdout, stderr, http: client() }
    }

    /// Starts it and waits until it says that it is ready.
    pub(crate) async fn start(config: &Path, data: &Path) -> Self {
        let mut server = Self::spawn(config, data);
        server.ready().await;
        server
    }

    /// Waits for the line that names the address.
    pub(crate) async fn ready(&mut self) {
        let begun = Instant::now();
        loop {
            if let Some(url) = self.announced() {
                self.url = url;
                return;
            }
            let status = self.child.try_wait().unwrap();
            assert!(status.is_none(), "it ended with {status:?}:\n{}", self.stderr());
            assert!(begun.elapsed() < DEADLINE, "it is not ready:\n{}", self.stderr());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Runs a command of the program that asks this server.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        run(&[arguments, &["--server", &self.url]].concat())
    }

    /// Asks for JSON.
    pub(crate) fn run_json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        ended.json()
    }

    /// Asks for text, which must be given without complaint.
    pub(crate) fn run_text(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:#?}");
        ended.stdout
    }

    /// Waits until it is ready or has died, whichever comes first; tells which.
    pub(crate) async fn ready_or_dead(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            if let Some(url) = self.announced() {
                self.url = url;
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(begun.elapsed() < DEADLINE, "it is neither ready nor dead:\n{}", self.stderr());
            tokio::time::sleep(LOOK_EVERY / 4).await;
        }
    }

    fn announced(&self) -> Option<String> {
        let stdout = self.stdout.lock().unwrap();
        let rest = stdout.split_once("ready on ")?.1;
        Some(rest.split_once('\n')?.0.trim().to_owned())
    }

    /// What it has logged so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Sudden death: no handler runs, nothing is flushed.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill(); // it may have died by itself
        self.child.wait().unwrap();
    }

    /// Sends a signal by name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        send_signal(name, self.child.id());
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.wait().await
    }

    /// Waits until it has ended by itself; gives its exit code.
    pub(crate) async fn wait(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < DEADLINE, "it does not end:\n{}", self.stderr());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks for a path; `None` when the answer did not arrive whole.
    pub(crate) async fn ask(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> Option<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some(Answer { status, body: response.text().await.ok()? })
    }

    /// Reads a path that must answer 200.
    pub(crate) async fn text(&self, path: &str) -> String {
        let answer = self.ask(reqwest::Method::GET, path, None).await;
        let answer = answer.unwrap_or_else(|| panic!("no answer from {path}:\n{}", self.stderr()));
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Sends a body as it is, with headers of its own.
    pub(crate) async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let request = self.http.request(method, format!("{}{path}", self.url)).body(body.to_owned());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.unwrap();
        Answer { status: answer.status().as_u16(), body: answer.text().await.unwrap() }
    }

    /// Reads JSON from a path that must answer 200.
    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    /// The result of an instant query, at the server's own time.
    pub(crate) async fn query(&self, expression: &str) -> Value {
        let query: Vec<String> = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.json(&format!("/api/v1/query?query={}", query.concat())).await["data"]["result"].take()
    }

    /// Looks until a condition holds; fails with what was seen last.
    pub(crate) async fn until<T: Debug>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut(&Self) -> Result<T, String>,
    ) -> T {
        let begun = Instant::now();
        loop {
            match look(self).await {
                Ok(seen) => return seen,
                Err(seen) => assert!(
                    begun.elapsed() < DEADLINE,
                    "{what}: not within {DEADLINE:?}; last seen: {seen}\n{}",
                    self.stderr()
                ),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn client() -> reqwest::Client {
    bellwether::install_tls();
    reqwest::Client::builder().timeout(DEADLINE).no_proxy().build().unwrap()
}

/// Gathers what a child prints, line by line, so that its pipe never fills.
fn collect(from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let gathered = Arc::new(Mutex::new(String::new()));
    let into = gathered.clone();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    gathered
}
