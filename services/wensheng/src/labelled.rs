//! Rows whose verdict is known, from CSV or NDJSON: a wrong row is told with its line, never skipped in silence.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;
use wensheng_text::{Context, Polarity};

use crate::analyze::input::{self, Line};
use crate::cli::InputFormat;

/// More wrong rows are counted, not named.
const MOST_TOLD: usize = 20;

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Labelled {
    /// Its line, from 1.
    pub(crate) line: u64,
    pub(crate) label: Polarity,
    pub(crate) channel: Option<String>,
    pub(crate) text: String,
}

impl Labelled {
    /// Where it came from.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            channel: self.channel.as_deref(),
            ..Context::default()
        }
    }
}

/// A row that could not be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct BadRow {
    /// Its line, from 1.
    pub(crate) line: u64,
    /// What is wrong and what would be right.
    pub(crate) error: String,
}

/// The rows of a file; those that name no channel have `channel`.
pub(crate) fn read(
    path: &Path,
    format: Option<InputFormat>,
    channel: Option<&str>,
) -> Result<(Vec<Labelled>, Vec<BadRow>)> {
    let mut rows = Vec::new();
    let mut bad = Vec::new();
    for line in input::open(path, format)? {
        match line? {
            Line::Bad { number, error } => bad.push(BadRow {
                line: number,
                error,
            }),
            Line::Good {
                number,
                fields,
                text,
            } => {
                let own = fields.get("channel").and_then(Value::as_str);
                match label(fields.get("label")) {
                    _ if text.trim().is_empty() => bad.push(BadRow {
                        line: number,
                        error: "the text is empty".to_owned(),
                    }),
                    Ok(label) => rows.push(Labelled {
                        line: number,
                        label,
                        channel: own
                            .map(str::trim)
                            .filter(|own| !own.is_empty())
                            .or(channel)
                            .map(str::to_owned),
                        text,
                    }),
                    Err(error) => bad.push(BadRow {
                        line: number,
                        error,
                    }),
                }
            }
        }
    }
    tell(&bad);
    if rows.is_empty() {
        bail!(
            "{} holds no row with a label and a text; give it the columns `label` (0 or negative, 1 or positive, 2 or neutral) and `text`",
            path.display()
        );
    }
    Ok((rows, bad))
}

/// Tells wrong rows on standard error.
pub(crate) fn tell(bad: &[BadRow]) {
    for row in bad.iter().take(MOST_TOLD) {
        eprintln!("line {}: {}", row.line, row.error);
    }
    if bad.len() > MOST_TOLD {
        eprintln!("and {} more", bad.len() - MOST_TOLD);
    }
}

fn label(value: Option<&Value>) -> Result<Polarity, String> {
    let text = match value {
        Some(Value::String(text)) => text.trim().to_lowercase(),
        Some(Value::Number(number)) => number.to_string(),
        Some(other) => other.to_string(),
        None => return Err("there is no `label`".to_owned()),
    };
    match text.as_str() {
        "0" | "negative" | "neg" | "负面" => Ok(Polarity::Negative),
        "1" | "positive" | "pos" | "正面" => Ok(Polarity::Positive),
        "2" | "neutral" | "neu" | "中性" => Ok(Polarity::Neutral),
        _ => Err(format!(
            "{text:?} is no label: give 0 or negative, 1 or positive, 2 or neutral"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_numbers_or_words_and_every_wrong_row_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("rows.csv");
        std::fs::write(
            &csv,
            "label,text,channel\n0,差,weibo\nPositive,好,\n5,怪,\n2,几点开门,\n1, ,\n1,好\n",
        )
        .unwrap();
        let (rows, bad) = read(&csv, None, Some("survey")).unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.line, row.label, row.channel.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                (2, Polarity::Negative, Some("weibo")),
                (3, Polarity::Positive, Some("survey")),
                (5, Polarity::Neutral, Some("survey")),
            ]
        );
        assert_eq!(
            bad.iter().map(|row| row.line).collect::<Vec<_>>(),
            [4, 6, 7]
        );

        let ndjson = folder.path().join("rows.ndjson");
        std::fs::write(
            &ndjson,
            "{\"label\":1,\"text\":\"好\"}\n{\"text\":\"好\"}\n",
        )
        .unwrap();
        let (rows, bad) = read(&ndjson, None, None).unwrap();
        assert_eq!(
            (rows[0].label, rows[0].channel.as_deref()),
            (Polarity::Positive, None)
        );
        assert_eq!(bad[0].line, 2);
    }

    #[test]
    fn a_file_without_a_usable_row_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, "text,stars\n好,5\n").unwrap();
        let error = read(&path, None, None).unwrap_err().to_string();
        assert!(error.contains("`label`"), "{error}");
    }
}
