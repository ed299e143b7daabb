//! Where a walk stands, and where it goes on: what the platform says is the end is the end, and not an empty page.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::LINK;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ask::Ask;
use super::config::{PagingKind, SinceBy};
use crate::json_path::code;
use crate::pull::{Answer, Next, Trouble};

/// How far a source was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// All up to here was read: the greatest time …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// … or the greatest id of the walks that came to their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since_id: Option<String>,
    /// The walk under way.
    #[serde(default)]
    walk: Walk,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    /// Pages read.
    pages: u64,
    /// Items read.
    items: u64,
    /// What the platform said to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// The greatest time met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    highest: Option<Timestamp>,
    /// The greatest id met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    highest_id: Option<String>,
}

impl State {
    /// Whether no page of a walk was read yet.
    pub(crate) fn is_at_the_start(&self) -> bool {
        self.walk.pages == 0
    }

    /// What a name in a template stands for.
    pub(super) fn value(&self, ask: &Ask<'_>, name: &str, now: Timestamp) -> String {
        let paging = ask.paging;
        match name {
            "page" => (paging.start.unwrap_or(1) + self.walk.pages).to_string(),
            "offset" => (paging.start.unwrap_or(0) + self.walk.items).to_string(),
            "size" => paging.size.map(|size| size.to_string()).unwrap_or_default(),
            "cursor" => self.walk.next.clone().unwrap_or_default(),
            "since" => self.since(ask, now),
            "since_id" => self.since_id.clone().unwrap_or_else(|| "0".to_owned()),
            _ => String::new(),
        }
    }

    fn since(&self, ask: &Ask<'_>, now: Timestamp) -> String {
        let since = ask.since;
        let from = match self.since {
            Some(read) => {
                let overlap = i64::try_from(since.overlap_seconds).unwrap_or(i64::MAX);
                read.checked_sub(SignedDuration::from_secs(overlap))
                    .unwrap_or(read)
            }
            None => since.first.unwrap_or_else(|| {
                now.checked_sub(SignedDuration::from_hours(24 * 7))
                    .unwrap_or(now)
            }),
        };
        since.written(from, ask.time_zone)
    }

    /// The address that the platform gave for the next page.
    pub(super) fn link(&self, ask: &Ask<'_>) -> Option<&str> {
        let links = ask.paging.kind == PagingKind::Link;
        self.walk.next.as_deref().filter(|_| links)
    }

    /// An item with that time and id was read.
    pub(crate) fn saw(&mut self, at: Option<Timestamp>, id: Option<&str>) {
        self.walk.highest = self.walk.highest.max(at);
        if let Some(id) = id
            && self
                .walk
                .highest_id
                .as_deref()
                .is_none_or(|highest| is_greater(id, highest))
        {
            self.walk.highest_id = Some(id.to_owned());
        }
    }

    /// A page of so many items was read: where the walk goes on.
    pub(crate) fn page(
        &mut self,
        ask: &Ask<'_>,
        body: &Value,
        answer: &Answer,
        items: usize,
    ) -> Result<Next, Trouble> {
        let paging = ask.paging;
        self.walk.pages += 1;
        self.walk.items += items as u64;
        let says_more = paging
            .more
            .as_ref()
            .map(|path| path.first(body).is_some_and(is_true));
        let is_full = paging
            .size
            .map_or(items > 0, |size| items as u64 >= size.get());
        let goes_on = match paging.kind {
            PagingKind::None => false,
            PagingKind::Page | PagingKind::Offset => says_more.unwrap_or(is_full),
            PagingKind::Cursor => {
                let next = paging.cursor.as_ref().and_then(|path| path.first(body));
                let next = next.map(code).filter(|next| !next.is_empty());
                let moves = next.as_deref() != self.walk.next.as_deref();
                if let Some(next) = next {
                    self.walk.next = Some(next.into_owned());
                    // A cursor that stands still is the end, whatever is said beside it.
                    moves && says_more.unwrap_or(items > 0 || !paging.keep)
                } else {
                    false
                }
            }
            PagingKind::Link => {
                self.walk.next = next_link(answer, ask)?;
                self.walk.next.is_some()
            }
        };
        if !goes_on {
            self.end(paging.keep);
            return Ok(Next::Through);
        }
        if self.walk.pages.is_multiple_of(paging.max_pages.get()) {
            // The place is kept: the next walk goes on from it.
            tracing::warn!(
                source = ask.name,
                pages = self.walk.pages,
                "a walk was long, the next one goes on where it stopped"
            );
            return Ok(Next::Through);
        }
        Ok(Next::More)
    }

    fn end(&mut self, keep: bool) {
        let walk = std::mem::take(&mut self.walk);
        self.since = self.since.max(walk.highest);
        if let Some(id) = walk.highest_id
            && self
                .since_id
                .as_deref()
                .is_none_or(|since| is_greater(&id, since))
        {
            self.since_id = Some(id);
        }
        if keep {
            self.walk.next = walk.next;
        }
    }
}

/// Numbers by their value, without losing digits; other texts by their characters.
fn is_greater(a: &str, b: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits(a) && digits(b) {
        let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
        return (a.len(), a) > (b.len(), b);
    }
    a > b
}

/// `true`, `1`, `"1"`, `"true"`, `"Y"` and the like.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => {
            !matches!(text.trim(), "" | "0" | "false" | "False" | "n" | "N" | "no")
        }
        Value::Null => false,
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// The address in `Link: <…>; rel="next"` (RFC 8288), if it stays where the source is.
fn next_link(answer: &Answer, ask: &Ask<'_>) -> Result<Option<String>, Trouble> {
    let links = answer.headers.get_all(LINK);
    let next = links
        .iter()
        .filter_map(|link| link.to_str().ok())
        .find_map(|links| {
            links.split(',').find_map(|link| {
                let (target, parameters) = link.split_once(';')?;
                let is_next = parameters.split(';').any(|parameter| {
                    parameter.trim().strip_prefix("rel=").is_some_and(|rel| {
                        rel.trim_matches('"').split(' ').any(|rel| rel == "next")
                    })
                });
                is_next.then(|| target.trim().strip_prefix('<')?.strip_suffix('>'))?
            })
        });
    let Some(next) = next else {
        return Ok(None);
    };
    let base = reqwest::Url::parse(&answer.place)
        .map_err(|error| Trouble::FatalConfig(format!("url: {error}")))?;
    match base.join(next) {
        Ok(next) if next.origin() == base.origin() => Ok(Some(next.into())),
        _ => Err(Trouble::FatalConfig(format!(
            "source {}: the next page is said to be on another host, which is not followed; configure that address if it is right",
            ask.name
        ))),
    }
}

impl super::config::SinceConfig {
    /// A time as this platform wants it.
    fn written(&self, at: Timestamp, zone: &str) -> String {
        match self.format.as_str() {
            "epoch_s" => at.as_second().to_string(),
            "epoch_ms" => at.as_millisecond().to_string(),
            "rfc3339" => at.round(jiff::Unit::Second).unwrap_or(at).to_string(),
            pattern => {
                let local = at.in_tz(zone).ok();
                local
                    .and_then(|local| jiff::fmt::strtime::format(pattern, &local).ok())
                    .unwrap_or_else(|| at.to_string())
            }
        }
    }
}

impl SinceBy {
    /// Whether `name` is what this is asked with.
    pub(super) const fn placeholder(self) -> &'static str {
        match self {
            SinceBy::Time => "since",
            SinceBy::Id => "since_id",
        }
    }
}
