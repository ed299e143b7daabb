//! From the embedded bus into a SQLite store and back to the bus: everything once, whatever breaks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod flow;
mod samples;
mod stage;
mod world;
