//! Markup becomes the words that a reader would see; nothing in it is ever run, fetched or expanded.

/// Elements whose content nobody reads.
const UNSEEN: [&str; 2] = ["script", "style"];

/// Elements that end a line.
const BREAKS: [&str; 9] = ["br", "p", "div", "li", "tr", "h1", "h2", "h3", "blockquote"];

/// The words of a piece of HTML: tags left out, line breaks where elements break lines, entities decoded once, white
/// space folded.
pub(crate) fn words(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return folded(html);
    }
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let tag = &rest[at..];
        let begins =
            tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        let end = if tag.starts_with("<!--") {
            tag.find("-->").map(|end| end + 3)
        } else {
            tag.find('>').map(|end| end + 1)
        };
        let (true, Some(end)) = (begins, end) else {
            // A lone `<` is a character.
            text.push('<');
            rest = &tag[1..];
            continue;
        };
        let name = name_of(&tag[1..end - 1]);
        rest = &tag[end..];
        if BREAKS.contains(&name.as_str()) {
            text.push('\n');
        }
        if UNSEEN.contains(&name.as_str()) && !tag.starts_with("</") {
            let closing = format!("</{name}");
            let lower = rest.to_ascii_lowercase();
            rest = lower.find(&closing).map_or("", |at| &rest[at..]);
        }
    }
    text.push_str(rest);
    folded(&decoded(&text))
}

/// The name of an element, lower case.
fn name_of(tag: &str) -> String {
    tag.trim_start_matches('/')
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}

/// Character references decoded; what is none stays as it is.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest name here has 6 characters; numbers have at most 8.
        let name = rest
            .char_indices()
            .take(12)
            .find(|(_, c)| *c == ';')
            .map(|(end, _)| &rest[1..end]);
        match name.and_then(|name| Some((reference(name)?, name.len() + 2))) {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| *c != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "ldquo" => '“',
        "rdquo" => '”',
        "middot" => '·',
        _ => return None,
    })
}

/// Lines trimmed, runs of white space made one, empty lines left out.
fn folded(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_words_stay() {
        for (html, text) in [
            (
                "<a href=\"http://weibo.com\" rel=\"nofollow\">新浪微博</a>",
                "新浪微博",
            ),
            (
                "<p>排队&nbsp;两小时</p><p>客服还骂人</p>",
                "排队 两小时\n客服还骂人",
            ),
            (
                "a &lt;b&gt; &amp;amp; &#20320;&#x597D; &nosuch; 5 < 6 & 7",
                "a <b> &amp; 你好 &nosuch; 5 < 6 & 7",
            ),
            (
                "前<script>alert('<p>')</script>后<!-- 注 > 释 -->尾",
                "前后尾",
            ),
            ("<style>p{}", ""),
            ("没有标记  的\n\n字", "没有标记 的\n字"),
            ("末尾 <b", "末尾 <b"),
        ] {
            assert_eq!(words(html), text, "{html}");
        }
    }
}
