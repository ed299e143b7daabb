//! The console over real HTTP and in a real browser, on a SQLite store and an embedded bus in a temporary directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests may fail loudly, too

mod api;
mod browser;
mod detection;
mod drills;
mod forms;
mod links;
mod live;
mod running;
mod seed;
mod stories;
mod webdriver;
mod words;
