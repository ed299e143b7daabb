//! Files of rules: everything that is wrong in all of them is told at once, each with its file, line and path.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::analyzer::Analyzer;
use crate::error::{Problem, TextError};
use crate::matcher::Context;
use crate::rule::{Rule, Rules};

/// How the shipped rules are called where files are named.
const STARTER: &str = "starter rules";

/// Rules of several files, with the place of each.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// The rules, file after file.
    pub rules: Rules,
    files: Vec<File>,
    /// For each rule, its file and its number there.
    origins: Vec<(usize, usize)>,
}

/// One file, and on which line each of its values begins, by path.
#[derive(Debug, Clone)]
struct File {
    name: String,
    lines: FxHashMap<String, u64>,
}

impl Documents {
    /// The shipped rules as a document: its name and its YAML.
    pub const fn starter() -> (&'static str, &'static str) {
        (STARTER, include_str!("../rules/starter.yaml"))
    }

    /// Reads and checks documents, given as (name, YAML).
    ///
    /// # Errors
    /// All that is wrong, in shape and in content, in all documents; each path is `name:line: rules[i].field`.
    pub fn read(documents: &[(&str, &str)]) -> Result<Self, TextError> {
        let mut this = Self::default();
        let mut problems = Vec::new();
        let schema = serde_json::to_value(schemars::schema_for!(Rule)).unwrap_or_default();
        let shape = jsonschema::validator_for(&schema).map_err(|error| {
            invalid(vec![Problem {
                path: "rules".to_owned(),
                message: format!("the built-in schema is damaged: {error}"),
            }])
        })?;
        for (name, yaml) in documents {
            this.add(name, yaml, &shape, &mut problems);
        }
        for (rule, path, message) in this.rules.problems_by_rule() {
            problems.push(this.problem(rule, &path, message));
        }
        if problems.is_empty() {
            Ok(this)
        } else {
            Err(invalid(problems))
        }
    }

    /// Checks what only an analyser can tell: that aspects exist, that channels are among `channels`, and that the rules hold for their
    /// examples and leave their counter-examples alone. The shipped rules are left out: they were tested with the shipped word lists.
    /// `analyzer` must have been built with these rules.
    ///
    /// # Errors
    /// All that is wrong, each with its file, line and path.
    pub fn check(&self, analyzer: &Analyzer, channels: &[&str]) -> Result<(), TextError> {
        let mut problems = Vec::new();
        for (r, rule) in self.rules.rules.iter().enumerate() {
            if self.files[self.origins[r].0].name == STARTER {
                continue;
            }
            let mut say =
                |path: String, message: String| problems.push(self.problem(r, &path, message));
            for (i, aspect) in rule.aspects.iter().enumerate() {
                if !analyzer.aspect_ids().any(|id| id == aspect.as_ref()) {
                    let known = analyzer.aspect_ids().collect::<Vec<_>>().join(", ");
                    say(
                        format!("aspects[{i}]"),
                        format!("there is no aspect {aspect}: give one of {known}"),
                    );
                }
            }
            for (i, channel) in rule.channels.iter().enumerate() {
                if !channels.contains(&channel.as_str()) {
                    say(
                        format!("channels[{i}]"),
                        format!(
                            "there is no channel {channel}: give one of {}",
                            channels.join(", ")
                        ),
                    );
                }
            }
            let context = Context {
                channel: rule.channels.first().map(String::as_str),
                brand: rule.brands.first().map(String::as_str),
                reach: rule.reach,
            };
            let holds = |text: &str| {
                let found = analyzer.analyze_in(text, &context).rules;
                found.into_iter().find(|hit| hit.rule == rule.id)
            };
            for (i, text) in rule.examples.hit.iter().enumerate() {
                if holds(text).is_none() {
                    say(
                        format!("examples.hit[{i}]"),
                        format!("the rule does not hold for {text}: mend the rule or the example"),
                    );
                }
            }
            for (i, text) in rule.examples.miss.iter().enumerate() {
                if let Some(hit) = holds(text) {
                    let terms: Vec<&str> = hit.matches.iter().map(|m| m.text.as_str()).collect();
                    say(
                        format!("examples.miss[{i}]"),
                        format!(
                            "the rule holds for {text} by {}: mend the rule or the example",
                            terms.join(", ")
                        ),
                    );
                }
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(invalid(problems))
        }
    }

    fn add(&mut self, name: &str, yaml: &str, shape: &Validator, problems: &mut Vec<Problem>) {
        let mut file = File {
            name: name.to_owned(),
            lines: FxHashMap::default(),
        };
        let root: Spanned<Node> = match serde_saphyr::from_str(yaml) {
            Ok(root) => root,
            Err(error) => {
                let line = error.location().map_or(1, |at| at.line());
                problems.push(Problem {
                    path: format!("{name}:{line}"),
                    message: format!("this is not YAML: {}", error.without_snippet()),
                });
                return;
            }
        };
        let document = file.note(root, String::new());
        let number = self.files.len();
        let Some(rules) = file.rules(document, problems) else {
            return;
        };
        for (i, value) in rules.into_iter().enumerate() {
            let before = problems.len();
            for error in shape.iter_errors(&value) {
                explain(&error, &mut |path, message| {
                    problems.push(file.problem(&join(&format!("rules[{i}]"), &path), message));
                });
            }
            if problems.len() > before {
                continue;
            }
            match serde_json::from_value(value) {
                Ok(rule) => {
                    self.rules.rules.push(rule);
                    self.origins.push((number, i));
                }
                Err(error) => {
                    problems.push(file.problem(&format!("rules[{i}]"), error.to_string()));
                }
            }
        }
        self.files.push(file);
    }

    fn problem(&self, rule: usize, path: &str, message: String) -> Problem {
        let (file, number) = self.origins[rule];
        self.files[file].problem(&join(&format!("rules[{number}]"), path), message)
    }
}

impl File {
    /// The rules of a document.
    fn rules(&self, document: Value, problems: &mut Vec<Problem>) -> Option<Vec<Value>> {
        let Value::Object(mut fields) = document else {
            problems.push(self.problem(
                "",
                "begin with `rules:` and a list of rules below it".to_owned(),
            ));
            return None;
        };
        let rules = fields.remove("rules");
        for key in fields.keys() {
            problems.push(self.problem(key, "unknown key: rules stand below `rules:`".to_owned()));
        }
        match rules {
            Some(Value::Array(rules)) => Some(rules),
            _ => {
                problems.push(self.problem("rules", "give a list of rules".to_owned()));
                None
            }
        }
    }

    /// Notes the line of every value below `node`, and gives it without them.
    fn note(&mut self, node: Spanned<Node>, path: String) -> Value {
        let value = match node.value {
            Node::Scalar(value) => value,
            Node::List(items) => Value::Array(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(i, item)| self.note(item, format!("{path}[{i}]")))
                    .collect(),
            ),
            Node::Map(fields) => {
                let mut map = Map::new();
                for (key, field) in fields {
                    let value = self.note(field, join(&path, &key));
                    map.insert(key, value);
                }
                Value::Object(map)
            }
        };
        self.lines.insert(path, node.referenced.line());
        value
    }

    /// A problem at `path`, on the line of what stands there, or else of what it is missing in.
    fn problem(&self, path: &str, message: String) -> Problem {
        let mut known = path;
        let line = loop {
            if let Some(line) = self.lines.get(known) {
                break *line;
            }
            match known.rfind(['.', '[']) {
                Some(at) => known = &known[..at],
                None => break 1,
            }
        };
        let name = &self.name;
        Problem {
            path: if path.is_empty() {
                format!("{name}:{line}")
            } else {
                format!("{name}:{line}: {path}")
            },
            message,
        }
    }
}

fn invalid(problems: Vec<Problem>) -> TextError {
    TextError::Invalid {
        what: "keyword rules".to_owned(),
        problems,
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() || field.is_empty() || field.starts_with('[') {
        format!("{path}{field}")
    } else {
        format!("{path}.{field}")
    }
}

/// Says what is wrong in the shape of a rule. Where several forms may stand, the one counts that was meant.
fn explain(error: &ValidationError<'_>, say: &mut impl FnMut(String, String)) {
    let path = dotted(&error.instance_path().to_string());
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let values: Vec<String> = context
                .iter()
                .flatten()
                .filter_map(|branch| match branch.kind() {
                    ValidationErrorKind::Constant { expected_value } => {
                        expected_value.as_str().map(str::to_owned)
                    }
                    _ => None,
                })
                .collect();
            if !values.is_empty() {
                say(
                    path,
                    format!("{} is none of {}", error.instance(), values.join(", ")),
                );
                return;
            }
            let has = |key: &str| error.instance().get(key).is_some();
            let key = ["near", "regex"].into_iter().find(|key| has(key));
            let is_meant = |branch: &&Vec<ValidationError<'_>>| {
                !branch.iter().any(|e| match e.kind() {
                    ValidationErrorKind::Required { property } => property.as_str() != key,
                    ValidationErrorKind::Type { .. } => e.instance_path() == error.instance_path(),
                    ValidationErrorKind::AdditionalProperties { unexpected } => {
                        key.is_some_and(|key| unexpected.iter().any(|name| name == key))
                    }
                    _ => false,
                })
            };
            match context.iter().filter(|_| key.is_some()).find(is_meant) {
                Some(branch) => branch.iter().for_each(|e| explain(e, say)),
                None => say(
                    path,
                    format!(
                        "{} is no condition: give a term (a number in quotes: \"12315\"), {{near: [[…], […]], within: 10}} or {{regex: …}}",
                        error.instance()
                    ),
                ),
            }
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for name in unexpected {
                say(
                    join(&path, name),
                    "unknown key: see docs/rules.md for those that exist".to_owned(),
                );
            }
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            say(join(&path, name), "is missing: give it".to_owned());
        }
        ValidationErrorKind::Type { .. } if error.instance().is_number() => say(
            path,
            format!("{error}: put a number that is a text in quotes"),
        ),
        _ => say(path, error.to_string()),
    }
}

/// `/any/3/near` as `any[3].near`.
fn dotted(pointer: &str) -> String {
    pointer
        .split('/')
        .skip(1)
        .fold(String::new(), |path, part| match part.parse::<usize>() {
            Ok(index) => format!("{path}[{index}]"),
            Err(_) => join(&path, &part.replace("~1", "/").replace("~0", "~")),
        })
}

/// Any YAML, each part with its place.
enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(String, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Node;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_str<E>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Scalar(Value::Null))
            }
            fn visit_none<E>(self) -> Result<Node, E> {
                Ok(Node::Scalar(Value::Null))
            }
            fn visit_some<D: de::Deserializer<'de>>(self, inner: D) -> Result<Node, D::Error> {
                Node::deserialize(inner)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
                let mut map = Vec::new();
                while let Some(field) = fields.next_entry()? {
                    map.push(field);
                }
                Ok(Node::Map(map))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(documents: &[(&str, &str)]) -> Vec<String> {
        let error = Documents::read(documents).unwrap_err();
        error.problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_wrong_in_several_files_comes_at_once_with_file_and_line() {
        let first = "rules:
- id: a
  name: 甲
  level: crimson
  any:
    - 起火
    - 12315
    - {near: [[电池], [起火]], within: far}
    - {near: [[电池]], with: 3}
    - {rexeg: x}
  anny: [b]
- id: b
  level: red
";
        let second = "rules:
- id: c
  name: 丙
  level: red
  any: [{regex: '(?=a)b'}, {regex: 'a*'}, {near: [[电池]], within: 99}]
";
        let found = problems(&[
            ("a.yaml", first),
            ("b.yaml", second),
            ("c.yaml", "rules: [\n- {"),
        ]);
        let begins = [
            "a.yaml:4: rules[0].level: \"crimson\" is none of yellow, orange, red",
            "a.yaml:7: rules[0].any[1]: 12315 is no condition",
            "a.yaml:8: rules[0].any[2].within: \"far\" is not of type",
            "a.yaml:9: rules[0].any[3].with: unknown key",
            "a.yaml:10: rules[0].any[4]: {\"rexeg\":\"x\"} is no condition",
            "a.yaml:11: rules[0].anny: unknown key",
            "a.yaml:12: rules[1].name: is missing",
            "b.yaml:5: rules[0].any[0].regex: ",
            "b.yaml:5: rules[0].any[1].regex: a* matches every text",
            "b.yaml:5: rules[0].any[2].near: give two to four groups",
            "b.yaml:5: rules[0].any[2].within: 99 characters are too far",
            "c.yaml:",
        ];
        for begin in begins {
            assert!(
                found.iter().any(|p| p.starts_with(begin)),
                "{begin} in\n{}",
                found.join("\n")
            );
        }
        assert_eq!(found.len(), begins.len(), "{}", found.join("\n"));
    }

    #[test]
    fn a_document_of_another_kind_is_told_what_to_begin_with() {
        assert_eq!(
            problems(&[("a.yaml", "- x")]),
            ["a.yaml:1: begin with `rules:` and a list of rules below it"]
        );
        assert_eq!(
            problems(&[("a.yaml", "rules: []\nrulez: []")]),
            ["a.yaml:2: rulez: unknown key: rules stand below `rules:`"]
        );
    }
}
