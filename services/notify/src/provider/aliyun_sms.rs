//! Short messages of Alibaba Cloud: an approved template whose variables are a few short facts. Nobody there knows a repeat.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use wensheng_runtime::aliyun;

use super::{Endpoint, HttpAnswer, HttpRequest, Message, Verdict, http_words};
use crate::card::Card;
use crate::escape::{cut_chars, plain};
use crate::{Language, SmsConfig, SmsFact, phrases};

/// What a variable may have.
const PARAM_CHARS: usize = 19;

/// "Per number and signature one a minute, five an hour".
const THROTTLED: Duration = Duration::from_secs(60);

/// The parameters, the signature among them, as a form.
pub(super) fn request(
    endpoint: &Endpoint,
    sms: &SmsConfig,
    to: &[String],
    language: Language,
    message: Message<'_>,
    card: &Card,
    now: Timestamp,
) -> HttpRequest {
    let params: Map<String, Value> = sms
        .params
        .iter()
        .map(|(name, fact)| (name.clone(), json!(say(*fact, language, message, card))))
        .collect();
    let timestamp = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut parameters = vec![
        ("AccessKeyId", sms.access_key_id.clone()),
        ("Action", "SendSms".to_owned()),
        ("Format", "JSON".to_owned()),
        ("OutId", message.id.to_owned()),
        ("PhoneNumbers", to.join(",")),
        ("RegionId", "cn-hangzhou".to_owned()),
        ("SignName", sms.sign_name.clone()),
        ("SignatureMethod", "HMAC-SHA1".to_owned()),
        // Must not come twice: the push and the instant together do not.
        (
            "SignatureNonce",
            format!("{}-{}", message.id, now.as_millisecond()),
        ),
        ("SignatureVersion", "1.0".to_owned()),
        ("TemplateCode", sms.template_code.clone()),
        ("TemplateParam", Value::Object(params).to_string()),
        ("Timestamp", timestamp),
        ("Version", "2017-05-25".to_owned()),
    ];
    let signature = aliyun::signature(&endpoint.secret, "POST", &parameters);
    parameters.push(("Signature", signature));
    HttpRequest {
        url: endpoint.url.clone(),
        headers: vec![(
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        )],
        body: Some(aliyun::query(&parameters).into_bytes()),
    }
}

fn say(fact: SmsFact, language: Language, message: Message<'_>, card: &Card) -> String {
    let alert = &message.notification.alert;
    let words = match fact {
        SmsFact::Severity => phrases::severity(language, alert.severity).to_owned(),
        SmsFact::Brand => plain(&alert.brand),
        SmsFact::Title => plain(&alert.title),
        SmsFact::Event => card.told.clone(),
        SmsFact::Due => card.due.clone().unwrap_or_else(|| "-".to_owned()),
    };
    cut_chars(&words, PARAM_CHARS)
}

pub(super) fn verdict(answer: &HttpAnswer) -> (Verdict, String) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let Some(code) = body["Code"].as_str() else {
        let verdict = match answer.status {
            429 => Verdict::Throttle(Some(THROTTLED)),
            200..=299 | 408 | 500..=599 => Verdict::Retry,
            _ => Verdict::FatalConfig("check the address, and any proxy on the way"),
        };
        return (verdict, http_words(answer));
    };
    let said = format!("{code} {}", body["Message"].as_str().unwrap_or_default());
    let verdict = match code {
        "OK" => Verdict::Ok,
        "isp.SYSTEM_ERROR" | "isp.UNKNOWN" | "isp.GATEWAY_ERROR" => Verdict::Retry,
        "isv.BUSINESS_LIMIT_CONTROL" | "isv.DAY_LIMIT_CONTROL" | "isv.MONTH_LIMIT_CONTROL" => {
            Verdict::Throttle(Some(THROTTLED))
        }
        code if code.starts_with("Throttling") => Verdict::Throttle(Some(THROTTLED)),
        "isv.OUT_OF_SERVICE"
        | "isv.AMOUNT_NOT_ENOUGH"
        | "isv.PRODUCT_UN_SUBSCRIPT"
        | "isp.RAM_PERMISSION_DENY"
        | "SignatureDoesNotMatch" => Verdict::FatalConfig(
            "compare the AccessKey, its rights, the account's balance, and this machine's clock",
        ),
        code if code.starts_with("isv.ACCOUNT_") || code.starts_with("InvalidAccessKeyId") => {
            Verdict::FatalConfig("compare the AccessKey, and look at the account")
        }
        "isv.SMS_SIGNATURE_ILLEGAL" | "isv.SMS_TEMPLATE_ILLEGAL" => {
            Verdict::FatalConfig("compare sign_name and template_code with the approved ones")
        }
        _ if answer.status >= 500 => Verdict::Retry,
        _ => Verdict::FatalItem,
    };
    (verdict, said)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use reqwest::Url;

    use super::super::tests::answer;
    use super::*;
    use crate::testing::{notification, now};

    #[test]
    fn a_message_says_the_facts_in_the_variables_of_its_template() {
        let sms = SmsConfig {
            access_key_id: "testId".to_owned(),
            sign_name: "闻声".to_owned(),
            template_code: "SMS_1".to_owned(),
            params: [
                ("brand", SmsFact::Brand),
                ("due", SmsFact::Due),
                ("event", SmsFact::Event),
            ]
            .map(|(name, fact)| (name.to_owned(), fact))
            .into(),
        };
        let endpoint = Endpoint {
            url: Url::parse("https://dysmsapi.aliyuncs.com").unwrap(),
            secret: "testSecret".to_owned(),
        };
        let told = notification("n1");
        let card = Card::new(&told, Language::Zh, false, now());
        let message = Message {
            id: "p1",
            notification: &told,
            others: &[],
            receiver: "r",
            links: &crate::testing::links(),
            again: false,
        };
        let to = ["13900000000".to_owned()];
        let request = request(&endpoint, &sms, &to, Language::Zh, message, &card, now());
        let form = String::from_utf8(request.body.unwrap()).unwrap();
        let read = Url::parse(&format!("https://x.example/?{form}")).unwrap();
        let pairs: BTreeMap<String, String> = read.query_pairs().into_owned().collect();
        assert_eq!(pairs["PhoneNumbers"], "13900000000");
        assert_eq!(
            pairs["TemplateParam"],
            r#"{"brand":"云岭茶饮","due":"14:20","event":"新的危机"}"#
        );
        assert!(!form.contains("testSecret"));
        assert_eq!(pairs["Signature"].len(), 28);
    }

    #[test]
    fn the_code_in_the_body_decides() {
        for (code, verdict) in [
            ("OK", "ok"),
            ("isp.SYSTEM_ERROR", "retry"),
            ("isv.BUSINESS_LIMIT_CONTROL", "throttle"),
            ("Throttling.User", "throttle"),
            ("isv.AMOUNT_NOT_ENOUGH", "fatal_config"),
            ("SignatureDoesNotMatch", "fatal_config"),
            ("isv.MOBILE_NUMBER_ILLEGAL", "fatal_item"),
        ] {
            let body = format!(r#"{{"Code":"{code}","Message":"m","RequestId":"r"}}"#);
            let (judged, said) = super::verdict(&answer(200, &body));
            assert_eq!(judged.name(), verdict, "{code}");
            assert_eq!(said, format!("{code} m"));
        }
        assert_eq!(super::verdict(&answer(502, "<html>")).0.name(), "retry");
    }
}
