//! Scanners for what has a form but no list: amounts of money, dates, order numbers. Each reads at the head of a normalised text and says
//! what it stands for and which bytes it takes, or nothing.

use std::ops::Range;

use crate::numeral::number;

/// What was read: its value, and its bytes.
type Read = (String, Range<usize>);

/// Signs and words before an amount.
const BEFORE: [(&str, &str); 4] = [("¥", "CNY"), ("rmb", "CNY"), ("us$", "USD"), ("$", "USD")];
/// Units after an amount, the longer first.
const AFTER: [(&str, &str); 9] = [
    ("块钱", "CNY"),
    ("元钱", "CNY"),
    ("块", "CNY"),
    ("元", "CNY"),
    ("圆", "CNY"),
    ("rmb", "CNY"),
    ("美元", "USD"),
    ("美金", "USD"),
    ("港币", "HKD"),
];
/// What is counted in pieces, not in yuan: 两块蛋糕.
const PIECES: &str = "蛋肉表布玻屏石砖糖豆饼电面地木板巧香手披冰";

/// An amount of money: `¥199`, `3,000元`, `两百五十块钱`, `9块9`.
pub(crate) fn money(text: &str) -> Option<Read> {
    for (sign, currency) in BEFORE {
        if let Some(rest) = text.strip_prefix(sign) {
            let spaces = rest.len() - rest.trim_start_matches([' ', ':']).len();
            let (value, taken) = number(&rest[spaces..])?;
            return Some((amount(currency, value), 0..sign.len() + spaces + taken));
        }
    }
    let (value, mut at) = number(text)?;
    let counted = text[..at].len();
    for vague in ["多", "来", " "] {
        if text[at..].starts_with(vague) {
            at += vague.len();
            break;
        }
    }
    let (unit, currency) = AFTER.iter().find(|(u, _)| text[at..].starts_with(u))?;
    at += unit.len();
    if *unit == "块" {
        // 9块9 is 9.90.
        if counted + unit.len() == at
            && let Some((tenths, taken)) = number(&text[at..])
            && (100..1000).contains(&tenths)
            && tenths % 100 == 0
        {
            return Some((amount(currency, value + tenths / 10), 0..at + taken));
        }
        // 一块去 is together.
        if text.starts_with("一块")
            || text[at..]
                .chars()
                .next()
                .is_some_and(|c| PIECES.contains(c))
        {
            return None;
        }
    }
    Some((amount(currency, value), 0..at))
}

fn amount(currency: &str, hundredths: u64) -> String {
    format!("{currency} {}.{:02}", hundredths / 100, hundredths % 100)
}

/// A day or a month: `2026-11-03`, `2026年3月`, `11月5号`.
pub(crate) fn date(text: &str) -> Option<Read> {
    let (first, at) = whole(text)?;
    let (mark, rest) = mark(&text[at..])?;
    let second = whole(rest);
    match mark {
        // A year and a month in characters; a year of two digits is of this century, and wants a day: 17年11月3日.
        '年' if at == 2 && first < 100 => {
            let (month, taken) = second?;
            let (day, more) = whole(rest[taken..].strip_prefix('月')?)?;
            let end = text.len() - rest.len() + taken + '月'.len_utf8() + more;
            let marked = text[end..].chars().next().filter(|c| "日号".contains(*c));
            let end = end + marked.map_or(0, char::len_utf8);
            day_of(Some(2000 + first), month, day, end)
        }
        '年' if (1900..=2200).contains(&first) => {
            let (month, taken) = second?;
            let rest = rest[taken..].strip_prefix('月')?;
            if let Some((day, taken)) = whole(rest)
                && let Some(rest) = rest[taken..].strip_prefix(['日', '号'])
            {
                return day_of(Some(first), month, day, text.len() - rest.len());
            }
            let end = text.len() - rest.len();
            (1..=12)
                .contains(&month)
                .then(|| (format!("{first:04}-{month:02}"), 0..end))
        }
        '月' => {
            let (day, taken) = second?;
            let rest = rest[taken..].strip_prefix(['日', '号'])?;
            day_of(None, first, day, text.len() - rest.len())
        }
        '-' | '/' | '.' if (1900..=2200).contains(&first) => {
            let (month, taken) = second?;
            let rest = rest[taken..].strip_prefix(mark)?;
            let (day, taken) = whole(rest)?;
            day_of(Some(first), month, day, text.len() - rest.len() + taken)
        }
        _ => None,
    }
}

fn mark(text: &str) -> Option<(char, &str)> {
    let c = text.chars().next()?;
    Some((c, &text[c.len_utf8()..]))
}

/// A whole number below 10000.
fn whole(text: &str) -> Option<(u32, usize)> {
    // Points and commas would join the parts of a date: only the digits at the head count.
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        return (digits <= 4)
            .then(|| text[..digits].parse().ok().map(|n| (n, digits)))
            .flatten();
    }
    let (hundredths, taken) = number(text)?;
    let n = u32::try_from(hundredths / 100).ok()?;
    (n <= 31).then_some((n, taken))
}

fn day_of(year: Option<u32>, month: u32, day: u32, end: usize) -> Option<Read> {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) {
        return None;
    }
    let value = match year {
        Some(year) => format!("{year:04}-{month:02}-{day:02}"),
        None => format!("--{month:02}-{day:02}"),
    };
    Some((value, 0..end))
}

/// Words before an order number.
const CUES: [&str; 6] = ["订单编号", "订单号码", "订单号", "单号", "编号", "订单"];
/// Letters at the head of a parcel number, by carrier.
const CARRIERS: [&str; 9] = ["sf", "jd", "yt", "zt", "st", "jt", "dpk", "ems", "yd"];

/// An order or parcel number: letters, digits and hyphens after a cue, or the letters of a carrier and at least ten digits.
pub(crate) fn order_number(text: &str) -> Option<Read> {
    if let Some(cue) = CUES.iter().find(|c| text.starts_with(**c)) {
        let rest = &text[cue.len()..];
        let trimmed = rest.trim_start_matches([' ', ':', '是', '为', '#', '号', '码', '(']);
        let start = text.len() - trimmed.len();
        // A cue reaches what follows it at once, not the next number of the text.
        if start - cue.len() > 9 {
            return None;
        }
        return code(trimmed, 6).map(|n| (trimmed[..n].to_owned(), start..start + n));
    }
    let letters = CARRIERS.iter().find(|c| text.starts_with(**c))?.len();
    let end = code(text, 12)?;
    let digits = text[letters..end].bytes().all(|b| b.is_ascii_digit());
    (digits && end - letters >= 10).then(|| (text[..end].to_owned(), 0..end))
}

/// How many bytes of letters, digits and inner hyphens stand at the head: `least` to 32, at least four of them digits.
fn code(text: &str, least: usize) -> Option<usize> {
    let run = text
        .bytes()
        .take(33)
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'-')
        .count();
    let run = text[..run].trim_end_matches('-').len();
    let digits = text[..run].bytes().filter(u8::is_ascii_digit).count();
    ((least..=32).contains(&run) && digits >= 4).then_some(run)
}
