//! `{{names}}` in an address or a body are filled in with what they stand for, encoded for the place they stand in.

use std::borrow::Cow;

use wensheng_runtime::aliyun::percent;

/// What values must be encoded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A URL: everything but unreserved characters (RFC 3986) is percent-encoded.
    Url,
    /// Within the quotes of a JSON string, or a number.
    Json,
}

/// The names in a template, in order. An error says what is wrong.
pub(super) fn names(template: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, after) = after
            .split_once("}}")
            .ok_or("has `{{` without `}}` after it")?;
        names.push(name.trim());
        rest = after;
    }
    Ok(names)
}

/// The template with its names replaced. A name without a value is replaced by nothing.
pub(super) fn fill(template: &str, place: Place, value_of: impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            rest = after;
            break;
        };
        let value = value_of(name.trim());
        filled.push_str(&match place {
            Place::Url => Cow::Owned(percent(&value)),
            Place::Json => json_escaped(&value),
        });
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn json_escaped(text: &str) -> Cow<'_, str> {
    let quoted = serde_json::Value::from(text).to_string();
    Cow::Owned(quoted[1..quoted.len() - 1].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_for_where_they_stand() {
        let value_of = |name: &str| match name {
            "since" => "2026-01-31T08:30:00+08:00".to_owned(),
            "cursor" => "a\"b&c 词".to_owned(),
            _ => String::new(),
        };
        let url = "https://x.example.com/t?after={{since}}&c={{ cursor }}&n={{none}}";
        assert_eq!(
            fill(url, Place::Url, value_of),
            "https://x.example.com/t?after=2026-01-31T08%3A30%3A00%2B08%3A00&c=a%22b%26c%20%E8%AF%8D&n="
        );
        let body = r#"{"c": "{{cursor}}"}"#;
        assert_eq!(
            fill(body, Place::Json, value_of),
            "{\"c\": \"a\\\"b&c 词\"}"
        );
        assert_eq!(names(url).unwrap(), ["since", "cursor", "none"]);
        assert!(names("{{since").is_err());
        assert_eq!(fill("a{{b", Place::Url, value_of), "ab");
    }
}
