//! How fast an engine is: the same measurement for both, through the seam alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{Bus, BusError, Cleanup, OutRecord, SessionEvent, SessionSpec, TopicSpec};

/// Partitions of the topics that are measured on.
const PARTITIONS: u32 = 4;

/// Something done many times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How many records.
    pub records: u64,
    /// How many bytes of values.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
}

impl Rate {
    /// Records per second.
    pub fn per_second(&self) -> f64 {
        self.records as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Values of `size` bytes that compress about as feedback records do (JSON with the same field names around some
/// text that differs). Deterministic.
fn value(number: u64, size: usize) -> Bytes {
    let mut text = format!(r#"{{"id":"{number:016x}","channel":"weibo","brand":"示例","text":""#);
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while text.len() + 5 < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Some 2,000 of the common Chinese characters.
        let scalar = 0x4e00 + u32::try_from(state % 2000).unwrap_or(0);
        text.push(char::from_u32(scalar).unwrap_or('字'));
    }
    text.push_str(r#""}"#);
    Bytes::from(text)
}

fn topic(name: &str) -> Arc<str> {
    format!("bench.{name}.{:016x}", rand::random::<u64>()).into()
}

async fn create(bus: &dyn Bus, topics: &[&Arc<str>]) -> Result<(), BusError> {
    let specs: Vec<TopicSpec> = topics
        .iter()
        .map(|name| TopicSpec {
            name: (*name).clone(),
            partitions: PARTITIONS,
            cleanup: Cleanup::Delete(Duration::from_secs(3600)),
        })
        .collect();
    bus.create_topics(&specs).await
}

/// Appends `records` records of `size` bytes in batches of `batch`, each batch one durable commit, one after the other.
/// Makes a topic of its own.
pub async fn measure_append(
    bus: &dyn Bus,
    records: u64,
    size: usize,
    batch: usize,
) -> Result<Rate, BusError> {
    let topic = topic("append");
    create(bus, &[&topic]).await?;
    let mut publisher = bus.publisher(&topic).await?;
    let batches = make(&topic, records, size, batch);
    let mut rate = Rate {
        records: 0,
        bytes: 0,
        took: Duration::ZERO,
    };
    let started = Instant::now();
    for batch in batches {
        rate.records += batch.len() as u64;
        rate.bytes += batch
            .iter()
            .map(|record| record.value.as_ref().map_or(0, Bytes::len) as u64)
            .sum::<u64>();
        publisher.publish(batch).await?;
    }
    rate.took = started.elapsed();
    Ok(rate)
}

/// Copies `records` records of `size` bytes from one topic to another in batches of up to `batch`, outputs and progress
/// committed together: what each stage of the pipeline asks of the bus. Makes topics of its own.
pub async fn measure_copy(
    bus: &dyn Bus,
    records: u64,
    size: usize,
    batch: usize,
) -> Result<Rate, BusError> {
    let (input, output) = (topic("input"), topic("output"));
    create(bus, &[&input, &output]).await?;
    let mut publisher = bus.publisher(&input).await?;
    for batch in make(&input, records, size, batch) {
        publisher.publish(batch).await?;
    }
    let spec = SessionSpec {
        group: input.to_string(),
        topics: vec![input.clone()],
        max_records: batch,
        max_bytes: 8 << 20,
        max_wait: Duration::from_millis(100),
    };
    let started = Instant::now();
    let mut session = bus.session(spec).await?;
    let mut rate = Rate {
        records: 0,
        bytes: 0,
        took: Duration::ZERO,
    };
    while rate.records < records {
        let SessionEvent::Records(batch) = session.next().await? else {
            continue;
        };
        let outputs: Vec<OutRecord> = batch
            .records
            .iter()
            .map(|record| OutRecord {
                topic: output.clone(),
                key: record.key.clone(),
                partition_key: None,
                value: record.value.clone(),
                headers: record.headers.clone(),
            })
            .collect();
        rate.records += outputs.len() as u64;
        rate.bytes += outputs
            .iter()
            .map(|record| record.value.as_ref().map_or(0, Bytes::len) as u64)
            .sum::<u64>();
        session.commit(&batch.progress(), outputs).await?;
    }
    rate.took = started.elapsed();
    session.close().await?;
    Ok(rate)
}

fn make(topic: &Arc<str>, records: u64, size: usize, batch: usize) -> Vec<Vec<OutRecord>> {
    let all: Vec<OutRecord> = (0..records)
        .map(|number| OutRecord {
            topic: topic.clone(),
            key: Bytes::from(format!(
                "{:016x}",
                number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            )),
            partition_key: None,
            value: Some(value(number, size)),
            headers: Vec::new(),
        })
        .collect();
    all.chunks(batch.max(1))
        .map(<[OutRecord]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EmbeddedBus, EmbeddedConfig};

    #[tokio::test]
    async fn what_is_measured_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let bus =
            EmbeddedBus::open(folder.path().join("bus.db"), EmbeddedConfig::default()).unwrap();
        for rate in [
            measure_append(bus.as_ref(), 1050, 500, 100).await.unwrap(),
            measure_copy(bus.as_ref(), 1050, 500, 100).await.unwrap(),
        ] {
            assert_eq!(rate.records, 1050);
            assert!(
                (490..=500).contains(&(rate.bytes / rate.records)),
                "{rate:?}"
            );
            assert!(rate.per_second() > 0.0);
        }
    }
}
