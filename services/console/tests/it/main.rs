//! The console over real HTTP and in a real browser, on a SQLite store and an embedded bus in a temporary directory.

mod api;
mod browser;
mod live;
mod running;
mod seed;
mod webdriver;
