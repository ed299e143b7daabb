//! The stage as the loop drives it: signals and commands in, alerts and notifications out, restarts between.

// Helpers of tests may fail as loudly as the tests themselves.
#![allow(clippy::unwrap_used, clippy::panic)]

mod alerts;
mod bus;
mod clock;
mod expected;
mod model;
mod workflow;
mod world;
