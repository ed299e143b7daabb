//! What platforms and senders push, signed anew at every sending; what each takes for success is held against the answer.

use jiff::Timestamp;
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};

use super::{
    AES_KEY, APP, CORP, SECRET, TOKEN, WJQQ_ANSWERS, WJX_PUSH_KEY, at, seal, tccc_sentence,
    wjx_answer, words,
};
use crate::signature;

/// One push.
struct Push {
    source: &'static str,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// What the answer must hold.
    success: &'static str,
}

fn push(source: &'static str, body: impl ToString, success: &'static str) -> Push {
    Push {
        source,
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_string(),
        success,
    }
}

impl Push {
    fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn bearer(self) -> Self {
        self.header("authorization", format!("Bearer {TOKEN}"))
    }

    /// Signed by Standard Webhooks under `id`.
    fn signed(self, id: &str, now: Timestamp) -> Self {
        let seconds = now.as_second().to_string();
        let signature = signature::of(SECRET, id, &seconds, self.body.as_bytes());
        self.header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
    }

    /// With what WeChat appends to the address: over `sealed` too, where the message is.
    fn by_wechat(self, token: &str, sealed: Option<&str>, nonce: &str, now: Timestamp) -> Self {
        let seconds = now.as_second().to_string();
        let plain = seal::wechat(&[token, &seconds, nonce]);
        let signed = self
            .query("timestamp", &seconds)
            .query("nonce", nonce)
            .query("signature", plain);
        match sealed {
            None => signed,
            Some(sealed) => {
                let over_all = seal::wechat(&[token, &seconds, nonce, sealed]);
                signed
                    .query("encrypt_type", "aes")
                    .query("msg_signature", over_all)
            }
        }
    }
}

/// Sends all that is pushed, in the order in which it is listed.
pub(super) async fn send_all(address: &str, nonce: &str) {
    let client = Client::new();
    for push in all(nonce, Timestamp::now()) {
        let url = format!("http://{address}/ingest/{}", push.source);
        let url = Url::parse_with_params(&url, &push.query).expect("an address");
        let mut request = client.post(url).body(push.body.clone());
        for (name, value) in &push.headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let said = answer.text().await.expect("its body");
        let name = push.source;
        assert_eq!(status, StatusCode::OK, "{name}: {said}\n{}", push.body);
        match push.success {
            "" => assert_eq!(said, "", "{name}"),
            success => assert!(said.contains(success), "{name}: {said}"),
        }
    }
}

fn all(nonce: &str, now: Timestamp) -> Vec<Push> {
    [hotline(), wechat(nonce, now), surveys(now), desk()]
        .into_iter()
        .flatten()
        .collect()
}

/// Calls whole and in parts, and a chat with nothing but a rating.
fn hotline() -> Vec<Push> {
    let contact_centre = |action: &str, body: Value| {
        push("tccc", body, "\"ErrCode\":0")
            .query("action", action)
            .query("version", 1)
            // `tccc:0123456789abcdef`
            .header("authorization", "Basic dGNjYzowMTIzNDU2Nzg5YWJjZGVm")
    };
    let record = json!({
        "SdkAppId": 14, "SessionId": "s-1", "Direction": 0, "Duration": 60, "StartTimestamp": at(1).as_second(),
        "AcceptTimestamp": at(1).as_second() + 20, "EndedTimestamp": at(1).as_second() + 60,
        "EndStatusString": "ok", "Caller": "008613800138000",
        "PostIVRKeyPressed": [{"Key": "3", "Label": "不满意"}],
    });
    let recognised = json!({"SdkAppId": 14, "SessionId": "s-1", "AsrDataList": [tccc_sentence(1)]});
    let chat = json!({
        "SdkAppId": 14, "SessionId": "s-5", "StartTimestamp": at(5).as_second(), "EndedTimestamp": at(5).as_second() + 9,
        "EndStatusString": "ok", "UserId": "u5", "Satisfaction": {"id": "104", "content": "不满意"},
    });
    let part = |call: &str, role: &str, begin: u64, text: String| {
        let body = json!({
            "call_id": call, "started_at": at(1).to_string(),
            "turns": [{"role": role, "begin_ms": begin, "end_ms": begin + 900, "text": text}],
        });
        push("transcript", body, "\"code\":0").query("token", TOKEN)
    };
    let conversation = vcon("11");
    vec![
        contact_centre("cdr", record),
        contact_centre("asr", recognised),
        contact_centre("imcdr", chat),
        part("c-1", "customer", 0, words("transcript", 1)),
        part("c-1", "agent", 1_000, "请问订单号".to_owned()),
        part("c-1", "customer", 2_000, words("transcript", 2)),
        part("c-2", "customer", 0, words("transcript", 3)),
        push("vcon", conversation, "\"code\":0").bearer(),
    ]
}

/// A conversation whose number ends so.
pub(super) fn vcon(number: &str) -> Value {
    json!({
        "vcon": "0.0.2", "uuid": format!("018bcfe5-6800-8000-8000-0000000000{number}"), "created_at": at(1).to_string(),
        "parties": [
            {"name": "客户", "tel": "+8613900000000", "role": "customer"}, {"name": "张三", "role": "agent"},
        ],
        "dialog": [{
            "type": "text", "start": at(1).to_string(), "duration": 0, "parties": [0, 1], "originator": 0,
            "mediatype": "text/plain", "encoding": "none", "body": words("vcon", number.parse().unwrap()),
        }],
        "analysis": [], "attachments": [],
    })
}

/// Messages to an Official Account in the clear and sealed, as XML and as JSON, and the callback of customer service.
fn wechat(nonce: &str, now: Timestamp) -> Vec<Push> {
    let message = |source: &str, number: u64| {
        format!(
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o{number}]]></FromUserName>\
             <CreateTime>{}</CreateTime><MsgType><![CDATA[text]]></MsgType>\
             <Content><![CDATA[{}]]></Content><MsgId>234567890123456{number:02}</MsgId></xml>",
            at(number).as_second(),
            words(source, number)
        )
    };
    let plain = |number| {
        push("oa-plain", message("oa-plain", number), "success").by_wechat(TOKEN, None, nonce, now)
    };
    let event = "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1700000000</CreateTime>\
                 <MsgType>event</MsgType><Event>subscribe</Event></xml>";
    let sealed = seal::wechat_message(AES_KEY, APP, &message("oa-aes", 13));
    let envelope = format!("<xml><ToUserName>gh_1</ToUserName><Encrypt>{sealed}</Encrypt></xml>");
    let as_json = json!({
        "ToUserName": "gh_1", "FromUserName": "o14", "CreateTime": at(14).as_second(), "MsgType": "text",
        "Content": words("oa-aes", 14), "MsgId": 23_456_789_012_345_614_u64,
    });
    let sealed_json = seal::wechat_message(AES_KEY, APP, &as_json.to_string());
    let json_envelope = json!({"ToUserName": "gh_1", "Encrypt": sealed_json});
    let called = seal::wechat_message(
        AES_KEY,
        CORP,
        "<xml><MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>ENC1</Token>\
         <OpenKfId>wk1</OpenKfId></xml>",
    );
    let callback = format!("<xml><ToUserName>{CORP}</ToUserName><Encrypt>{called}</Encrypt></xml>");
    vec![
        plain(11),
        plain(12),
        push("oa-plain", event, "success").by_wechat(TOKEN, None, nonce, now),
        push("oa-aes", envelope, "success").by_wechat(TOKEN, Some(&sealed), nonce, now),
        push("oa-aes", json_envelope, "success").by_wechat(TOKEN, Some(&sealed_json), nonce, now),
        push("kf", callback, "").by_wechat(TOKEN, Some(&called), nonce, now),
    ]
}

/// Answers, and a push that only tells that there is one.
fn surveys(now: Timestamp) -> Vec<Push> {
    let mut wjx = wjx_answer(1);
    wjx["activity"] = json!("99709");
    wjx["sign"] = json!(seal::sha1_hex(&format!("997091{WJX_PUSH_KEY}")));
    let wjqq = json!({
        "id": "h", "object": "Answer", "action": "answer.create", "created_at": super::local(1),
        "payload": {"survey_id": 5_356_056, "answer_id": WJQQ_ANSWERS},
    });
    let rated = |id: &str, number: u64| {
        let body = json!({
            "type": "feedback.created", "timestamp": now.to_string(),
            "data": {
                "id": id, "source": "app", "text": words("standard", number), "rating": 2, "rating_scale": 5,
                "occurred_at": at(number).to_string(), "attributes": {"likely": 3},
            },
        });
        push("standard", body, "\"ok\":true").signed(&format!("msg-{id}"), now)
    };
    let response = |id: &str, number: u64, finished: bool| {
        let body = json!({
            "webhookId": "w", "event": "responseFinished",
            "data": {
                "id": id, "surveyId": "s", "finished": finished, "createdAt": at(number).to_string(),
                "updatedAt": at(number).to_string(), "data": {"why": words("formbricks", number), "nps": 3},
            },
        });
        push("formbricks", body, "\"ok\":true").signed(&format!("msg-{id}"), now)
    };
    let form = |token: &str, number: u64| {
        let body = json!({
            "event_id": token, "event_type": "form_response",
            "form_response": {
                "form_id": "f", "token": token, "submitted_at": at(number).to_string(),
                "definition": {"id": "f", "title": "满意度", "fields": [
                    {"id": "f1", "title": "怎么了?", "type": "long_text", "ref": "r1"},
                ]},
                "answers": [{"type": "text", "text": words("typeform", number), "field": {"id": "f1", "type": "long_text", "ref": "r1"}}],
            },
        });
        let signature = seal::typeform(SECRET, &body.to_string());
        push("typeform", body, "\"ok\":true").header("typeform-signature", signature)
    };
    vec![
        push("wjx", wjx, "success").query("token", TOKEN),
        push("wjqq", wjqq, "success").query("token", TOKEN),
        rated("r1", 1),
        rated("r2", 2),
        response("q1", 1, true),
        response("q2", 2, true),
        response("q3", 3, false),
        form("t1", 1),
        form("t2", 2),
    ]
}

/// A batch with one wrong item.
fn desk() -> Vec<Push> {
    let mut items: Vec<Value> = (1..=5)
        .map(|number| json!({ "id": format!("w{number}"), "text": words("webhook", number), "occurred_at": at(number).to_string() }))
        .collect();
    items.insert(2, json!({ "id": "wrong", "text": "评分太高", "nps": 11 }));
    vec![
        push("webhook", Value::from(items), "\"accepted\":5")
            .bearer()
            .header("content-type", "application/json"),
    ]
}
