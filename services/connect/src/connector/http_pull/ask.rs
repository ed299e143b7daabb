//! What is asked of an API, the same for all that ask one by configuration: where, how pages follow, who asks, and what a
//! refusal looks like.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;
use wensheng_runtime::{Check, Problems, Secret};

use super::auth::AuthConfig;
use super::config::{
    ErrorsConfig, MethodChoice, PagingConfig, PagingKind, SinceBy, SinceConfig, SuccessConfig,
};
use super::paging::State;
use super::template::{Place, fill, names};
use crate::json_path::{JsonPath, code, items};
use crate::pull::{Answer, PullConfig, Request, Trouble, check_url};
use crate::time::TimeFormat;

/// What a template may name.
const NAMES: [&str; 6] = ["page", "offset", "size", "cursor", "since", "since_id"];

/// How an API is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The source's name, for logs.
    pub(crate) name: &'a str,
    pub(crate) url: &'a str,
    pub(crate) method: MethodChoice,
    pub(crate) body: &'a str,
    pub(crate) headers: &'a BTreeMap<String, Secret>,
    pub(crate) auth: &'a AuthConfig,
    pub(crate) paging: &'a PagingConfig,
    pub(crate) since: &'a SinceConfig,
    /// Of `{{since}}` where its format has none.
    pub(crate) time_zone: &'a str,
    pub(crate) success: Option<&'a SuccessConfig>,
    pub(crate) errors: Option<&'a ErrorsConfig>,
    pub(crate) pull: &'a PullConfig,
}

impl Ask<'_> {
    /// Adds what does not fit together.
    pub(crate) fn check(&self, problems: &mut Problems) {
        self.check_templates(problems);
        self.auth.check(self, problems);
        for (name, value) in self.headers {
            if HeaderName::try_from(name).is_err() || HeaderValue::from_str(value.expose()).is_err()
            {
                problems.add(&format!("headers.{name}"), "must be a header and its value");
            }
        }
        let since = self.since.format.as_str();
        if since != "rfc3339"
            && let Err(error) = TimeFormat::parse(since)
        {
            problems.add("since.format", error);
        }
        problems.within("pull", |problems| self.pull.check(problems));
    }

    fn check_templates(&self, problems: &mut Problems) {
        let mut used = Vec::new();
        for (field, template) in [("url", self.url), ("body", self.body)] {
            match names(template) {
                Ok(found) => {
                    for name in &found {
                        if !NAMES.contains(name) {
                            let known = NAMES.join("}}, {{");
                            problems.add(
                                field,
                                format!("{{{{{name}}}}} is not known; there are {{{{{known}}}}}"),
                            );
                        }
                    }
                    used.extend(found);
                }
                Err(error) => problems.add(field, error),
            }
        }
        let paging = self.paging;
        let needed = match paging.kind {
            PagingKind::None | PagingKind::Link => None,
            PagingKind::Page => Some("page"),
            PagingKind::Offset => Some("offset"),
            PagingKind::Cursor => Some("cursor"),
        };
        if let Some(needed) = needed.filter(|needed| !used.contains(needed)) {
            problems.add(
                "paging.kind",
                format!(
                    "needs {{{{{needed}}}}} in `url` or `body`, or every page is the first one"
                ),
            );
        }
        if paging.kind == PagingKind::Cursor && paging.cursor.is_none() {
            problems.add(
                "paging.cursor",
                "must be given: where the answer has the next cursor",
            );
        }
        if paging.keep && paging.kind != PagingKind::Cursor {
            problems.add("paging.keep", "is for `kind: cursor` alone");
        }
        if self.since.by == SinceBy::Id && !used.contains(&self.since.by.placeholder()) {
            problems.add("since.by", "needs {{since_id}} in `url` or `body`");
        }
        let filled = fill(self.url, Place::Url, |_| "1".to_owned());
        check_url(&filled, self.pull, "url", problems);
        if self.method == MethodChoice::Get && !self.body.is_empty() {
            problems.add("body", "is for `method: post` alone");
        }
        let body = fill(self.body, Place::Json, |_| "1".to_owned());
        if !body.is_empty() && serde_json::from_str::<Value>(&body).is_err() {
            problems.add("body", "must be JSON once its names are filled in");
        }
    }

    /// The request for the page that comes next.
    pub(crate) fn request(
        &self,
        state: &State,
        token: &str,
        now: Timestamp,
    ) -> Result<Request, Trouble> {
        let value = |name: &str| state.value(self, name, now);
        let url = match state.link(self) {
            Some(link) => Url::parse(link),
            None => Url::parse(&fill(self.url, Place::Url, value)),
        };
        let url = url.map_err(|error| Trouble::FatalConfig(format!("url: {error}")))?;
        let request = match self.method {
            MethodChoice::Get => Request::get(url),
            MethodChoice::Post => {
                let body = fill(self.body, Place::Json, value);
                Request::post_text(url, body)
            }
        };
        self.proved(request, token, now)
    }

    /// The request with the configured headers, and with what proves who asks.
    pub(crate) fn proved(
        &self,
        mut request: Request,
        token: &str,
        now: Timestamp,
    ) -> Result<Request, Trouble> {
        for (name, value) in self.headers {
            let header = HeaderName::try_from(name)
                .map_err(|error| Trouble::FatalConfig(format!("headers.{name}: {error}")))?;
            request = request.header(header, value.expose())?;
        }
        self.auth.sign(request, token, now)
    }

    /// The body of an answer that is success in the platform's own words.
    pub(crate) fn judged(&self, answer: &Answer) -> Result<Value, Trouble> {
        let body = answer.json();
        if let (Some(errors), Ok(body)) = (self.errors, &body) {
            let given = errors.path.first(body).map(code);
            let is_one_of = |codes: &[Value]| {
                given
                    .as_deref()
                    .is_some_and(|given| codes.iter().any(|listed| code(listed) == given))
            };
            let reason = || self.refusal(answer, body);
            for (codes, trouble) in [
                (&errors.retry, Trouble::Retry as fn(String) -> Trouble),
                (&errors.reauth, Trouble::Reauth),
                (&errors.fatal, Trouble::FatalConfig),
                (&errors.item, Trouble::FatalItem),
            ] {
                if is_one_of(codes) {
                    return Err(trouble(reason()));
                }
            }
            if is_one_of(&errors.throttle) {
                return Err(Trouble::Throttle {
                    wait: answer.retry_after(),
                    reason: reason(),
                });
            }
        }
        answer.judged()?;
        let body = body?;
        if let Some(success) = self.success {
            let verdict = success.path.first(&body).map(code);
            if verdict != Some(code(&success.equals)) {
                return Err(Trouble::Retry(self.refusal(answer, &body)));
            }
        }
        Ok(body)
    }

    /// The items of a good answer. What lacks the place that they stand in is no answer without items, unless `success` says that it
    /// is the platform's own: then an empty list may be left out.
    pub(crate) fn items<'v>(
        &self,
        path: &JsonPath,
        body: &'v Value,
        answer: &Answer,
    ) -> Result<Vec<&'v Value>, Trouble> {
        if self.success.is_none() && !path.is_in(body) {
            return Err(Trouble::Retry(format!(
                "{} answered without {path}: {:?}; if it leaves out empty lists, say in `success` how a good answer is known",
                answer.place,
                answer.head()
            )));
        }
        Ok(items(path, body))
    }

    fn refusal(&self, answer: &Answer, body: &Value) -> String {
        let words = |path: Option<&JsonPath>| {
            path.and_then(|path| path.first(body))
                .map(|value| code(value).into_owned())
        };
        let errors = self.errors;
        let code = words(errors.map(|errors| &errors.path));
        let message = words(errors.and_then(|errors| errors.message.as_ref()));
        match (code, message) {
            (None, None) => format!("{} answered no success: {:?}", answer.place, answer.head()),
            (code, message) => format!(
                "{} refused: {} {}",
                answer.place,
                code.unwrap_or_default(),
                message.unwrap_or_default()
            ),
        }
    }
}
