//! Columns become fields as configured; a configured column that is not there is an error of the file, not of each row.

use serde_json::Value;

use super::config::{Column, FilesConfig};
use super::csv::Splitter;
use crate::draft::Draft;
use crate::field::Field;
use crate::scalar::scalar;
use crate::survey::{Answered, Surveys};

/// Where fields and attributes stand in a CSV record.
#[derive(Debug)]
pub(super) struct CsvMapper {
    fields: Vec<(Field, usize)>,
    attributes: Vec<(String, usize)>,
    /// Columns that are questions.
    asked: Vec<(String, usize)>,
    surveys: Surveys,
}

fn answered(column: &str, said: &str) -> Answered {
    Answered {
        id: column.to_owned(),
        said: said.to_owned(),
        ..Answered::default()
    }
}

impl CsvMapper {
    /// The mapper for a file whose first record is `first`.
    pub(super) fn new(config: &FilesConfig, first: &Splitter) -> Result<Self, String> {
        let names: Vec<&str> = match config.header {
            true => first.fields().map(str::trim).collect(),
            false => Vec::new(),
        };
        let find = |column: &Column, what: &str| match column {
            Column::Number(number) if (1..=first.len()).contains(number) => Ok(number - 1),
            Column::Number(number) => Err(format!(
                "has no column {number} for {what}; it has {}",
                first.len()
            )),
            Column::Name(name) => {
                let mut places = (0..names.len()).filter(|i| names[*i] == name);
                match (places.next(), places.next()) {
                    (Some(place), None) => Ok(place),
                    (Some(_), Some(_)) => Err(format!(
                        "has two columns {name:?} for {what}; name it by its number"
                    )),
                    (None, _) => Err(format!(
                        "has no column {name:?} for {what}; its columns are {}",
                        names.join(", ")
                    )),
                }
            }
        };
        let mut fields = Vec::new();
        for wanted in config.wanted() {
            match any_of(&wanted.columns, |column| find(column, wanted.what.name())) {
                Ok((_, place)) => fields.push((wanted.what, place)),
                Err(reason) if wanted.required => return Err(reason),
                Err(_) => {}
            }
        }
        let mut attributes = Vec::new();
        for wanted in config.wanted_attributes() {
            let (column, place) =
                match any_of(&wanted.columns, |column| find(column, "an attribute")) {
                    Ok(found) => found,
                    Err(reason) if wanted.required => return Err(reason),
                    Err(_) => continue,
                };
            let name = match (column, names.get(place)) {
                (Column::Name(name), _) => name.clone(),
                (Column::Number(_), Some(name)) if !name.is_empty() => (*name).to_owned(),
                (Column::Number(number), _) => format!("column_{number}"),
            };
            attributes.push((name, place));
        }
        let surveys = config.surveys()?;
        let is_used = |place: usize| {
            let used = fields.iter().map(|(_, used)| *used);
            let mut used = used.chain(attributes.iter().map(|(_, used)| *used));
            used.any(|used| used == place)
        };
        let asked = names.iter().enumerate();
        let asked = asked.filter(|(place, name)| surveys.knows(name) && !is_used(*place));
        let asked = asked
            .map(|(place, name)| ((*name).to_owned(), place))
            .collect();
        Ok(Self {
            fields,
            attributes,
            asked,
            surveys,
        })
    }

    /// The draft of a record.
    pub(super) fn draft<'a>(&self, record: &'a Splitter) -> Result<Draft<'a>, String> {
        let mut draft = Draft::default();
        for (field, place) in &self.fields {
            draft.set(*field, record.get(*place).unwrap_or_default());
        }
        for (name, place) in &self.attributes {
            draft.attribute(name.as_str(), record.get(*place).unwrap_or_default());
        }
        if self.asked.is_empty() {
            return Ok(draft);
        }
        let answers = self
            .asked
            .iter()
            .map(|(name, place)| answered(name, record.get(*place).unwrap_or_default()));
        let answers: Vec<Answered> = answers.collect();
        self.surveys.fill("", &answers, &mut draft)?;
        Ok(draft)
    }
}

/// The first of these columns that the file has; of several names that it has none of, the first is told.
fn any_of(
    columns: &[Column],
    find: impl Fn(&Column) -> Result<usize, String>,
) -> Result<(&Column, usize), String> {
    let mut missing = None;
    for column in columns {
        match find(column) {
            Ok(place) => return Ok((column, place)),
            Err(reason) => missing = missing.or(Some(reason)),
        }
    }
    Err(missing.unwrap_or_default())
}

/// Where fields and attributes stand in a JSON object: names, or JSON Pointers.
#[derive(Debug)]
pub(super) struct JsonMapper {
    fields: Vec<(Field, Vec<String>)>,
    attributes: Vec<String>,
    surveys: Surveys,
}

impl JsonMapper {
    /// The mapper for NDJSON files.
    pub(super) fn new(config: &FilesConfig) -> Result<Self, String> {
        let names = |columns: &[Column], what: &str| {
            let names = columns.iter().map(|column| match column {
                Column::Name(name) => Ok(name.clone()),
                Column::Number(_) => Err(format!(
                    "is NDJSON, which has no column numbers; name the key for {what}"
                )),
            });
            names.collect::<Result<Vec<_>, _>>()
        };
        let mut fields = Vec::new();
        for wanted in config.wanted() {
            fields.push((wanted.what, names(&wanted.columns, wanted.what.name())?));
        }
        let mut attributes = Vec::new();
        for wanted in config.wanted_attributes() {
            attributes.extend(names(&wanted.columns, "an attribute")?);
        }
        Ok(Self {
            fields,
            attributes,
            surveys: config.surveys()?,
        })
    }

    /// The draft of a line.
    pub(super) fn draft(&self, line: &str) -> Result<Draft<'static>, String> {
        let value: Value = serde_json::from_str(line)
            .map_err(|error| format!("the line is not valid JSON: {error}"))?;
        let Some(keys) = value.as_object() else {
            return Err("the line is JSON, but no object; write one object a line".to_owned());
        };
        let mut draft = Draft::default();
        for (field, names) in &self.fields {
            let found = names.iter().find_map(|name| look_up(&value, name));
            if let Some(text) = scalar(found, field.name())? {
                draft.set(*field, text);
            }
        }
        for name in &self.attributes {
            if let Some(found) = look_up(&value, name) {
                draft.attribute(name.as_str(), &kept(found));
            }
        }
        let is_used = |key: &String| {
            let mut fields = self.fields.iter().flat_map(|(_, names)| names);
            self.attributes.contains(key) || fields.any(|name| name == key)
        };
        let answers: Vec<Answered> = keys
            .iter()
            .filter(|(key, _)| self.surveys.knows(key) && !is_used(key))
            .map(|(key, value)| answered(key, &kept(value)))
            .collect();
        self.surveys.fill("", &answers, &mut draft)?;
        Ok(draft)
    }
}

/// A value as it is kept.
fn kept(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn look_up<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value.get(name) {
        None if name.starts_with('/') => value.pointer(name),
        found => found,
    }
}
