//! XML from outside becomes a JSON value of bounded depth and size; a document type or an entity of its own is refused,
//! so that nothing in it can grow or reach out.
//!
//! An element with elements in it becomes an object (a name that comes again becomes a list), any other its text.
//! Attributes are left out: the callbacks read here have none.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// Callbacks have two or three levels. Deeper is not what it says it is.
const MAX_DEPTH: usize = 16;

/// Elements in one document; the longest callback known has some 40.
const MAX_ELEMENTS: usize = 4_096;

struct Open {
    name: String,
    text: String,
    children: Map<String, Value>,
}

/// The root element's content.
pub(crate) fn parse(document: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(document)
        .map_err(|error| format!("the XML is not valid UTF-8: {error}"))?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut elements = 0;
    let mut root = None;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| format!("the XML is not well formed: {error}"))?;
        match event {
            Event::Start(start) => {
                count(&mut elements, open.len())?;
                if root.is_some() {
                    return Err("the XML has more than one root element".to_owned());
                }
                open.push(Open {
                    name: start.name().as_ref().to_owned(),
                    text: String::new(),
                    children: Map::new(),
                });
            }
            Event::Empty(start) => {
                count(&mut elements, open.len())?;
                let name = start.name().as_ref().to_owned();
                close(&mut open, &mut root, name, Value::String(String::new()))?;
            }
            Event::End(_) => {
                let Some(element) = open.pop() else {
                    return Err("the XML closes more than it opens".to_owned());
                };
                let value = match element.children.is_empty() {
                    true => Value::String(element.text),
                    false => Value::Object(element.children),
                };
                close(&mut open, &mut root, element.name, value)?;
            }
            Event::Text(text) => append(&mut open, &text)?,
            Event::CData(data) => append(&mut open, &data)?,
            Event::GeneralRef(reference) => append(&mut open, &resolve(&reference)?)?,
            Event::DocType(_) => {
                return Err("the XML has a document type, which is not taken".to_owned());
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err("the XML ends within an element".to_owned());
    }
    root.ok_or_else(|| "there is no XML element".to_owned())
}

fn count(elements: &mut usize, depth: usize) -> Result<(), String> {
    *elements += 1;
    if depth >= MAX_DEPTH {
        return Err(format!("the XML is more than {MAX_DEPTH} levels deep"));
    }
    if *elements > MAX_ELEMENTS {
        return Err(format!("the XML has more than {MAX_ELEMENTS} elements"));
    }
    Ok(())
}

fn append(open: &mut [Open], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_start_matches('\u{feff}').trim().is_empty() => {}
        None => return Err("there is text around the XML".to_owned()),
    }
    Ok(())
}

fn close(
    open: &mut [Open],
    root: &mut Option<Value>,
    name: String,
    value: Value,
) -> Result<(), String> {
    let Some(parent) = open.last_mut() else {
        if root.replace(value).is_some() {
            return Err("the XML has more than one root element".to_owned());
        }
        return Ok(());
    };
    match parent.children.get_mut(&name) {
        None => {
            parent.children.insert(name, value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
    Ok(())
}

/// The five entities that every XML has, and characters by their number.
fn resolve(name: &str) -> Result<String, String> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok();
    let character = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix('#') {
            Some(number_of) => match number_of.strip_prefix('x') {
                Some(digits) => number(digits, 16).and_then(char::from_u32),
                None => number(number_of, 10).and_then(char::from_u32),
            },
            None => return Err("the XML has an entity of its own, which is not taken".to_owned()),
        },
    };
    character
        .map(String::from)
        .ok_or_else(|| "the XML has a character that is none".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn cdata_and_plain_text_read_the_same_and_repeated_names_are_lists() {
        let document = "\u{feff}<?xml version=\"1.0\"?><xml><A><![CDATA[a<b>&amp;]]></A><B> x &amp; &#22909;&#x4f60; </B>\
                        <C/><L>1</L><L>2</L><L>3</L><N><D>1</D></N></xml>\n";
        assert_eq!(
            parse(document.as_bytes()),
            Ok(json!({
                "A": "a<b>&amp;", "B": " x & 好你 ", "C": "", "L": ["1", "2", "3"], "N": {"D": "1"},
            }))
        );
    }

    #[test]
    fn what_could_grow_or_reach_out_is_refused() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><xml>&b;</xml>";
        let outside = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><xml/>";
        for (document, reason) in [
            (bomb.to_owned(), "document type"),
            (outside.to_owned(), "document type"),
            ("<xml>&lol;</xml>".to_owned(), "entity"),
            ("<a>".repeat(40) + &"</a>".repeat(40), "levels deep"),
            (
                format!("<xml>{}</xml>", "<a/>".repeat(5_000)),
                "more than 4096",
            ),
            ("<xml><a></xml>".to_owned(), "well formed"),
            ("<xml>".to_owned(), "ends within"),
            ("<a/><b/>".to_owned(), "more than one root"),
            ("<a></a><b></b>".to_owned(), "more than one root"),
            ("text".to_owned(), "around"),
            (String::new(), "no XML element"),
            ("<xml>&#xd800;</xml>".to_owned(), "is none"),
        ] {
            let refused = parse(document.as_bytes()).unwrap_err();
            assert!(refused.contains(reason), "{reason}: {refused}");
        }
        assert!(parse(b"<xml>\xff</xml>").unwrap_err().contains("UTF-8"));
    }

    proptest! {
        #[test]
        fn random_bytes_are_refused_or_read_and_never_break(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes).ok();
        }

        #[test]
        fn random_markup_is_refused_or_read_and_never_breaks(text in "[<>/a!\\[\\]CDAT&;#x1-]{0,80}") {
            parse(text.as_bytes()).ok();
        }
    }
}
