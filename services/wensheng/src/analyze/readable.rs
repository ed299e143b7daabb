//! An analysis as people read it: the verdict, what made it, and what it is about.

use std::io::Write;

use anyhow::{Context as _, Result};
use wensheng_text::{Analysis, Scope};

/// Prints the analysis of `text`.
pub(super) fn print(out: &mut impl Write, text: &str, analysis: &Analysis) -> Result<()> {
    write(out, text, analysis).context("write the results")
}

fn write(out: &mut impl Write, text: &str, analysis: &Analysis) -> std::io::Result<()> {
    let sentiment = &analysis.sentiment;
    writeln!(out, "{text}")?;
    writeln!(
        out,
        "  sentiment  {} {:+.2} (confidence {:.0} %)",
        sentiment.label.as_str(),
        sentiment.score,
        sentiment.confidence * 100.0
    )?;
    for span in &sentiment.spans {
        let scope = match span.scope {
            Scope::Plain => String::new(),
            scope => format!("  {scope:?}").to_lowercase(),
        };
        writeln!(
            out,
            "             {:+.2}  {} [{}..{}]{scope}",
            span.weight, span.text, span.start, span.end
        )?;
    }
    for mention in &analysis.aspects {
        writeln!(
            out,
            "  aspect     {} {} ({})",
            mention.polarity.as_str(),
            mention.aspect,
            mention.term
        )?;
    }
    if !analysis.intents.is_empty() {
        let intents: Vec<String> = analysis
            .intents
            .iter()
            .map(|intent| format!("{intent:?}").to_lowercase())
            .collect();
        writeln!(out, "  intent     {}", intents.join(", "))?;
    }
    if !analysis.keywords.is_empty() {
        let words: Vec<&str> = analysis
            .keywords
            .iter()
            .map(|keyword| keyword.term.as_str())
            .collect();
        writeln!(out, "  keywords   {}", words.join("  "))?;
    }
    for hit in &analysis.rules {
        let terms: Vec<&str> = hit
            .matches
            .iter()
            .map(|found| found.text.as_str())
            .collect();
        writeln!(
            out,
            "  rule       {:?} {} ({}): {}",
            hit.level,
            hit.name,
            hit.rule,
            terms.join("  ")
        )?;
    }
    if !analysis.tokens.is_empty() {
        let words: Vec<&str> = analysis
            .tokens
            .iter()
            .map(|token| token.text.as_str())
            .collect();
        writeln!(out, "  tokens     {}", words.join(" "))?;
    }
    if analysis.truncated {
        writeln!(
            out,
            "  note       the text is longer than the limit; only its head was read"
        )?;
    }
    writeln!(out, "  model      {}", analysis.model_version)
}
