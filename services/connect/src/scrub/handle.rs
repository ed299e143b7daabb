//! E-mail addresses by their form; WeChat and QQ ids, which have none of their own, by the words before them.

use std::ops::Range;

use super::line::Line;
use super::{Found, Kind};

const WECHAT: &[&str] = &[
    "微信号",
    "微信",
    "威信号",
    "威信",
    "薇信号",
    "薇信",
    "加微",
    "加薇",
    "加V",
    "V信",
    "weixin",
    "wechat",
    "VX",
    "WX",
];
const QQ: &[&str] = &[
    "QQ群",
    "QQ号",
    "QQ",
    "扣扣群",
    "扣扣号",
    "扣扣",
    "企鹅号",
    "企鹅群",
    "Q群",
];

/// What may stand between the word and the id.
const LINKS: &[char] = &[
    ':', '=', ' ', '号', '码', '群', '是', '为', '叫', '加', '我', '的', ',', '(',
];

/// Of these, those that announce an id; without one, only a name that holds a digit is taken for an id.
const SURE: &[char] = &[':', '=', '号', '码', '是', '为', '叫'];

/// What makes a number before it an amount.
const UNITS: &[char] = &[
    '元', '块', '万', '千', '百', '个', '人', '粉', '%', '折', '次', '年', '月', '天', '分', '点',
    '.', '角', '倍',
];

pub(super) fn find(line: &Line, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(c) = line.get(at) {
        let next = match c {
            '@' => email(line, at, found.last().map_or(0, |f| f.range.end))
                .map(|range| (range, Kind::Email)),
            '微' | '威' | '薇' | '加' | 'V' | 'v' | 'W' | 'w' => {
                word(line, at, WECHAT).and_then(|end| wechat(line, end))
            }
            'Q' | 'q' | '扣' | '企' => word(line, at, QQ).and_then(|end| qq(line, end)),
            _ => None,
        };
        match next {
            Some((range, kind)) => {
                at = range.end;
                found.push(Found::new(range, kind));
            }
            None => at += 1,
        }
    }
}

/// The end of the word at `at`; a word of letters is not part of a longer one.
fn word(line: &Line, at: usize, words: &[&str]) -> Option<usize> {
    let is_latin = line.get(at).is_some_and(|c| c.is_ascii());
    if is_latin && at > 0 && line.is_word(at - 1) {
        return None;
    }
    let end = line.any(at, words)?;
    let ends_latin = line.before(end).is_some_and(|c| c.is_ascii_alphabetic());
    let goes_on = line.get(end).is_some_and(|c| c.is_ascii_alphabetic());
    (!ends_latin || !goes_on).then_some(end)
}

/// A WeChat id after its word: a letter and 5 to 19 letters, digits, `_` and `-` (the form that WeChat allows), a QQ number
/// or a phone.
fn wechat(line: &Line, end: usize) -> Option<(Range<usize>, Kind)> {
    let start = line.while_at(end, 6, |c| LINKS.contains(&c));
    let last = line.while_at(start, 24, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
    });
    let id = line.slice(start..last);
    let first = id.first()?;
    let has_digit = id.iter().any(|c| c.is_ascii_digit() || *c == '_');
    let is_sure = line
        .slice(end.saturating_sub(1)..start)
        .iter()
        .any(|c| SURE.contains(c));
    let is_added = line.ends_before(end, &["加V", "加微", "加薇", "VX", "WX"])
        || line.slice(end.saturating_sub(4)..start).contains(&'加');
    let fits = match id.len() {
        6..=20 if first.is_ascii_alphabetic() => is_sure || has_digit && (start == end || is_added),
        5..=11 if id.iter().all(char::is_ascii_digit) => {
            *first != '0' && (is_sure || is_added || start == end) && !is_amount(line, last)
        }
        _ => false,
    };
    fits.then_some((start..last, Kind::Wechat))
}

/// A QQ number or a QQ group's after its word: 5 to 11 digits.
fn qq(line: &Line, end: usize) -> Option<(Range<usize>, Kind)> {
    let start = line.while_at(end, 6, |c| LINKS.contains(&c));
    let last = line.while_at(start, 12, |c| c.is_ascii_digit());
    let fits = (5..=11).contains(&(last - start))
        && line.get(start) != Some('0')
        && !is_amount(line, last)
        && !line.is_word(last);
    fits.then_some((start..last, Kind::Qq))
}

fn is_amount(line: &Line, end: usize) -> bool {
    let after = line.while_at(end, 1, |c| c == ' ');
    line.get(after).is_some_and(|c| UNITS.contains(&c))
}

/// The address around the `@` at `at`, not reaching before `from`.
fn email(line: &Line, at: usize, from: usize) -> Option<Range<usize>> {
    let local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let mut start = at;
    while start > from && line.before(start).is_some_and(local) {
        start -= 1;
    }
    let mut end = line.while_at(at + 1, 253, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '-')
    });
    while end > at && matches!(line.before(end), Some('.' | '-')) {
        end -= 1;
    }
    let host = line.slice(at + 1..end);
    let dot = host.iter().rposition(|c| *c == '.')?;
    let top = &host[dot + 1..];
    let valid =
        start < at && dot > 0 && top.len() >= 2 && top.iter().all(char::is_ascii_alphabetic);
    valid.then_some(start..end)
}
