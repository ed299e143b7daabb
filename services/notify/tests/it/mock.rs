//! Receivers as the platforms are: signatures are checked, and what they say is scripted per path.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::sync::{Semaphore, mpsc};

pub(crate) const PAGERDUTY_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const WECOM_APP_SECRET: &str = "secret-of-the-application";
pub(crate) const SMS_SECRET: &str = "secret-of-the-access-key";
pub(crate) const DINGTALK_SECRET: &str = "SECtest";
pub(crate) const FEISHU_SECRET: &str = "feishu-secret";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a receiver does with a request. Without a script it checks the signature and says yes.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    Say(u16, &'static [(&'static str, &'static str)], &'static str),
    /// Takes the request and never answers.
    Hang,
    /// Answers in its usual way once the gate opens.
    Gate,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) bytes: Vec<u8>,
}

impl Came {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }
}

#[derive(Clone)]
struct Shared {
    scripts: Arc<Mutex<BTreeMap<String, VecDeque<Script>>>>,
    came: mpsc::UnboundedSender<Came>,
    gate: Arc<Semaphore>,
}

/// A server that stands for all platforms.
pub(crate) struct Mock {
    pub(crate) address: SocketAddr,
    shared: Shared,
    came: mpsc::UnboundedReceiver<Came>,
}

impl Mock {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, came) = mpsc::unbounded_channel();
        let shared = Shared {
            scripts: Arc::default(),
            came: sender,
            gate: Arc::new(Semaphore::new(0)),
        };
        let router = Router::new().fallback(receive).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            shared,
            came,
        }
    }

    /// What comes next at a path such as `/dingtalk`.
    pub(crate) fn script(&self, path: &str, script: impl IntoIterator<Item = Script>) {
        let mut scripts = self.shared.scripts.lock().unwrap();
        scripts.entry(path.to_owned()).or_default().extend(script);
    }

    pub(crate) fn open_gate(&self) {
        self.shared.gate.add_permits(1);
    }

    /// The next request.
    pub(crate) async fn came(&mut self) -> Came {
        let came = tokio::time::timeout(Duration::from_secs(60), self.came.recv());
        came.await.expect("a request").unwrap()
    }

    /// Requests that came and were not looked at.
    pub(crate) fn left(&mut self) -> usize {
        let mut left = 0;
        while self.came.try_recv().is_ok() {
            left += 1;
        }
        left
    }
}

async fn receive(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let came = Came {
        path: parts.uri.path().to_owned(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        bytes: bytes.to_vec(),
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let script = {
        let mut scripts = shared.scripts.lock().unwrap();
        scripts.get_mut(&came.path).and_then(VecDeque::pop_front)
    };
    let usual = usual(&came, &query);
    // The test may be over.
    drop(shared.came.send(came));
    match script {
        None => usual,
        Some(Script::Say(status, headers, body)) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
        Some(Script::Hang) => std::future::pending().await,
        Some(Script::Gate) => {
            shared.gate.acquire().await.unwrap().forget();
            usual
        }
    }
}

fn usual(came: &Came, query: &str) -> Response {
    match came.path.as_str() {
        "/wecom" => wecom(came),
        "/dingtalk" => dingtalk(came, query),
        "/feishu" => feishu(came),
        "/webhook" => webhook(came),
        "/slack" => slack(came),
        "/pagerduty" => pagerduty(came),
        "/alertmanager/api/v2/alerts" => alertmanager(came),
        "/cgi-bin/gettoken" => wecom_token(query),
        "/cgi-bin/message/send" => wecom_send(came, query),
        "/sms" => sms(came),
        other => panic!("no receiver at {other}"),
    }
}

fn wecom(came: &Came) -> Response {
    let body = came.json();
    let content = body["markdown"]["content"].as_str().unwrap_or_default();
    match content.len() {
        0 => r#"{"errcode":44004,"errmsg":"empty content"}"#.into_response(),
        1..=4096 => r#"{"errcode":0,"errmsg":"ok"}"#.into_response(),
        _ => r#"{"errcode":45002,"errmsg":"content size out of limit"}"#.into_response(),
    }
}

fn dingtalk(came: &Came, query: &str) -> Response {
    let url = reqwest::Url::parse(&format!("http://mock/?{query}")).unwrap();
    let pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let text = format!("{}\n{DINGTALK_SECRET}", pairs["timestamp"]);
    if pairs["sign"] != mac(DINGTALK_SECRET.as_bytes(), text.as_bytes()) {
        return r#"{"errcode":310000,"errmsg":"sign not match, more: [https://ding-doc.example]"}"#
            .into_response();
    }
    assert!(came.json()["msgUuid"].is_string());
    r#"{"errcode":0,"errmsg":"ok"}"#.into_response()
}

fn feishu(came: &Came) -> Response {
    let body = came.json();
    let key = format!("{}\n{FEISHU_SECRET}", body["timestamp"].as_str().unwrap());
    if body["sign"] != mac(key.as_bytes(), b"") {
        return r#"{"code":19021,"msg":"sign match fail or timestamp is not within one hour"}"#
            .into_response();
    }
    r#"{"code":0,"msg":"success","data":{}}"#.into_response()
}

fn slack(came: &Came) -> Response {
    match came.json()["blocks"][0]["type"].as_str() {
        Some("header") => "ok".into_response(),
        _ => (StatusCode::BAD_REQUEST, "invalid_payload").into_response(),
    }
}

fn pagerduty(came: &Came) -> Response {
    let event = came.json();
    let known = event["routing_key"] == PAGERDUTY_KEY
        && event["payload"]["summary"]
            .as_str()
            .unwrap()
            .chars()
            .count()
            <= 1_024;
    if known {
        (
            StatusCode::ACCEPTED,
            r#"{"status":"success","message":"Event processed"}"#,
        )
            .into_response()
    } else {
        (StatusCode::BAD_REQUEST, r#"{"status":"invalid event"}"#).into_response()
    }
}

fn alertmanager(came: &Came) -> Response {
    let alerts = came.json();
    assert!(alerts[0]["labels"]["alertname"].is_string());
    assert!(alerts[0]["endsAt"].as_str() > alerts[0]["startsAt"].as_str());
    StatusCode::OK.into_response()
}

fn pairs(query: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://mock/?{query}")).unwrap();
    url.query_pairs().into_owned().collect()
}

fn wecom_token(query: &str) -> Response {
    let asked = pairs(query);
    if asked["corpid"] == "ww1" && asked["corpsecret"] == WECOM_APP_SECRET {
        r#"{"errcode":0,"errmsg":"ok","access_token":"token-of-the-application","expires_in":7200}"#
            .into_response()
    } else {
        r#"{"errcode":40001,"errmsg":"invalid credential"}"#.into_response()
    }
}

fn wecom_send(came: &Came, query: &str) -> Response {
    if pairs(query)["access_token"] != "token-of-the-application" {
        return r#"{"errcode":40014,"errmsg":"invalid access_token"}"#.into_response();
    }
    let body = came.json();
    assert_eq!(body["agentid"], 1_000_002);
    assert!(body["markdown"]["content"].as_str().unwrap().len() <= 2_048);
    r#"{"errcode":0,"errmsg":"ok"}"#.into_response()
}

fn sms(came: &Came) -> Response {
    let mut form = pairs(std::str::from_utf8(&came.bytes).unwrap());
    let signature = form.remove("Signature").unwrap();
    let percent = |text: &str| {
        let mut url = reqwest::Url::parse("http://mock/").unwrap();
        url.query_pairs_mut().append_pair("k", text);
        let form = url.query().unwrap()[2..].to_owned();
        form.replace('+', "%20")
            .replace('*', "%2A")
            .replace("%7E", "~")
    };
    let canonical: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{}={}", percent(name), percent(value)))
        .collect();
    let text = format!("POST&%2F&{}", percent(&canonical.join("&")));
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(format!("{SMS_SECRET}&").as_bytes()).unwrap();
    mac.update(text.as_bytes());
    if signature == BASE64.encode(mac.finalize().into_bytes()) {
        r#"{"Code":"OK","Message":"OK","BizId":"1","RequestId":"r"}"#.into_response()
    } else {
        (
            StatusCode::BAD_REQUEST,
            r#"{"Code":"SignatureDoesNotMatch","Message":"no"}"#,
        )
            .into_response()
    }
}

fn webhook(came: &Came) -> Response {
    let header = |name: &str| came.headers[name].as_str();
    let key = BASE64
        .decode(WEBHOOK_SECRET.trim_start_matches("whsec_"))
        .unwrap();
    let mut signed =
        format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&came.bytes);
    let status = if header("webhook-signature") == format!("v1,{}", mac(&key, &signed)) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::UNAUTHORIZED
    };
    status.into_response()
}

/// Base64 of HMAC-SHA256, by another way than the code under test.
fn mac(key: &[u8], text: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    BASE64.encode(mac.finalize().into_bytes())
}
