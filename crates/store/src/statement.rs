//! A statement and its parameters grow together, so that they always agree.

use crate::database::Value;

/// A query under construction.
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
    conditions: usize,
}

impl Statement {
    pub(crate) fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            values: Vec::new(),
            conditions: 0,
        }
    }

    /// Adds a parameter; its placeholder.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Adds SQL.
    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Adds a condition without parameters.
    pub(crate) fn condition(&mut self, condition: &str) {
        self.sql.push_str(if self.conditions == 0 {
            " WHERE "
        } else {
            " AND "
        });
        self.sql.push_str(condition);
        self.conditions += 1;
    }

    /// Adds the condition `left <value>`, where `left` ends in its operator: `brand =`.
    pub(crate) fn compare(&mut self, left: &str, value: impl Into<Value>) {
        let placeholder = self.bind(value);
        self.condition(&format!("{left} {placeholder}"));
    }

    /// Adds the condition that `column` contains `part` exactly; `position` is [`Database::position`].
    ///
    /// [`Database::position`]: crate::database::Database::position
    pub(crate) fn contains(&mut self, column: &str, position: &str, part: String) {
        let placeholder = self.bind(part);
        self.condition(&format!("{position}({column}, {placeholder}) > 0"));
    }

    /// Adds the condition that `column` contains `part`, compared by the operator `like`.
    pub(crate) fn contains_like(&mut self, column: &str, like: &str, part: &str) {
        let placeholder = self.bind(format!("%{}%", escape(part)));
        self.condition(&format!("{column} {like} {placeholder} ESCAPE '\\'"));
    }
}

/// Takes the special meaning from the characters of a LIKE pattern.
fn escape(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
