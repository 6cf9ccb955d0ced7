//! A browser, driven over the WebDriver protocol: a dozen JSON requests, so nothing more than an HTTP client is needed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::demo_process::{lines_of, until};

const DRIVER: &str = "/usr/bin/chromedriver";
const BROWSER: &str = "/usr/bin/chromium";
const START_MAX: Duration = Duration::from_secs(30);
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Key of an element reference, fixed by the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window; both end when this is dropped.
pub(crate) struct Browser {
    driver: Child,
    address: String,
    session: String,
    client: reqwest::Client,
}

/// Size of the visible part of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Browser {
    /// A browser; `None`, with a word on stderr, where none is installed. Under CI that is a failure.
    pub(crate) async fn start() -> Option<Self> {
        if !Path::new(DRIVER).exists() || !Path::new(BROWSER).exists() {
            let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(!is_ci, "CI needs {DRIVER} and {BROWSER}; install chromium and chromium-driver");
            eprintln!("SKIPPED what a browser sees: {DRIVER} or {BROWSER} is missing");
            return None;
        }
        bellwether::install_tls();
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = lines_of(driver.stdout.take().unwrap());
        let mut browser = Self {
            driver,
            address: String::new(),
            session: String::new(),
            client: reqwest::Client::builder().timeout(ANSWER_MAX).build().unwrap(),
        };
        while browser.address.is_empty() {
            let line = lines.recv_timeout(START_MAX).expect("the driver did not say its port");
            let Some((_, port)) = line.split_once("successfully on port ") else { continue };
            browser.address = format!("127.0.0.1:{}", port.trim_end_matches('.'));
        }
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ];
        // The driver gives each session a profile of its own.
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": BROWSER, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser.attempt("/session", &wanted).await;
        let session = session.unwrap_or_else(|error| panic!("no browser: {error}"));
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        Some(browser)
    }

    /// One request; the error is what the driver says was wrong.
    async fn attempt(&self, path: &str, body: &Value) -> Result<Value, Value> {
        let request = self.client.post(format!("http://{}{path}", self.address)).json(body);
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let (is_success, answer) = (answer.status().is_success(), answer.json::<Value>().await.unwrap());
        if is_success { Ok(answer["value"].clone()) } else { Err(answer["value"].clone()) }
    }

    fn path(&self, command: &str) -> String {
        format!("/session/{}/{command}", self.session)
    }

    async fn ask(&self, command: &str, body: &Value) -> Value {
        let answer = self.attempt(&self.path(command), body).await;
        answer.unwrap_or_else(|error| panic!("{command} {body}: {}", error["message"]))
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.ask("url", &json!({ "url": url })).await;
    }

    /// Runs a script that returns something.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.ask("execute/sync", &json!({"script": script, "args": []})).await
    }

    /// The text of the page as a person sees it.
    pub(crate) async fn text(&self) -> String {
        self.run("return document.body.innerText").await.as_str().unwrap().to_owned()
    }

    async fn element(&self, css: &str) -> String {
        let found = self.ask("element", &json!({"using": "css selector", "value": css})).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks on the first element that a selector finds. A page that renews itself may replace the element between
    /// the two; then it is found anew, as a person would.
    pub(crate) async fn click(&self, css: &str) {
        let click = async || {
            let path = self.path(&format!("element/{}/click", self.element(css).await));
            match self.attempt(&path, &json!({})).await {
                Ok(_) => Some(()),
                Err(error) if error["error"] == "stale element reference" => None,
                Err(error) => panic!("cannot click {css}: {}", error["message"]),
            }
        };
        until(&format!("a click on {css}"), Duration::from_secs(10), click).await;
    }

    /// Types into the first element that a selector finds.
    pub(crate) async fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.ask(&format!("element/{element}/value"), &json!({ "text": text })).await;
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn press(&self, key: &str) {
        let strokes = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.ask("actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]}))
            .await;
    }

    /// A screen of this size, as a phone's.
    pub(crate) async fn screen(&self, screen: Screen) {
        let metrics = json!({
            "width": screen.width, "height": screen.height, "deviceScaleFactor": 1, "mobile": screen.width < 600,
        });
        self.ask(
            "goog/cdp/execute",
            &json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics}),
        )
        .await;
    }

    /// What pages have complained of since this was last asked.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.ask("se/log", &json!({"type": "browser"})).await;
        let is_serious = |entry: &&Value| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING"));
        log.as_array().unwrap().iter().filter(is_serious).map(|entry| entry["message"].to_string()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser would outlive its driver: it has to be told, and there is no waiting for futures here.
        if let Ok(mut stream) = TcpStream::connect(&self.address) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let request = format!(
                "DELETE /session/{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                self.session, self.address
            );
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.read(&mut [0; 512]);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
