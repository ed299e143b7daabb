//! What a document is, is told by its shape; every shape comes to the same parts of calls.

mod aliyun;
mod amazon;
mod iflytek;
mod own;
mod tencent;
mod vcon;

use jiff::Timestamp;
use serde_json::Value;

use crate::hotline::read::{field, text};
use crate::hotline::{Part, Roles};
use crate::time::TimeReader;

/// What is known beside a document, and how its words for parties and times are understood.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) roles: &'a Roles,
    pub(crate) times: &'a TimeReader,
    /// The call's id, where the address tells it.
    pub(crate) call_id: Option<&'a str>,
    /// The call's id by the file's name, where the document has none.
    pub(crate) file_id: Option<&'a str>,
    /// When the call began, where the address tells it.
    pub(crate) started_at: Option<Timestamp>,
}

impl Context<'_> {
    /// The id of the call: the one told beside the document, or else the vendor's.
    pub(super) fn id(&self, vendor: &str, own: Option<String>) -> Result<String, String> {
        match (self.call_id, own, self.file_id) {
            (Some(id), ..) => Ok(format!("call:{id}")),
            (None, Some(own), _) => Ok(format!("{vendor}:{own}")),
            (None, None, Some(id)) => Ok(format!("{vendor}:{id}")),
            (None, None, None) => Err(
                "nothing tells which call it is; add `call_id` to the callback's address, or name the file after the call"
                    .to_owned(),
            ),
        }
    }

    /// A time that the vendor writes, in China's time where it has no zone.
    pub(super) fn time(&self, value: &Value, name: &str) -> Option<Timestamp> {
        self.times.read(&text(value, name)?)
    }
}

/// The shapes of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Any that is known.
    Any,
    /// vCon conversations only.
    Vcon,
}

/// The parts that a document holds. A document of several calls is a list.
pub(crate) fn parts(
    document: &[u8],
    shape: Shape,
    context: &Context<'_>,
) -> Result<Vec<Part>, String> {
    let value: Value = match document.trim_ascii_start().first() {
        Some(b'{' | b'[') => serde_json::from_slice(document)
            .map_err(|error| format!("it is not valid JSON: {error}"))?,
        _ if shape == Shape::Any => return tencent::callback(document, context),
        _ => return Err("it is no JSON object".to_owned()),
    };
    let items = match &value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut all = Vec::new();
    for item in items {
        all.extend(of_item(item, shape, context)?);
    }
    Ok(all)
}

fn of_item(item: &Value, shape: Shape, context: &Context<'_>) -> Result<Vec<Part>, String> {
    let has = |pointer: &str| item.pointer(pointer).is_some();
    if has("/vcon") || has("/payload") && has("/signatures") || has("/ciphertext") {
        return Ok(vec![vcon::part(item, context)?]);
    }
    if shape == Shape::Vcon {
        return Err("it is no vCon; it has no `vcon`".to_owned());
    }
    if has("/turns") {
        return Ok(vec![own::part(item, context)?]);
    }
    if has("/eventType") && has("/contactId") {
        return Ok(aliyun::event(item, context)?.into_iter().collect());
    }
    if has("/Data/ResultInfo") {
        return aliyun::conversations(item, context);
    }
    if field(item, "Sentences").is_some() || has("/Result/Sentences") {
        return Ok(vec![aliyun::transcript(item, context)?]);
    }
    if has("/content/orderResult") || has("/orderResult") {
        return Ok(vec![iflytek::part(item, context)?]);
    }
    if has("/Transcript") {
        return Ok(vec![amazon::part(item, context)?]);
    }
    if has("/Response/Data") || has("/ResultDetail") || has("/Data/ResultDetail") {
        return Ok(vec![tencent::task(item, context)?]);
    }
    if has("/TaskId") && has("/Result/0/VoiceId") {
        return Ok(vec![tencent::stream(item, context)?]);
    }
    Err("it is no transcript of a known shape; see the page of this kind of source".to_owned())
}
