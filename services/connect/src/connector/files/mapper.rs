//! Columns become fields as configured; a configured column that is not there is an error of the file, not of each row.

use serde_json::Value;

use super::config::{Column, FilesConfig};
use super::csv::Splitter;
use crate::draft::Draft;
use crate::field::Field;
use crate::scalar::scalar;

/// Where fields and attributes stand in a CSV record.
#[derive(Debug)]
pub(super) struct CsvMapper {
    fields: Vec<(Field, usize)>,
    attributes: Vec<(String, usize)>,
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
            match find(&wanted.column, wanted.what.name()) {
                Ok(place) => fields.push((wanted.what, place)),
                Err(reason) if wanted.required => return Err(reason),
                Err(_) => {}
            }
        }
        let mut attributes = Vec::new();
        for wanted in config.wanted_attributes() {
            let place = match find(&wanted.column, "an attribute") {
                Ok(place) => place,
                Err(reason) if wanted.required => return Err(reason),
                Err(_) => continue,
            };
            let name = match (wanted.column, names.get(place)) {
                (Column::Name(name), _) => name,
                (Column::Number(_), Some(name)) if !name.is_empty() => (*name).to_owned(),
                (Column::Number(number), _) => format!("column_{number}"),
            };
            attributes.push((name, place));
        }
        Ok(Self { fields, attributes })
    }

    /// The draft of a record.
    pub(super) fn draft<'a>(&self, record: &'a Splitter) -> Draft<'a> {
        let mut draft = Draft::default();
        for (field, place) in &self.fields {
            draft.set(*field, record.get(*place).unwrap_or_default());
        }
        for (name, place) in &self.attributes {
            draft.attribute(name.as_str(), record.get(*place).unwrap_or_default());
        }
        draft
    }
}

/// Where fields and attributes stand in a JSON object: names, or JSON Pointers.
#[derive(Debug)]
pub(super) struct JsonMapper {
    fields: Vec<(Field, String)>,
    attributes: Vec<String>,
}

impl JsonMapper {
    /// The mapper for NDJSON files.
    pub(super) fn new(config: &FilesConfig) -> Result<Self, String> {
        let name = |column: &Column, what: &str| match column {
            Column::Name(name) => Ok(name.clone()),
            Column::Number(_) => Err(format!(
                "is NDJSON, which has no column numbers; name the key for {what}"
            )),
        };
        let mut fields = Vec::new();
        for wanted in config.wanted() {
            fields.push((wanted.what, name(&wanted.column, wanted.what.name())?));
        }
        let attributes = config
            .wanted_attributes()
            .iter()
            .map(|wanted| name(&wanted.column, "an attribute"))
            .collect::<Result<_, _>>()?;
        Ok(Self { fields, attributes })
    }

    /// The draft of a line.
    pub(super) fn draft(&self, line: &str) -> Result<Draft<'static>, String> {
        let value: Value = serde_json::from_str(line)
            .map_err(|error| format!("the line is not valid JSON: {error}"))?;
        if !value.is_object() {
            return Err("the line is JSON, but no object; write one object a line".to_owned());
        }
        let mut draft = Draft::default();
        for (field, name) in &self.fields {
            if let Some(text) = scalar(look_up(&value, name), field.name())? {
                draft.set(*field, text);
            }
        }
        for name in &self.attributes {
            match look_up(&value, name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => draft.attribute(name.as_str(), text),
                Some(other) => draft.attribute(name.as_str(), &other.to_string()),
            }
        }
        Ok(draft)
    }
}

fn look_up<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value.get(name) {
        None if name.starts_with('/') => value.pointer(name),
        found => found,
    }
}
