//! The committed documents say what the types say, and every example is what a reader and a writer expect.

// Helpers of tests may fail as loudly as the tests themselves.
#![allow(clippy::unwrap_used, clippy::panic)]

mod documents;
mod earlier;
mod erasure;
mod examples;
