//! Labelled rows from CSV files: a wrong row is named with its line, never skipped in silence.

use std::path::Path;

use crate::analysis::Polarity;
use crate::error::{Problem, TextError};
use crate::train::Row;

/// At most this many wrong rows are named; more would say nothing new.
const MOST_PROBLEMS: usize = 20;

/// Reads a CSV file with a header that has `label` and `text`. Labels are `negative`, `neutral`, `positive`, or 0, 2, 1. A source that
/// holds a neutral row is taken to tell neutral texts apart.
///
/// # Errors
/// The file cannot be read, lacks a column, or holds wrong rows: the first 20 of them with their lines.
pub fn read_labelled(path: &Path) -> Result<Vec<Row>, TextError> {
    let name = path.display().to_string();
    let invalid = |problems| TextError::Invalid {
        what: name.clone(),
        problems,
    };
    let problem = |path: String, message: String| Problem { path, message };
    let file = std::fs::File::open(path).map_err(|source| TextError::File {
        action: "read",
        path: name.clone(),
        source,
    })?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let headers = reader
        .headers()
        .map_err(|e| invalid(vec![problem("line 1".to_owned(), e.to_string())]))?;
    let column = |wanted: &str| {
        let found = headers
            .iter()
            .position(|h| h.trim_start_matches('\u{feff}') == wanted);
        found.ok_or_else(|| {
            invalid(vec![problem(
                "line 1".to_owned(),
                format!("there is no column {wanted}"),
            )])
        })
    };
    let (label_at, text_at) = (column("label")?, column("text")?);
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for record in reader.records() {
        let parsed = record
            .map_err(|e| (e.position().map_or(0, csv::Position::line), e.to_string()))
            .and_then(|record| {
                let line = record.position().map_or(0, csv::Position::line);
                let value = record.get(label_at).unwrap_or_default().trim();
                let label = label(value).ok_or_else(|| {
                    (
                        line,
                        format!("{value:?} is no label: give negative, neutral or positive"),
                    )
                })?;
                let text = record
                    .get(text_at)
                    .ok_or_else(|| (line, "there is no text".to_owned()))?;
                Ok(Row {
                    text: text.to_owned(),
                    label,
                    three_way: false,
                    adapter: None,
                })
            });
        match parsed {
            Ok(row) => rows.push(row),
            Err((line, message)) if problems.len() < MOST_PROBLEMS => {
                problems.push(problem(format!("line {line}"), message))
            }
            Err(_) => {}
        }
    }
    if !problems.is_empty() {
        return Err(invalid(problems));
    }
    let three_way = rows.iter().any(|r| r.label == Polarity::Neutral);
    rows.iter_mut().for_each(|r| r.three_way = three_way);
    Ok(rows)
}

/// Reads the column `class` and the column `text` of a CSV file with a header: the text, its class as `parse` reads it.
///
/// # Errors
/// The file cannot be read or lacks a column, or the first row that is wrong with its line.
pub(crate) fn read_classes<T>(
    path: &Path,
    class: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<(String, T)>, TextError> {
    let name = path.display().to_string();
    let invalid = |line: u64, message: String| TextError::Invalid {
        what: name.clone(),
        problems: vec![Problem {
            path: format!("line {line}"),
            message,
        }],
    };
    let file = std::fs::File::open(path).map_err(|source| TextError::File {
        action: "read",
        path: name.clone(),
        source,
    })?;
    let mut reader = csv::Reader::from_reader(file);
    let headers = reader.headers().map_err(|e| invalid(1, e.to_string()))?;
    let column = |wanted: &str| {
        let found = headers.iter().position(|h| h == wanted);
        found.ok_or_else(|| invalid(1, format!("there is no column {wanted}")))
    };
    let (class_at, text_at) = (column(class)?, column("text")?);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| invalid(0, e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let class = parse(record.get(class_at).unwrap_or_default())
            .map_err(|message| invalid(line, message))?;
        rows.push((record.get(text_at).unwrap_or_default().to_owned(), class));
    }
    Ok(rows)
}

fn label(value: &str) -> Option<Polarity> {
    Some(match value {
        "0" | "negative" | "neg" => Polarity::Negative,
        "1" | "positive" | "pos" => Polarity::Positive,
        "2" | "neutral" | "neu" => Polarity::Neutral,
        _ => return None,
    })
}
