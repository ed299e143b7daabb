//! Every setting has a default that is safe on one machine: the console listens on the loopback address only.

use std::net::ToSocketAddrs as _;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems};

/// The console: REST, live stream and web page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port it listens on. Put a TLS proxy in front before opening it beyond the machine.
    /// Default `127.0.0.1:8780`.
    pub listen: String,
    /// The zone whose midnight begins "today". Default `Asia/Shanghai`; the page shows times in it, too.
    pub time_zone: String,
    /// Marks the page's cookie `Secure`, so that browsers send it over HTTPS only. Set it behind a TLS proxy.
    /// Default false.
    pub secure_cookie: bool,
    /// How often the store is asked what changed, in milliseconds, while anybody watches. Default 1000.
    pub poll_ms: u64,
    /// Live streams open at once; further ones are refused. Default 200.
    pub max_streams: usize,
    /// Wrong tokens that one address may present within a minute before it has to wait. Behind a proxy all visitors
    /// share its address. Default 20.
    pub wrong_tokens_per_minute: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8780".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            secure_cookie: false,
            poll_ms: 1_000,
            max_streams: 200,
            wrong_tokens_per_minute: 20,
        }
    }
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        if self.listen.to_socket_addrs().is_err() {
            problems.add(
                "listen",
                format!(
                    "{:?} is not an address and port such as 127.0.0.1:8780",
                    self.listen
                ),
            );
        }
        if let Err(error) = TimeZone::get(&self.time_zone) {
            problems.add("time_zone", error.to_string());
        }
        if !(100..=60_000).contains(&self.poll_ms) {
            problems.add("poll_ms", "must be between 100 and 60000");
        }
        if self.max_streams == 0 {
            problems.add("max_streams", "must be at least 1");
        }
        if self.wrong_tokens_per_minute == 0 {
            problems.add("wrong_tokens_per_minute", "must be at least 1");
        }
    }
}
