//! `wensheng schema`: what the service reads and writes, for editors and for other readers of the topics.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use crate::cli::{SchemaArgs, SchemaOf};
use crate::config::Config;

/// Runs the command.
pub(crate) fn run(args: &SchemaArgs) -> Result<()> {
    let document = match args.of {
        SchemaOf::Config => wensheng_runtime::json_schema::<Config>(),
        SchemaOf::Reference => {
            let page = crate::reference::of_config().context("write the reference")?;
            return std::io::stdout()
                .lock()
                .write_all(page.as_bytes())
                .context("write the reference");
        }
        SchemaOf::Topics => {
            let topics: Map<String, Value> = wensheng_schemas::schemas()
                .into_iter()
                .map(|(topic, schema)| (topic.name().to_owned(), schema))
                .collect();
            Value::Object(topics)
        }
        SchemaOf::Asyncapi => wensheng_schemas::asyncapi(),
    };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &document).context("write the schema")?;
    writeln!(out).context("write the schema")
}
