//! The stage as the loop drives it: batches in, records out, restarts between.

// Helpers of tests may fail as loudly as the tests themselves.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bus;
mod detection;
mod joint;
mod lane;
mod windows;
mod world;
