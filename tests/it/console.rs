//! The console as a program uses it.

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

/// The console of one running service, and a token.
pub(crate) struct Console {
    base: String,
    pub(crate) token: String,
    client: Client,
}

impl Console {
    pub(crate) fn new(address: &str, token: &str) -> Self {
        Self {
            base: format!("http://{address}/api/v1"),
            token: token.to_owned(),
            client: Client::new(),
        }
    }

    /// What is at `path`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self
            .send(self.client.get(format!("{}{path}", self.base)))
            .await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Does something to an alert; a repeat with the same `key` acts once.
    pub(crate) async fn act(&self, alert: &str, action: &str, key: &str) -> (StatusCode, Value) {
        self.act_saying(alert, action, key, "已联系顾客").await
    }

    /// The same, with a note.
    pub(crate) async fn act_saying(
        &self,
        alert: &str,
        action: &str,
        key: &str,
        note: &str,
    ) -> (StatusCode, Value) {
        let request = self
            .client
            .post(format!("{}/alerts/{alert}/{action}", self.base));
        self.send(
            request
                .header("idempotency-key", key)
                .json(&serde_json::json!({ "note": note })),
        )
        .await
    }

    async fn send(&self, request: RequestBuilder) -> (StatusCode, Value) {
        let answer = request
            .bearer_auth(&self.token)
            .send()
            .await
            .expect("the console answers");
        let status = answer.status();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// All alerts.
    pub(crate) async fn alerts(&self) -> Vec<Value> {
        let alerts = self.get("/alerts?limit=500").await;
        alerts["alerts"]
            .as_array()
            .expect("a list of alerts")
            .clone()
    }
}
