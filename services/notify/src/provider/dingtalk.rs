//! DingTalk custom robots: an action card with one button, signed in the URL; `msgUuid` lets the platform know a repeat.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Endpoint, HttpAnswer, HttpRequest, Verdict, post_json, robot_answer};
use crate::card::Card;
use crate::escape::fit;
use crate::sign;

/// About 20 KB are allowed in all; JSON doubles some characters.
const TEXT_BYTES: usize = 8 * 1024;

/// A robot that was too fast is blocked for ten minutes.
const THROTTLED: Duration = Duration::from_secs(600);

pub(super) fn request(
    endpoint: &Endpoint,
    id: &str,
    card: &Card,
    everybody: bool,
    now: Timestamp,
) -> HttpRequest {
    let head = format!("### {}", card.title);
    let mut middle = card.fact_lines("**");
    middle.extend(card.quotes.iter().map(|words| format!("> {words}")));
    let mut tail: Vec<String> = card
        .deadlines
        .iter()
        .map(|line| format!("**{line}**"))
        .collect();
    // Its markdown joins lines unless an empty one or two spaces stand between them.
    let paragraphs = |lines: &[String]| lines.join("\n\n");
    let links: Vec<(&str, &str)> = card.links().collect();
    let body = match links.as_slice() {
        [(words, url)] if !everybody => {
            let text = fit(&head, &paragraphs(&middle), &paragraphs(&tail), TEXT_BYTES);
            json!({
                "msgtype": "actionCard",
                "msgUuid": id,
                "actionCard": {"title": card.title, "text": text, "singleTitle": words, "singleURL": url},
            })
        }
        [_, ..] if !everybody => {
            let text = fit(&head, &paragraphs(&middle), &paragraphs(&tail), TEXT_BYTES);
            let buttons: Vec<_> = links
                .iter()
                .map(|(words, url)| json!({"title": words, "actionURL": url}))
                .collect();
            json!({
                "msgtype": "actionCard",
                "msgUuid": id,
                "actionCard": {"title": card.title, "text": text, "btnOrientation": "1", "btns": buttons},
            })
        }
        // Action cards cannot mention.
        links => {
            tail.extend(links.iter().map(|(words, url)| format!("[{words}]({url})")));
            if everybody {
                tail.push("@所有人".to_owned());
            }
            let text = fit(&head, &paragraphs(&middle), &paragraphs(&tail), TEXT_BYTES);
            json!({
                "msgtype": "markdown",
                "msgUuid": id,
                "markdown": {"title": card.title, "text": text},
                "at": {"isAtAll": everybody},
            })
        }
    };
    let mut url = endpoint.url.clone();
    if !endpoint.secret.is_empty() {
        let timestamp = now.as_millisecond();
        url.query_pairs_mut()
            .append_pair("timestamp", &timestamp.to_string())
            .append_pair("sign", &sign::dingtalk(timestamp, &endpoint.secret));
    }
    post_json(url, &body)
}

pub(super) fn verdict(answer: &HttpAnswer, now: Timestamp) -> (Verdict, String) {
    let (code, said) = match robot_answer(answer, now, &["errcode"], &["errmsg"]) {
        Ok(answer) => answer,
        Err(judged) => return judged,
    };
    let verdict = match code {
        0 => Verdict::Ok,
        -1 => Verdict::Retry,
        130_101 | 410_100 => Verdict::Throttle(Some(THROTTLED)),
        310_000 => Verdict::FatalConfig(
            "the robot's security settings refuse it: compare keyword, sign secret, allowed addresses, and this machine's clock",
        ),
        400_013 | 400_101 | 400_102 | 400_105 | 400_106 => Verdict::FatalConfig(
            "the group is gone, the token is wrong or the robot is disabled: copy the URL anew",
        ),
        // 40035, 43004, 430101 to 430104 and what is not known.
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
    use crate::testing::notification;

    /// The instant and the secret of the vector that CatchZeng/dingtalk publishes.
    fn sent(linked: bool, everybody: bool, secret: &str) -> (Url, Value) {
        let now = Timestamp::from_millisecond(1_582_163_555_000).unwrap();
        let card = match linked {
            true => crate::testing::card(&notification("n1"), Language::Zh, now),
            false => Card::new(&notification("n1"), Language::Zh, false, now),
        };
        let endpoint = Endpoint {
            url: Url::parse("https://oapi.dingtalk.com/robot/send?access_token=t").unwrap(),
            secret: secret.to_owned(),
        };
        let request = request(&endpoint, "p1", &card, everybody, now);
        let body = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
        (request.url, body)
    }

    #[test]
    fn the_url_is_signed_and_encoded_once() {
        let (url, _) = sent(
            false,
            false,
            "SECb90923e19e58b466481e9e7b7a5b4f108a4531abde590ad3967fb29f0eae5c68",
        );
        assert_eq!(
            url.query().unwrap(),
            "access_token=t&timestamp=1582163555000&sign=BQKsG%2BQOCl%2BbYJOLc6pxDHxjVquzlZPWgvRzeN2J5zY%3D"
        );
        let (url, _) = sent(false, false, "");
        assert_eq!(url.query().unwrap(), "access_token=t");
    }

    #[test]
    fn a_card_has_one_button_and_the_id_of_its_push() {
        let (_, body) = sent(true, false, "");
        assert_eq!(body["msgtype"], "actionCard");
        assert_eq!(body["msgUuid"], "p1");
        let card = &body["actionCard"];
        assert_eq!(card["singleURL"], "https://voc.example.com/#/alerts/a1");
        assert!(
            card["text"]
                .as_str()
                .unwrap()
                .contains("**信号数**：12\n\n"),
            "{card}"
        );
    }

    #[test]
    fn everybody_is_mentioned_in_words_and_by_the_flag() {
        let (_, body) = sent(true, true, "");
        assert_eq!(body["msgtype"], "markdown");
        assert_eq!(body["at"]["isAtAll"], true);
        let text = body["markdown"]["text"].as_str().unwrap();
        assert!(
            text.ends_with("(https://voc.example.com/#/alerts/a1)\n\n@所有人"),
            "{text}"
        );
        let (_, body) = sent(false, false, "");
        assert_eq!(body["at"]["isAtAll"], false);
    }

    #[test]
    fn the_verdict_is_in_the_body() {
        for (body, verdict) in [
            (r#"{"errcode":0,"errmsg":"ok"}"#, "ok"),
            (r#"{"errcode":-1,"errmsg":"busy"}"#, "retry"),
            (r#"{"errcode":130101,"errmsg":"send too fast"}"#, "throttle"),
            (r#"{"errcode":410100,"errmsg":"send too fast"}"#, "throttle"),
            (
                r#"{"errcode":310000,"errmsg":"sign not match"}"#,
                "fatal_config",
            ),
            (
                r#"{"errcode":400101,"errmsg":"access_token invalid"}"#,
                "fatal_config",
            ),
            (r#"{"errcode":43004,"errmsg":"content type"}"#, "fatal_item"),
            (r#"{"errcode":430103,"errmsg":"content"}"#, "fatal_item"),
        ] {
            let (judged, said) = super::verdict(&answer(200, body), Timestamp::UNIX_EPOCH);
            assert_eq!(judged.name(), verdict, "{body}: {said}");
        }
    }
}
