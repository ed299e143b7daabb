//! What is posted is verified, taken in item by item, and answered only after the durable commit.
//!
//! `POST /ingest/{source}` takes one JSON event, an array of them, or NDJSON (by content type). A wrong item goes to
//! dead-letters and into the answer; the others are taken in.

mod config;
mod item;
mod parse;

pub use config::WebhookConfig;
