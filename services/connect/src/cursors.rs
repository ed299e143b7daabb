//! A source goes on exactly where its last committed position says.

use std::collections::BTreeMap;

use wensheng_bus::{Bus, BusError, OutRecord, TopicPartition};
use wensheng_runtime::decode;
use wensheng_schemas::{Cursor, Topic};

use crate::hotline::caller;
use crate::staging::Staging;

/// Deletions of what is known of this person's calls: those that may still change are kept as cursors, also before their
/// first event. `subject` is the author's key.
///
/// # Errors
/// What the bus says.
pub async fn forget(bus: &dyn Bus, subject: &str) -> Result<Vec<OutRecord>, BusError> {
    let mut records = Vec::new();
    for (source, streams) in restore(bus).await? {
        let mut staging = Staging::new(&source);
        for (stream, position) in streams {
            if caller(&stream, &position).is_some_and(|caller| caller == subject) {
                staging.forget(&stream);
            }
        }
        records.extend(staging.take().records);
    }
    Ok(records)
}

/// Read positions by source and stream.
pub(crate) type Positions = BTreeMap<String, BTreeMap<String, serde_json::Value>>;

/// The last committed position of every stream.
pub(crate) async fn restore(bus: &dyn Bus) -> Result<Positions, BusError> {
    let mut positions = Positions::new();
    let topic = Topic::Cursors.shared_name();
    for partition in 0..bus.partitions(&topic).await? {
        let at = TopicPartition::new(topic.clone(), partition);
        bus.replay(&at, 0..u64::MAX, &mut |record| {
            if record.value.is_none() {
                // The key is `source|stream`; no source has a `|` in its name.
                let key = String::from_utf8_lossy(&record.key);
                if let Some((source, stream)) = key.split_once('|')
                    && let Some(streams) = positions.get_mut(source)
                {
                    streams.remove(stream);
                }
                return;
            }
            match decode::<Cursor>(&record) {
                Ok(cursor) => {
                    positions
                        .entry(cursor.source)
                        .or_default()
                        .insert(cursor.stream, cursor.position);
                }
                Err(error) => tracing::warn!(
                    partition, offset = record.offset, %error,
                    "left out a cursor that cannot be read; its stream starts over, repeats are recognised by their ids"
                ),
            }
        })
        .await?;
    }
    Ok(positions)
}
