//! Nothing but the page's own files is answered without a valid token, and nothing is done without the role for it.
//!
//! A token comes as a bearer header, or in an `HttpOnly; SameSite=Strict` cookie that the page obtains by
//! `POST /api/v1/login`. The store compares hashes in constant time and knows no token in the clear.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use wensheng_store::{Role, Store, StoreError, Token};

use crate::Console;
use crate::metrics;
use crate::problem::Problem;

const COOKIE: &str = "wensheng_token";
/// A browser stays logged in for 30 days; a revoked token ends at once, whatever the cookie says.
const COOKIE_SECONDS: u32 = 30 * 86_400;

/// Creates the first token, of an administrator, when the store has none yet. Returns its secret then, to be shown
/// once; `None` on every later start.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn first_token(store: &Store) -> Result<Option<String>, StoreError> {
    if !store.tokens().await?.is_empty() {
        return Ok(None);
    }
    let token = store
        .create_token("admin", Role::Admin, Timestamp::now())
        .await?;
    Ok(Some(token.secret))
}

/// The link that opens the page at `address` and logs in with `secret`. The token stands in the fragment, which
/// browsers never send, and the page clears it from the address bar.
pub fn login_link(address: SocketAddr, secret: &str) -> String {
    let host = if address.ip().is_unspecified() {
        SocketAddr::new(IpAddr::from([127, 0, 0, 1]), address.port())
    } else {
        address
    };
    format!("http://{host}/#token={secret}")
}

/// Who makes the request, by a valid token.
pub(crate) struct Visitor(pub(crate) Token);

impl Visitor {
    /// Refuses those below `role`.
    pub(crate) fn require(&self, role: Role) -> Result<(), Problem> {
        if self.0.role >= role {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "this needs the role {}; the token {:?} has the role {}",
            role.name(),
            self.0.name,
            self.0.role.name()
        )))
    }
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Problem> {
        let Some(secret) = presented(&parts.headers) else {
            return Err(Problem::unauthorised());
        };
        let secret = secret.to_owned();
        verify(console, peer_of(parts), &secret).await.map(Visitor)
    }
}

/// The address that the request comes from.
pub(crate) struct Peer(pub(crate) IpAddr);

impl FromRequestParts<Console> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Problem> {
        Ok(Peer(peer_of(parts)))
    }
}

fn peer_of(parts: &Parts) -> IpAddr {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip())
}

/// The token of that secret; wrong ones are counted, and too many of them refused unseen.
pub(crate) async fn verify(
    console: &Console,
    peer: IpAddr,
    secret: &str,
) -> Result<Token, Problem> {
    if let Some(seconds) = console.attempts().wait_seconds(peer, Timestamp::now()) {
        return Err(Problem::too_many(
            "too many wrong tokens from this address; wait",
            seconds,
        ));
    }
    match console.store.verify_token(secret).await? {
        Some(token) => Ok(token),
        None => {
            console.attempts().record_wrong(peer, Timestamp::now());
            metrics::count_refused_token();
            Err(Problem::unauthorised())
        }
    }
}

fn presented(headers: &HeaderMap) -> Option<&str> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim());
    }
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// Whether the request relies on the cookie alone, as a browser does.
pub(crate) fn relies_on_cookie(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::AUTHORIZATION)
}

/// The cookie that keeps `secret`, or clears it when `None`.
pub(crate) fn cookie(secret: Option<&str>, secure: bool) -> String {
    let (value, age) = match secret {
        Some(secret) => (secret, COOKIE_SECONDS),
        None => ("", 0),
    };
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_bearer_header_goes_before_the_cookie() {
        let both = headers(&[
            (header::AUTHORIZATION, "bearer from-header"),
            (header::COOKIE, "a=b; wensheng_token=from-cookie"),
        ]);
        assert_eq!(presented(&both), Some("from-header"));
        let cookie = headers(&[(header::COOKIE, "a=b; wensheng_token=from-cookie")]);
        assert_eq!(presented(&cookie), Some("from-cookie"));
        let other = headers(&[(header::AUTHORIZATION, "Basic abc")]);
        assert_eq!(presented(&other), None);
    }

    #[test]
    fn the_link_names_a_host_that_a_browser_can_open() {
        assert_eq!(
            login_link("0.0.0.0:8780".parse().unwrap(), "wsk_1"),
            "http://127.0.0.1:8780/#token=wsk_1"
        );
    }

    #[test]
    fn the_cookie_is_closed_to_scripts_and_other_sites() {
        assert_eq!(
            cookie(Some("t"), true),
            "wensheng_token=t; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000; Secure"
        );
        assert!(cookie(None, false).contains("Max-Age=0"));
    }
}
