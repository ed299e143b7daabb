//! Files are read to the last row, each row once: a row becomes an event or a dead letter that names file, line and
//! reason, and the position is committed with the rows.
//!
//! CSV and NDJSON, plain or gzipped, UTF-8 or GB18030, of any size in bounded memory; one file, a pattern, or a
//! directory that is watched for new and growing files.

mod config;
mod csv;
mod discover;
mod encoding;
mod input;
mod lines;
mod mapper;
mod open;
mod position;
mod preset;
mod reader;
mod rows;

pub use config::{Column, Columns, EncodingChoice, FilesConfig, FormatChoice};
pub use preset::PresetChoice;
