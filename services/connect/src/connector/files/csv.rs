//! CSV fields as RFC 4180 has them, one line at a time, and a word on whether the quotes make sense.

/// Splits lines into fields; a quoted field may run over several lines.
#[derive(Debug)]
pub(super) struct Splitter {
    delimiter: u8,
    quote: u8,
    /// The fields' contents, one after the other.
    content: String,
    /// Where each finished field ends in `content`.
    ends: Vec<usize>,
    open: bool,
    suspicious: bool,
}

impl Splitter {
    /// Both are ASCII.
    pub(super) fn new(delimiter: u8, quote: u8) -> Self {
        Self {
            delimiter,
            quote,
            content: String::new(),
            ends: Vec::new(),
            open: false,
            suspicious: false,
        }
    }

    /// Forgets the record, to begin another.
    pub(super) fn reset(&mut self) {
        self.content.clear();
        self.ends.clear();
        self.open = false;
        self.suspicious = false;
    }

    /// Takes the next line of the record; true when the record ends with it.
    pub(super) fn feed(&mut self, line: &str) -> bool {
        let bytes = line.as_bytes();
        let mut at = 0;
        let mut at_start = !self.open;
        if self.open {
            self.content.push('\n');
            at = self.quoted(line, 0);
            if self.open {
                return false;
            }
        }
        loop {
            if at_start {
                if bytes.get(at) == Some(&self.quote) {
                    self.open = true;
                    at = self.quoted(line, at + 1);
                    if self.open {
                        return false;
                    }
                } else {
                    let end = self.until_delimiter(bytes, at);
                    self.content.push_str(&line[at..end]);
                    at = end;
                }
            }
            self.ends.push(self.content.len());
            if at >= bytes.len() {
                return true;
            }
            at += 1;
            at_start = true;
        }
    }

    /// Takes the rest of a quoted field from `at` on; returns where it stopped: behind it, or at the end of the line.
    fn quoted(&mut self, line: &str, mut at: usize) -> usize {
        let bytes = line.as_bytes();
        loop {
            let Some(length) = bytes[at..].iter().position(|b| *b == self.quote) else {
                self.content.push_str(&line[at..]);
                return bytes.len();
            };
            self.content.push_str(&line[at..at + length]);
            at += length + 1;
            match bytes.get(at) {
                Some(next) if *next == self.quote => {
                    self.content.push(char::from(self.quote));
                    at += 1;
                }
                Some(next) if *next != self.delimiter => {
                    // Text behind a closing quote: kept, as spreadsheets do.
                    self.suspicious = true;
                    let end = self.until_delimiter(bytes, at);
                    self.content.push_str(&line[at..end]);
                    self.open = false;
                    return end;
                }
                _ => {
                    self.open = false;
                    return at;
                }
            }
        }
    }

    fn until_delimiter(&self, bytes: &[u8], at: usize) -> usize {
        bytes[at..]
            .iter()
            .position(|b| *b == self.delimiter)
            .map_or(bytes.len(), |length| at + length)
    }

    /// How many fields the record has.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field, from 0.
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1],
        };
        self.content.get(start..end)
    }

    /// All fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Whether text stands behind a closing quote: in a record of several lines, the sign of a stray quote.
    pub(super) fn is_suspicious(&self) -> bool {
        self.suspicious
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(lines: &[&str]) -> Option<Vec<String>> {
        let mut splitter = Splitter::new(b',', b'"');
        for (index, line) in lines.iter().enumerate() {
            let complete = splitter.feed(line);
            if complete != (index + 1 == lines.len()) {
                return None;
            }
        }
        Some(splitter.fields().map(str::to_owned).collect())
    }

    #[test]
    fn fields_are_split_as_rfc_4180_says() {
        for (lines, fields) in [
            (&["a,b,c"][..], &["a", "b", "c"][..]),
            (&["a,,"], &["a", "", ""]),
            (&[""], &[""]),
            (&[","], &["", ""]),
            (&["\"\""], &[""]),
            (&["\"\",\"\""], &["", ""]),
            (&["\"a,b\",c"], &["a,b", "c"]),
            (&["\"他说\"\"好\"\"\",1"], &["他说\"好\"", "1"]),
            (&["1,\"两", "行\""], &["1", "两\n行"]),
            (&["1,\"", "\",2"], &["1", "\n", "2"]),
            (&["\"", "", "\""], &["\n\n"]),
            (&["\"a", "b\",\"c", "d\""], &["a\nb", "c\nd"]),
            (&["a\"b\",c"], &["a\"b\"", "c"]),
            (&["\"a\"b,c"], &["ab", "c"]),
        ] {
            let fields: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
            assert_eq!(split(lines), Some(fields), "{lines:?}");
        }
    }

    #[test]
    fn text_behind_a_closing_quote_is_suspicious() {
        let mut splitter = Splitter::new(b',', b'"');
        assert!(!splitter.feed("1,\"never closed"));
        assert!(splitter.feed("2,\"next\""));
        assert!(splitter.is_suspicious());
        splitter.reset();
        assert!(splitter.feed("\"a\",b"));
        assert!(!splitter.is_suspicious());
    }
}
