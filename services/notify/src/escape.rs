//! Words that came from outside cannot format, link, mention anybody or break out of their line; and what is cut is cut
//! between characters.

/// Text from outside, made harmless for every chat platform at once: characters that any of them gives a meaning
/// become their full-width twins, which read the same in Chinese type. The platforms' own escapes differ and are partly
/// undocumented; a character that is not there cannot be misread.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '<' => out.push('＜'),
            '>' => out.push('＞'),
            '[' => out.push('［'),
            ']' => out.push('］'),
            '*' => out.push('＊'),
            // Inside a word it means nothing (CommonMark §6.2), and names such as `food_safety` are full of it.
            '_' if out.ends_with(|c: char| c.is_ascii_alphanumeric())
                && characters.peek().is_some_and(char::is_ascii_alphanumeric) =>
            {
                out.push('_');
            }
            '_' => out.push('＿'),
            '~' => out.push('～'),
            '`' => out.push('｀'),
            '#' => out.push('＃'),
            '|' => out.push('｜'),
            '\\' => out.push('＼'),
            '&' => out.push('＆'),
            '@' => out.push('＠'),
            // Keeps `https://…` from becoming a link in a message that people trust.
            '/' if out.ends_with(':') => {
                out.pop();
                out.push_str("：/");
            }
            c if c.is_whitespace() => {
                if !out.ends_with(' ') && !out.is_empty() {
                    out.push(' ');
                }
            }
            c if is_invisible(c) => {}
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Control characters, and those that reorder or hide text (bidirectional marks, zero-width characters, tags).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The first `limit` characters, with `…` when that is not all.
pub(crate) fn cut_chars(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// At most `limit` bytes of UTF-8, cut between characters, with `…` when that is not all.
pub(crate) fn cut_bytes(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let Some(room) = limit.checked_sub('…'.len_utf8()) else {
        return String::new();
    };
    let mut end = room;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// `head`, `body` and `tail` on lines of their own in at most `limit` bytes: the body gives way first, then the head;
/// the tail, which holds the deadline and the link, stays as long as anything fits.
pub(crate) fn fit(head: &str, body: &str, tail: &str, limit: usize) -> String {
    let tail = cut_bytes(tail, limit);
    let head = cut_bytes(head, limit.saturating_sub(tail.len() + 1));
    let room = limit.saturating_sub(head.len() + tail.len() + 2);
    let body = cut_bytes(body, room);
    [head, body, tail]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn feedback_cannot_mention_link_or_format() {
        for (hostile, harmless) in [
            ("<@all> 快看", "＜＠all＞ 快看"),
            ("<at id=all></at>", "＜at id=all＞＜/at＞"),
            (
                "<at user_id=\"all\">所有人</at>",
                "＜at user_id=\"all\"＞所有人＜/at＞",
            ),
            ("@13800000000 @所有人", "＠13800000000 ＠所有人"),
            (
                "[点我](https://evil.example)",
                "［点我］(https：//evil.example)",
            ),
            ("**加粗**\n# 标题\n> 引用", "＊＊加粗＊＊ ＃ 标题 ＞ 引用"),
            ("&lt;at id=all&gt;", "＆lt;at id=all＆gt;"),
            ("a\u{202e}b\u{200b}c\u{0}d", "abcd"),
        ] {
            assert_eq!(plain(hostile), harmless);
        }
    }

    #[test]
    fn a_cut_text_keeps_its_last_lines() {
        let fitted = fit("标题", &"很长的话".repeat(100), "查看：https://x", 60);
        assert!(fitted.len() <= 60, "{}", fitted.len());
        assert!(fitted.starts_with("标题\n很长的话"), "{fitted}");
        assert!(fitted.ends_with("…\n查看：https://x"), "{fitted}");
    }

    proptest! {
        #[test]
        fn plain_text_holds_nothing_with_a_meaning(text in any::<String>()) {
            let out = plain(&text);
            prop_assert!(!out.contains(['<', '>', '[', ']', '*', '~', '`', '#', '|', '\\', '&', '@', '\n', '\r']));
            prop_assert!(!out.contains("://"));
            let around: Vec<char> = std::iter::once(' ').chain(out.chars()).chain([' ']).collect();
            for three in around.windows(3).filter(|three| three[1] == '_') {
                prop_assert!(three[0].is_ascii_alphanumeric() && three[2].is_ascii_alphanumeric());
            }
        }

        #[test]
        fn cuts_keep_to_their_limit(text in any::<String>(), limit in 0_usize..64) {
            prop_assert!(cut_bytes(&text, limit).len() <= limit);
            prop_assert!(cut_chars(&text, limit).chars().count() <= limit + 1);
        }

        #[test]
        fn a_fitted_text_keeps_to_its_limit(head in any::<String>(), body in any::<String>(), tail in any::<String>(), limit in 0_usize..128) {
            prop_assert!(fit(&head, &body, &tail, limit).len() <= limit);
        }
    }
}
