//! The contract as documents: generated from the types and never written by hand, so that they cannot say anything else.

use std::time::Duration;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::{
    Alert, Command, Contract, Correction, Counted, Cursor, DeadLetter, Delivery, DetectorState,
    Enriched, FeedbackEvent, Keep, Notification, Signal, SourceRhythm, SourceStatus,
    TimelineRecord, Topic, WindowDelta, WindowTotal,
};

/// What the documents say of a topic beside its schema.
struct Described {
    /// The name of its record type.
    message: &'static str,
    /// What the key is.
    key: &'static str,
    /// What decides the partition.
    partitioned_by: &'static str,
    /// The stages that write it.
    writers: &'static [&'static str],
    /// The stages that read it.
    readers: &'static [&'static str],
}

const fn described(topic: Topic) -> Described {
    let (message, key, partitioned_by, writers, readers): (_, _, _, &[&str], &[&str]) = match topic
    {
        Topic::Feedback => (
            "FeedbackEvent",
            "event id",
            "the key",
            &["connect"],
            &["enrich"],
        ),
        Topic::Contributions => ("Counted", "event id", "the key", &["enrich"], &["enrich"]),
        Topic::Enriched => (
            "Enriched",
            "brand",
            "the key",
            &["enrich"],
            &["aggregate", "publish"],
        ),
        Topic::Aggregates => (
            "WindowDelta",
            "brand",
            "the key",
            &["aggregate"],
            &["publish"],
        ),
        Topic::Windows => (
            "WindowTotal",
            "size|start|brand|channel|topic",
            "the key",
            &["publish"],
            &[],
        ),
        Topic::DetectorState => (
            "DetectorState",
            "brand|topic, and |drill for a drill; brand|all|lane for the volume lane",
            "the brand",
            &["aggregate"],
            &["aggregate"],
        ),
        Topic::Signals => (
            "Signal",
            "brand",
            "the key",
            &["enrich", "aggregate"],
            &["respond", "publish"],
        ),
        Topic::Commands => ("Command", "brand", "the key", &["console"], &["respond"]),
        Topic::Corrections => (
            "Correction",
            "event id",
            "the key",
            &["console"],
            &["publish"],
        ),
        Topic::Alerts => (
            "Alert",
            "alert id",
            "the brand",
            &["respond"],
            &["respond", "publish"],
        ),
        Topic::Timeline => (
            "TimelineRecord",
            "alert id/number",
            "the brand",
            &["respond"],
            &["publish"],
        ),
        Topic::Notifications => (
            "Notification",
            "alert id",
            "the brand",
            &["respond"],
            &["notify"],
        ),
        Topic::Deliveries => (
            "Delivery",
            "alert id",
            "the brand",
            &["notify"],
            &["respond", "notify", "publish"],
        ),
        Topic::Cursors => (
            "Cursor",
            "source|stream",
            "the key",
            &["connect"],
            &["connect"],
        ),
        Topic::Sources => (
            "SourceStatus",
            "source",
            "the key",
            &["connect"],
            &["aggregate", "publish"],
        ),
        Topic::Rhythms => (
            "SourceRhythm",
            "source",
            "the key",
            &["aggregate"],
            &["aggregate", "publish"],
        ),
        Topic::DeadLetters => (
            "DeadLetter",
            "origin",
            "the key",
            &[
                "connect",
                "enrich",
                "aggregate",
                "respond",
                "notify",
                "publish",
            ],
            &[],
        ),
    };
    Described {
        message,
        key,
        partitioned_by,
        writers,
        readers,
    }
}

/// Does something with the record type of each topic, in flow order.
fn each(mut visit: impl FnMut(Topic, &dyn Fn(&mut SchemaGenerator, bool) -> Schema)) {
    fn of<T: Contract + JsonSchema>(
        visit: &mut impl FnMut(Topic, &dyn Fn(&mut SchemaGenerator, bool) -> Schema),
    ) {
        visit(T::TOPIC, &|generator, root| {
            if root {
                generator.root_schema_for::<T>()
            } else {
                generator.subschema_for::<T>()
            }
        });
    }
    of::<FeedbackEvent>(&mut visit);
    of::<Counted>(&mut visit);
    of::<Enriched>(&mut visit);
    of::<WindowDelta>(&mut visit);
    of::<WindowTotal>(&mut visit);
    of::<DetectorState>(&mut visit);
    of::<Signal>(&mut visit);
    of::<Command>(&mut visit);
    of::<Correction>(&mut visit);
    of::<Alert>(&mut visit);
    of::<TimelineRecord>(&mut visit);
    of::<Notification>(&mut visit);
    of::<Delivery>(&mut visit);
    of::<Cursor>(&mut visit);
    of::<SourceStatus>(&mut visit);
    of::<SourceRhythm>(&mut visit);
    of::<DeadLetter>(&mut visit);
}

/// The JSON Schema (2020-12) of every topic's records, in flow order. Readers ignore fields that it does not name.
pub fn schemas() -> Vec<(Topic, Value)> {
    let mut schemas = Vec::new();
    each(|topic, schema_in| {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let mut schema = schema_in(&mut generator, true);
        schema.insert(
            "$id".to_owned(),
            json!(format!("urn:wensheng:{}", topic.name())),
        );
        let mut schema = schema.to_value();
        unlink(&mut schema);
        schemas.push((topic, schema));
    });
    schemas
}

/// The AsyncAPI 3.0 document of all topics: channels, messages, keys and headers, for a Kafka cluster.
pub fn asyncapi() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let (mut channels, mut messages, mut operations) = (Map::new(), Map::new(), Map::new());
    each(|topic, schema_in| {
        let about = described(topic);
        let payload = schema_in(&mut generator, false).to_value();
        let name = short_name(topic);
        channels.insert(name.to_owned(), channel(topic, &about));
        messages.insert(about.message.to_owned(), message(topic, &about, payload));
        for (action, stages) in [("send", about.writers), ("receive", about.readers)] {
            for stage in stages {
                let id = format!("{stage}.{action}.{name}");
                operations.insert(
                    id,
                    json!({
                        "action": action,
                        "channel": { "$ref": format!("#/channels/{name}") },
                        "summary": format!("The stage {stage} {action}s {}.", topic.name()),
                        "tags": [{ "name": stage }],
                    }),
                );
            }
        }
    });
    let mut schemas = generator.take_definitions(true);
    schemas.insert("CloudEventsHeaders".to_owned(), headers());
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Wensheng",
            "version": "1.0.0",
            "description": "Records of the voice-of-customer stream. Values are JSON with CloudEvents 1.0 headers in \
                binary mode. Changes within a topic's version are additive: ignore fields that you do not know.",
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas },
    });
    unlink(&mut document);
    document
}

/// Descriptions come from the types' own documentation; links within it lead nowhere outside of it.
fn unlink(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = without_links(text);
            }
            fields.values_mut().for_each(unlink);
        }
        Value::Array(items) => items.iter_mut().for_each(unlink),
        _ => {}
    }
}

/// ``[`Name`](target)`` and ``[`Name`]`` become `` `Name` ``.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        plain.push_str(before);
        let Some((name, after)) = link.split_once("`]") else {
            plain.push_str("[`");
            rest = link;
            continue;
        };
        plain.push('`');
        plain.push_str(name);
        plain.push('`');
        rest = after
            .strip_prefix('(')
            .and_then(|target| target.split_once(')'))
            .map_or(after, |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

fn channel(topic: Topic, about: &Described) -> Value {
    let configuration = match topic.keep() {
        Keep::Latest => json!({ "cleanup.policy": ["compact"] }),
        Keep::For(age) => {
            json!({ "cleanup.policy": ["delete"], "retention.ms": milliseconds(age) })
        }
    };
    let message = about.message;
    json!({
        "address": topic.name(),
        "description": format!("Keyed by {}; partitioned by {}.", about.key, about.partitioned_by),
        "messages": { message: { "$ref": format!("#/components/messages/{message}") } },
        "bindings": { "kafka": {
            "topic": topic.name(),
            "topicConfiguration": configuration,
            "bindingVersion": "0.5.0",
        } },
    })
}

fn message(topic: Topic, about: &Described, payload: Value) -> Value {
    json!({
        "name": about.message,
        "title": topic.name(),
        "contentType": "application/json",
        "headers": { "allOf": [
            { "$ref": "#/components/schemas/CloudEventsHeaders" },
            { "type": "object", "properties": { "ce_type": { "const": topic.name() } } },
        ] },
        "payload": payload,
        "bindings": { "kafka": {
            "key": { "type": "string", "description": about.key },
            "bindingVersion": "0.5.0",
        } },
    })
}

/// CloudEvents 1.0, Kafka protocol binding, binary content mode.
fn headers() -> Value {
    json!({
        "type": "object",
        "description": "CloudEvents 1.0 in binary mode, and W3C trace context.",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"],
        "properties": {
            "ce_specversion": { "const": "1.0" },
            "ce_id": { "type": "string", "description": "Deterministic: a replay is the same event." },
            "ce_source": { "const": "urn:wensheng" },
            "ce_type": { "type": "string", "description": "The topic's name." },
            "ce_time": { "type": "string", "format": "date-time", "description": "When the thing it tells of happened." },
            "content-type": { "const": "application/json" },
            "traceparent": {
                "type": "string",
                "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
                "description": "The trace of the piece of feedback that led to this record.",
            },
        },
    })
}

/// `detector-state` of `voc.detector-state.v1`.
fn short_name(topic: Topic) -> &'static str {
    let name = topic.name();
    let name = name.strip_prefix("voc.").unwrap_or(name);
    name.strip_suffix(".v1").unwrap_or(name)
}

fn milliseconds(age: Duration) -> u64 {
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_names() {
        for (text, plain) in [
            ("See [`AlertId::of`].", "See `AlertId::of`."),
            (
                "[`TOPIC_ALL`](crate::TOPIC_ALL) for no topic (none).",
                "`TOPIC_ALL` for no topic (none).",
            ),
            ("`[age, pieces]`, [`a", "`[age, pieces]`, [`a"),
        ] {
            assert_eq!(without_links(text), plain);
        }
    }
}
