//! Records as bytes: what was encoded decodes to the same records, and damaged bytes are noticed, never guessed at.
//!
//! A segment is one blob with many records of one partition. Layout of each record, lengths as LEB128 varints:
//! `key length, key, value length + 1 (0: no value), value, header count, (name length, name, value length, value)*`.
//! The blob is LZ4-compressed where that makes it smaller: JSON shrinks three to five times, which costs less than
//! writing it twice (log and file).

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::{OutRecord, TopicPartition, record::Record};

/// A segment is closed at this many raw bytes, so that a reader never has to hold much more than it asked for. Smaller
/// would mean more rows per commit; larger, more memory per reader.
pub(super) const SEGMENT_BYTES: usize = 1 << 20;

/// How a segment's blob is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Raw = 0,
    Lz4 = 1,
}

/// Records of one partition, encoded.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) count: u64,
    pub(super) codec: Codec,
    pub(super) checksum: i64,
    pub(super) data: Vec<u8>,
}

/// Collects records into segments.
#[derive(Debug, Default)]
pub(super) struct SegmentBuilder {
    raw: Vec<u8>,
    count: u64,
    done: Vec<Segment>,
}

impl SegmentBuilder {
    pub(super) fn push(&mut self, record: &OutRecord) {
        put_bytes(&mut self.raw, &record.key);
        match &record.value {
            None => put_varint(&mut self.raw, 0),
            Some(value) => {
                put_varint(&mut self.raw, value.len() as u64 + 1);
                self.raw.extend_from_slice(value);
            }
        }
        put_headers(&mut self.raw, &record.headers);
        self.count += 1;
        if self.raw.len() >= SEGMENT_BYTES {
            self.close();
        }
    }

    fn close(&mut self) {
        let raw = std::mem::take(&mut self.raw);
        let count = std::mem::take(&mut self.count);
        let packed = lz4_flex::block::compress_prepend_size(&raw);
        let (codec, data) = if packed.len() < raw.len() {
            (Codec::Lz4, packed)
        } else {
            (Codec::Raw, raw)
        };
        self.done.push(Segment {
            count,
            codec,
            checksum: checksum(&data),
            data,
        });
    }

    pub(super) fn finish(mut self) -> Vec<Segment> {
        if self.count > 0 {
            self.close();
        }
        self.done
    }
}

/// The checksum stored beside a blob.
pub(super) fn checksum(data: &[u8]) -> i64 {
    xxh3_64(data).cast_signed()
}

/// A segment as it was read from the file.
#[derive(Debug)]
pub(super) struct StoredSegment {
    pub(super) base: u64,
    pub(super) count: u64,
    pub(super) appended_at: jiff::Timestamp,
    pub(super) codec: i64,
    pub(super) checksum: i64,
    pub(super) data: Vec<u8>,
}

impl StoredSegment {
    /// The records, or `None` when the bytes are not what was written.
    pub(super) fn decode(self, at: &TopicPartition) -> Option<Vec<Record>> {
        if checksum(&self.data) != self.checksum {
            return None;
        }
        let raw = match self.codec {
            codec if codec == Codec::Raw as i64 => self.data,
            codec if codec == Codec::Lz4 as i64 => {
                lz4_flex::block::decompress_size_prepended(&self.data).ok()?
            }
            _ => return None,
        };
        let mut rest = Bytes::from(raw);
        let mut records = Vec::with_capacity(usize::try_from(self.count).ok()?);
        for index in 0..self.count {
            let key = take_bytes(&mut rest)?;
            let value = match take_varint(&mut rest)? {
                0 => None,
                length => Some(take(&mut rest, length - 1)?),
            };
            let headers = take_headers(&mut rest)?;
            records.push(Record {
                at: at.clone(),
                offset: self.base + index,
                appended_at: self.appended_at,
                key,
                value,
                headers,
            });
        }
        rest.is_empty().then_some(records)
    }
}

/// Headers as one blob.
pub(super) fn put_headers(out: &mut Vec<u8>, headers: &[(String, Bytes)]) {
    put_varint(out, headers.len() as u64);
    for (name, value) in headers {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value);
    }
}

/// Headers from one blob; `None` when the bytes are not what was written.
pub(super) fn take_headers(rest: &mut Bytes) -> Option<Vec<(String, Bytes)>> {
    let count = take_varint(rest)?;
    let mut headers = Vec::with_capacity(usize::try_from(count).ok()?.min(64));
    for _ in 0..count {
        let name = take_bytes(rest)?;
        headers.push((
            std::str::from_utf8(&name).ok()?.to_owned(),
            take_bytes(rest)?,
        ));
    }
    Some(headers)
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_bytes(rest: &mut Bytes) -> Option<Bytes> {
    let length = take_varint(rest)?;
    take(rest, length)
}

fn take(rest: &mut Bytes, length: u64) -> Option<Bytes> {
    let length = usize::try_from(length).ok()?;
    (length <= rest.len()).then(|| rest.split_to(length))
}

fn take_varint(rest: &mut Bytes) -> Option<u64> {
    let mut value = 0_u64;
    for (index, byte) in rest.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * index as u32)?;
        if byte & 0x80 == 0 {
            let used = index + 1;
            drop(rest.split_to(used));
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(segment: Segment, base: u64) -> StoredSegment {
        StoredSegment {
            base,
            count: segment.count,
            appended_at: jiff::Timestamp::UNIX_EPOCH,
            codec: segment.codec as i64,
            checksum: segment.checksum,
            data: segment.data,
        }
    }

    fn any_record() -> impl Strategy<Value = OutRecord> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from);
        (
            bytes(),
            prop::option::of(bytes()),
            prop::collection::vec(("[a-z_]{0,9}", bytes()), 0..4),
        )
            .prop_map(|(key, value, headers)| OutRecord {
                topic: "t".into(),
                key,
                partition_key: None,
                value,
                headers,
            })
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes_to_the_same_records(records in prop::collection::vec(any_record(), 1..50)) {
            let mut builder = SegmentBuilder::default();
            for record in &records {
                builder.push(record);
            }
            let at = TopicPartition::new("t", 0);
            let mut decoded = Vec::new();
            for segment in builder.finish() {
                decoded.extend(stored(segment, decoded.len() as u64).decode(&at).unwrap());
            }
            prop_assert_eq!(decoded.len(), records.len());
            for (index, (was, is)) in records.iter().zip(&decoded).enumerate() {
                prop_assert_eq!(is.offset, index as u64);
                prop_assert_eq!(&is.key, &was.key);
                prop_assert_eq!(&is.value, &was.value);
                prop_assert_eq!(&is.headers, &was.headers);
            }
        }

        #[test]
        fn damaged_bytes_are_noticed(records in prop::collection::vec(any_record(), 1..20), at in any::<prop::sample::Index>()) {
            let mut builder = SegmentBuilder::default();
            for record in &records {
                builder.push(record);
            }
            let mut segment = stored(builder.finish().remove(0), 0);
            let index = at.index(segment.data.len());
            segment.data[index] ^= 0x40;
            prop_assert!(segment.decode(&TopicPartition::new("t", 0)).is_none());
        }

        #[test]
        fn decoding_any_bytes_never_panics(data in prop::collection::vec(any::<u8>(), 0..300), codec in 0_i64..3, count in 0_u64..9) {
            let checksum = checksum(&data);
            let stored = StoredSegment { base: 0, count, appended_at: jiff::Timestamp::UNIX_EPOCH, codec, checksum, data };
            drop(stored.decode(&TopicPartition::new("t", 0)));
        }
    }

    #[test]
    fn large_input_is_cut_into_segments_of_bounded_size() {
        let value = Bytes::from(vec![7_u8; 300_000]);
        let mut builder = SegmentBuilder::default();
        for _ in 0..10 {
            builder.push(&OutRecord {
                topic: "t".into(),
                key: Bytes::new(),
                partition_key: None,
                value: Some(value.clone()),
                headers: vec![],
            });
        }
        let counts: Vec<u64> = builder
            .finish()
            .iter()
            .map(|segment| segment.count)
            .collect();
        assert_eq!(counts, [4, 4, 2]);
    }
}
