//! A feed is asked for again only when it changed, and an entry of it is taken in once; a feed that declares entities or a
//! document type is refused unread.
//!
//! RSS 2.0 (and 0.9x, 1.0), Atom 1.0 and JSON Feed 1.1; also what RSSHub serves.

mod config;
mod input;
mod json;
mod xml;

pub use config::FeedConfig;

/// An entry, whatever the feed's form. Texts may hold HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    id: String,
    title: String,
    content: String,
    summary: String,
    link: String,
    author: String,
    published: String,
    updated: String,
}
