//! Reviews of apps are read from the public feed of the App Store, newest first, back to those that are known; a review
//! that was edited replaces itself.
//!
//! The feed holds the newest 500 reviews of a country, 50 a page; what scrolled out of it between two walks is lost, and
//! told as a gap.

mod appstore;
mod config;

pub use config::{AppConfig, ReviewsConfig};
