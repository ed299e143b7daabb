//! The role on a real bus, calling receivers that keep the platforms' contracts.

// Helpers of tests may fail as loudly as the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod mail;
mod mock;
mod people;
mod pushes;
mod world;
