//! The fields of an event that a source may fill have one name each: in configuration, in JSON, and in reasons.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A field of an event that a source may fill.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The source's own id.
    Id,
    /// The words.
    Text,
    /// When the customer spoke.
    OccurredAt,
    /// Whom it is about.
    Brand,
    /// The product.
    Product,
    /// The shop or branch.
    Store,
    /// The region.
    Region,
    /// The channel, by its name or one of `channel_names`.
    Channel,
    /// Who spoke; kept only as a keyed pseudonym.
    Author,
    /// The author's followers.
    Followers,
    /// Likes.
    Likes,
    /// Reposts.
    Reposts,
    /// Comments.
    Comments,
    /// A page where it can be read.
    Url,
    /// The source's id of what it answers.
    ReplyTo,
    /// The source's id of what it passes on.
    RepostOf,
    /// Net promoter answer, 0 to 10.
    Nps,
    /// Customer satisfaction, 1 to 5.
    Csat,
    /// Customer effort, 1 to 7.
    Ces,
    /// The revision of its id, from 0.
    Revision,
    /// Whether this revision takes it back.
    Withdrawn,
}

impl Field {
    pub(crate) const ALL: [Field; 21] = [
        Field::Id,
        Field::Text,
        Field::OccurredAt,
        Field::Brand,
        Field::Product,
        Field::Store,
        Field::Region,
        Field::Channel,
        Field::Author,
        Field::Followers,
        Field::Likes,
        Field::Reposts,
        Field::Comments,
        Field::Url,
        Field::ReplyTo,
        Field::RepostOf,
        Field::Nps,
        Field::Csat,
        Field::Ces,
        Field::Revision,
        Field::Withdrawn,
    ];

    /// Its name in configuration, JSON and reasons.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Field::Id => "id",
            Field::Text => "text",
            Field::OccurredAt => "occurred_at",
            Field::Brand => "brand",
            Field::Product => "product",
            Field::Store => "store",
            Field::Region => "region",
            Field::Channel => "channel",
            Field::Author => "author",
            Field::Followers => "followers",
            Field::Likes => "likes",
            Field::Reposts => "reposts",
            Field::Comments => "comments",
            Field::Url => "url",
            Field::ReplyTo => "reply_to",
            Field::RepostOf => "repost_of",
            Field::Nps => "nps",
            Field::Csat => "csat",
            Field::Ces => "ces",
            Field::Revision => "revision",
            Field::Withdrawn => "withdrawn",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}
