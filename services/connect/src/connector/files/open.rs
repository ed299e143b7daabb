//! What a file is, is decided before its first row is read: its characters, its columns, and whether a position is of it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::config::{FilesConfig, FormatChoice};
use super::discover::{Found, unreadable};
use super::encoding::{Encoding, UTF8_MARK};
use super::mapper::{CsvMapper, JsonMapper};
use super::position::Position;
use super::rows::{Mark, Rows, Shape};

/// So much of a file's start decides its encoding.
const SAMPLE_BYTES: u64 = 64 << 10;

/// Bytes per read from disk.
const READ_BYTES: usize = 256 << 10;

/// A file that can be read.
pub(super) struct Opened {
    pub(super) encoding: Encoding,
    pub(super) shape: Shape,
    /// How its records become drafts; none while its first record is still incomplete.
    pub(super) mapper: Option<Mapper>,
    /// Where to read on.
    pub(super) position: Position,
}

/// How a file's records become drafts.
pub(super) enum Mapper {
    Csv {
        mapper: CsvMapper,
        /// The number of fields of every record.
        width: usize,
    },
    Json(JsonMapper),
}

/// Looks into `file`, to be read on from `from` if that is a position of it.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn open(
    config: &FilesConfig,
    file: &Found,
    from: Option<&Position>,
    include_tail: bool,
) -> Result<Opened, String> {
    let told = |reason: String| format!("{} {reason}", file.path.display());
    let (head, goes_on) = head_of(&file.path).map_err(|error| unreadable(&file.path, &error))?;
    let encoding = Encoding::of(config.encoding, &head, goes_on).map_err(told)?;
    let mut position = match from {
        Some(position) if position.fits(&head) => position.clone(),
        Some(_) => {
            tracing::warn!(source = %config.name, file = %file.name, "the file was replaced, reading it from its start");
            Position::default()
        }
        None => Position::default(),
    };
    position.mark(&head);
    let start = match head.starts_with(UTF8_MARK) {
        true => UTF8_MARK.len() as u64,
        false => 0,
    };
    position.offset = position.offset.max(start);
    let shape = shape_of(config, &file.name);
    let mapper = match shape {
        Shape::Ndjson => Some(Mapper::Json(JsonMapper::new(config).map_err(told)?)),
        Shape::Csv { .. } => {
            let mark = Mark {
                offset: start,
                ..Mark::default()
            };
            let content = content_at(&file.path, start, &Arc::default())
                .map_err(|error| unreadable(&file.path, &error))?;
            let max = config.max_record_bytes;
            let mut rows = Rows::new(content, shape, encoding, max, include_tail, mark);
            match rows
                .next()
                .map_err(|error| unreadable(&file.path, &error))?
            {
                None => None,
                Some(super::rows::Row::Wrong(reason)) => {
                    return Err(told(format!("has no usable first record: {reason}")));
                }
                Some(_) => {
                    if config.header && position.offset < rows.mark().offset {
                        position.offset = rows.mark().offset;
                        position.lines = rows.mark().lines;
                    }
                    Some(Mapper::Csv {
                        mapper: CsvMapper::new(config, rows.fields()).map_err(told)?,
                        width: rows.fields().len(),
                    })
                }
            }
        }
    };
    Ok(Opened {
        encoding,
        shape,
        mapper,
        position,
    })
}

/// The content of a file from `offset` on, decompressed; `read` counts the bytes that were read from disk, or passed
/// over.
pub(super) fn content_at(
    path: &Path,
    offset: u64,
    read: &Arc<AtomicU64>,
) -> std::io::Result<Box<dyn BufRead>> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    (&mut file).take(2).read_to_end(&mut magic)?;
    if magic == [0x1f, 0x8b] {
        file.seek(SeekFrom::Start(0))?;
        let counted = Counted {
            inner: file,
            read: read.clone(),
        };
        let inner = BufReader::with_capacity(READ_BYTES, counted);
        let mut content = BufReader::with_capacity(READ_BYTES, MultiGzDecoder::new(inner));
        std::io::copy(&mut content.by_ref().take(offset), &mut std::io::sink())?;
        return Ok(Box::new(content));
    }
    if magic.len() == 2
        && path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("gz"))
    {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "its name ends in .gz, but it is not gzip; rename it, or compress it",
        ));
    }
    read.store(offset, Ordering::Relaxed);
    file.seek(SeekFrom::Start(offset))?;
    let counted = Counted {
        inner: file,
        read: read.clone(),
    };
    Ok(Box::new(BufReader::with_capacity(READ_BYTES, counted)))
}

/// The start of the content, and whether there is more.
fn head_of(path: &Path) -> std::io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    let content = content_at(path, 0, &Arc::default())?;
    content.take(SAMPLE_BYTES).read_to_end(&mut head)?;
    let goes_on = head.len() as u64 == SAMPLE_BYTES;
    Ok((head, goes_on))
}

fn shape_of(config: &FilesConfig, name: &str) -> Shape {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let is_ndjson = name.ends_with(".ndjson") || name.ends_with(".jsonl");
    match config.format {
        FormatChoice::Ndjson => return Shape::Ndjson,
        FormatChoice::Auto if is_ndjson => return Shape::Ndjson,
        FormatChoice::Auto | FormatChoice::Csv => {}
    }
    let usual = if name.ends_with(".tsv") { '\t' } else { ',' };
    let ascii = |char: char, usual: u8| u8::try_from(char).unwrap_or(usual);
    Shape::Csv {
        delimiter: ascii(config.delimiter.unwrap_or(usual), b','),
        quote: ascii(config.quote, b'"'),
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}
