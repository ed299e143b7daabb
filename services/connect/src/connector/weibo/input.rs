//! One list after the other, each walked from the newest back to what was read before.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use serde_json::Value;

use super::config::WeiboConfig;
use super::item::{Kind, draft, id_of};
use super::walk::{State, Step};
use crate::draft::{DraftRules, Place};
use crate::json_path::code;
use crate::metrics;
use crate::pull::{Answer, Next, PullConnector, Request, Trouble};
use crate::staging::Staging;

/// The most items of a page that all lists give.
const FULL_PAGE: usize = 200;

/// Of comments and search, 50.
const FULL_PAGE_OF_OTHERS: usize = 50;

/// An hour: the window that most limits are counted in.
const HOUR: u64 = 3_600;

/// Lists of an account, and its searches.
pub(super) struct Weibo {
    config: WeiboConfig,
    rules: DraftRules,
}

/// A list, as its stream is named.
enum List<'a> {
    Mentions,
    CommentMentions,
    CommentsToMe,
    CommentsOn(&'a str),
    Search(&'a str),
}

impl<'a> List<'a> {
    fn named(stream: &'a str) -> Option<Self> {
        match stream.split_once(':') {
            Some(("post", id)) => Some(List::CommentsOn(id)),
            Some(("search", query)) => Some(List::Search(query)),
            _ => match stream {
                "mentions" => Some(List::Mentions),
                "comment-mentions" => Some(List::CommentMentions),
                "comments" => Some(List::CommentsToMe),
                _ => None,
            },
        }
    }

    fn kind(&self) -> Kind {
        match self {
            List::Mentions | List::Search(_) => Kind::Status,
            List::CommentMentions | List::CommentsToMe | List::CommentsOn(_) => Kind::Comment,
        }
    }

    fn full_page(&self) -> usize {
        match self {
            List::Mentions => FULL_PAGE,
            _ => FULL_PAGE_OF_OTHERS,
        }
    }
}

impl Weibo {
    pub(super) fn new(config: WeiboConfig, rules: DraftRules) -> Self {
        Self { config, rules }
    }

    fn url(&self, list: &List<'_>, state: &State) -> Result<Url, Trouble> {
        let (host, path) = match list {
            List::Mentions => (&self.config.host, "/2/statuses/mentions.json"),
            List::CommentMentions => (&self.config.host, "/2/comments/mentions.json"),
            List::CommentsToMe => (&self.config.host, "/2/comments/to_me.json"),
            List::CommentsOn(_) => (&self.config.host, "/2/comments/show.json"),
            List::Search(_) => match &self.config.search {
                Some(search) => (&search.host, "/2/search/statuses/limited.json"),
                None => return Err(Trouble::FatalConfig("search is not configured".to_owned())),
            },
        };
        let mut url = Url::parse(host)
            .and_then(|host| host.join(path))
            .map_err(|error| Trouble::FatalConfig(format!("host: {error}")))?;
        let count = list.full_page().to_string();
        let mut query = url.query_pairs_mut();
        query.append_pair("count", &count);
        match list {
            List::CommentsOn(id) => {
                query.append_pair("id", id);
            }
            List::Search(words) => {
                query.append_pair("q", words).append_pair("sort", "time");
                query.append_pair("page", &(state.pages + 1).to_string());
                if state.since_second > 0 {
                    query.append_pair("starttime", &state.since_second.to_string());
                }
            }
            _ => {}
        }
        if state.since > 0 {
            query.append_pair("since_id", &state.since.to_string());
        }
        if state.below > 0 {
            query.append_pair("max_id", &state.below.to_string());
        }
        drop(query);
        Ok(url)
    }

    /// The body of a good answer. Refusals come with 400 and 403 and say in the body what they are.
    fn judged(&self, answer: &Answer, now: Timestamp) -> Result<Value, Trouble> {
        let body = answer.json();
        let Some(given) = body.as_ref().ok().and_then(|body| body.get("error_code")) else {
            answer.judged()?;
            return body;
        };
        let given = code(given);
        let words = body.as_ref().ok().and_then(|body| body.get("error"));
        let words = words.map(code).unwrap_or_default();
        let reason = format!("{} refused: {given} {words}", answer.place);
        Err(match given.parse::<u32>().unwrap_or_default() {
            10001 | 10002 | 10009 | 10010 => Trouble::Retry(reason),
            10022..=10024 => Trouble::Throttle {
                wait: Some(answer.retry_after().unwrap_or_else(|| to_next_hour(now))),
                reason,
            },
            21314..=21319 | 21327 | 21332 => Trouble::FatalSource(format!(
                "{reason}; authorise the account again and set `access_token`"
            )),
            10006 | 10012 | 10013 => Trouble::FatalSource(format!(
                "{reason}; check the app's permissions and `access_token`"
            )),
            10014 => Trouble::FatalConfig(format!(
                "{reason}; the app may not use this interface; apply for it, or leave the list out"
            )),
            // Of an item; but all that is asked for here are lists.
            20000..=20999 => Trouble::FatalConfig(format!(
                "{reason}; the list cannot be read; check the id in `posts`, or leave the list out"
            )),
            _ => match answer.judged() {
                Err(trouble) => trouble,
                Ok(_) => Trouble::Retry(reason),
            },
        })
    }
}

/// The limits are counted by the hour on the clock.
fn to_next_hour(now: Timestamp) -> Duration {
    let past = u64::try_from(now.as_second()).unwrap_or_default() % HOUR;
    Duration::from_secs(HOUR - past)
}

impl PullConnector for Weibo {
    type State = State;

    fn streams(&self) -> Vec<String> {
        let config = &self.config;
        let lists = [
            (config.mentions, "mentions"),
            (config.comment_mentions, "comment-mentions"),
            (config.comments, "comments"),
        ];
        let lists = lists
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, name)| name.to_owned());
        let posts = config.posts.iter().map(|post| format!("post:{post}"));
        let queries = config.search.iter().flat_map(|search| &search.queries);
        let queries = queries.map(|query| format!("search:{query}"));
        lists.chain(posts).chain(queries).collect()
    }

    fn request(
        &self,
        stream: &str,
        state: &State,
        _token: &str,
        _now: Timestamp,
    ) -> Result<Option<Request>, Trouble> {
        let Some(list) = List::named(stream) else {
            return Ok(None);
        };
        let token = format!("OAuth2 {}", self.config.access_token.expose());
        Request::get(self.url(&list, state)?)
            .header(AUTHORIZATION, &token)
            .map(Some)
    }

    fn take(
        &self,
        stream: &str,
        state: &mut State,
        answer: &Answer,
        now: Timestamp,
        staging: &mut Staging,
    ) -> Result<Next, Trouble> {
        let body = self.judged(answer, now)?;
        let Some(list) = List::named(stream) else {
            return Ok(Next::Through);
        };
        // Of nothing the platform's word is an empty list, in its field or, at some interfaces, alone.
        let items = match body.get(list.kind().key()) {
            Some(Value::Array(items)) => items.as_slice(),
            _ if body.as_array().is_some_and(Vec::is_empty) => &[],
            _ => {
                return Err(Trouble::Retry(format!(
                    "{} answered without {}: {:?}",
                    answer.place,
                    list.kind().key(),
                    answer.head()
                )));
            }
        };
        let mut ids = Vec::with_capacity(items.len());
        let mut seconds = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let line = Some(index as u64 + 1);
            let place = Place {
                place: &answer.place,
                line,
            };
            ids.extend(id_of(item));
            let said_at = item.get("created_at").and_then(Value::as_str);
            let said_at = said_at.and_then(|at| self.rules.times.read(at));
            seconds.push(said_at.map_or(0, Timestamp::as_second));
            let event = match draft(list.kind(), item, &self.rules) {
                Ok(None) => continue,
                Ok(Some(draft)) => draft.into_event(&self.rules, place, now, String::new),
                Err(reason) => Err(reason),
            };
            match event {
                Ok(event) => staging.event(event),
                Err(reason) => {
                    let payload = item.to_string();
                    staging.dead_letter(place.place, line, &reason, payload.as_bytes(), now);
                }
            }
        }
        let depth = self.config.depth;
        let step = match list {
            List::Search(_) => state.search_page(&seconds, depth),
            _ => state.page(&ids, depth),
        };
        Ok(match step {
            Step::More => Next::More,
            Step::Through => Next::Through,
            Step::CutOff => {
                metrics::gap(
                    &self.config.name,
                    stream,
                    "the platform gives no more of the list before what was read; walk more often",
                );
                Next::Through
            }
        })
    }
}
