//! What is refused is kept without who wrote it: fields that tell a person are masked wherever they stand, and so is what they
//! held wherever else it stands.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

/// Names of fields that tell a person, in lower case and of letters and digits alone; all below such a field is theirs.
const PEOPLE: [&str; 48] = [
    "author",
    "authorid",
    "authors",
    "buyer",
    "buyerid",
    "buyernick",
    "callee",
    "caller",
    "clientdata",
    "contact",
    "creator",
    "customer",
    "customerid",
    "customername",
    "email",
    "endpointuser",
    "externaluserid",
    "fromusername",
    "ip",
    "ipaddress",
    "mail",
    "mailto",
    "member",
    "memberid",
    "mobile",
    "nick",
    "nickname",
    "openid",
    "parties",
    "phone",
    "protectedcallee",
    "protectedcaller",
    "respondent",
    "respondentid",
    "respondentname",
    "respondentopenid",
    "screenname",
    "seatuser",
    "serveparticipants",
    "serviceruserid",
    "tel",
    "thirdusername",
    "uid",
    "unionid",
    "user",
    "userid",
    "username",
    "usernickname",
];

/// What stands for what was masked.
const MASK: &str = "***";

/// Shorter values are masked in their own fields alone: elsewhere they may be anything.
const SHORTEST_ID: usize = 6;

/// Numbers of fewer digits tell nobody: indexes, counts.
const SHORTEST_NUMBER: usize = 4;

/// JSON without what tells a person; anything else as it is. `authors` are masked in either.
pub(crate) fn masked<'a>(refused: &'a [u8], authors: &[&str]) -> Cow<'a, [u8]> {
    let mut ids: BTreeSet<String> = authors
        .iter()
        .filter(|author| !author.is_empty())
        .map(|author| (*author).to_owned())
        .collect();
    let Ok(mut value) = serde_json::from_slice::<Value>(refused) else {
        return match std::str::from_utf8(refused) {
            Ok(text) if ids.iter().any(|id| text.contains(id)) => {
                Cow::Owned(without(text, &ids).into_bytes())
            }
            _ => Cow::Borrowed(refused),
        };
    };
    let mut found = !ids.is_empty();
    hide(&mut value, false, &mut ids, &mut found);
    if !found {
        return Cow::Borrowed(refused);
    }
    hide_elsewhere(&mut value, &ids);
    Cow::Owned(value.to_string().into_bytes())
}

/// Masks fields that tell a person, and collects what they held. `theirs`: it stands below such a field.
fn hide(value: &mut Value, theirs: bool, ids: &mut BTreeSet<String>, found: &mut bool) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                hide(value, theirs || tells_a_person(name), ids, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                hide(item, theirs, ids, found);
            }
        }
        scalar if theirs => {
            let written = match &*scalar {
                Value::String(text) if !text.trim().is_empty() => text.clone(),
                Value::Number(number) if number.to_string().len() >= SHORTEST_NUMBER => {
                    number.to_string()
                }
                _ => return,
            };
            *found = true;
            if written.chars().count() >= SHORTEST_ID {
                ids.insert(written);
            }
            *scalar = Value::String(MASK.to_owned());
        }
        _ => {}
    }
}

fn hide_elsewhere(value: &mut Value, ids: &BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for value in fields.values_mut() {
                hide_elsewhere(value, ids);
            }
        }
        Value::Array(items) => {
            for item in items {
                hide_elsewhere(item, ids);
            }
        }
        Value::String(text) => {
            if ids.iter().any(|id| text.contains(id)) {
                *text = without(text, ids);
            }
        }
        Value::Number(number) if ids.contains(&number.to_string()) => {
            *value = Value::String(MASK.to_owned());
        }
        _ => {}
    }
}

fn without(text: &str, ids: &BTreeSet<String>) -> String {
    // From behind, so that what begins with another id is masked whole.
    let ids = ids.iter().rev();
    ids.fold(text.to_owned(), |text, id| text.replace(id, MASK))
}

fn tells_a_person(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    PEOPLE.binary_search(&plain.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_names_are_in_order_so_that_they_are_found() {
        assert!(PEOPLE.is_sorted());
        assert!(tells_a_person("external_userid") && tells_a_person("FromUserName"));
        assert!(!tells_a_person("name") && !tells_a_person("title"));
    }

    #[test]
    fn a_person_is_masked_in_their_fields_and_elsewhere_and_the_rest_stays() {
        let refused = json!({
            "id": 11488058246_u64, "text": "等太久", "url": "https://weibo.com/1404376560/x", "reply_to_uid": 1404376560,
            "user": {"id": 1404376560, "screen_name": "zaku", "followers_count": 12}, "parties": [0, 1],
        })
        .to_string();
        let kept = masked(refused.as_bytes(), &[]);
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        assert_eq!(
            kept,
            json!({
                "id": 11488058246_u64, "text": "等太久", "url": "https://weibo.com/***/x", "reply_to_uid": "***",
                "user": {"id": "***", "screen_name": "***", "followers_count": 12}, "parties": [0, 1],
            })
        );
    }

    #[test]
    fn what_tells_nobody_stays_byte_for_byte() {
        for refused in [
            "{ \"b\": 1.50, \"a\": 2 }",
            "id,text\n1,慢",
            "{\"user\": \"\"}",
            "<xml/>",
        ] {
            assert!(
                matches!(masked(refused.as_bytes(), &[]), Cow::Borrowed(_)),
                "{refused}"
            );
        }
        assert_eq!(&*masked(b"7,u-1,x", &["u-1"]), b"7,***,x");
        assert_eq!(&*masked(b"\xff", &["u"]), b"\xff");
    }
}
