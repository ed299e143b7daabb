//! Analyses as one page that needs nothing else: no script, no network, every text escaped. It is written card by card, so that a file
//! of any length streams through.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use wensheng_text::{Analysis, Polarity, Scope, Urgency};

use super::highlight;
use super::names::{
    emotion_name, entity_name, intent_name, level_id, level_name, polarity_name, scope_name,
    stage_name, urgency_name,
};

const STYLE: &str = include_str!("page.css");
/// The weight of a span that is shown at full strength.
const FULL_WEIGHT: f32 = 3.0;
/// Fields of the input that are shown above the text; more would bury it.
const MOST_FIELDS: usize = 8;

/// A page that is being written.
pub(super) struct Page<'a> {
    /// Chinese names of the aspects.
    names: &'a BTreeMap<String, String>,
    number: u64,
    negative: u64,
    neutral: u64,
    positive: u64,
    unusable: u64,
    model_version: String,
}

impl<'a> Page<'a> {
    /// Writes the head.
    pub(super) fn begin(out: &mut impl Write, names: &'a BTreeMap<String, String>) -> Result<Self> {
        write!(
            out,
            "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>闻声 · 文本分析</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <header class=\"top\"><h1>闻声<small>文本分析</small></h1>\n\
             <div class=\"filter\" role=\"group\" aria-label=\"筛选\">"
        )
        .context("write the page")?;
        for (id, name) in [
            ("all", "全部"),
            ("negative", "负面"),
            ("neutral", "中性"),
            ("positive", "正面"),
        ] {
            let checked = if id == "all" { " checked" } else { "" };
            write!(
                out,
                "<label><input type=\"radio\" name=\"show\" id=\"show-{id}\"{checked}>{name}</label>"
            )
            .context("write the page")?;
        }
        out.write_all(
            "</div>\n<p class=\"legend\"><mark class=\"negative\" style=\"--strength:.6\">负面依据</mark>\
             <mark class=\"positive\" style=\"--strength:.6\">正面依据</mark><span class=\"aspect\">评价对象</span>\
             <span class=\"rule\">命中规则</span><span class=\"hint\">颜色越深，影响越大；指向文字可看详情</span></p>\
             </header>\n<main>\n"
                .as_bytes(),
        )
        .context("write the page")?;
        Ok(Self {
            names,
            number: 0,
            negative: 0,
            neutral: 0,
            positive: 0,
            unusable: 0,
            model_version: String::new(),
        })
    }

    /// Writes the card of one text; `fields` came with it.
    pub(super) fn card(
        &mut self,
        out: &mut impl Write,
        fields: &Map<String, Value>,
        text: &str,
        analysis: &Analysis,
    ) -> Result<()> {
        self.number += 1;
        match analysis.sentiment.label {
            Polarity::Negative => self.negative += 1,
            Polarity::Neutral => self.neutral += 1,
            Polarity::Positive => self.positive += 1,
        }
        if *self.model_version != *analysis.model_version {
            self.model_version = analysis.model_version.to_string();
        }
        self.write_card(out, fields, text, analysis)
            .context("write the page")
    }

    /// Writes what is wrong with a line in the place of its card.
    pub(super) fn unusable(&mut self, out: &mut impl Write, line: u64, error: &str) -> Result<()> {
        self.number += 1;
        self.unusable += 1;
        writeln!(
            out,
            "<article class=\"card unusable\"><p>第 {line} 行无法分析：{}</p></article>",
            Escaped(error)
        )
        .context("write the page")
    }

    /// Writes the sums and the end.
    pub(super) fn end(self, out: &mut impl Write) -> Result<()> {
        write!(
            out,
            "</main>\n<footer>共 {} 条：负面 {}，中性 {}，正面 {}",
            self.number, self.negative, self.neutral, self.positive
        )
        .context("write the page")?;
        if self.unusable > 0 {
            write!(out, "，无法分析 {}", self.unusable).context("write the page")?;
        }
        writeln!(
            out,
            "。模型 <code>{}</code></footer>\n</body>\n</html>",
            Escaped(&self.model_version)
        )
        .context("write the page")
    }

    fn write_card(
        &self,
        out: &mut impl Write,
        fields: &Map<String, Value>,
        text: &str,
        analysis: &Analysis,
    ) -> std::io::Result<()> {
        let sentiment = &analysis.sentiment;
        let label = sentiment.label.as_str();
        writeln!(out, "<article class=\"card {label}\">")?;
        write!(
            out,
            "<div class=\"verdict\"><b class=\"label\">{}</b>\
             <span class=\"scale\" title=\"得分 {:+.2}（−1 负面，1 正面）\"><i style=\"left:{:.1}%\"></i></span>\
             <span class=\"score\">{:+.2}</span><span class=\"confidence\">把握 {:.0}%</span>",
            polarity_name(sentiment.label),
            sentiment.score,
            (sentiment.score + 1.0) * 50.0,
            sentiment.score,
            sentiment.confidence * 100.0
        )?;
        write_fields(out, fields)?;
        writeln!(out, "<span class=\"number\">{}</span></div>", self.number)?;
        write!(out, "<p class=\"text\">")?;
        self.write_text(out, text, analysis)?;
        writeln!(out, "</p>")?;
        if analysis.truncated {
            writeln!(out, "<p class=\"note\">文本过长，只分析了前一部分。</p>")?;
        }
        writeln!(out, "<dl>")?;
        self.write_reasons(out, analysis)?;
        self.write_tags(out, analysis)?;
        writeln!(out, "</dl>")?;
        writeln!(out, "<div class=\"foot\">")?;
        if !analysis.tokens.is_empty() {
            write!(out, "<details><summary>分词</summary><p>")?;
            for token in &analysis.tokens {
                write!(
                    out,
                    "<span class=\"token\">{}</span> ",
                    Escaped(&token.text)
                )?;
            }
            writeln!(out, "</p></details>")?;
        }
        writeln!(
            out,
            "<span class=\"model\">模型 <code>{}</code></span></div></article>",
            Escaped(&analysis.model_version)
        )
    }

    /// The text with its spans, aspects and rule terms marked.
    fn write_text(
        &self,
        out: &mut impl Write,
        text: &str,
        analysis: &Analysis,
    ) -> std::io::Result<()> {
        for piece in highlight::pieces(text, analysis) {
            if piece.is_plain() {
                write!(out, "{}", Escaped(piece.text))?;
                continue;
            }
            let mut titles = Vec::new();
            let mut classes = Vec::new();
            let mut strength = String::new();
            if let Some(span) = piece.span {
                classes.push(side(span.weight));
                strength = format!(
                    " style=\"--strength:{:.2}\"",
                    (span.weight.abs() / FULL_WEIGHT).clamp(0.15, 1.0)
                );
                titles.push(format!("{} {:+.2}", scope_name(span.scope), span.weight));
            }
            if let Some(mention) = piece.aspect {
                classes.push("aspect");
                titles.push(format!(
                    "评价对象：{}（{}）",
                    self.aspect_name(&mention.aspect),
                    polarity_name(mention.polarity)
                ));
            }
            if let Some(hit) = piece.rule {
                classes.push("rule");
                titles.push(format!("规则：{}（{}）", hit.name, level_name(hit.level)));
            }
            let tag = if piece.span.is_some() { "mark" } else { "span" };
            write!(
                out,
                "<{tag} class=\"{}\"{strength} title=\"{}\">{}</{tag}>",
                classes.join(" "),
                Escaped(&titles.join("；")),
                Escaped(piece.text)
            )?;
        }
        Ok(())
    }

    fn write_reasons(&self, out: &mut impl Write, analysis: &Analysis) -> std::io::Result<()> {
        if analysis.sentiment.spans.is_empty() {
            return Ok(());
        }
        write!(out, "<dt>依据</dt><dd>")?;
        for span in &analysis.sentiment.spans {
            let scope = match span.scope {
                Scope::Plain => "",
                scope => scope_name(scope),
            };
            write!(
                out,
                "<span class=\"chip {}\">{}<em>{:+.2}</em><small>{scope}</small></span>",
                side(span.weight),
                Escaped(&span.text),
                span.weight
            )?;
        }
        writeln!(out, "</dd>")
    }

    fn write_tags(&self, out: &mut impl Write, analysis: &Analysis) -> std::io::Result<()> {
        if !analysis.aspects.is_empty() {
            write!(out, "<dt>评价对象</dt><dd>")?;
            for mention in &analysis.aspects {
                write!(
                    out,
                    "<span class=\"chip {}\">{}<small>{}</small></span>",
                    mention.polarity.as_str(),
                    Escaped(self.aspect_name(&mention.aspect)),
                    Escaped(&mention.term)
                )?;
            }
            writeln!(out, "</dd>")?;
        }
        if !analysis.intents.is_empty() {
            write!(out, "<dt>意图</dt><dd>")?;
            for intent in &analysis.intents {
                write!(out, "<span class=\"chip\">{}</span>", intent_name(*intent))?;
            }
            writeln!(out, "</dd>")?;
        }
        write_state(out, analysis)?;
        if !analysis.keywords.is_empty() {
            write!(out, "<dt>关键词</dt><dd>")?;
            for keyword in &analysis.keywords {
                write!(
                    out,
                    "<span class=\"chip\" title=\"TF-IDF {:.2}\">{}</span>",
                    keyword.weight,
                    Escaped(&keyword.term)
                )?;
            }
            writeln!(out, "</dd>")?;
        }
        if !analysis.rules.is_empty() {
            write!(out, "<dt>规则</dt><dd>")?;
            for hit in &analysis.rules {
                let found: Vec<&str> = hit.matches.iter().map(|m| m.text.as_str()).collect();
                write!(
                    out,
                    "<span class=\"chip level-{}\" title=\"{}\">{}<em>{}</em><small>{}</small></span>",
                    level_id(hit.level),
                    Escaped(&hit.rule),
                    level_name(hit.level),
                    Escaped(&hit.name),
                    Escaped(&found.join("、"))
                )?;
            }
            writeln!(out, "</dd>")?;
        }
        Ok(())
    }

    fn aspect_name<'b>(&'b self, id: &'b str) -> &'b str {
        self.names.get(id).map_or(id, String::as_str)
    }
}

/// How soon somebody must act, what the writer feels, where on the customer's way it was written, and what is named.
fn write_state(out: &mut impl Write, analysis: &Analysis) -> std::io::Result<()> {
    if analysis.urgency != Urgency::None {
        write!(
            out,
            "<dt>紧急程度</dt><dd><span class=\"chip urgency-{0}\">{1}<em>{0}</em></span></dd>",
            analysis.urgency.level(),
            urgency_name(analysis.urgency)
        )?;
    }
    if let Some(emotion) = &analysis.emotion {
        write!(
            out,
            "<dt>情绪</dt><dd><span class=\"chip\">{}<small>{:.0}%</small></span></dd>",
            emotion_name(emotion.label),
            emotion.confidence * 100.0
        )?;
    }
    if let Some(stage) = analysis.stage {
        let name = stage_name(stage);
        write!(
            out,
            "<dt>旅程</dt><dd><span class=\"chip\">{name}</span></dd>"
        )?;
    }
    if !analysis.entities.is_empty() {
        write!(out, "<dt>实体</dt><dd>")?;
        for entity in &analysis.entities {
            write!(
                out,
                "<span class=\"chip\" title=\"{}\">{}<small>{}</small></span>",
                Escaped(entity.value.as_deref().unwrap_or_default()),
                Escaped(&entity.text),
                entity_name(entity.kind)
            )?;
        }
        writeln!(out, "</dd>")?;
    }
    Ok(())
}

fn write_fields(out: &mut impl Write, fields: &Map<String, Value>) -> std::io::Result<()> {
    let shown = fields.iter().filter_map(|(name, value)| match value {
        Value::String(value) if !value.is_empty() => Some((name, value.clone())),
        Value::Number(value) => Some((name, value.to_string())),
        Value::Bool(value) => Some((name, value.to_string())),
        _ => None,
    });
    for (name, value) in shown.take(MOST_FIELDS) {
        write!(
            out,
            "<span class=\"field\">{}<b>{}</b></span>",
            Escaped(name),
            Escaped(&value)
        )?;
    }
    Ok(())
}

fn side(weight: f32) -> &'static str {
    if weight < 0.0 { "negative" } else { "positive" }
}

/// A text that is safe as content and as an attribute in double quotes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\0']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                b'\'' => "&#39;",
                // A page may not hold it.
                _ => "\u{fffd}",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str, fields: Value) -> String {
        let config = wensheng_enrich::Config::default();
        let names = config.topic_names().unwrap();
        let analysis = config.analyzer().unwrap().analyze(text);
        let Value::Object(fields) = fields else {
            panic!("give an object")
        };
        let mut out = Vec::new();
        let mut page = Page::begin(&mut out, &names).unwrap();
        page.card(&mut out, &fields, text, &analysis).unwrap();
        page.unusable(&mut out, 7, "not <valid>").unwrap();
        page.end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_people_wrote_stays_text_wherever_it_is_shown() {
        let attack = "\"><script>alert('差')</script>&服务态度差";
        let html = page(attack, serde_json::json!({ "<b>": "<img src=x>" }));
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>\""));
        assert!(html.contains("&lt;img src=x&gt;"));
        assert!(html.contains("not &lt;valid&gt;"));
    }

    #[test]
    fn a_page_shows_the_spans_with_weight_and_scope_and_asks_nothing_of_the_network() {
        let text = "这家店的客服非常差，排队太久";
        let html = page(text, serde_json::json!({}));
        let analyzer = wensheng_enrich::Config::default().analyzer().unwrap();
        let spans = analyzer.analyze(text).sentiment.spans;
        assert!(!spans.is_empty());
        for span in spans {
            let title = format!("title=\"{} {:+.2}", scope_name(span.scope), span.weight);
            assert!(html.contains(&title), "{title} in {html}");
        }
        assert!(html.contains("<mark class=\"negative"), "{html}");
        assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("url("));
        assert!(html.contains("共 2 条：负面 1，中性 0，正面 0，无法分析 1"));
        assert!(html.ends_with("</html>\n"));
    }

    #[test]
    fn a_page_shows_every_tag() {
        let text = "11月3日花了199元买的充电宝半夜起火，我要退货，再不处理我就曝光你们！";
        let html = page(text, serde_json::json!({}));
        for shown in [
            "立即处理",
            "威胁曝光或维权",
            "售后",
            "199元",
            "--11-03",
            "情绪",
        ] {
            assert!(html.contains(shown), "{shown} in {html}");
        }
        let text = "味道不错";
        assert!(!page(text, serde_json::json!({})).contains("紧急程度"));
    }
}
