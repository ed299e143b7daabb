//! Drives a browser over the WebDriver protocol (W3C), with no library but an HTTP client.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The key of an element reference (WebDriver §11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long the page may take to show something. Only a page that never shows it waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Browser {
    driver: Child,
    base: String,
    client: Client,
    _profile: TempDir,
}

impl Browser {
    /// `None`, with the reason printed, where no browser is installed.
    pub(crate) async fn start() -> Option<Self> {
        let chromedriver = find(&["/usr/bin/chromedriver", "/usr/lib/chromium/chromedriver"]);
        let chromium = find(&["/usr/bin/chromium", "/usr/bin/google-chrome"]);
        let (Some(chromedriver), Some(chromium)) = (chromedriver, chromium) else {
            println!(
                "skipped: chromium and chromedriver are not installed, so the page was not looked at"
            );
            return None;
        };
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let profile = tempfile::tempdir().unwrap();
        let driver = Command::new(chromedriver)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Self {
            driver,
            base: format!("http://127.0.0.1:{port}"),
            client: Client::builder()
                .timeout(Duration::from_secs(60))
                .build()
                .unwrap(),
            _profile: profile,
        };
        browser.until_ready().await;
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--lang=zh-CN",
        ];
        let profile = format!("--user-data-dir={}", browser._profile.path().display());
        let mut arguments: Vec<&str> = arguments.to_vec();
        arguments.push(&profile);
        let session = browser
            .post(
                "/session",
                json!({ "capabilities": { "alwaysMatch": {
                    "browserName": "chrome",
                    "goog:chromeOptions": { "binary": chromium, "args": arguments },
                    "goog:loggingPrefs": { "browser": "ALL" },
                }}}),
            )
            .await;
        let id = session["sessionId"].as_str().unwrap();
        browser.base = format!("{}/session/{id}", browser.base);
        Some(browser)
    }

    async fn until_ready(&self) {
        for _ in 0..200 {
            let status = self
                .client
                .get(format!("{}/status", self.base))
                .send()
                .await;
            if status.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("chromedriver did not start");
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self
            .client
            .post(format!("{}{path}", self.base))
            .json(&body)
            .send()
            .await
            .unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{path}: {value}");
        value
    }

    pub(crate) async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// The value of a JavaScript expression on the page.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.post("/execute/sync", json!({ "script": script, "args": [] }))
            .await
    }

    /// Waits until the expression is true. While the page is drawn anew, what it looks into may not be there: not true yet.
    pub(crate) async fn until(&self, expression: &str) {
        let attempt = format!(
            "(() => {{ try {{ return Boolean({expression}); }} catch (error) {{ return String(error); }} }})()"
        );
        let mut last = json!(false);
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                last = self.value(&attempt).await;
                if last == json!(true) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        if waited.await.is_err() {
            let page = self.value("document.body.innerText").await;
            panic!(
                "never came true, but {last}: {expression}\npage: {page}\nlog: {:?}",
                self.log().await
            );
        }
    }

    /// Waits until the page shows this text.
    pub(crate) async fn until_shown(&self, text: &str) {
        self.until(&format!(
            "document.body.innerText.includes({})",
            json!(text)
        ))
        .await;
    }

    /// Clicks, as a person does: the element must be there and in reach.
    pub(crate) async fn click(&self, selector: &str) {
        self.until(&format!("document.querySelector({})", json!(selector)))
            .await;
        let element = self
            .post(
                "/element",
                json!({ "using": "css selector", "value": selector }),
            )
            .await;
        let id = element[ELEMENT].as_str().unwrap();
        self.post(&format!("/element/{id}/click"), json!({})).await;
    }

    /// Gives a field its value, and tells the page by `event`: `input` where somebody types, `change` where they choose.
    pub(crate) async fn fill(&self, selector: &str, value: &str, event: &str) {
        self.until(&format!("document.querySelector({})", json!(selector)))
            .await;
        let filled = self
            .value(&format!(
                "(e => {{ e.value = {}; e.dispatchEvent(new Event({}, {{ bubbles: true }})); return true; }})(document.querySelector({}))",
                json!(value),
                json!(event),
                json!(selector)
            ))
            .await;
        assert_eq!(filled, json!(true));
    }

    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.post(
            "/goog/cdp/execute",
            json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": {
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
            }}),
        )
        .await;
    }

    /// What the browser complained of: errors of scripts, refused resources.
    pub(crate) async fn log(&self) -> Vec<String> {
        let lines = self.post("/se/log", json!({ "type": "browser" })).await;
        lines
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["level"] == "SEVERE")
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Writes what the browser shows to `target/screenshots/<name>.png`.
    pub(crate) async fn screenshot(&self, name: &str) {
        let shot = self
            .client
            .get(format!("{}/screenshot", self.base))
            .send()
            .await
            .unwrap();
        let shot: Value = shot.json().await.unwrap();
        let png = base64::engine::general_purpose::STANDARD
            .decode(shot["value"].as_str().unwrap())
            .unwrap();
        let folder = screenshots();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    pub(crate) async fn close(mut self) {
        self.client.delete(&self.base).send().await.unwrap();
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

impl Drop for Browser {
    /// A failed test leaves no driver behind. Ended already is as good.
    fn drop(&mut self) {
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

fn find(candidates: &[&'static str]) -> Option<&'static str> {
    candidates
        .iter()
        .find(|path| Path::new(path).exists())
        .copied()
}

fn screenshots() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), PathBuf::from)
        .join("screenshots")
}
