//! Lines of a file in bounded memory: of an over-long one the head is kept, and the rest is read past.

use std::io::{BufRead, Read};

/// A line as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawLine {
    /// Its bytes without the line break; of an over-long line the head.
    pub(super) bytes: Vec<u8>,
    /// How many bytes of the file it took, with the line break.
    pub(super) taken: u64,
    /// Whether a line break ended it; else the file did.
    pub(super) ended: bool,
    /// Whether it was longer than allowed.
    pub(super) over_long: bool,
}

/// Reads the next line into `line`; false at the end of the file.
pub(super) fn read_line(
    from: &mut impl BufRead,
    max_bytes: usize,
    line: &mut RawLine,
) -> std::io::Result<bool> {
    line.bytes.clear();
    line.over_long = false;
    // One more than allowed, and the line break.
    let most = max_bytes as u64 + 2;
    let mut taken = from
        .by_ref()
        .take(most)
        .read_until(b'\n', &mut line.bytes)? as u64;
    if taken == 0 {
        return Ok(false);
    }
    line.ended = line.bytes.ends_with(b"\n");
    if !line.ended && taken == most {
        line.over_long = true;
        let mut rest = Vec::new();
        loop {
            rest.clear();
            let more = from.by_ref().take(64 << 10).read_until(b'\n', &mut rest)?;
            taken += more as u64;
            line.ended = rest.ends_with(b"\n");
            if more == 0 || line.ended {
                break;
            }
        }
    }
    if line.bytes.ends_with(b"\n") {
        line.bytes.pop();
        if line.bytes.ends_with(b"\r") {
            line.bytes.pop();
        }
    }
    if line.bytes.len() > max_bytes {
        line.over_long = true;
        line.bytes.truncate(max_bytes);
    }
    line.taken = taken;
    Ok(true)
}

impl RawLine {
    pub(super) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            taken: 0,
            ended: false,
            over_long: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, max: usize) -> Vec<(String, u64, bool, bool)> {
        let mut from = std::io::BufReader::with_capacity(3, text.as_bytes());
        let mut line = RawLine::new();
        let mut all = Vec::new();
        while read_line(&mut from, max, &mut line).unwrap() {
            let text = String::from_utf8(line.bytes.clone()).unwrap();
            all.push((text, line.taken, line.ended, line.over_long));
        }
        all
    }

    #[test]
    fn every_byte_belongs_to_one_line() {
        let text = "ab\r\n\n1234\n12345\n12345678901234567890\nend";
        let all = lines(text, 4);
        let expected = [
            ("ab", 4, true, false),
            ("", 1, true, false),
            ("1234", 5, true, false),
            ("1234", 6, true, true),
            ("1234", 21, true, true),
            ("end", 3, false, false),
        ];
        let expected =
            expected.map(|(line, taken, ended, long)| (line.to_owned(), taken, ended, long));
        assert_eq!(all, expected);
        let taken: u64 = all.iter().map(|line| line.1).sum();
        assert_eq!(taken, text.len() as u64);
    }

    #[test]
    fn an_over_long_last_line_ends_with_the_file() {
        assert_eq!(
            lines("1234567890", 4),
            [("1234".to_owned(), 10, false, true)]
        );
    }
}
