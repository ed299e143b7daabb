//! WeCom group robots: markdown of at most 4096 bytes; a text of at most 2048 where everybody is mentioned, since
//! markdown cannot mention all. No signature, no idempotency key.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Endpoint, HttpAnswer, HttpRequest, Verdict, post_json, robot_answer};
use crate::card::{Card, Tone};
use crate::escape::fit;

const MARKDOWN_BYTES: usize = 4096;
pub(super) const TEXT_BYTES: usize = 2048;

/// The platform counts by the minute.
const THROTTLED: Duration = Duration::from_secs(60);

pub(super) fn request(endpoint: &Endpoint, card: &Card, everybody: bool) -> HttpRequest {
    let body = if everybody {
        let tail = tail(card, |words, url| format!("{words}{}{url}", card.colon));
        let content = fit(&card.title, &middle(card, ""), &tail, TEXT_BYTES);
        json!({"msgtype": "text", "text": {"content": content, "mentioned_list": ["@all"]}})
    } else {
        let content = markdown(card, MARKDOWN_BYTES);
        json!({"msgtype": "markdown", "markdown": {"content": content}})
    };
    post_json(endpoint.url.clone(), &body)
}

/// The card in WeCom's markdown, in at most `limit` bytes.
pub(super) fn markdown(card: &Card, limit: usize) -> String {
    let colour = match card.tone {
        Tone::Crisis | Tone::Alert => "warning",
        Tone::Watch => "comment",
        Tone::AllClear => "info",
    };
    let head = format!("### <font color=\"{colour}\">{}</font>", card.title);
    let tail = tail(card, |words, url| format!("[{words}]({url})"));
    fit(&head, &middle(card, "> "), &tail, limit)
}

fn middle(card: &Card, quote: &str) -> String {
    let mut lines = card.fact_lines("");
    lines.extend(card.quotes.iter().map(|words| format!("{quote}{words}")));
    lines.join("\n")
}

fn tail(card: &Card, link: impl Fn(&str, &str) -> String) -> String {
    let mut lines = card.deadlines.clone();
    lines.extend(card.links().map(|(words, url)| link(words, url)));
    lines.join("\n")
}

pub(super) fn verdict(answer: &HttpAnswer, now: Timestamp) -> (Verdict, String) {
    let (code, said) = match robot_answer(answer, now, &["errcode"], &["errmsg"]) {
        Ok(answer) => answer,
        Err(judged) => return judged,
    };
    let verdict = match code {
        0 => Verdict::Ok,
        -1 => Verdict::Retry,
        45009 => Verdict::Throttle(Some(THROTTLED)),
        93000 => {
            Verdict::FatalConfig("the URL is wrong or the robot was removed: copy the URL anew")
        }
        93004 | 93008 => Verdict::FatalConfig(
            "the robot is disabled or not in the group: add it to the group again",
        ),
        // 45002, 40058, 44004 and what is not known.
        _ => Verdict::FatalItem,
    };
    (verdict, said)
}

#[cfg(test)]
mod tests {
    use reqwest::Url;
    use serde_json::Value;

    use super::super::tests::answer;
    use super::*;
    use crate::Language;
    use crate::testing::{notification, now};

    fn body(everybody: bool, change: impl Fn(&mut wensheng_schemas::Notification)) -> Value {
        let mut told = notification("n1");
        change(&mut told);
        let card = crate::testing::card(&told, Language::Zh, now());
        let endpoint = Endpoint {
            url: Url::parse("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k").unwrap(),
            secret: String::new(),
        };
        serde_json::from_slice(request(&endpoint, &card, everybody).body.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn a_card_is_markdown_with_the_link_at_its_end() {
        let body = body(false, |_| {});
        assert_eq!(body["msgtype"], "markdown");
        let content = body["markdown"]["content"].as_str().unwrap();
        assert!(
            content.starts_with(
                "### <font color=\"warning\">闻声预警【危机】云岭茶饮：新的危机</font>\n事件："
            ),
            "{content}"
        );
        assert!(
            content.contains("\n> 「喝完就拉肚子，＜＠all＞ 大家别买」"),
            "{content}"
        );
        assert!(
            content.ends_with("\n[查看并处理](https://voc.example.com/#/alerts/a1)"),
            "{content}"
        );
    }

    #[test]
    fn everybody_is_mentioned_by_a_text() {
        let body = body(true, |_| {});
        assert_eq!(body["msgtype"], "text");
        assert_eq!(body["text"]["mentioned_list"], json!(["@all"]));
    }

    #[test]
    fn a_long_card_is_cut_by_bytes_and_keeps_deadline_and_link() {
        let long = |told: &mut wensheng_schemas::Notification| {
            for index in 0..400 {
                let name = format!("规则{}", "长".repeat(40));
                told.alert.causes.insert(format!("{index}{name}"), 1);
            }
            told.alert.channels = vec![wensheng_schemas::Channel::Social; 600];
        };
        for (everybody, limit) in [(false, MARKDOWN_BYTES), (true, TEXT_BYTES)] {
            let body = body(everybody, long);
            let content = body["markdown"]["content"]
                .as_str()
                .or(body["text"]["content"].as_str())
                .unwrap();
            assert!(
                content.len() <= limit && content.len() > limit - 8,
                "{}",
                content.len()
            );
            assert!(content.contains("…\n请于 14:20 前认领"), "{content}");
            assert!(
                content.contains("https://voc.example.com/#/alerts/a1"),
                "{content}"
            );
        }
    }

    #[test]
    fn the_verdict_is_in_the_body() {
        for (status, body, verdict) in [
            (200, r#"{"errcode":0,"errmsg":"ok"}"#, "ok"),
            (200, r#"{"errcode":"0","errmsg":"ok"}"#, "ok"),
            (200, r#"{"errcode":-1,"errmsg":"system busy"}"#, "retry"),
            (
                200,
                r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#,
                "throttle",
            ),
            (
                200,
                r#"{"errcode":45002,"errmsg":"content size out of limit"}"#,
                "fatal_item",
            ),
            (
                200,
                r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#,
                "fatal_config",
            ),
            (
                200,
                r#"{"errcode":93008,"errmsg":"not in group"}"#,
                "fatal_config",
            ),
            (200, "<html>log in</html>", "retry"),
            (502, "bad gateway", "retry"),
            (429, "", "throttle"),
            (404, "not found", "fatal_config"),
        ] {
            let (judged, said) = super::verdict(&answer(status, body), now());
            assert_eq!(judged.name(), verdict, "{status} {body}: {said}");
        }
    }
}
