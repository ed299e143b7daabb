//! From records to rows: each record goes to its partition, in the order given.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::catalog::{Catalog, Partition};
use super::segment::{SegmentBuilder, put_headers};
use super::writer::{LatestRow, PartitionRows, Rows};
use crate::{BusError, Cleanup, OutRecord};

/// Sorts records into partitions and encodes them; also tells about how many bytes will be stored.
pub(super) fn encode(
    catalog: &Catalog,
    outputs: &[OutRecord],
) -> Result<(Vec<PartitionRows>, usize), BusError> {
    enum Building {
        Segments(SegmentBuilder),
        Latest(Vec<LatestRow>),
    }
    let mut building: BTreeMap<i64, (Arc<Partition>, Building)> = BTreeMap::new();
    let mut topic = None;
    for record in outputs {
        let found = match topic.take() {
            Some((name, topic)) if name == record.topic => topic,
            _ => catalog.topic(&record.topic)?,
        };
        let number = record.partition(found.count()) as usize;
        let Some(partition) = found.partitions.get(number) else {
            continue;
        };
        let (_, rows) = building.entry(partition.id).or_insert_with(|| {
            let rows = match found.cleanup {
                Cleanup::Delete(_) => Building::Segments(SegmentBuilder::default()),
                Cleanup::Compact => Building::Latest(Vec::new()),
            };
            (partition.clone(), rows)
        });
        match rows {
            Building::Segments(builder) => builder.push(record),
            Building::Latest(rows) => {
                let mut headers = Vec::new();
                put_headers(&mut headers, &record.headers);
                rows.push(LatestRow {
                    key: record.key.clone(),
                    value: record.value.clone(),
                    headers,
                });
            }
        }
        topic = Some((record.topic.clone(), found));
    }
    let mut bytes = 0;
    let rows = building
        .into_values()
        .map(|(partition, rows)| {
            let rows = match rows {
                Building::Segments(builder) => {
                    let segments = builder.finish();
                    bytes += segments
                        .iter()
                        .map(|segment| segment.data.len())
                        .sum::<usize>();
                    Rows::Segments(segments)
                }
                Building::Latest(rows) => {
                    bytes += rows
                        .iter()
                        .map(|row| {
                            row.key.len()
                                + row.headers.len()
                                + row.value.as_ref().map_or(0, Bytes::len)
                        })
                        .sum::<usize>();
                    Rows::Latest(rows)
                }
            };
            (partition, rows)
        })
        .collect();
    Ok((rows, bytes))
}
