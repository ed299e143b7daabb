//! Files of texts, one line or row at a time, whatever their size.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use crate::cli::InputFormat;

/// One text with the fields beside it, or why there is none.
pub(crate) enum Line {
    /// A line with a text.
    Good {
        /// Its number, from 1.
        number: u64,
        /// All fields of the line but the text.
        fields: Map<String, Value>,
        /// The text.
        text: String,
    },
    /// A line without.
    Bad {
        /// Its number, from 1.
        number: u64,
        /// What is wrong and what to do.
        error: String,
    },
}

/// The lines of an input.
pub(crate) type Lines = Box<dyn Iterator<Item = Result<Line>>>;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Opens a file, or standard input for `-`.
pub(crate) fn open(path: &Path, format: Option<InputFormat>) -> Result<Lines> {
    let mut reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        Box::new(BufReader::with_capacity(1 << 20, file))
    };
    let head = reader
        .fill_buf()
        .with_context(|| format!("read {}", path.display()))?;
    if head.starts_with(BOM) {
        reader.consume(BOM.len());
    }
    let format = match format {
        Some(format) => format,
        None => guess(
            path,
            reader
                .fill_buf()
                .with_context(|| format!("read {}", path.display()))?,
        ),
    };
    match format {
        InputFormat::Ndjson => Ok(ndjson(reader)),
        InputFormat::Csv => csv(reader),
    }
}

fn guess(path: &Path, head: &[u8]) -> InputFormat {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => InputFormat::Csv,
        Some("ndjson" | "jsonl" | "json") => InputFormat::Ndjson,
        _ if head.trim_ascii_start().starts_with(b"{") => InputFormat::Ndjson,
        _ => InputFormat::Csv,
    }
}

fn ndjson(mut reader: Box<dyn BufRead>) -> Lines {
    let mut number = 0;
    let mut bytes = Vec::new();
    Box::new(std::iter::from_fn(move || {
        loop {
            bytes.clear();
            match reader.read_until(b'\n', &mut bytes) {
                Err(error) => {
                    return Some(Err(anyhow::Error::new(error).context("read the input")));
                }
                Ok(0) => return None,
                Ok(_) => number += 1,
            }
            if !bytes.trim_ascii().is_empty() {
                return Some(Ok(object(number, &bytes)));
            }
        }
    }))
}

fn object(number: u64, bytes: &[u8]) -> Line {
    let bad = |error: String| Line::Bad { number, error };
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(mut fields)) => match fields.remove("text") {
            Some(Value::String(text)) => Line::Good {
                number,
                fields,
                text,
            },
            Some(_) => bad("`text` is not a string".to_owned()),
            None => bad("there is no field `text`".to_owned()),
        },
        Ok(_) => bad("not a JSON object".to_owned()),
        Err(error) => bad(format!("not valid JSON: {error}")),
    }
}

fn csv(reader: impl Read + 'static) -> Result<Lines> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let headers: Vec<String> = reader
        .byte_headers()
        .context("read the header row")?
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect();
    let text_column = headers
        .iter()
        .position(|name| name == "text")
        .with_context(|| {
            format!(
                "the header row has no column `text`; it has {}",
                headers.join(", ")
            )
        })?;
    let mut row = csv::ByteRecord::new();
    Ok(Box::new(std::iter::from_fn(move || {
        match reader.read_byte_record(&mut row) {
            Err(error) => Some(Err(anyhow::Error::new(error).context("read the input"))),
            Ok(false) => None,
            Ok(true) => {
                let number = row.position().map_or(0, csv::Position::line);
                Some(Ok(fields(number, &headers, text_column, &row)))
            }
        }
    })))
}

fn fields(number: u64, headers: &[String], text_column: usize, row: &csv::ByteRecord) -> Line {
    if row.len() != headers.len() {
        return Line::Bad {
            number,
            error: format!("{} fields, the header row has {}", row.len(), headers.len()),
        };
    }
    let mut fields = Map::new();
    let mut text = String::new();
    for (index, (name, value)) in headers.iter().zip(row.iter()).enumerate() {
        let Ok(value) = std::str::from_utf8(value) else {
            return Line::Bad {
                number,
                error: format!("column `{name}` is not UTF-8; convert the file to UTF-8"),
            };
        };
        if index == text_column {
            value.clone_into(&mut text);
        } else {
            fields.insert(name.clone(), Value::String(value.to_owned()));
        }
    }
    Line::Good {
        number,
        fields,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: Lines) -> Vec<Result<String, String>> {
        lines
            .map(|line| match line.unwrap() {
                Line::Good { text, .. } => Ok(text),
                Line::Bad { number, error } => Err(format!("{number}: {error}")),
            })
            .collect()
    }

    #[test]
    fn quoted_newlines_stay_in_one_row_and_bad_rows_are_told() {
        let found = texts(csv(&b"id,text\n1,\"a\nb\"\n2\n3,c\n"[..]).unwrap());
        assert_eq!(
            found,
            [
                Ok("a\nb".to_owned()),
                Err("4: 1 fields, the header row has 2".to_owned()),
                Ok("c".to_owned())
            ]
        );
    }

    #[test]
    fn lines_of_json_are_read_one_by_one() {
        let input = Box::new(&b"{\"text\":\"a\"}\n\n{\"text\":3}\nnope\n{\"text\":\"b\"}"[..]);
        let found = texts(ndjson(input));
        assert_eq!(found[0], Ok("a".to_owned()));
        assert_eq!(found[1], Err("3: `text` is not a string".to_owned()));
        assert!(
            found[2]
                .as_ref()
                .unwrap_err()
                .starts_with("4: not valid JSON")
        );
        assert_eq!(found[3], Ok("b".to_owned()));
    }

    #[test]
    fn a_table_without_text_says_which_columns_it_has() {
        let error = csv(&b"id,comment\n1,a\n"[..]).err().unwrap().to_string();
        assert!(error.contains("id, comment"), "{error}");
    }
}
