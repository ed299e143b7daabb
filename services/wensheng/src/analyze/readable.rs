//! An analysis as people read it: the verdict, what made it, and what it is about.

use std::io::Write;

use anyhow::{Context as _, Result};
use serde::Serialize;
use wensheng_text::{Analysis, Scope, Urgency};

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
            scope => format!("  {}", name(&scope)),
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
        let intents: Vec<String> = analysis.intents.iter().map(name).collect();
        writeln!(out, "  intent     {}", intents.join(", "))?;
    }
    if analysis.urgency != Urgency::None {
        writeln!(out, "  urgency    {}", analysis.urgency.level())?;
    }
    if let Some(emotion) = &analysis.emotion {
        let label = emotion.label.as_str();
        let percent = emotion.confidence * 100.0;
        writeln!(out, "  emotion    {label} (confidence {percent:.0} %)")?;
    }
    if let Some(stage) = analysis.stage {
        writeln!(out, "  stage      {}", stage.as_str())?;
    }
    for entity in &analysis.entities {
        let value = entity.value.as_deref().unwrap_or_default();
        let kind = name(&entity.kind);
        writeln!(out, "  entity     {kind} {} {value}", entity.text)?;
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

/// What JSON calls a value: `help_request`.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_is_read_by_the_name_that_json_gives_it() {
        let text = "11月3日花了199元买的充电宝半夜起火，麻烦帮我退货！";
        let analyzer = wensheng_enrich::Config::default().analyzer().unwrap();
        let mut out = Vec::new();
        print(&mut out, text, &analyzer.analyze(text)).unwrap();
        let out = String::from_utf8(out).unwrap();
        for shown in [
            "help_request",
            "urgency    3",
            "stage      after_sales",
            "entity     money 199元 CNY 199.00",
        ] {
            assert!(out.contains(shown), "{shown} in {out}");
        }
    }
}
