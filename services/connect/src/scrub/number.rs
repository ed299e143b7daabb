//! Numbers that reach a person: by their shape and checksum, and where the shape is common, by what stands before them.

use std::ops::Range;

use super::line::Line;
use super::{Found, Kind};

/// What numbers are called that are nobody's: the shape of a card or a fixed phone says nothing after these.
const CALLED_OTHERWISE: &[&str] = &[
    "订单",
    "单号",
    "运单",
    "快递",
    "流水",
    "编号",
    "工单",
    "票号",
    "货号",
    "条码",
    "型号",
    "发票",
    "券码",
    "兑换码",
    "批号",
    "批次",
    "物流",
    "取件码",
    "验证码",
    "序列号",
    "会员号",
    "商品",
    "SN",
    "ID",
];

/// What a number is called that reaches a person.
const CALLED_PHONE: &[&str] = &["电话", "座机", "固话", "固定电话", "家里电话", "致电"];

/// Words between a name and its number.
const LINKS: &[char] = &[
    ':', ' ', '是', '为', '号', '码', '的', '#', '(', '=', '写', '留',
];

/// How the last digits of a card or phone are asked for.
const TAILS: &[&str] = &["尾号", "后四位", "后4位", "末四位", "后六位", "后6位"];

pub(super) fn find(line: &Line, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(c) = line.get(at) {
        if c.is_ascii_digit() {
            if let Some(phone) = phone(line, at) {
                at = phone.end;
                found.push(Found::new(phone, Kind::Phone));
                continue;
            }
            let run = run(line, at);
            numbers(line, &run, found);
            // A fixed phone may stand in the middle of a run of groups.
            at = line.while_at(at, run.len(), |c| c.is_ascii_digit());
            if found.last().is_some_and(|found| found.range.end > at) {
                at = run.end;
            }
            continue;
        }
        if spoken_digit(c).is_some() {
            let end = line.while_at(at, usize::MAX - at, |c| spoken_digit(c).is_some());
            spoken(line, at..end, found);
            at = end;
            continue;
        }
        if let Some(end) = line.any(at, TAILS) {
            let start = line.while_at(end, 4, |c| LINKS.contains(&c));
            let last = line.while_at(start, 7, |c| c.is_ascii_digit());
            if (3..=6).contains(&(last - start)) && !line.is_word(last) {
                found.push(Found::new(start..last, Kind::Tail));
                at = last;
                continue;
            }
        }
        at += 1;
    }
}

/// Digits from `start` on, with single spaces or hyphens between them, and a closing `X` of an ID card.
fn run(line: &Line, start: usize) -> Range<usize> {
    let mut end = start;
    while line.is_digit(end) || matches!(line.get(end), Some(' ' | '-')) && line.is_digit(end + 1) {
        end += 1;
    }
    if end - start == 17 && matches!(line.get(end), Some('x' | 'X')) {
        end += 1;
    }
    start..end
}

/// What a run of digits is as a whole, or else what its first group is.
fn numbers(line: &Line, run: &Range<usize>, found: &mut Vec<Found>) {
    let group_end = line.while_at(run.start, run.len(), |c| !matches!(c, ' ' | '-'));
    // Part of a longer word: an order number, a hash, a model. `+` before it is the country's code.
    if run.start > 0 && line.is_word(run.start - 1) {
        return;
    }
    // The end of a longer number is a number only where a space begins it.
    let is_rest =
        line.before(run.start) == Some('-') && run.start > 1 && line.is_digit(run.start - 2);
    // An e-mail's local part is masked with it.
    if !is_rest && !line.is_word(run.end) && line.get(run.end) != Some('@') {
        let symbols = symbols(line, run);
        if let Some(kind) = kind_of(line, run.start, &symbols) {
            let plus = kind == Kind::Mobile && line.before(run.start) == Some('+');
            found.push(Found::new(run.start - usize::from(plus)..run.end, kind));
            return;
        }
    }
    if group_end < run.end || !line.is_word(group_end) && line.get(group_end) != Some('@') {
        let group = run.start..group_end;
        if let Some(kind) = kind_of(line, run.start, &symbols(line, &group)) {
            found.push(Found::new(group, kind));
        }
    }
}

fn symbols(line: &Line, range: &Range<usize>) -> Vec<u8> {
    line.slice(range.clone())
        .iter()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| *c as u8)
        .collect()
}

fn kind_of(line: &Line, start: usize, symbols: &[u8]) -> Option<Kind> {
    match symbols.len() {
        11 if is_mobile(symbols) => Some(Kind::Mobile),
        13 if symbols.starts_with(b"86") && is_mobile(&symbols[2..]) => Some(Kind::Mobile),
        15 if is_old_id_card(symbols) && called(line, start, &["身份证"]) => Some(Kind::IdCard),
        18 if is_id_card(symbols) => Some(Kind::IdCard),
        16..=19 if is_bank_card(symbols) && !called(line, start, CALLED_OTHERWISE) => {
            Some(Kind::BankCard)
        }
        7 | 8
            if (b'2'..=b'8').contains(&symbols[0])
                && called_directly(line, start, CALLED_PHONE) =>
        {
            Some(Kind::Phone)
        }
        _ => None,
    }
}

/// Whether one of `names` stands within the eight characters before `start`, in the same clause.
fn called(line: &Line, start: usize, names: &[&str]) -> bool {
    let mut at = start;
    while at > 0 && start - at < 8 {
        if matches!(
            line.before(at),
            Some(',' | '。' | ';' | '!' | '?' | '\n' | '、')
        ) {
            return false;
        }
        if line.ends_before(at, names) {
            return true;
        }
        at -= 1;
    }
    false
}

/// Whether one of `names` stands before `start` with nothing but [`LINKS`] between.
fn called_directly(line: &Line, start: usize, names: &[&str]) -> bool {
    let mut at = start;
    while at > 0 && start - at < 4 {
        if line.ends_before(at, names) {
            return true;
        }
        if !line.before(at).is_some_and(|c| LINKS.contains(&c)) {
            return false;
        }
        at -= 1;
    }
    line.ends_before(at, names)
}

/// A fixed phone at `start`, where its area code begins: three digits (010, 02x) before eight, or four (03xx to 09xx) before
/// seven or eight, the first of them 2 to 8 (the national numbering plan, YD/T 1000 series); an extension may follow. Hotlines
/// of companies (400, 800, 95xxx) have no area code.
fn phone(line: &Line, start: usize) -> Option<Range<usize>> {
    let before = line.before(start);
    let country = line.ends_before(
        start,
        &["+86", "+86-", "+86 ", "0086-", "0086 ", "86-", "86 "],
    );
    let goes_on = before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if goes_on && !country {
        return None;
    }
    let digit = |at: usize| line.get(at).filter(char::is_ascii_digit);
    let zero = usize::from(digit(start) == Some('0'));
    if zero == 0 && !country {
        return None;
    }
    let area = zero
        + match (digit(start + zero)?, digit(start + zero + 1)?) {
            ('1', '0') | ('2', _) => 2,
            ('3'..='9', _) => 3,
            _ => return None,
        };
    if !(start..start + area).all(|at| line.is_digit(at)) {
        return None;
    }
    let in_brackets = before == Some('(') && line.get(start + area) == Some(')');
    let mut at = start + area + usize::from(in_brackets);
    let local = line.while_at(at, 2, |c| matches!(c, '-' | ' ' | '—' | '–'));
    let is_split = in_brackets || local > at;
    if !is_split && (zero == 0 || called(line, start, CALLED_OTHERWISE)) {
        return None;
    }
    if !digit(local).is_some_and(|c| ('2'..='8').contains(&c)) {
        return None;
    }
    let mut digits = 0;
    at = local;
    while digits < 9 {
        if line.is_digit(at) {
            digits += 1;
        } else if !(matches!(line.get(at), Some(' ' | '-'))
            && matches!(digits, 3 | 4)
            && (1..=4).all(|ahead| line.is_digit(at + ahead)))
        {
            break;
        }
        at += 1;
    }
    let area_digits = area - zero;
    let fits = digits == 8 || digits == 7 && area_digits == 3;
    if !fits || line.is_word(at) {
        return None;
    }
    let start = match line.any_before(start, &["+86-", "+86 ", "+86"]) {
        Some(country) => country,
        None => start - usize::from(in_brackets),
    };
    Some(start..extension(line, at))
}

/// Where a phone that ends at `end` ends with its extension.
fn extension(line: &Line, end: usize) -> usize {
    let Some(from) = line.any(end, &["转分机", "分机号", "分机", "转", "-", "ext."])
    else {
        return end;
    };
    let from = line.while_at(from, 1, |c| c == ' ');
    let last = line.while_at(from, 6, |c| c.is_ascii_digit());
    match last - from {
        1..=5 => last,
        _ => end,
    }
}

const fn spoken_digit(c: char) -> Option<u8> {
    Some(match c {
        '零' | '〇' => b'0',
        '一' | '幺' => b'1',
        '二' => b'2',
        '三' => b'3',
        '四' => b'4',
        '五' => b'5',
        '六' => b'6',
        '七' => b'7',
        '八' => b'8',
        '九' => b'9',
        _ => return None,
    })
}

/// A number that was spelt out, as a transcript of a call has it.
fn spoken(line: &Line, range: Range<usize>, found: &mut Vec<Found>) {
    let digits: Vec<u8> = line
        .slice(range.clone())
        .iter()
        .filter_map(|c| spoken_digit(*c))
        .collect();
    let kind = match digits.len() {
        11 if is_mobile(&digits) => Kind::Mobile,
        18 if is_id_card(&digits) => Kind::IdCard,
        _ => return,
    };
    found.push(Found::new(range, kind));
}

fn is_mobile(digits: &[u8]) -> bool {
    digits[0] == b'1' && (b'3'..=b'9').contains(&digits[1]) && digits.iter().all(u8::is_ascii_digit)
}

/// GB 11643-1999: 17 digits and a check symbol; ISO 7064 MOD 11-2. The birthday must be one.
fn is_id_card(symbols: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECK: &[u8; 11] = b"10X98765432";
    let Some((last, digits)) = symbols.split_last() else {
        return false;
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let two = |i: usize| (digits[i] - b'0') * 10 + digits[i + 1] - b'0';
    let born =
        matches!(two(6), 18..=20) && (1..=12).contains(&two(10)) && (1..=31).contains(&two(12));
    let sum: u32 = digits
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    born && CHECK[(sum % 11) as usize] == last.to_ascii_uppercase()
}

/// The form before 1999: six digits of the place, the birthday in six, three in order; no checksum.
fn is_old_id_card(digits: &[u8]) -> bool {
    let two = |i: usize| (digits[i] - b'0') * 10 + digits[i + 1] - b'0';
    digits.iter().all(u8::is_ascii_digit)
        && (1..=12).contains(&two(8))
        && (1..=31).contains(&two(10))
}

/// An issuer's prefix (UnionPay 62, ICBC 9558, Visa, Mastercard, JCB) and the Luhn digit (ISO/IEC 7812-1).
pub(super) fn is_bank_card(symbols: &[u8]) -> bool {
    let known = symbols.starts_with(b"62")
        || symbols.starts_with(b"9558")
        || symbols.starts_with(b"35")
        || symbols.len() == 16
            && (symbols[0] == b'4' || symbols[0] == b'5' && (b'1'..=b'5').contains(&symbols[1]));
    if !known || !symbols.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = symbols
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}
