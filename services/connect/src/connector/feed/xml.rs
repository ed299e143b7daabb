//! RSS and Atom, read event by event: no document type, no entities but the five of XML itself, no depth without end.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use super::Entry;

/// No real feed nests deeper; XHTML within Atom reaches some 20.
const MAX_DEPTH: usize = 64;

/// No feed has more entries that matter between two looks.
const MAX_ENTRIES: usize = 5_000;

/// The field of an entry that an element fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Id,
    Title,
    Content,
    Summary,
    Link,
    Author,
    Published,
    Updated,
}

impl Part {
    /// By the element's name without its prefix, but with regard to the prefix where names collide: Media RSS has a
    /// `media:title` and a `media:content` of its own.
    fn of(prefix: Option<&str>, name: &str) -> Option<Self> {
        Some(match (prefix, name) {
            (Some("media" | "itunes"), _) => return None,
            (_, "guid" | "id") => Part::Id,
            (_, "title") => Part::Title,
            // `content:encoded` of RSS, `content` of Atom.
            (_, "encoded" | "content") => Part::Content,
            (_, "description" | "summary") => Part::Summary,
            (_, "link") => Part::Link,
            // `dc:creator`; `author` of RSS holds the name, of Atom a `name`.
            (_, "creator" | "author" | "name") => Part::Author,
            (_, "pubDate" | "published" | "date") => Part::Published,
            (_, "updated") => Part::Updated,
            _ => return None,
        })
    }

    fn within(self, entry: &mut Entry) -> &mut String {
        match self {
            Part::Id => &mut entry.id,
            Part::Title => &mut entry.title,
            Part::Content => &mut entry.content,
            Part::Summary => &mut entry.summary,
            Part::Link => &mut entry.link,
            Part::Author => &mut entry.author,
            Part::Published => &mut entry.published,
            Part::Updated => &mut entry.updated,
        }
    }
}

/// The entries of a feed.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, String> {
    let mut reader = Reader::from_str(text);
    let mut scan = Scan::default();
    loop {
        let event = reader.read_event().map_err(|error| {
            format!(
                "not well-formed XML at byte {}: {error}",
                reader.error_position()
            )
        })?;
        match event {
            Event::DocType(_) => {
                return Err("declares a document type, which is refused".to_owned());
            }
            Event::Start(tag) => scan.opens(&tag)?,
            Event::Empty(tag) => {
                scan.opens(&tag)?;
                scan.closes();
            }
            Event::End(_) => scan.closes(),
            Event::Text(text) => scan.says(&text),
            Event::CData(text) => scan.says(&text),
            Event::GeneralRef(reference) => {
                let c = reference.resolve_char_ref().ok().flatten();
                match (c, resolve_xml_entity(&reference)) {
                    (Some(c), _) => scan.says(c.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => scan.says(text),
                    // HTML's names, which many feeds use; they are decoded with the markup.
                    (None, None) => scan.says(&format!("&{};", &*reference)),
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
        }
    }
    if !scan.is_feed {
        return Err("is neither RSS nor Atom".to_owned());
    }
    Ok(scan.entries)
}

#[derive(Default)]
struct Scan {
    is_feed: bool,
    depth: usize,
    entries: Vec<Entry>,
    /// The entry under way, and the depth of its element.
    entry: Option<(Entry, usize)>,
    /// The part under way, and the depth of its element.
    part: Option<(Part, usize)>,
}

impl Scan {
    fn opens(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("is nested deeper than {MAX_DEPTH}"));
        }
        let name = tag.name();
        let prefix = name.prefix().map(|prefix| prefix.into_inner());
        let name = name.local_name().into_inner();
        if self.depth == 1 {
            self.is_feed = matches!(name, "rss" | "feed" | "RDF");
        }
        let Some((entry, _)) = &mut self.entry else {
            if matches!(name, "item" | "entry") && self.entries.len() < MAX_ENTRIES {
                self.entry = Some((Entry::default(), self.depth));
            }
            return Ok(());
        };
        if let Some((part, _)) = self.part {
            // Markup within a text is kept as what it is: it breaks lines.
            let text = part.within(entry);
            if part != Part::Author {
                text.push('<');
                text.push_str(name);
                text.push('>');
            }
            return Ok(());
        }
        let Some(part) = Part::of(prefix, name) else {
            return Ok(());
        };
        if part == Part::Link {
            let attribute = |wanted: &str| {
                let found = tag.try_get_attribute(wanted).ok()??;
                Some(found.value.replace("&amp;", "&"))
            };
            if let Some(target) = attribute("href") {
                let is_page = attribute("rel").is_none_or(|rel| rel == "alternate");
                if is_page && entry.link.is_empty() {
                    entry.link = target;
                }
                return Ok(());
            }
        }
        if part.within(entry).is_empty() {
            self.part = Some((part, self.depth));
        }
        Ok(())
    }

    fn closes(&mut self) {
        if self.part.is_some_and(|(_, depth)| depth == self.depth) {
            self.part = None;
        }
        if self
            .entry
            .as_ref()
            .is_some_and(|(_, depth)| *depth == self.depth)
            && let Some((entry, _)) = self.entry.take()
        {
            self.entries.push(entry);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn says(&mut self, text: &str) {
        if let (Some((entry, _)), Some((part, _))) = (&mut self.entry, self.part) {
            part.within(entry).push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rss_and_atom_give_the_same_entry() {
        let rss = r#"<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:content="c" xmlns:dc="d" xmlns:media="m">
            <channel><title>某论坛</title><link>https://bbs.example.com</link><item>
            <title><![CDATA[杯子 <b>漏水</b>]]></title><link>https://bbs.example.com/t/1?a=1&amp;b=2</link>
            <guid isPermaLink="false">t-1</guid><pubDate>Sat, 31 Jan 2026 08:30:00 +0800</pubDate>
            <description>摘要</description><content:encoded>&lt;p&gt;第二次了&amp;nbsp;&lt;/p&gt;</content:encoded>
            <dc:creator>某人</dc:creator><media:title>不要</media:title></item></channel></rss>"#;
        let entry = &entries(rss).unwrap()[0];
        assert_eq!(entry.id, "t-1");
        assert_eq!(entry.title, "杯子 <b>漏水</b>");
        assert_eq!(entry.content, "<p>第二次了&nbsp;</p>");
        assert_eq!(entry.link, "https://bbs.example.com/t/1?a=1&b=2");
        assert_eq!(
            (entry.author.as_str(), entry.summary.as_str()),
            ("某人", "摘要")
        );
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry><id>t-1</id><title>杯子漏水</title>
            <link rel="self" href="https://bbs.example.com/api/1"/><link href="https://bbs.example.com/t/1?a=1&amp;b=2"/>
            <author><name>某人</name><uri>u</uri></author><updated>2026-01-31T08:30:00+08:00</updated>
            <content type="xhtml"><div><p>第二次了</p>再说</div></content></entry></feed>"#;
        let entry = &entries(atom).unwrap()[0];
        assert_eq!((entry.id.as_str(), entry.author.trim()), ("t-1", "某人u"));
        assert_eq!(entry.link, "https://bbs.example.com/t/1?a=1&b=2");
        assert_eq!(entry.content, "<div><p>第二次了再说");
        assert_eq!(entry.updated, "2026-01-31T08:30:00+08:00");
    }

    #[test]
    fn what_could_expand_or_nest_without_end_is_refused() {
        let bomb = r#"<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>"#;
        assert!(entries(bomb).unwrap_err().contains("document type"));
        let outside = r#"<!DOCTYPE r SYSTEM "file:///etc/passwd"><rss/>"#;
        assert!(entries(outside).unwrap_err().contains("document type"));
        let deep = format!("<rss>{}", "<a>".repeat(100_000));
        assert!(entries(&deep).unwrap_err().contains("nested"));
        assert!(
            entries("<html><body/></html>")
                .unwrap_err()
                .contains("neither")
        );
        assert!(entries("<rss><item></rss>").is_err());
        // An entity that nobody declared is no text of ours.
        let lone = "<rss><channel><item><title>a &nosuch; b</title></item></channel></rss>";
        assert_eq!(entries(lone).unwrap()[0].title, "a &nosuch; b");
    }
}
