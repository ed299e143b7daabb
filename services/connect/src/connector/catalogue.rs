//! What kinds of sources there are is told from their types, and each kind's example is the one of its page: neither can
//! say what is not so.

use serde::Serialize;
use serde_json::Value;

use super::{KINDS, SourceConfig};

/// What kind of place a source brings feedback from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Telephone.
    Hotline,
    /// WeChat.
    Wechat,
    /// Social media, forums, reviews.
    Social,
    /// Questionnaires.
    Survey,
    /// Whatever is brought.
    Any,
}

impl Class {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Class::Hotline => "hotline",
            Class::Wechat => "wechat",
            Class::Social => "social",
            Class::Survey => "survey",
            Class::Any => "any",
        }
    }
}

/// By which ways a source's feedback comes, as it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ways {
    /// It is sent to `/ingest/{name}`.
    pub push: bool,
    /// It is read.
    pub pull: bool,
}

impl Ways {
    pub(super) const PUSH: Self = Self {
        push: true,
        pull: false,
    };
    pub(super) const PULL: Self = Self {
        push: false,
        pull: true,
    };
    pub(super) const BOTH: Self = Self {
        push: true,
        pull: true,
    };
}

/// A kind of source.
#[derive(Debug, Clone)]
pub struct ConnectorKind {
    /// Its name: what `kind` is in the configuration.
    pub name: String,
    /// What it is.
    pub about: String,
    /// What kind of place it brings feedback from.
    pub class: Class,
    /// By which ways.
    pub ways: Ways,
    /// The JSON Schema of its configuration; references lead into [`definitions`](Self::definitions).
    pub schema: Value,
    /// What the schema refers to, by name.
    pub definitions: Value,
    /// A configuration with comments: valid YAML of the whole service, secrets from the environment.
    pub example: &'static str,
}

/// All kinds of sources.
pub fn connectors() -> Vec<ConnectorKind> {
    let schema = wensheng_runtime::json_schema::<SourceConfig>();
    let definitions = schema.get("$defs").cloned().unwrap_or_default();
    let variants = schema.get("oneOf").and_then(Value::as_array);
    let text = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    variants
        .into_iter()
        .flatten()
        .zip(KINDS)
        .map(|(variant, (class, ways, page))| ConnectorKind {
            name: text(variant.pointer("/properties/kind/const")),
            about: text(variant.get("description")),
            class: *class,
            ways: *ways,
            schema: variant.clone(),
            definitions: definitions.clone(),
            example: example(page),
        })
        .collect()
}

/// The first example of a page.
fn example(page: &'static str) -> &'static str {
    let example = page.split_once("```yaml\n").map(|(_, rest)| rest);
    let example = example.and_then(|rest| rest.split_once("```"));
    example.map_or("", |(example, _)| example)
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;
    use wensheng_runtime::{Check, Problems};

    use super::*;
    use crate::config::Config;
    use crate::connector::{Input, Shared};

    /// As much of the service's configuration as is for this crate.
    #[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Whole {
        connect: Config,
    }

    impl Check for Whole {
        fn check(&self, problems: &mut Problems) {
            self.connect.check(problems);
        }
    }

    #[test]
    fn each_kind_has_a_page_whose_example_is_valid_and_comes_by_the_ways_it_says() {
        let kinds = connectors();
        assert_eq!(kinds.len(), KINDS.len());
        for kind in kinds {
            let page = format!("docs/connectors/{}.md", kind.name);
            let path = format!("{}/../../{page}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).expect(&page);
            assert!(
                text.contains(kind.example) && kind.example.contains('#'),
                "{page}"
            );
            assert!(text.starts_with(&format!("# `{}`: ", kind.name)), "{page}");
            let environment = |name: &str| {
                Some(match name {
                    _ if name.ends_with("_AES_KEY") => {
                        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG".to_owned()
                    }
                    _ if name.ends_with("_WHSEC") => {
                        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()
                    }
                    _ => format!("a-secret-that-is-long-enough-{name}"),
                })
            };
            let config: Whole = wensheng_runtime::parse(kind.example, &environment)
                .unwrap_or_else(|error| panic!("{page}: {error}"));
            let shared = Shared {
                pseudonym_key: config.connect.pseudonym_key.clone(),
                max_text_bytes: config.connect.max_text_bytes,
                aliases: None,
            };
            let mut ways = Ways {
                push: false,
                pull: false,
            };
            for source in &config.connect.sources {
                let connector = source.connector();
                if connector.kind() != kind.name {
                    continue;
                }
                match connector.build(&shared).expect(&page) {
                    Input::Push(_) => ways.push = true,
                    Input::Pull(_) => ways.pull = true,
                    Input::Both { .. } => ways = Ways::BOTH,
                }
            }
            assert_eq!(ways, kind.ways, "{page}");
        }
    }

    #[test]
    fn a_kinds_options_are_those_of_its_type() {
        let kinds = connectors();
        let wjx = kinds.iter().find(|kind| kind.name == "wjx").unwrap();
        assert_eq!(wjx.class, Class::Survey);
        let options = wjx.schema["properties"].as_object().unwrap();
        assert!(options.contains_key("push_key") && options.contains_key("api"));
        assert!(wjx.definitions.get("WjxApiConfig").is_some());
    }
}
