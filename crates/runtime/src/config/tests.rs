use serde::Deserialize;

use super::*;
use crate::Secret;

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    policy: Policy,
    name: String,
    limit: u32,
    token: Secret,
    sources: Vec<Source>,
}

impl Default for Config {
    fn default() -> Self {
        let policy = Policy {
            minutes: 15,
            level: 3,
        };
        Self {
            policy,
            name: String::new(),
            limit: 0,
            token: Secret::default(),
            sources: Vec::new(),
        }
    }
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    minutes: u32,
    level: u32,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "lowercase")]
enum Source {
    Files {
        path: String,
    },
    Webhook {
        listen: String,
        #[serde(default)]
        limit: u32,
    },
}

impl Check for Config {
    fn check(&self, problems: &mut Problems) {
        if self.limit > 10 {
            problems.add("limit", "must be at most 10");
        }
    }
}

fn problems(text: &str) -> Vec<String> {
    match parse::<Config>(text, &|_| None) {
        Err(ConfigError::Invalid(found)) => found.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_problem_is_told_at_once_with_its_path() {
    let found = problems(
        "nmae: x\nlimit: many\nname: ${NOT_SET}\nsources:\n  - {kind: files, path: 3}\n  - {kind: webhook, listen: a, lmit: 2}\n  - {kind: ftp}\n",
    );
    let paths: Vec<&str> = found.iter().map(|p| p.split(':').next().unwrap()).collect();
    for path in [
        "nmae",
        "limit",
        "name",
        "sources[0].path",
        "sources[1].lmit",
        "sources[2].kind",
    ] {
        assert!(paths.contains(&path), "{path} is missing in {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn a_key_left_out_has_the_default_of_its_place() {
    let config: Config = parse("policy: {minutes: 5}", &|_| None).unwrap();
    assert_eq!((config.policy.minutes, config.policy.level), (5, 3));
}

#[test]
fn what_is_right_in_shape_is_checked_beside_what_is_not() {
    let found = problems("limit: 11\npolicy: {minutes: soon}\nnmae: x\n");
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found.contains(&"limit: must be at most 10".to_owned()),
        "{found:#?}"
    );
}

#[test]
fn checks_run_once_the_shape_is_right() {
    assert_eq!(problems("limit: 11"), ["limit: must be at most 10"]);
}

#[test]
fn secrets_come_from_the_environment_or_a_file_and_never_show() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from-file\n").unwrap();
    let config: Config =
        parse(&format!("token_file: {}", file.path().display()), &|_| None).unwrap();
    assert_eq!(config.token.expose(), "from-file");
    let config: Config = parse("token: ${TOKEN}\nname: ${X:-y} $${z}", &|name| {
        (name == "TOKEN").then(|| "t".to_owned())
    })
    .unwrap();
    assert_eq!(config.token.expose(), "t");
    assert_eq!(config.name, "y ${z}");
    assert!(!format!("{config:?}").contains("\"t\""));
}

#[test]
fn an_empty_document_is_all_defaults() {
    assert_eq!(parse::<Config>("", &|_| None).unwrap().limit, 0);
}
