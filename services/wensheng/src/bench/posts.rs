//! Posts to measure with: a file of them, or invented ones.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// At least one text: the lines of `file`, or `count` invented posts.
pub(crate) fn texts(file: Option<&Path>, count: usize) -> Result<Vec<String>> {
    let Some(path) = file else {
        return Ok(wensheng_connect::invented_texts(count));
    };
    let content =
        std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let texts: Vec<String> = content
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if texts.is_empty() {
        bail!("{} has no line with a text", path.display());
    }
    Ok(texts)
}
