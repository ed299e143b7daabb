//! How files are found, how rows are told apart, and which column means what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems};
use wensheng_schemas::Channel;

use super::input::FilesInput;
use super::preset::PresetChoice;
use crate::connector::{Connector, Input, Shared};
use crate::draft::DraftRules;
use crate::field::Field;
use crate::pseudonym::Pseudonyms;
use crate::survey::{QuestionConfig, check_questions};
use crate::time::{TimeFormat, TimeReader};

/// A source of CSV or NDJSON files.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FilesConfig {
    /// The source's name; part of every event's id.
    pub name: String,
    /// A file, a pattern such as `/data/in/*.csv`, or a directory (its `.csv`, `.tsv`, `.ndjson` and `.jsonl` files,
    /// each also with `.gz`, those of its subdirectories included).
    pub path: PathBuf,
    /// `csv`, `ndjson`, or `auto`: by the file's ending. Default: auto.
    pub format: FormatChoice,
    /// `utf-8`, `gb18030` (GBK and GB2312 are parts of it), or `auto`: by the file's beginning. Default: auto.
    pub encoding: EncodingChoice,
    /// The character between CSV fields, ASCII. Default: a comma; a tab for `.tsv`.
    pub delimiter: Option<char>,
    /// The character around CSV fields, ASCII. Default: `"`.
    pub quote: char,
    /// Whether the first CSV record names the columns. Default: true.
    pub header: bool,
    /// The template that the files follow. Its columns, its questions and its channel stand in for what is not configured.
    /// Default: none.
    pub preset: Option<PresetChoice>,
    /// Which column holds what. Default: `text` holds the text.
    pub columns: Columns,
    /// Columns kept as attributes, by name. Default: none.
    pub attributes: Vec<Column>,
    /// Further columns, by their names, and what they ask for, as in exports of surveys. Default: none.
    pub questions: Vec<QuestionConfig>,
    /// The brand of rows that name none. Default: none; then `columns.brand` must be set.
    pub brand: Option<String>,
    /// The channel of rows that name none. Default: other.
    pub channel: Channel,
    /// What this source calls the channels, such as `{电话: hotline}`. Default: none.
    pub channel_names: BTreeMap<String, Channel>,
    /// How times are written: `auto` (RFC 3339, `2026-01-31 08:30:00`, `2026/1/31 8:30`, epoch seconds or milliseconds
    /// and more), `epoch_s`, `epoch_ms`, or a pattern such as `%d.%m.%Y %H:%M`. Default: auto.
    pub time_format: String,
    /// The time zone of times without an offset. Default: Asia/Shanghai.
    pub time_zone: String,
    /// Whether new and growing files are followed. Default: true for a directory or a pattern, false for one file.
    pub watch: Option<bool>,
    /// Milliseconds between two looks at the files. Default: 2000.
    pub poll_ms: u64,
    /// No record may be longer, in bytes; also the most that is kept in memory of one. Default: 1048576 (1 MiB).
    pub max_record_bytes: usize,
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            path: PathBuf::new(),
            format: FormatChoice::Auto,
            encoding: EncodingChoice::Auto,
            delimiter: None,
            quote: '"',
            header: true,
            preset: None,
            columns: Columns::default(),
            attributes: Vec::new(),
            questions: Vec::new(),
            brand: None,
            channel: Channel::Other,
            channel_names: BTreeMap::new(),
            time_format: "auto".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            watch: None,
            poll_ms: 2_000,
            max_record_bytes: 1 << 20,
        }
    }
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FormatChoice {
    /// By the file's ending.
    Auto,
    /// Fields between delimiters.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// How characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EncodingChoice {
    /// By the file's beginning.
    #[serde(rename = "auto")]
    Auto,
    /// UTF-8, with or without byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB18030, and so GBK and GB2312.
    #[serde(rename = "gb18030")]
    Gb18030,
}

/// A column: by its name, or by its number from 1. In NDJSON a name is a key, or a JSON Pointer such as `/user/id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Column {
    /// Its number, from 1.
    Number(usize),
    /// Its name.
    Name(String),
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Column::Number(number) => write!(f, "{number}"),
            Column::Name(name) => f.write_str(name),
        }
    }
}

/// Which column holds which field of an event. A column that is named here must be in the file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The words. Default: `text`; null where there are only scores.
    pub text: Option<Column>,
    /// The source's own id of the row. Default: none; then file name, record number and content make one.
    pub id: Option<Column>,
    /// When the customer spoke. Default: none; then the time of reading stands in.
    pub occurred_at: Option<Column>,
    /// Whom it is about.
    pub brand: Option<Column>,
    /// The product.
    pub product: Option<Column>,
    /// The shop or branch.
    pub store: Option<Column>,
    /// The region.
    pub region: Option<Column>,
    /// The channel, by its name or one of `channel_names`.
    pub channel: Option<Column>,
    /// Who spoke; kept only as a keyed pseudonym.
    pub author: Option<Column>,
    /// The author's followers.
    pub followers: Option<Column>,
    /// Likes.
    pub likes: Option<Column>,
    /// Reposts.
    pub reposts: Option<Column>,
    /// Comments.
    pub comments: Option<Column>,
    /// A page where it can be read.
    pub url: Option<Column>,
    /// The source's id of what it answers.
    pub reply_to: Option<Column>,
    /// The source's id of what it passes on.
    pub repost_of: Option<Column>,
    /// Net promoter answer, 0 to 10.
    pub nps: Option<Column>,
    /// Customer satisfaction, 1 to 5.
    pub csat: Option<Column>,
    /// Customer effort, 1 to 7.
    pub ces: Option<Column>,
    /// The row's revision, from 0: the same id with a higher one replaces what was there. Default: none; then the first
    /// row of an id is its only one.
    pub revision: Option<Column>,
    /// Whether this revision takes the row back (`true`, `1`, `yes`, `是`): it was deleted at the source.
    pub withdrawn: Option<Column>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            text: Some(Column::Name("text".to_owned())),
            id: None,
            occurred_at: None,
            brand: None,
            product: None,
            store: None,
            region: None,
            channel: None,
            author: None,
            followers: None,
            likes: None,
            reposts: None,
            comments: None,
            url: None,
            reply_to: None,
            repost_of: None,
            nps: None,
            csat: None,
            ces: None,
            revision: None,
            withdrawn: None,
        }
    }
}

impl Columns {
    fn of(&self, field: Field) -> Option<&Column> {
        match field {
            Field::Id => &self.id,
            Field::Text => &self.text,
            Field::OccurredAt => &self.occurred_at,
            Field::Brand => &self.brand,
            Field::Product => &self.product,
            Field::Store => &self.store,
            Field::Region => &self.region,
            Field::Channel => &self.channel,
            Field::Author => &self.author,
            Field::Followers => &self.followers,
            Field::Likes => &self.likes,
            Field::Reposts => &self.reposts,
            Field::Comments => &self.comments,
            Field::Url => &self.url,
            Field::ReplyTo => &self.reply_to,
            Field::RepostOf => &self.repost_of,
            Field::Nps => &self.nps,
            Field::Csat => &self.csat,
            Field::Ces => &self.ces,
            Field::Revision => &self.revision,
            Field::Withdrawn => &self.withdrawn,
        }
        .as_ref()
    }

    /// The fields that have a column.
    pub(super) fn mapped(&self) -> impl Iterator<Item = (Field, &Column)> {
        Field::ALL
            .into_iter()
            .filter_map(|field| self.of(field).map(|column| (field, column)))
    }
}

impl Check for FilesConfig {
    fn check(&self, problems: &mut Problems) {
        if self.path.as_os_str().is_empty() {
            problems.add("path", "must be given: a file, a pattern or a directory");
        } else if let Some(pattern) = self.path.to_str()
            && let Err(error) = glob::Pattern::new(pattern)
            && !self.path.exists()
        {
            problems.add("path", format!("is not a valid pattern: {error}"));
        }
        for (field, char) in [
            ("delimiter", self.delimiter.unwrap_or(',')),
            ("quote", self.quote),
        ] {
            if !char.is_ascii() || matches!(char, '\n' | '\r' | '\0') {
                problems.add(field, "must be one ASCII character that is no line break");
            }
        }
        if self.preset.is_some() && !self.header {
            problems.add(
                "header",
                "must be true with `preset`, whose columns have names",
            );
        }
        if self.delimiter == Some(self.quote) {
            problems.add("quote", "must differ from `delimiter`");
        }
        if self.questions.is_empty()
            && self.columns.text.is_none()
            && self.columns.nps.is_none()
            && self.columns.csat.is_none()
            && self.columns.ces.is_none()
        {
            problems.add("columns", "must name a column for text, nps, csat or ces");
        }
        if self.columns.revision.is_some() && self.columns.id.is_none() {
            problems.add(
                "columns.revision",
                "needs columns.id: a revision replaces the row of the same id",
            );
        }
        if self.columns.withdrawn.is_some() && self.columns.revision.is_none() {
            problems.add(
                "columns.withdrawn",
                "needs columns.revision: a withdrawal is a later revision",
            );
        }
        if self.brand.as_deref().is_some_and(|b| b.trim().is_empty()) {
            problems.add("brand", "must not be empty");
        }
        for (field, column) in self.columns.mapped() {
            check_column(self.header, column, field.name(), problems);
        }
        check_questions(&[], &self.questions, problems);
        if !self.questions.is_empty() && !self.header {
            problems.add(
                "header",
                "must be true with `questions`, whose columns have names",
            );
        }
        for (index, column) in self.attributes.iter().enumerate() {
            problems.within_item("attributes", index, |problems| {
                check_number(column, "", problems);
            });
        }
        if let Err(error) = TimeFormat::parse(&self.time_format) {
            problems.add("time_format", error);
        }
        if let Err(error) = TimeReader::new(TimeFormat::Auto, &self.time_zone) {
            problems.add("time_zone", error);
        }
        if self.poll_ms < 10 {
            problems.add("poll_ms", "must be at least 10");
        }
        if !(4_096..=64 << 20).contains(&self.max_record_bytes) {
            problems.add("max_record_bytes", "must be from 4096 to 67108864");
        }
    }
}

fn check_column(header: bool, column: &Column, field: &str, problems: &mut Problems) {
    problems.within("columns", |problems| {
        check_number(column, field, problems);
        if !header && matches!(column, Column::Name(_)) {
            problems.add(field, "must be a number (from 1), since `header` is false");
        }
    });
}

fn check_number(column: &Column, field: &str, problems: &mut Problems) {
    if *column == Column::Number(0) {
        problems.add(field, "columns are counted from 1");
    }
}

impl Connector for FilesConfig {
    fn kind(&self) -> &'static str {
        "files"
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn needs_pseudonyms(&self) -> bool {
        self.columns.author.is_some() || self.preset.is_some()
    }

    fn lacks_brand(&self) -> bool {
        self.brand.is_none() && self.columns.brand.is_none() && self.preset.is_none()
    }

    fn author_key(&self) -> &'static str {
        match self.columns.author {
            Some(_) => "columns.author",
            None => "preset",
        }
    }

    fn build(&self, shared: &Shared) -> Result<Input, String> {
        let format = TimeFormat::parse(&self.time_format)?;
        let rules = DraftRules {
            source: self.name.clone(),
            connector: "files",
            brand: self.brand.clone(),
            channel: match self.preset {
                Some(preset) if self.channel == Channel::Other => preset.channel(),
                _ => self.channel,
            },
            channel_names: self.channel_names.clone(),
            times: TimeReader::new(format, &self.time_zone)?,
            pseudonyms: Pseudonyms::new(shared.pseudonym_key.expose()),
            max_text_bytes: shared.max_text_bytes,
            aliases: shared.aliases.clone(),
        };
        Ok(Input::Pull(Box::new(FilesInput::new(self.clone(), rules))))
    }
}
