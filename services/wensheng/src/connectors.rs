//! `wensheng connectors`: which kinds of sources there are and what each is configured by, as the types say; of one kind its
//! example, as its page has it.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use wensheng_connect::ConnectorKind;

use crate::cli::{ConnectorsArgs, Output};
use crate::reference::options;

/// Runs the command.
pub(crate) fn run(args: &ConnectorsArgs) -> Result<()> {
    let kinds = wensheng_connect::connectors();
    let out = match (&args.kind, args.output) {
        (None, Output::Text) => kinds.iter().map(line).collect(),
        (None, Output::Json) => {
            let all: Vec<_> = kinds.iter().map(whole).collect();
            serde_json::to_string_pretty(&all)? + "\n"
        }
        (Some(name), output) => {
            let Some(kind) = kinds.iter().find(|kind| kind.name == *name) else {
                let names: Vec<_> = kinds.iter().map(|kind| kind.name.as_str()).collect();
                bail!(
                    "there is no connector {name}; there are {}",
                    names.join(", ")
                );
            };
            match output {
                Output::Text => kind.example.to_owned(),
                Output::Json => serde_json::to_string_pretty(&whole(kind))? + "\n",
            }
        }
    };
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(out.as_bytes()).context("write the list")
}

fn ways(kind: &ConnectorKind) -> Vec<&'static str> {
    let ways = [(kind.ways.push, "push"), (kind.ways.pull, "pull")];
    let ways = ways.into_iter().filter(|(is, _)| *is);
    ways.map(|(_, name)| name).collect()
}

/// A line of a kind, and below it the keys at its top.
fn line(kind: &ConnectorKind) -> String {
    let options = options(&kind.schema, &kind.definitions);
    let top = options.iter().map(|row| row.key.as_str());
    let mut top: Vec<&str> = top.filter(|key| !key.contains(['.', '['])).collect();
    // A key of several forms has a row for each.
    top.dedup();
    format!(
        "{}\t{}\t{}\t{}\n\t{}\n",
        kind.name,
        kind.class.name(),
        ways(kind).join("+"),
        kind.about,
        top.join(", ")
    )
}

fn whole(kind: &ConnectorKind) -> serde_json::Value {
    json!({
        "kind": kind.name,
        "class": kind.class.name(),
        "ways": ways(kind),
        "about": kind.about,
        "options": options(&kind.schema, &kind.definitions),
        "example": kind.example,
    })
}
