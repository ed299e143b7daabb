//! What each platform answers by its own contract, and the ways in which it refuses once.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::platform::{Asked, Memory};
use super::seal::sha1_hex;
use super::{WJX_ANSWERS, WJX_KEY, at, words};

/// What is answered.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Whether feedback is in it.
    pub(super) is_page: bool,
}

fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        body: body.into(),
        is_page: false,
    }
}

fn document(body: Value) -> Reply {
    reply(200, body.to_string())
}

fn page(body: Value) -> Reply {
    Reply {
        is_page: true,
        ..document(body)
    }
}

/// "Too many requests", with the time after which to come again.
fn crowded() -> Reply {
    Reply {
        headers: vec![("retry-after", "1".to_owned())],
        ..reply(429, "{}")
    }
}

impl Memory {
    /// WeChat customer service: a token that ends early, a busy system, too many requests, an empty page with more behind it.
    pub(super) fn kf(&mut self, asked: &Asked) -> Reply {
        let refused = |code: i64| document(json!({"errcode": code, "errmsg": "refused"}));
        if asked.uri.path() == "/cgi-bin/gettoken" {
            let token = self.new_token("kf");
            return document(json!({"errcode": 0, "access_token": token, "expires_in": 7_200}));
        }
        if !self.is_good("kf", asked.query("access_token")) {
            return refused(40_014);
        }
        let cursor = asked.body["cursor"].as_str().unwrap_or_default();
        if cursor == "c1" && self.refuses("kf: the token has ended") {
            self.new_token("kf");
            return refused(42_001);
        }
        if cursor == "c1" && self.refuses("kf: the system is busy") {
            return refused(-1);
        }
        if cursor == "c2" && self.refuses("kf: too many requests") {
            return crowded();
        }
        let message = |number: u64| {
            json!({
                "msgid": format!("m{number}"), "open_kfid": "wk1", "external_userid": format!("wm{number}"),
                "send_time": at(number).as_second(), "origin": 3, "msgtype": "text",
                "text": {"content": words("kf", number)},
            })
        };
        let agents = json!({
            "msgid": "a1", "open_kfid": "wk1", "external_userid": "wm1", "send_time": at(1).as_second(), "origin": 5,
            "msgtype": "text", "text": {"content": "您好，请问有什么可以帮您"},
        });
        let (list, next, more) = match cursor {
            "c1" => (vec![], "c2", 1),
            "c2" => (vec![message(3)], "c3", 0),
            "c3" if self.rewound => (vec![message(1), message(2), agents], "c1", 1),
            "c3" => ((4..=self.kf).map(message).collect(), "c3", 0),
            _ => (vec![message(1), message(2), agents], "c1", 1),
        };
        let body = json!({
            "errcode": 0, "errmsg": "ok", "next_cursor": next, "has_more": more, "msg_list": list,
        });
        match list.is_empty() {
            true => document(body),
            false => page(body),
        }
    }

    /// A customer system with codes of its own: a token that is refused, a throttle without HTTP's, an empty page.
    pub(super) fn crm(&mut self, asked: &Asked) -> Reply {
        if asked.uri.path() == "/crm/token" {
            assert_eq!(asked.query("key").as_deref(), Some("crm&secret"));
            let token = self.new_token("crm");
            return document(json!({"access_token": token, "expires_in": 3_600}));
        }
        let refused = |code: i64| document(json!({"code": code, "msg": "refused"}));
        if !self.is_good("crm", asked.query("access_token")) {
            return refused(40_014);
        }
        let cursor = asked.query("cursor").unwrap_or_default();
        if cursor == "n1" && self.refuses("crm: the token has ended") {
            self.new_token("crm");
            return refused(40_014);
        }
        if cursor == "n1" && self.refuses("crm: too many requests") {
            return Reply {
                headers: vec![("retry-after", "1".to_owned())],
                ..refused(429)
            };
        }
        let tickets = |numbers: &[u64], next: &str, more: u8| {
            let list: Vec<Value> = numbers
                .iter()
                .map(|number| {
                    json!({
                        "id": number, "title": "工单", "body": words("crm", *number), "created": at(*number).to_string(),
                    })
                })
                .collect();
            json!({"code": 0, "data": {"list": list}, "next": next, "more": more})
        };
        match cursor.as_str() {
            "n1" => document(tickets(&[], "n2", 1)),
            "n2" => page(tickets(&[3], "n3", 0)),
            "n3" if !self.rewound => document(tickets(&[], "n3", 0)),
            _ => page(tickets(&[1, 2], "n1", 1)),
        }
    }

    /// 问卷星: its clock is 500 s ahead and a signature is good for 30 s of it; it has a fit of being overloaded.
    pub(super) fn wjx(&mut self, asked: &Asked) -> Reply {
        let mut signed = String::new();
        for (name, value) in asked.body.as_object().unwrap() {
            match value {
                Value::String(value) if name != "sign" => signed.push_str(value),
                Value::String(_) | Value::Null => {}
                other => signed.push_str(&other.to_string()),
            }
        }
        assert_eq!(
            asked.body["sign"],
            json!(sha1_hex(&format!("{signed}{WJX_KEY}")))
        );
        let now = Timestamp::now().as_second() + 500;
        let sent: i64 = asked.body["ts"].as_str().unwrap().parse().unwrap();
        if (now - sent).abs() > 30 {
            self.refused.insert("wjx: the signature has ended");
            let words = format!("请求已过期，服务器时间：{now}");
            return document(json!({"result": false, "errormsg": words}));
        }
        if self.refuses("wjx: too many requests") {
            return crowded();
        }
        let number = |name: &str| asked.body[name].as_u64().unwrap();
        let mut above = number("min_index");
        if self.rewound && above >= WJX_ANSWERS && self.refuses("wjx: rewound") {
            above = 0;
        }
        let size = usize::try_from(number("page_size")).unwrap();
        let answers: serde_json::Map<String, Value> = (above + 1..=WJX_ANSWERS)
            .take(size)
            .map(|index| ((101_000 + index).to_string(), super::wjx_answer(index)))
            .collect();
        let is_page = !answers.is_empty();
        Reply {
            is_page,
            ..document(json!({
                "result": true,
                "data": {"vid": asked.body["vid"], "total_count": WJX_ANSWERS, "answers": answers},
            }))
        }
    }

    /// 腾讯问卷: a token that ends before its time, too many requests.
    pub(super) fn wjqq(&mut self, asked: &Asked) -> Reply {
        let refused = |kind: &str| {
            document(json!({"code": "Error", "error": {"type": kind, "message": "no"}}))
        };
        if asked.uri.path() == "/api/oauth2/access_token" {
            let token = self.new_token("wjqq");
            return document(
                json!({"code": "OK", "data": {"access_token": token, "expires_in": 7_200}}),
            );
        }
        if !self.is_good("wjqq", asked.query("access_token")) {
            return refused("invalid_access_token");
        }
        if self.refuses("wjqq: the token has ended") {
            self.new_token("wjqq");
            return refused("access_token_expired");
        }
        if self.refuses("wjqq: too many requests") {
            return Reply {
                headers: vec![("retry-after", "1".to_owned())],
                ..refused("request_rate_limited")
            };
        }
        let answer = |id: u64| {
            json!({
                "answer_id": id, "respondent_id": 60_000_000 + id, "started_at": super::local(id), "ended_at": super::local(id),
                "answer": [{"id": "1", "questions": [
                    {"id": "q-1", "type": "textarea", "text": words("wjqq", id)},
                    {"id": "q-2", "type": "nps", "text": "9"},
                ]}],
            })
        };
        let rest = asked
            .uri
            .path()
            .strip_prefix("/api/surveys/5356056/answers")
            .expect("the survey that is configured");
        if let Some(id) = rest.strip_prefix('/') {
            return page(json!({"code": "OK", "data": answer(id.parse().unwrap())}));
        }
        let number = |name: &str| asked.query(name).unwrap().parse::<u64>().unwrap();
        let mut last = number("last_answer_id");
        if self.rewound && last >= self.wjqq && self.refuses("wjqq: rewound") {
            last = 0;
        }
        let size = usize::try_from(number("per_page")).unwrap();
        let ids: Vec<u64> = (last + 1..=self.wjqq).take(size).collect();
        let list: Vec<Value> = ids.iter().map(|id| answer(*id)).collect();
        let last = ids.last().copied().unwrap_or(last);
        Reply {
            is_page: !list.is_empty(),
            ..document(json!({
                "code": "OK", "data": {"total": self.wjqq, "last_answer_id": last, "list": list},
            }))
        }
    }

    /// Weibo: lists from the newest back, and an interface that is away for a moment.
    pub(super) fn weibo(&mut self, asked: &Asked) -> Reply {
        assert_eq!(asked.header("authorization"), "OAuth2 weibo-token");
        if self.refuses("weibo: too many requests") {
            return crowded();
        }
        if self.refuses("weibo: the service is away") {
            return reply(503, "busy");
        }
        let since = match self.rewound {
            true => 0,
            false => asked
                .query("since_id")
                .map_or(0, |since| since.parse().unwrap()),
        };
        let item = |id: u64| {
            let created = at(id).strftime("%a %b %d %H:%M:%S +0000 %Y").to_string();
            json!({
                "id": id, "created_at": created, "text": words("weibo", id), "source": "",
                "user": {"id": 1_000 + id, "screen_name": "somebody", "followers_count": 12},
                "status": {"id": 1, "text": "新品上市"},
            })
        };
        let (name, ids) = match asked.uri.path() {
            "/2/statuses/mentions.json" => ("statuses", 21..=23),
            _ => ("comments", 31..=32),
        };
        let list: Vec<Value> = ids.rev().filter(|id| *id > since).map(item).collect();
        Reply {
            is_page: !list.is_empty(),
            ..document(json!({name: list, "total_number": list.len()}))
        }
    }

    /// The feed of the App Store, which gives its newest to whoever asks, and is away for a moment.
    pub(super) fn reviews(&mut self, asked: &Asked) -> Reply {
        assert!(asked.uri.path().contains("/id=42/"));
        if self.refuses("reviews: the service is away") {
            return reply(503, "busy");
        }
        if self.refuses("reviews: too many requests") {
            return crowded();
        }
        let entry = |id: u64| {
            json!({
                "author": {"uri": {"label": format!("https://itunes.apple.com/cn/reviews/id{id}")}, "name": {"label": "用户"}},
                "updated": {"label": at(id).to_string()}, "im:rating": {"label": "2"}, "im:version": {"label": "8.0.1"},
                "id": {"label": id.to_string()}, "title": {"label": "点单"},
                "content": {"label": words("reviews", id), "attributes": {"type": "text"}},
            })
        };
        page(json!({"feed": {"entry": [entry(52), entry(51)]}}))
    }

    /// A feed with an entity tag; whoever knows it is told that nothing changed.
    pub(super) fn feed(&mut self, asked: &Asked) -> Reply {
        if self.refuses("feed: too many requests") {
            return crowded();
        }
        if asked.header("if-none-match") == "\"v1\"" && !self.rewound {
            return reply(304, "");
        }
        let items: String = (61..=63)
            .map(|id| {
                let said = at(id).strftime("%a, %d %b %Y %H:%M:%S +0000");
                let words = words("feed", id);
                format!(
                    "<item><guid>t{id}</guid><title>{words}</title><pubDate>{said}</pubDate></item>"
                )
            })
            .collect();
        let body = format!(
            "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>论坛</title>{items}</channel></rss>"
        );
        Reply {
            headers: vec![("etag", "\"v1\"".to_owned())],
            is_page: true,
            ..reply(200, body)
        }
    }

    /// The contact centre: of four calls one was pushed, one has no words yet, and one has words that cannot be read.
    pub(super) fn tccc(&mut self, asked: &Asked) -> Reply {
        assert!(
            asked
                .header("authorization")
                .starts_with("TC3-HMAC-SHA256 Credential=AKID/")
        );
        if self.refuses("tccc: too many requests") {
            return crowded();
        }
        let call = |number: u64, recognised: bool| {
            json!({
                "SessionId": format!("s-{number}"), "Direction": 0, "Duration": 60, "Caller": "008613800138000",
                "StartTimestamp": at(number).as_second(), "EndedTimestamp": at(number).as_second() + 60,
                "AsrStatus": if recognised { "Complete" } else { "Processing" },
            })
        };
        let session = asked.body["SessionId"].as_str().unwrap_or_default();
        let response = match (asked.header("x-tc-action"), session) {
            ("DescribeTelCdr", _) => json!({
                "TotalCount": 4, "TelCdrs": [call(1, true), call(2, true), call(3, true), call(4, false)],
            }),
            ("DescribeTelRecordAsr", "s-3") => {
                json!({"Error": {"Code": "ResourceNotFound", "Message": "no asr"}})
            }
            (_, session) => {
                let number: u64 = session.trim_start_matches("s-").parse().unwrap();
                json!({"AsrDataList": [super::tccc_sentence(number)]})
            }
        };
        Reply {
            is_page: true,
            ..document(json!({"Response": response}))
        }
    }
}
