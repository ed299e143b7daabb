//! A post or comment becomes a draft: ids without losing a digit, words without markup, and what it answers or passes on.

use serde_json::Value;

use crate::draft::{Draft, DraftRules};
use crate::field::Field;
use crate::html;
use crate::scalar::scalar;

/// What a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Status,
    Comment,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Kind::Status => "status",
            Kind::Comment => "comment",
        }
    }

    /// Where an answer has them.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Kind::Status => "statuses",
            Kind::Comment => "comments",
        }
    }
}

/// The number by which lists are walked.
pub(super) fn id_of(item: &Value) -> Option<u64> {
    let id = item.get("id")?;
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

fn text_of(item: &Value, name: &str) -> Result<Option<String>, String> {
    scalar(item.get(name), name)
}

/// The draft of an item; `None` for one that was deleted.
pub(super) fn draft(
    kind: Kind,
    item: &Value,
    rules: &DraftRules,
) -> Result<Option<Draft<'static>>, String> {
    if text_of(item, "deleted")?.as_deref() == Some("1") {
        return Ok(None);
    }
    let id = text_of(item, "id")?.ok_or("there is no id")?;
    let mut draft = Draft::default();
    draft.set(Field::Id, format!("weibo:{}:{id}", kind.name()));
    if kind == Kind::Status {
        // The address that does without the author's number.
        draft.set(Field::Url, format!("https://m.weibo.cn/status/{id}"));
    }
    let words = text_of(item, "text")?.unwrap_or_default();
    draft.set(Field::Text, html::words(&words));
    for (field, name) in [
        (Field::OccurredAt, "created_at"),
        (Field::Reposts, "reposts_count"),
        (Field::Comments, "comments_count"),
        (Field::Likes, "attitudes_count"),
        (Field::Likes, "like_counts"),
    ] {
        if let Some(value) = text_of(item, name)? {
            draft.set(field, value);
        }
    }
    if let Some(user) = item.get("user").filter(|_| rules.pseudonyms.is_some()) {
        if let Some(author) = text_of(user, "id")? {
            draft.set(Field::Author, author);
        }
        if let Some(followers) = text_of(user, "followers_count")? {
            draft.set(Field::Followers, followers);
        }
        if let Some(location) = text_of(user, "location")? {
            draft.set(Field::Region, location);
        }
    }
    let of = |name: &str, kind: Kind| -> Result<Option<String>, String> {
        let id = match item.get(name) {
            Some(other) => text_of(other, "id")?,
            None => None,
        };
        Ok(id.map(|id| format!("weibo:{}:{id}", kind.name())))
    };
    let answered = match of("reply_comment", Kind::Comment)? {
        Some(comment) => Some(comment),
        None => of("status", Kind::Status)?,
    };
    if let Some(answered) = answered {
        draft.set(Field::ReplyTo, answered);
    }
    if let Some(reposted) = of("retweeted_status", Kind::Status)? {
        draft.set(Field::RepostOf, reposted);
    }
    if let Some(client) = text_of(item, "source")? {
        draft.attribute("client", &html::words(&client));
    }
    Ok(Some(draft))
}
