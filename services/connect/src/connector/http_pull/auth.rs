//! How a source proves to a platform who asks.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Problems, Secret};

use super::ask::Ask;
use super::signed::{AliyunRpcConfig, Tc3Config};
use super::template::{Place, fill};
use crate::json_path::{JsonPath, code};
use crate::pull::{Answer, Request, Token, Trouble, check_url};

/// How the platform is told who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AuthConfig {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer …`.
    Bearer {
        /// The token.
        secret: Secret,
    },
    /// `Authorization: Basic …`.
    Basic {
        /// The user's name.
        user: String,
        /// The password.
        secret: Secret,
    },
    /// A header of the platform's own.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        secret: Secret,
    },
    /// A parameter of the address.
    Query {
        /// Its name.
        name: String,
        /// Its value.
        secret: Secret,
    },
    /// An access token that is asked for first, kept, renewed before it ends, and renewed once when it is refused.
    Token {
        /// Where it is asked for (`GET`); `{{secret}}` stands for the secret.
        url: String,
        /// The secret that the token is given for.
        secret: Secret,
        /// Where the token stands in the answer. Default: `$.access_token`.
        #[serde(default = "access_token")]
        token: JsonPath,
        /// Where the seconds that it lasts stand. Default: `$.expires_in`.
        #[serde(default = "expires_in")]
        lasts: JsonPath,
        /// The parameter that carries it. Default: none; then `Authorization: Bearer …` does.
        #[serde(default)]
        query: Option<String>,
    },
    /// Tencent Cloud's signature, TC3-HMAC-SHA256: a `post` of JSON to the root of a service's host.
    Tc3(Tc3Config),
    /// Alibaba Cloud's RPC signature, HMAC-SHA1: the parameters of the address are signed.
    AliyunRpc(AliyunRpcConfig),
}

fn access_token() -> JsonPath {
    JsonPath::of("$.access_token")
}

fn expires_in() -> JsonPath {
    JsonPath::of("$.expires_in")
}

impl AuthConfig {
    pub(super) fn check(&self, ask: &Ask<'_>, problems: &mut Problems) {
        let (name, secret) = match self {
            AuthConfig::None => return,
            AuthConfig::Bearer { secret } => (None, secret),
            AuthConfig::Basic { user, secret } => (Some(user), secret),
            AuthConfig::Header { name, secret } => {
                if HeaderName::try_from(name).is_err() {
                    problems.add("auth.name", "must be the name of a header");
                }
                (None, secret)
            }
            AuthConfig::Query { name, secret } => (Some(name), secret),
            AuthConfig::Token { url, secret, .. } => {
                let url = fill(url, Place::Url, |_| "x".to_owned());
                check_url(&url, ask.pull, "auth.url", problems);
                (None, secret)
            }
            AuthConfig::Tc3(tc3) => {
                tc3.check(ask, problems);
                (None, &tc3.secret)
            }
            AuthConfig::AliyunRpc(rpc) => {
                rpc.check(ask, problems);
                (None, &rpc.secret)
            }
        };
        if name.is_some_and(String::is_empty) {
            problems.add("auth", "has an empty name");
        }
        if secret.is_empty() {
            problems.add("auth.secret", "must be given, such as ${CRM_TOKEN}");
        }
    }

    /// The request for a token, where one is needed.
    pub(crate) fn token_request(&self) -> Option<Request> {
        let AuthConfig::Token { url, secret, .. } = self else {
            return None;
        };
        let value = |name: &str| match name {
            "secret" => secret.expose().to_owned(),
            _ => String::new(),
        };
        let url = Url::parse(&fill(url, Place::Url, value)).ok()?;
        Some(Request::get(url))
    }

    /// The token in the answer.
    pub(crate) fn token(&self, answer: &Answer) -> Result<Token, Trouble> {
        let AuthConfig::Token { token, lasts, .. } = self else {
            return Err(Trouble::FatalConfig("`auth` asks for no token".to_owned()));
        };
        let body = answer.judged()?.json()?;
        let secret = token.first(&body).map(code).ok_or_else(|| {
            // Not the answer itself: it may hold a token under another name.
            Trouble::FatalConfig(format!(
                "{} gave no token at {token}; check the secret and `auth.token`",
                answer.place
            ))
        })?;
        let lasts = lasts
            .first(&body)
            .and_then(|seconds| code(seconds).parse().ok())
            .map(Duration::from_secs);
        Ok(Token {
            secret: Secret::new(secret.into_owned()),
            lasts,
        })
    }

    /// The request with the proof on it.
    pub(crate) fn sign(
        &self,
        mut request: Request,
        token: &str,
        now: Timestamp,
    ) -> Result<Request, Trouble> {
        match self {
            AuthConfig::None => Ok(request),
            AuthConfig::Bearer { secret } => {
                request.header(AUTHORIZATION, &format!("Bearer {}", secret.expose()))
            }
            AuthConfig::Basic { user, secret } => {
                let pair = BASE64.encode(format!("{user}:{}", secret.expose()));
                request.header(AUTHORIZATION, &format!("Basic {pair}"))
            }
            AuthConfig::Header { name, secret } => {
                let name = HeaderName::try_from(name)
                    .map_err(|error| Trouble::FatalConfig(format!("auth.name: {error}")))?;
                request.header(name, secret.expose())
            }
            AuthConfig::Query { name, secret } => {
                let mut query = request.url.query_pairs_mut();
                query.append_pair(name, secret.expose());
                drop(query);
                Ok(request)
            }
            AuthConfig::Token {
                query: Some(name), ..
            } => {
                request.url.query_pairs_mut().append_pair(name, token);
                Ok(request)
            }
            AuthConfig::Token { query: None, .. } => {
                request.header(AUTHORIZATION, &format!("Bearer {token}"))
            }
            AuthConfig::Tc3(tc3) => tc3.sign(request, now),
            AuthConfig::AliyunRpc(rpc) => {
                let nonce = format!("{:032x}", rand::random::<u128>());
                Ok(rpc.sign(request, now, nonce))
            }
        }
    }
}
