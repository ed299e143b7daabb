//! The fields of an event that a source may fill have one name each: in configuration, in JSON, and in reasons.

/// A field of an event that a source may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Id,
    Text,
    OccurredAt,
    Brand,
    Product,
    Store,
    Region,
    Channel,
    Author,
    Followers,
    Likes,
    Reposts,
    Comments,
    Url,
    ReplyTo,
    RepostOf,
    Nps,
    Csat,
    Ces,
    Revision,
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
