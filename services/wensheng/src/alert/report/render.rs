//! A document of few kinds of blocks, as Markdown and as one page of HTML that needs nothing else: no script, no network,
//! every word escaped.

use std::fmt::Write as _;

/// A part of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    /// A heading of the second level.
    Heading(&'static str),
    /// A line of text.
    Text(String),
    /// A line that must not be overlooked.
    Warning(String),
    /// Somebody's words, and where they stand.
    Quote(String, String),
    /// Columns and rows.
    Table(Vec<&'static str>, Vec<Vec<String>>),
    /// Bars in the order of time, with the label of each.
    Chart(Vec<(String, u64)>),
}

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

/// Bars of a chart in Markdown are at most this many characters long.
const BAR: u64 = 40;

impl Document {
    /// As Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut out = format!("# {}\n", plain(&self.title));
        for block in &self.blocks {
            // Writing to a string cannot fail.
            write_markdown(&mut out, block).unwrap_or_default();
        }
        out
    }

    /// As a page.
    pub(super) fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
            include_str!("report.css")
        );
        for block in &self.blocks {
            write_html(&mut out, block).unwrap_or_default();
        }
        out.push_str("</body>\n</html>\n");
        out
    }
}

fn write_markdown(out: &mut String, block: &Block) -> std::fmt::Result {
    match block {
        Block::Heading(text) => writeln!(out, "\n## {text}"),
        Block::Text(text) => writeln!(out, "\n{}", plain(text)),
        Block::Warning(text) => writeln!(out, "\n**{}**", plain(text)),
        Block::Quote(words, from) => writeln!(out, "\n> {}\n>\n> — {}", plain(words), plain(from)),
        Block::Table(columns, rows) => {
            writeln!(out, "\n| {} |", columns.join(" | "))?;
            writeln!(out, "|{}", " --- |".repeat(columns.len()))?;
            for row in rows {
                let cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
                writeln!(out, "| {} |", cells.join(" | "))?;
            }
            Ok(())
        }
        Block::Chart(bars) => {
            let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0);
            writeln!(out, "\n```text")?;
            for (label, count) in bars {
                let length = (count * BAR).div_ceil(most.max(1));
                let bar = "█".repeat(usize::try_from(length).unwrap_or(0));
                writeln!(out, "{label}  {bar} {count}")?;
            }
            writeln!(out, "```")
        }
    }
}

fn write_html(out: &mut String, block: &Block) -> std::fmt::Result {
    match block {
        Block::Heading(text) => writeln!(out, "<h2>{text}</h2>"),
        Block::Text(text) => writeln!(out, "<p>{}</p>", escaped(text)),
        Block::Warning(text) => writeln!(out, "<p class=\"warning\">{}</p>", escaped(text)),
        Block::Quote(words, from) => writeln!(
            out,
            "<blockquote><p>{}</p><footer>{}</footer></blockquote>",
            escaped(words),
            escaped(from)
        ),
        Block::Table(columns, rows) => {
            let head: String = columns.iter().map(|c| format!("<th>{c}</th>")).collect();
            writeln!(out, "<table><thead><tr>{head}</tr></thead><tbody>")?;
            for row in rows {
                let cells: String = row
                    .iter()
                    .map(|cell| format!("<td>{}</td>", escaped(cell)))
                    .collect();
                writeln!(out, "<tr>{cells}</tr>")?;
            }
            writeln!(out, "</tbody></table>")
        }
        Block::Chart(bars) => write_chart(out, bars),
    }
}

/// Height of the drawing, and the room for its labels.
const HEIGHT: u64 = 160;
const WIDTH: usize = 820;
const LABELS: u64 = 22;

fn write_chart(out: &mut String, bars: &[(String, u64)]) -> std::fmt::Result {
    let most = bars
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0)
        .max(1);
    let step = WIDTH / bars.len().max(1);
    let width = step.saturating_sub(2).max(1);
    let total = HEIGHT + LABELS;
    writeln!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {total}\" role=\"img\" aria-label=\"传播曲线，最高 {most}\">"
    )?;
    // Some six labels fit beside each other.
    let every = bars.len().div_ceil(6).max(1);
    for (index, (label, count)) in bars.iter().enumerate() {
        let (x, height) = (index * step, (count * (HEIGHT - 18)).div_ceil(most));
        let y = HEIGHT - height;
        let label = escaped(label);
        writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"1\"><title>{label}：{count}</title></rect>"
        )?;
        if *count == most {
            writeln!(out, "<text x=\"{x}\" y=\"{}\">{count}</text>", y - 4)?;
        }
        if index % every == 0 {
            let y = HEIGHT + 15;
            writeln!(out, "<text x=\"{x}\" y=\"{y}\">{label}</text>")?;
        }
    }
    writeln!(out, "</svg>")
}

/// On one line, with nothing that Markdown would take for a mark of its own.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '\\' | '!' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_stay_words() {
        let document = Document {
            title: "<b>预警</b>".to_owned(),
            blocks: vec![
                Block::Quote(
                    "<script>x</script>\n| **粗** |".to_owned(),
                    "微博".to_owned(),
                ),
                Block::Table(vec!["一"], vec![vec!["a|b".to_owned()]]),
                Block::Chart(vec![("10:00".to_owned(), 2), ("10:05".to_owned(), 4)]),
            ],
        };
        let (markdown, html) = (document.markdown(), document.html());
        assert!(markdown.contains("\\<script\\>x\\</script\\> \\| \\*\\*粗\\*\\* \\|"));
        assert!(markdown.contains("| a\\|b |"));
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script"));
        assert!(markdown.contains(&format!("10:05  {} 4", "█".repeat(40))));
        assert!(html.contains("<title>10:05：4</title>"));
    }
}
