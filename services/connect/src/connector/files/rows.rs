//! One record after the other, each with its first line and its number; a wrong one never takes the next with it.
//!
//! A stray quote could swallow the rest of a file. So when a record of several lines makes no sense (too long, never
//! closed, text behind a closing quote, a wrong number of fields), only its first line is given up, and reading goes on
//! with the second.

use std::collections::VecDeque;
use std::io::BufRead;

use super::csv::Splitter;
use super::encoding::Encoding;
use super::lines::{RawLine, read_line};

/// How records are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Csv { delimiter: u8, quote: u8 },
    Ndjson,
}

/// What a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    /// CSV fields: see [`Rows::fields`].
    Fields,
    /// A line that should be a JSON object: see [`Rows::text`].
    Object,
    /// Not a record; says why and what to do.
    Wrong(String),
}

/// Where reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    /// The byte to read next.
    pub(super) offset: u64,
    /// Lines read.
    pub(super) lines: u64,
    /// Records read.
    pub(super) records: u64,
}

/// Reads records.
pub(super) struct Rows<R> {
    from: R,
    shape: Shape,
    encoding: Encoding,
    max_bytes: usize,
    /// Whether the file's last record counts when no line break ends it; a file that still grows may end mid-line.
    include_tail: bool,
    /// The number of fields that records must have.
    width: Option<usize>,
    /// Lines given back.
    pending: VecDeque<RawLine>,
    /// Lines of the record in hand.
    held: Vec<RawLine>,
    splitter: Splitter,
    text: String,
    raw: Vec<u8>,
    first_line: u64,
    mark: Mark,
    unfinished: bool,
}

impl<R: BufRead> Rows<R> {
    /// Reads on from `mark`, where `from` stands.
    pub(super) fn new(
        from: R,
        shape: Shape,
        encoding: Encoding,
        max_bytes: usize,
        include_tail: bool,
        mark: Mark,
    ) -> Self {
        let (delimiter, quote) = match shape {
            Shape::Csv { delimiter, quote } => (delimiter, quote),
            Shape::Ndjson => (b',', b'"'),
        };
        Self {
            from,
            shape,
            encoding,
            max_bytes,
            include_tail,
            width: None,
            pending: VecDeque::new(),
            held: Vec::new(),
            splitter: Splitter::new(delimiter, quote),
            text: String::new(),
            raw: Vec::new(),
            first_line: 0,
            mark,
            unfinished: false,
        }
    }

    /// Requires that many fields from now on.
    pub(super) fn set_width(&mut self, fields: usize) {
        self.width = Some(fields);
    }

    /// Where reading stands: behind the last record given.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// Whether the file ended within a record that may still grow.
    pub(super) fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    /// The fields of the record given last.
    pub(super) fn fields(&self) -> &Splitter {
        &self.splitter
    }

    /// The text of the line given last.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the record given last (of an over-long one the head), without its last line break.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The first line of the record given last, from 1.
    pub(super) fn first_line(&self) -> u64 {
        self.first_line
    }

    /// The next record; `None` at the end.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Row>> {
        self.splitter.reset();
        self.text.clear();
        let mut bytes = 0;
        loop {
            let Some(line) = self.take_line()? else {
                return Ok(self.at_end());
            };
            if !line.ended && !self.include_tail {
                self.held.push(line);
                self.put_back();
                self.unfinished = true;
                return Ok(None);
            }
            if self.held.is_empty() && is_blank(&line.bytes) && !line.over_long {
                self.mark.offset += line.taken;
                self.mark.lines += 1;
                continue;
            }
            bytes += line.bytes.len();
            let over_long = line.over_long || bytes > self.max_bytes;
            self.held.push(line);
            if over_long {
                return Ok(Some(self.give_up(format!(
                    "the record has more than {} bytes; shorten it, close its quotes, or raise `max_record_bytes`",
                    self.max_bytes
                ))));
            }
            let Some(line) = self.held.last() else {
                continue;
            };
            let (text, exact) = self.encoding.decode(&line.bytes);
            if !exact {
                let name = self.encoding.name();
                return Ok(Some(self.give_up(format!(
                    "the line is not valid {name}; mend its characters, or set `encoding`"
                ))));
            }
            match self.shape {
                Shape::Ndjson => {
                    self.text.push_str(&text);
                    drop(text);
                    self.finish();
                    return Ok(Some(Row::Object));
                }
                Shape::Csv { .. } => {
                    if self.splitter.feed(&text) {
                        drop(text);
                        return Ok(Some(self.judge()));
                    }
                }
            }
        }
    }

    fn take_line(&mut self) -> std::io::Result<Option<RawLine>> {
        if let Some(line) = self.pending.pop_front() {
            return Ok(Some(line));
        }
        let mut line = RawLine::new();
        Ok(read_line(&mut self.from, self.max_bytes, &mut line)?.then_some(line))
    }

    fn at_end(&mut self) -> Option<Row> {
        if self.held.is_empty() {
            return None;
        }
        if !self.include_tail {
            self.put_back();
            self.unfinished = true;
            return None;
        }
        Some(self.give_up("a quote is opened and never closed; close it".to_owned()))
    }

    /// A complete CSV record: is it one?
    fn judge(&mut self) -> Row {
        let fields = self.splitter.len();
        let wrong_width = self.width.filter(|width| *width != fields);
        if self.held.len() > 1 && (self.splitter.is_suspicious() || wrong_width.is_some()) {
            return self.give_up(
                "a quote is opened here and makes no sense with the lines that follow; close it, or double it inside a field"
                    .to_owned(),
            );
        }
        self.finish();
        match wrong_width {
            Some(width) => Row::Wrong(format!(
                "the record has {fields} fields, but there are {width} columns; quote fields that contain the delimiter"
            )),
            None => Row::Fields,
        }
    }

    /// All lines in hand are the record.
    fn finish(&mut self) {
        self.raw.clear();
        self.first_line = self.mark.lines + 1;
        for (index, line) in self.held.drain(..).enumerate() {
            if index > 0 {
                self.raw.push(b'\n');
            }
            self.raw.extend_from_slice(&line.bytes);
            self.mark.offset += line.taken;
            self.mark.lines += 1;
        }
        self.mark.records += 1;
    }

    /// The first line in hand is wrong, and the others are read anew.
    fn give_up(&mut self, reason: String) -> Row {
        let rest = self.held.split_off(1.min(self.held.len()));
        self.finish();
        for line in rest.into_iter().rev() {
            self.pending.push_front(line);
        }
        Row::Wrong(reason)
    }

    fn put_back(&mut self) {
        for line in self.held.drain(..).rev() {
            self.pending.push_front(line);
        }
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Shape = Shape::Csv {
        delimiter: b',',
        quote: b'"',
    };

    /// Line, and fields or the word `wrong`.
    fn read(text: &str, include_tail: bool, max: usize) -> (Vec<(u64, String)>, Mark, bool) {
        let mark = Mark::default();
        let mut rows = Rows::new(
            text.as_bytes(),
            CSV,
            Encoding::Utf8,
            max,
            include_tail,
            mark,
        );
        rows.set_width(2);
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let told = match row {
                Row::Wrong(_) => "wrong".to_owned(),
                _ => rows.fields().fields().collect::<Vec<_>>().join("|"),
            };
            all.push((rows.first_line(), told));
        }
        (all, rows.mark(), rows.is_unfinished())
    }

    fn told(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
        rows.iter()
            .map(|(line, row)| (*line, (*row).to_owned()))
            .collect()
    }

    #[test]
    fn records_know_their_lines_and_blank_lines_count_as_lines_only() {
        let text = "1,a\r\n\r\n2,\"b\r\nc\"\n3,d";
        let (rows, mark, unfinished) = read(text, true, 100);
        assert_eq!(rows, told(&[(1, "1|a"), (3, "2|b\nc"), (5, "3|d")]));
        let end = Mark {
            offset: text.len() as u64,
            lines: 5,
            records: 3,
        };
        assert_eq!((mark, unfinished), (end, false));
    }

    #[test]
    fn a_stray_quote_costs_one_row() {
        for text in [
            "1,\"a\n2,b\n3,c\n",
            "1,\"a\n2,b\n3,\"c\"\n",
            "1,\"a\n2,b\n3,c,\"d\n4,e\n",
        ] {
            let (rows, ..) = read(text, true, 100);
            assert_eq!(rows[..2], told(&[(1, "wrong"), (2, "2|b")]), "{text:?}");
        }
    }

    #[test]
    fn an_over_long_record_costs_one_row() {
        let text = format!("1,{}\n2,b\n3,\"{}\n4,d\n", "x".repeat(50), "y\n".repeat(20));
        let (rows, ..) = read(&text, true, 20);
        assert_eq!(rows[0], (1, "wrong".to_owned()));
        assert_eq!(rows[1], (2, "2|b".to_owned()));
        assert_eq!(rows[2], (3, "wrong".to_owned()));
        assert_eq!(rows.last(), Some(&(24, "4|d".to_owned())));
    }

    #[test]
    fn a_wrong_number_of_fields_is_told() {
        let (rows, ..) = read("1\n1,2\n1,2,3\n", true, 100);
        assert_eq!(rows, told(&[(1, "wrong"), (2, "1|2"), (3, "wrong")]));
    }

    #[test]
    fn the_end_of_a_growing_file_is_left_for_later() {
        for text in ["1,a\n2,b", "1,a\n2,\"b\n", "1,a\n2,\"b\nc"] {
            let (rows, mark, unfinished) = read(text, false, 100);
            assert_eq!(rows, told(&[(1, "1|a")]), "{text:?}");
            assert_eq!(
                (mark.offset, mark.lines, unfinished),
                (4, 1, true),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_line_in_another_encoding_costs_one_row() {
        let bytes = b"1,\xff\xff\n2,b\n";
        let mut rows = Rows::new(&bytes[..], CSV, Encoding::Utf8, 100, true, Mark::default());
        assert!(
            matches!(rows.next().unwrap(), Some(Row::Wrong(reason)) if reason.contains("UTF-8"))
        );
        assert_eq!(rows.raw(), b"1,\xff\xff");
        assert_eq!(rows.next().unwrap(), Some(Row::Fields));
    }
}
