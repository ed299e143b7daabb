//! A configured address cannot be pointed at the network that this service stands in: names are resolved by
//! [`PublicOnly`], which hands out public addresses alone, and literal addresses are checked by [`check_host`] before each
//! request. Whoever sends follows no redirects, or checks each of them.

use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The target is not on a public address. Whoever tells it adds which setting allows that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is on a private, loopback or link-local address")
    }
}

impl std::error::Error for Refused {}

/// A resolver that hands out public addresses alone.
#[derive(Debug, Clone, Copy)]
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|address| is_public(address.ip()))
                .collect();
            if public.is_empty() && !found.is_empty() {
                return Err(Refused.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Refuses a URL whose host is, or by its name must be, an address that is not public.
///
/// # Errors
/// The host is not public.
pub fn check_host(url: &Url) -> Result<(), Refused> {
    match host_address(url) {
        Some(address) if !is_public(address) => Err(Refused),
        Some(_) => Ok(()),
        None => match url.host_str() {
            Some(name) if is_local_name(name) => Err(Refused),
            _ => Ok(()),
        },
    }
}

/// Whether the URL's host is this machine by its name or address.
pub fn is_loopback(url: &Url) -> bool {
    match host_address(url) {
        Some(address) => address.to_canonical().is_loopback(),
        None => url.host_str().is_some_and(is_local_name),
    }
}

/// Whether a request failed because [`PublicOnly`] refused its target.
pub fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<Refused>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The words of a failed request with its causes, and without the URL: that may hold a key.
pub fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

fn host_address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Against the IANA IPv4 Special-Purpose Address Registry. 100.64/10 holds a cloud's metadata service, too.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a, b, c) == (192, 0, 0);
    !special
}

/// Against the IANA IPv6 Special-Purpose Address Registry: only global unicast (2000::/3), and of that neither
/// documentation nor Teredo; an address that stands for an IPv4 one (6to4, NAT64) is judged by that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match (s0, s1) {
        (0x2002, _) => is_public_v4(v4(s1, s2)),
        (0x0064, 0xff9b) if [s2, s3, s4, s5] == [0; 4] => is_public_v4(v4(s6, s7)),
        (0x2001, 0x0000 | 0x0db8) => false,
        _ => s0 & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_refused_however_they_are_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:10.0.0.1]",
            "[fd00::1]",
            "[fe80::1]",
            "[64:ff9b::10.0.0.1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST.",
            "metadata.localhost",
        ] {
            let url = Url::parse(&format!("http://{host}/hook")).unwrap();
            assert_eq!(check_host(&url), Err(Refused), "{host}");
        }
    }

    #[test]
    fn public_addresses_and_names_are_let_through() {
        for host in [
            "8.8.8.8",
            "223.5.5.5",
            "[2400:3200::1]",
            "[64:ff9b::8.8.8.8]",
            "hooks.example.com",
        ] {
            let url = Url::parse(&format!("https://{host}/hook")).unwrap();
            assert_eq!(check_host(&url), Ok(()), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_this_machine_is_refused() {
        let error = PublicOnly
            .resolve("localhost".parse().unwrap())
            .await
            .err()
            .unwrap();
        assert!(error.is::<Refused>(), "{error}");
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
        let client = reqwest::Client::builder()
            .no_proxy()
            .dns_resolver(PublicOnly)
            .build()
            .unwrap();
        let error = client.post("http://localhost:9/").send().await.unwrap_err();
        assert!(is_refused(&error), "{error:?}");
    }

    #[tokio::test]
    async fn the_words_of_an_error_leave_the_url_out() {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = "http://127.0.0.1:9/hook/0123456789abcdef?key=topsecret";
        let error = client.post(url).send().await.unwrap_err();
        let words = words(error);
        assert!(
            !words.contains("0123456789abcdef") && !words.contains("topsecret"),
            "{words}"
        );
    }
}
