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

/// Names of fields below such a field that say what kind of person it is, and stay.
const KINDS: [&str; 2] = ["role", "type"];

/// Names of fields below such a field whose values are looked for elsewhere, too; those of others, such as times, may stand
/// elsewhere for something else.
const IDS: [&str; 6] = ["id", "idstr", "key", "label", "name", "uri"];

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
    hide(&mut value, Whose::Nobodys, &mut ids, &mut found);
    if !found {
        return Cow::Borrowed(refused);
    }
    hide_elsewhere(&mut value, &ids);
    Cow::Owned(value.to_string().into_bytes())
}

/// Whose a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Nobodys,
    /// It stands below a field that tells a person …
    Theirs,
    /// … and is what they go by.
    TheirId,
}

impl Whose {
    /// Whose a field of that name is.
    fn field(self, name: &str) -> Self {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let is_in = |names: &[&str]| names.binary_search(&plain.as_str()).is_ok();
        match self {
            _ if is_in(&PEOPLE) => Whose::TheirId,
            Whose::Nobodys => Whose::Nobodys,
            _ if is_in(&KINDS) => Whose::Nobodys,
            _ if is_in(&IDS) => Whose::TheirId,
            _ => Whose::Theirs,
        }
    }
}

/// Masks fields that tell a person, and collects what they go by.
fn hide(value: &mut Value, whose: Whose, ids: &mut BTreeSet<String>, found: &mut bool) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                hide(value, whose.field(name), ids, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                hide(item, whose, ids, found);
            }
        }
        scalar if whose != Whose::Nobodys => {
            let written = match &*scalar {
                Value::String(text) if !text.trim().is_empty() => text.clone(),
                Value::Number(number) if number.to_string().len() >= SHORTEST_NUMBER => {
                    number.to_string()
                }
                _ => return,
            };
            *found = true;
            if whose == Whose::TheirId && written.chars().count() >= SHORTEST_ID {
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
        Value::String(text) if ids.iter().any(|id| text.contains(id)) => {
            *text = without(text, ids);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_names_are_in_order_so_that_they_are_found() {
        assert!(PEOPLE.is_sorted() && KINDS.is_sorted() && IDS.is_sorted());
        for (name, whose) in [
            ("external_userid", Whose::TheirId),
            ("FromUserName", Whose::TheirId),
            ("name", Whose::Nobodys),
            ("title", Whose::Nobodys),
        ] {
            assert_eq!(Whose::Nobodys.field(name), whose, "{name}");
        }
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
    fn times_and_roles_of_a_person_are_not_masked_elsewhere() {
        let refused = json!({
            "StartTimestamp": 1608130636, "from": "customer", "note": "+8613900000000 called",
            "ServeParticipants": [{"Phone": "+8613900000000", "StartTimestamp": 1608130636, "Type": "customer"}],
        })
        .to_string();
        let kept = masked(refused.as_bytes(), &[]);
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        assert_eq!(
            kept,
            json!({
                "StartTimestamp": 1608130636, "from": "customer", "note": "*** called",
                "ServeParticipants": [{"Phone": "***", "StartTimestamp": "***", "Type": "customer"}],
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
