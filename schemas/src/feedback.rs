//! One piece of feedback as it enters the bus.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Call, EventId};

/// The kind of place where the customer spoke.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Telephone: transcripts of calls.
    Hotline,
    /// WeChat: official accounts, customer service.
    Wechat,
    /// Weibo.
    Weibo,
    /// Other social media and forums.
    Social,
    /// Questionnaires.
    Survey,
    /// Reviews in shops and app stores.
    Review,
    /// Face-to-face interviews and mystery-shopper notes.
    Interview,
    /// Anything else.
    Other,
}

impl Channel {
    /// All channels.
    pub const ALL: [Channel; 8] = [
        Channel::Hotline,
        Channel::Wechat,
        Channel::Weibo,
        Channel::Social,
        Channel::Survey,
        Channel::Review,
        Channel::Interview,
        Channel::Other,
    ];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Channel::Hotline => "hotline",
            Channel::Wechat => "wechat",
            Channel::Weibo => "weibo",
            Channel::Social => "social",
            Channel::Survey => "survey",
            Channel::Review => "review",
            Channel::Interview => "interview",
            Channel::Other => "other",
        }
    }

    /// The channel of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// Who spoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    /// A pseudonym: the same person at the same source has the same key. Never the platform's own id in the clear.
    pub key: String,
    /// Followers at the time of speaking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followers: Option<u64>,
}

/// How far it carried, as known when observed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reach {
    /// Likes.
    #[serde(default)]
    pub likes: u64,
    /// Reposts.
    #[serde(default)]
    pub reposts: u64,
    /// Comments.
    #[serde(default)]
    pub comments: u64,
}

impl Reach {
    /// All reactions together.
    pub const fn reactions(&self) -> u64 {
        self.likes
            .saturating_add(self.reposts)
            .saturating_add(self.comments)
    }
}

/// Scores given beside the words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scores {
    /// Net promoter answer, 0 to 10 (Reichheld 2003: 9–10 promoters, 7–8 passives, 0–6 detractors).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nps: Option<u8>,
    /// Customer satisfaction, 1 to 5 (4 and 5 count as satisfied).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csat: Option<u8>,
    /// Customer effort, 1 to 7 (higher is easier).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ces: Option<u8>,
}

/// An answer on a scale of the source's own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rating {
    /// The answer, `from` to `to`; more is better.
    pub value: f64,
    /// The least answer of the scale.
    pub from: i32,
    /// The greatest answer of the scale.
    pub to: i32,
}

impl Scores {
    /// Whether no score was given.
    pub fn is_empty(&self) -> bool {
        self.nps.is_none() && self.csat.is_none() && self.ces.is_none()
    }
}

/// Where exactly it came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// The kind of connector: `files`, `webhook`, `demo`, …
    pub connector: String,
    /// The file, page or endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The line in that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// One piece of feedback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeedbackEvent {
    /// See [`EventId::of`].
    pub id: EventId,
    /// The same id with a higher revision replaces what was there; an equal or lower one is a repeat.
    #[serde(default)]
    pub revision: u32,
    /// The configured name of the source.
    pub source: String,
    /// The source's own id of it.
    pub native_id: String,
    /// The kind of place.
    pub channel: Channel,
    /// Whom it is about.
    pub brand: String,
    /// The product, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The shop or branch, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// The region, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// When the customer spoke (the source's word; UTC).
    pub occurred_at: Timestamp,
    /// When we fetched or received it (UTC).
    pub observed_at: Timestamp,
    /// The words.
    pub text: String,
    /// Who spoke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// How far it carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// Scores beside the words.
    #[serde(default, skip_serializing_if = "Scores::is_empty")]
    pub scores: Scores,
    /// Answers to further questions on scales, by what was asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ratings: BTreeMap<String, Rating>,
    /// A page where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The source's id of what it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The source's id of what it passes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repost_of: Option<String>,
    /// Further fields of the source, kept as they were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// The conversation, where it is one: turns and facts of the call. `text` then holds what the customer said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Box<Call>>,
    /// Where exactly it came from.
    pub provenance: Provenance,
    /// Part of a drill: marked everywhere, left out of statistics.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// Its source never revises it (a row of a file), so that what it contributes need not be remembered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,
    /// Recalled or deleted at its source: this revision takes back and adds nothing. See [`FeedbackEvent::withdraw`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

impl FeedbackEvent {
    /// Makes it the revision by which its source took it back: nothing that the customer said or gave stays in it.
    pub fn withdraw(&mut self) {
        self.withdrawn = true;
        self.text.clear();
        self.author = None;
        self.reach = None;
        self.scores = Scores::default();
        self.ratings.clear();
        self.url = None;
        self.call = None;
        self.attributes.clear();
    }

    /// Whether it is counted: it is neither part of a drill nor withdrawn.
    pub const fn is_counted(&self) -> bool {
        !self.drill && !self.withdrawn
    }
}
