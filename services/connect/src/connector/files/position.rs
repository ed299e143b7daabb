//! A position is good only for the file that it was made for: one that was replaced or cut is read from the start, and
//! its rows are recognised by their ids.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// So many bytes from the start tell one file from another.
const HEAD_BYTES: usize = 4_096;

/// How far a file was read, of its content after decompression.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The byte to read next.
    pub(super) offset: u64,
    /// Lines read.
    pub(super) lines: u64,
    /// Records read, right and wrong ones, without the header.
    pub(super) records: u64,
    /// How many bytes from the start `head_hash` covers.
    head_bytes: usize,
    /// The hash of the file's start, in hex.
    head_hash: String,
}

impl Position {
    /// Whether this position is of a file that begins with `head`.
    pub(super) fn fits(&self, head: &[u8]) -> bool {
        head.get(..self.head_bytes)
            .is_some_and(|head| hash(head) == self.head_hash)
    }

    /// Remembers the file by `head`, as much of it as is there.
    pub(super) fn mark(&mut self, head: &[u8]) {
        let head = &head[..head.len().min(HEAD_BYTES)];
        self.head_bytes = head.len();
        self.head_hash = hash(head);
    }
}

fn hash(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(head: &[u8]) -> Position {
        let mut position = Position::default();
        position.mark(head);
        position
    }

    #[test]
    fn a_position_fits_its_file_grown_and_no_other() {
        let position = start(b"id,text\n1,a\n");
        assert!(position.fits(b"id,text\n1,a\n2,b\n"));
        assert!(!position.fits(b"id,text\n1,b\n2,b\n"));
        assert!(!position.fits(b"id,te"));
        assert!(start(b"").fits(b"anything"));
    }
}
