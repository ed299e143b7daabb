//! Pages 1 to 10 of a feed, newest first, until a review that was read before.

use jiff::Timestamp;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::{AppConfig, ReviewsConfig};
use crate::draft::{Draft, DraftRules, Place};
use crate::field::Field;
use crate::metrics;
use crate::pull::{Answer, Next, PullConnector, Request, Trouble};
use crate::staging::Staging;

/// The feed has no more pages.
const MAX_PAGES: u32 = 10;

/// Reviews of a full page.
const FULL_PAGE: usize = 50;

/// How far an app's reviews were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The newest change of the walks that came to their end.
    #[serde(default)]
    read_to: Option<Timestamp>,
    /// The newest change met in the walk under way.
    #[serde(default)]
    newest: Option<Timestamp>,
    /// Pages read in the walk under way.
    #[serde(default)]
    pages: u32,
}

/// The App Store.
pub(super) struct AppStore {
    config: ReviewsConfig,
    rules: DraftRules,
}

impl AppStore {
    pub(super) fn new(config: ReviewsConfig, rules: DraftRules) -> Self {
        Self { config, rules }
    }

    fn app(&self, stream: &str) -> Option<&AppConfig> {
        self.config.apps.iter().find(|app| stream_of(app) == stream)
    }

    fn event(
        &self,
        app: &AppConfig,
        entry: &Value,
        place: Place<'_>,
        now: Timestamp,
    ) -> Result<wensheng_schemas::FeedbackEvent, String> {
        let id = label(entry, "id").ok_or("the review has no id")?;
        let mut draft = Draft::default();
        draft.set(Field::Id, format!("appstore:{}:{id}", app.country));
        let words: Vec<&str> = ["title", "content"]
            .iter()
            .filter_map(|name| label(entry, name))
            .collect();
        draft.set(Field::Text, words.join("\n"));
        for (field, name) in [
            (Field::Csat, "im:rating"),
            (Field::OccurredAt, "updated"),
            (Field::Likes, "im:voteSum"),
        ] {
            if let Some(value) = label(entry, name) {
                draft.set(field, value.to_owned());
            }
        }
        if let Some(product) = &app.product {
            draft.set(Field::Product, product.clone());
        }
        let author = entry.get("author");
        if self.rules.pseudonyms.is_some()
            && let Some(page) = author.and_then(|author| label(author, "uri"))
        {
            draft.set(Field::Author, page.to_owned());
        }
        draft.attribute("country", &app.country);
        draft.attribute("version", label(entry, "im:version").unwrap_or_default());
        let mut event = draft.into_event(&self.rules, place, now, String::new)?;
        // An edited review comes again with a later time: it replaces what was there.
        event.revision = u32::try_from(event.occurred_at.as_second()).unwrap_or_default();
        Ok(event)
    }
}

fn stream_of(app: &AppConfig) -> String {
    format!("{}/{}", app.country, app.id)
}

/// The entries of a page: none, a list, or where there is one, that one itself.
fn entries(body: &Value) -> &[Value] {
    match body.pointer("/feed/entry") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(entries)) => entries,
        Some(entry) => std::slice::from_ref(entry),
    }
}

/// `{"label": "…"}`, as every value of this feed is wrapped.
fn label<'v>(entry: &'v Value, name: &str) -> Option<&'v str> {
    let value = entry.get(name)?;
    value
        .get("label")
        .and_then(Value::as_str)
        .or_else(|| value.as_str())
}

impl PullConnector for AppStore {
    type State = State;

    fn streams(&self) -> Vec<String> {
        self.config.apps.iter().map(stream_of).collect()
    }

    fn request(
        &self,
        stream: &str,
        state: &State,
        _token: &str,
        _now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        let Some(app) = self.app(stream) else {
            return Ok(None);
        };
        let url = format!(
            "{}/{}/rss/customerreviews/id={}/sortBy=mostRecent/page={}/json",
            self.config.host.trim_end_matches('/'),
            app.country,
            app.id,
            state.pages + 1
        );
        let url =
            Url::parse(&url).map_err(|error| Trouble::FatalConfig(format!("host: {error}")))?;
        Ok(Some(Request::get(url)))
    }

    fn take(
        &self,
        stream: &str,
        state: &mut State,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let body = answer.judged()?.json()?;
        if !body.get("feed").is_some_and(Value::is_object) {
            return Err(Trouble::Retry(format!(
                "{} answered without a feed: {:?}",
                answer.place,
                answer.head()
            )));
        }
        let Some(app) = self.app(stream) else {
            return Ok(Next::Through);
        };
        let mut count = 0;
        let mut met_known = false;
        for (index, entry) in entries(&body).iter().enumerate() {
            if entry.get("im:rating").is_none() {
                // The app itself, which heads the first page.
                continue;
            }
            count += 1;
            let line = Some(index as u64 + 1);
            let place = Place {
                place: &answer.place,
                line,
            };
            let updated = label(entry, "updated").and_then(|at| self.rules.times.read(at));
            if updated.is_some() && updated <= state.read_to {
                met_known = true;
                if updated < state.read_to {
                    continue;
                }
                // Another one may bear the same second; a repeat is recognised by its id.
            }
            state.newest = state.newest.max(updated);
            match self.event(app, entry, place, now) {
                Ok(event) => staging.event(event),
                Err(reason) => {
                    let payload = entry.to_string();
                    staging.dead_letter(place.place, line, &reason, payload.as_bytes(), now);
                }
            }
        }
        state.pages += 1;
        let is_full = count >= FULL_PAGE;
        if is_full && !met_known && state.pages < MAX_PAGES {
            return Ok(Next::More);
        }
        if is_full && !met_known && state.read_to.is_some() {
            metrics::gap(
                &self.config.name,
                stream,
                "the feed ends before the reviews that are known; walk more often",
            );
        }
        state.read_to = state.read_to.max(state.newest.take());
        state.pages = 0;
        Ok(Next::Through)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::connector::Shared;
    use wensheng_runtime::Secret;
    use wensheng_schemas::Channel;

    fn store() -> AppStore {
        let shared = Shared {
            pseudonym_key: Secret::default(),
            max_text_bytes: 10_000,
            aliases: None,
        };
        let rules = DraftRules::of_platform("app", "reviews", "山岚茶饮", Channel::Review, &shared)
            .unwrap();
        let config = ReviewsConfig {
            apps: vec![AppConfig {
                id: "42".to_owned(),
                country: "cn".to_owned(),
                product: None,
            }],
            ..ReviewsConfig::default()
        };
        AppStore::new(config, rules)
    }

    fn page(reviews: std::ops::Range<u32>) -> Answer {
        let entries: Vec<Value> = reviews
            .map(|number| {
                json!({
                    "id": { "label": number.to_string() }, "im:rating": { "label": "3" },
                    "title": { "label": "一般" }, "content": { "label": "还行" },
                    "updated": { "label": format!("2025-01-02T03:{:02}:{:02}-07:00", 59 - number / 60, 59 - number % 60) },
                })
            })
            .collect();
        Answer::of(&json!({ "feed": { "entry": entries } }))
    }

    #[test]
    fn a_walk_ends_at_what_is_known_or_at_the_last_page() {
        let store = store();
        let now = Timestamp::now();
        let mut state = State::default();
        let mut staging = Staging::new("app");
        for number in 1..=10 {
            let first = (number - 1) * 50;
            let next = store.take(
                "cn/42",
                &mut state,
                &page(first..first + 50),
                now,
                &mut staging,
            );
            let expected = if number < 10 {
                Next::More
            } else {
                Next::Through
            };
            assert_eq!(next, Ok(expected), "page {number}");
        }
        assert_eq!(staging.take().events, 500);
        let url = store
            .request("cn/42", &state, "", now)
            .unwrap()
            .unwrap()
            .url;
        assert!(
            url.path()
                .ends_with("/cn/rss/customerreviews/id=42/sortBy=mostRecent/page=1/json"),
            "{url}"
        );
        // What is no feed is not the end of one.
        let other = Answer::of(&json!({ "status": "login required" }));
        let next = store.take("cn/42", &mut state, &other, now, &mut staging);
        assert_eq!(next.unwrap_err().class().name(), "retry");
        // Again: nothing is new but what bears the second of the newest.
        let next = store.take("cn/42", &mut state, &page(0..50), now, &mut staging);
        assert_eq!(next, Ok(Next::Through));
        assert_eq!(staging.take().events, 1);
    }
}
