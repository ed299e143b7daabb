//! Text without the spaces and signs that people put between characters to dodge rules: 退 款, 食*物*中*毒, 微❤信.
//!
//! At most two such signs in a row are taken out, and only where a Han character stands on one side and a word character on the
//! other, so that sentences and Latin words stay apart.

use std::borrow::Cow;
use std::ops::Range;

const LONGEST: usize = 2;

/// A squeezed text with the way back to the text it was made of.
#[derive(Debug)]
pub(crate) struct Squeezed<'a> {
    pub(crate) text: Cow<'a, str>,
    /// For each byte of `text`, its byte in the source; empty where nothing was taken out.
    map: Vec<u32>,
}

impl Squeezed<'_> {
    /// The bytes of the source under `range` (bytes of the squeezed text).
    pub(crate) fn source(&self, range: Range<usize>) -> Range<usize> {
        if self.map.is_empty() || range.is_empty() {
            return range;
        }
        self.map[range.start] as usize..self.map[range.end - 1] as usize + 1
    }
}

/// Whether signs part the characters of a normalised text one by one, or nearly so: 黑/心/商/家.
pub(crate) fn is_parted(chars: &[char]) -> bool {
    let signs = count(chars, |c| {
        matches!(c, ' ' | '*' | '-' | '_' | '/' | '.' | '|' | '+' | '~')
    });
    signs >= 2
        && (3..=signs * 2).contains(&count(chars, |c| ('\u{4000}'..='\u{9fff}').contains(&c)))
}

/// How many characters count.
#[inline]
fn count(chars: &[char], counts: impl Fn(char) -> bool) -> usize {
    let sum: u32 = chars.iter().map(|c| u32::from(counts(*c))).sum();
    sum as usize
}

/// Squeezes a normalised text; borrows it where there is nothing to take out.
pub(crate) fn squeeze(text: &str) -> Squeezed<'_> {
    let mut removed: Vec<Range<usize>> = Vec::new();
    let mut before = Kind::Other;
    let mut pending: Option<(Range<usize>, usize)> = None;
    for (at, c) in text.char_indices() {
        let kind = kind(c);
        if kind == Kind::Sign {
            pending = Some(match pending {
                Some((run, n)) => (run.start..at + c.len_utf8(), n + 1),
                None => (at..at + c.len_utf8(), 1),
            });
            continue;
        }
        if let Some((run, n)) = pending.take()
            && n <= LONGEST
            && matches!(
                (before, kind),
                (Kind::Han, Kind::Han | Kind::Latin) | (Kind::Latin, Kind::Han)
            )
        {
            removed.push(run);
        }
        before = kind;
    }
    if removed.is_empty() {
        return Squeezed {
            text: Cow::Borrowed(text),
            map: Vec::new(),
        };
    }
    let mut out = String::with_capacity(text.len());
    let mut map = Vec::with_capacity(text.len());
    let mut from = 0;
    for run in removed
        .into_iter()
        .chain(std::iter::once(text.len()..text.len()))
    {
        out.push_str(&text[from..run.start]);
        map.extend((from..run.start).map(|b| u32::try_from(b).unwrap_or(u32::MAX)));
        from = run.end;
    }
    Squeezed {
        text: Cow::Owned(out),
        map,
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Han,
    Latin,
    /// Ends a clause, or is text of another kind.
    Other,
    /// Taken out between characters.
    Sign,
}

#[inline]
fn kind(c: char) -> Kind {
    match c {
        '\u{3400}'..='\u{9fff}' => Kind::Han,
        'a'..='z' | '0'..='9' => Kind::Latin,
        ',' | '!' | '?' | ';' | ':' | '(' | ')' | '[' | ']' | '"' | '@' | '\n' | '。' | '、'
        | '《' | '》' | '「' | '」' | '“' | '”' => Kind::Other,
        c if c.is_alphanumeric() => Kind::Other,
        _ => Kind::Sign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_between_characters_are_taken_out_and_found_again() {
        let text = "我要退 款,食*物*中.毒,微❤信";
        let squeezed = squeeze(text);
        assert_eq!(squeezed.text, "我要退款,食物中毒,微信");
        let at = squeezed.text.find("食物中毒").unwrap();
        assert_eq!(&text[squeezed.source(at..at + 12)], "食*物*中.毒");
    }

    fn parted(text: &str) -> bool {
        is_parted(&text.chars().collect::<Vec<_>>())
    }

    #[test]
    fn parted_characters_are_told_from_parted_words() {
        for text in ["黑/心/商/家", "非 常 满 意", "贴_心_的_服务"] {
            assert!(parted(text), "{text}");
        }
        for text in [
            "",
            "好吃 下次再来 推荐",
            "a-b-c-d",
            "3.5分/5分,还行吧各位",
            "黑心 商家",
        ] {
            assert!(!parted(text), "{text}");
        }
    }

    #[test]
    fn sentences_and_latin_words_stay_apart() {
        for text in ["很好。虫子", "app store", "好,吃", "等...死了"] {
            assert_eq!(squeeze(text).text, text);
        }
    }
}
