//! A request goes to the address that was configured and nowhere else, is answered within its time and its size, and no
//! word of it in a log holds a secret.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wensheng_runtime::guard::{PublicOnly, Refused, check_host, is_refused, words};

use super::trouble::Trouble;

/// A name that does not answer or a host that is down shows sooner than a slow answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// No more redirects are followed, all of them within the host.
const MAX_REDIRECTS: usize = 4;

/// No `Retry-After` is believed beyond a day: the longest quota that platforms count in.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(86_400);

/// As much of a platform's own words is told.
const TOLD_CHARS: usize = 200;

/// What to do where a target inside is meant.
const ALLOW: &str = "set `pull.allow_private: true` if that is meant";

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `GET` or `POST`.
    pub(crate) method: Method,
    /// Where; its query may hold secrets.
    pub(crate) url: Url,
    /// Headers; their values may be secrets.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A `GET`.
    pub(crate) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// A `POST` of JSON.
    pub(crate) fn post_json(url: Url, body: &Value) -> Self {
        Self::post_text(url, body.to_string())
    }

    /// A `POST` of what is JSON already.
    pub(crate) fn post_text(url: Url, body: String) -> Self {
        Self {
            method: Method::POST,
            url,
            headers: HeaderMap::from_iter([(
                CONTENT_TYPE,
                HeaderValue::from_static("application/json; charset=utf-8"),
            )]),
            body: body.into_bytes(),
        }
    }

    /// With a header. The value is kept out of dumps.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Trouble> {
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            Trouble::FatalConfig(format!(
                "the value for the header {name} has characters that no header can have; mend it"
            ))
        })?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Where it goes, without the query: that may hold secrets.
    pub(crate) fn place(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        // Only fails for URLs that cannot have any.
        url.set_username("").ok();
        url.set_password(None).ok();
        url.to_string()
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, whole.
    pub(crate) body: Vec<u8>,
    /// Where the request went, without its query.
    pub(crate) place: String,
}

impl Answer {
    /// A good answer of JSON, for tests.
    #[cfg(test)]
    pub(crate) fn of(body: &Value) -> Self {
        Self {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.to_string().into_bytes(),
            place: "https://api.example.com/test".to_owned(),
        }
    }

    /// The body as JSON. What is none is no answer of the platform's own, but of something in between, so that it passes.
    pub(crate) fn json(&self) -> Result<Value, Trouble> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Trouble::Retry(format!(
                "{} answered what is not JSON ({error}): {:?}",
                self.place,
                self.head()
            ))
        })
    }

    /// Itself when the status is 2xx; else the class that HTTP gives the status.
    pub(crate) fn judged(&self) -> Result<&Self, Trouble> {
        let told = || format!("{} answered {}: {:?}", self.place, self.status, self.head());
        let wait = self.retry_after();
        Err(match self.status.as_u16() {
            200..=299 => return Ok(self),
            429 => Trouble::Throttle {
                wait,
                reason: told(),
            },
            503 if wait.is_some() => Trouble::Throttle {
                wait,
                reason: told(),
            },
            408 | 425 | 500..=599 => Trouble::Retry(told()),
            401 => Trouble::Reauth(told()),
            300..=399 => {
                let to = self
                    .headers
                    .get(LOCATION)
                    .and_then(|to| to.to_str().ok())
                    .and_then(|to| Url::parse(to).ok())
                    .and_then(|to| to.host_str().map(str::to_owned))
                    .unwrap_or_else(|| "another place".to_owned());
                Trouble::FatalConfig(format!(
                    "{} sends on to {to}, which is not followed; configure that address if it is right",
                    self.place
                ))
            }
            403 => Trouble::FatalConfig(format!("{}; check permissions and allow lists", told())),
            404 | 410 => Trouble::FatalConfig(format!("{}; check the address", told())),
            _ => Trouble::FatalConfig(format!("{}; check what is asked for", told())),
        })
    }

    /// How long the platform asks to wait: seconds, or a date beside its own clock.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let header = |name: HeaderName| self.headers.get(name)?.to_str().ok().map(str::trim);
        let written = header(RETRY_AFTER)?;
        let seconds = match written.parse::<u64>() {
            Ok(seconds) => seconds,
            Err(_) => {
                let at = http_date(written)?;
                let now = self.date().unwrap_or_else(Timestamp::now);
                u64::try_from(at.duration_since(now).as_secs()).unwrap_or(0)
            }
        };
        Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
    }

    /// The platform's own clock, where the answer tells it.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        http_date(self.headers.get(reqwest::header::DATE)?.to_str().ok()?)
    }

    /// The beginning of the body, for reasons.
    pub(crate) fn head(&self) -> String {
        let bytes = &self.body[..self.body.len().min(4 * TOLD_CHARS)];
        let text = String::from_utf8_lossy(bytes);
        text.chars().take(TOLD_CHARS).collect()
    }
}

/// How an address looked last, for asking whether it changed (RFC 9110 §13).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validators {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

impl Validators {
    /// Those of an answer.
    pub(crate) fn of(answer: &Answer) -> Self {
        let header = |name: HeaderName| {
            let value = answer.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        Self {
            etag: header(ETAG),
            last_modified: header(LAST_MODIFIED),
        }
    }

    /// The request on the condition that something changed: else it is answered with 304.
    pub(crate) fn on(&self, mut request: Request) -> Result<Request, Trouble> {
        for (name, known) in [
            (IF_NONE_MATCH, &self.etag),
            (IF_MODIFIED_SINCE, &self.last_modified),
        ] {
            if let Some(known) = known {
                request = request.header(name, known)?;
            }
        }
        Ok(request)
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).ok().map(|at| at.timestamp())
}

/// What carries requests.
#[async_trait]
pub(crate) trait Transport: Send + Sync {
    /// Sends a request and reads its answer.
    async fn send(&self, request: Request) -> Result<Answer, Trouble>;
}

/// Real HTTP.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    client: Client,
    allow_private: bool,
    within: Duration,
    max_bytes: usize,
}

impl HttpTransport {
    /// A client that waits so long for an answer, reads so many bytes of it, and asks private addresses only if allowed.
    pub(crate) fn new(
        within: Duration,
        max_bytes: usize,
        allow_private: bool,
    ) -> Result<Self, String> {
        let mut builder = Client::builder()
            .redirect(within_host())
            .no_proxy()
            .timeout(within)
            .connect_timeout(CONNECT_WITHIN.min(within))
            .user_agent(concat!("wensheng/", env!("CARGO_PKG_VERSION")));
        if !allow_private {
            builder = builder.dns_resolver(PublicOnly);
        }
        let client = builder
            .build()
            .map_err(|error| format!("there is no HTTP client to be had: {}", words(error)))?;
        Ok(Self {
            client,
            allow_private,
            within,
            max_bytes,
        })
    }

    fn failed(&self, place: &str, error: reqwest::Error) -> Trouble {
        if is_refused(&error) {
            return Trouble::FatalConfig(format!("{place} {Refused}; {ALLOW}"));
        }
        if error.is_timeout() {
            let seconds = self.within.as_secs();
            return Trouble::Retry(format!("{place} did not answer within {seconds} s"));
        }
        Trouble::Retry(format!("{place} was not reached: {}", words(error)))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Answer, Trouble> {
        let place = request.place();
        if !self.allow_private
            && let Err(refused) = check_host(&request.url)
        {
            return Err(Trouble::FatalConfig(format!("{place} {refused}; {ALLOW}")));
        }
        let sent = self
            .client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await;
        let mut response = sent.map_err(|error| self.failed(&place, error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failed(&place, error))?
        {
            if body.len() + chunk.len() > self.max_bytes {
                return Err(Trouble::TooLong(format!(
                    "{place} answered more than {} bytes; ask for smaller pages, or raise `pull.max_answer_bytes`",
                    self.max_bytes
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body,
            place,
        })
    }
}

/// Follows a redirect that stays on the host and does not leave HTTPS; any other is an answer.
fn within_host() -> Policy {
    Policy::custom(|attempt| {
        let stays = attempt.previous().first().is_some_and(|from| {
            let to = attempt.url();
            let upgrades = from.scheme() == "http" && to.scheme() == "https" && to.port().is_none();
            from.origin() == to.origin() || (upgrades && from.host() == to.host())
        });
        if stays && attempt.previous().len() <= MAX_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers
                .iter()
                .map(|(name, value)| {
                    let name: HeaderName = name.parse().unwrap();
                    (name, HeaderValue::from_str(value).unwrap())
                })
                .collect(),
            body: "系统繁忙".as_bytes().to_vec(),
            place: "https://api.example.com/list".to_owned(),
        }
    }

    #[test]
    fn every_status_has_a_class() {
        for (status, class) in [
            (301, "fatal-config"),
            (400, "fatal-config"),
            (401, "reauth"),
            (403, "fatal-config"),
            (404, "fatal-config"),
            (408, "retry"),
            (429, "throttle"),
            (500, "retry"),
            (503, "retry"),
        ] {
            let trouble = answer(status, &[]).judged().unwrap_err();
            assert_eq!(trouble.class().name(), class, "{status}");
        }
        assert!(answer(204, &[]).judged().is_ok());
        let moved = answer(302, &[("location", "https://elsewhere.example.com/x")]);
        let told = moved.judged().unwrap_err();
        assert!(
            told.reason().contains("elsewhere.example.com"),
            "{}",
            told.reason()
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_more_than_a_day() {
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        for (headers, seconds) in [
            (&[("retry-after", "120")][..], Some(120)),
            (
                &[
                    ("retry-after", "Wed, 21 Oct 2026 07:30:00 GMT"),
                    ("date", date),
                ],
                Some(120),
            ),
            (
                &[
                    ("retry-after", "Wed, 21 Oct 2026 07:00:00 GMT"),
                    ("date", date),
                ],
                Some(0),
            ),
            (&[("retry-after", "99999999")], Some(86_400)),
            (&[("retry-after", "soon")], None),
            (&[], None),
        ] {
            let wait = answer(503, headers).retry_after();
            assert_eq!(wait, seconds.map(Duration::from_secs), "{headers:?}");
        }
        let throttled = answer(503, &[("retry-after", "7")]).judged().unwrap_err();
        assert_eq!(throttled.class().name(), "throttle");
    }

    #[test]
    fn the_place_of_a_request_holds_no_secret() {
        let url = Url::parse("https://user:pass@api.example.com/a/b?access_token=t#f").unwrap();
        assert_eq!(Request::get(url).place(), "https://api.example.com/a/b");
    }

    #[tokio::test]
    async fn an_address_inside_is_refused_by_its_number_and_by_its_name() {
        let guarded = HttpTransport::new(Duration::from_secs(5), 1_000, false).unwrap();
        for host in ["127.0.0.1:9", "10.0.0.1", "169.254.169.254", "localhost:9"] {
            let url = Url::parse(&format!("http://{host}/latest?key=k")).unwrap();
            let trouble = guarded.send(Request::get(url)).await.unwrap_err();
            assert_eq!(trouble.class().name(), "fatal-config", "{host}");
            let told = trouble.reason();
            assert!(
                told.contains("allow_private") && !told.contains("key=k"),
                "{told}"
            );
        }
    }
}
