//! Numbers as people write them: 199, 3,000, 1.5万, 两百五, 一千零二十; read exactly or not at all.

/// A number at the head of a text: its value in hundredths, and how many bytes it takes.
pub(crate) type Found = (u64, usize);

/// Larger amounts are no amounts.
const LARGEST: u64 = 100_000_000_000_000;

/// The number at the head of a normalised text, in digits or in Chinese, with 万 and 亿 behind digits.
pub(crate) fn number(text: &str) -> Option<Found> {
    let found = match text.bytes().next()? {
        b'0'..=b'9' => digits(text),
        0xe4..=0xe9 => chinese(text),
        _ => None,
    };
    found.filter(|(value, _)| *value <= LARGEST)
}

fn digits(text: &str) -> Option<Found> {
    let bytes = text.as_bytes();
    let mut value: u64 = 0;
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        match b {
            b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(u64::from(b - b'0'))?,
            // A comma parts thousands only before exactly three digits: 买了3,2000 is two numbers.
            b',' if at > 0 && thousands(&bytes[at + 1..]) => {}
            _ => break,
        }
        at += 1;
    }
    value = value.checked_mul(100)?;
    if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        at += 1;
        let mut worth = 10;
        while let Some(b) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
            value += u64::from(b - b'0') * worth;
            worth /= 10;
            at += 1;
        }
    }
    let factor = match text[at..].chars().next() {
        Some('千') => 1_000,
        Some('万') => 10_000,
        Some('亿') => 100_000_000,
        Some('k') if ends_word(bytes, at + 1) => return Some((value.checked_mul(1000)?, at + 1)),
        Some('w') if ends_word(bytes, at + 1) => return Some((value.checked_mul(10_000)?, at + 1)),
        _ => return Some((value, at)),
    };
    Some((value.checked_mul(factor)?, at + 3))
}

fn ends_word(bytes: &[u8], at: usize) -> bool {
    !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

fn thousands(rest: &[u8]) -> bool {
    rest.len() >= 3
        && rest[..3].iter().all(u8::is_ascii_digit)
        && !rest.get(3).is_some_and(u8::is_ascii_digit)
}

fn chinese(text: &str) -> Option<Found> {
    let (mut total, mut section, mut digit) = (0u64, 0u64, None);
    // The unit before a last bare digit: 两百五 is 250, 两百零五 is 205.
    let mut unit = 0u64;
    let mut at = 0;
    for c in text.chars() {
        if let Some(n) = "零一二三四五六七八九".chars().position(|d| d == c) {
            digit = Some(n as u64);
            if n == 0 {
                unit = 0;
            }
        } else if c == '两' {
            digit = Some(2);
        } else {
            let worth = match c {
                '十' => 10,
                '百' => 100,
                '千' => 1_000,
                '万' => 10_000,
                '亿' => 100_000_000,
                _ => break,
            };
            unit = worth;
            if worth < 10_000 {
                section += digit.take().unwrap_or(u64::from(worth == 10)) * worth;
            } else {
                section += digit.take().unwrap_or(0);
                total = total.checked_add(section)?.checked_mul(worth)?;
                section = 0;
            }
        }
        at += c.len_utf8();
    }
    if at == 0 {
        return None;
    }
    if let Some(last) = digit {
        section += if unit >= 100 { last * unit / 10 } else { last };
    }
    let value = total.checked_add(section)?;
    (value > 0).then_some((value.checked_mul(100)?, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_all_their_spellings() {
        for (text, value, taken) in [
            ("199元", 19_900, 3),
            ("3,000元", 300_000, 5),
            ("3,20", 300, 1),
            ("1.5万", 1_500_000, 6),
            ("9.9包邮", 990, 3),
            ("2k", 200_000, 2),
            ("2kg", 200, 1),
            ("两百五十块", 25_000, 12),
            ("两百五", 25_000, 9),
            ("一千零二十元", 102_000, 15),
            ("十五块", 1_500, 6),
            ("三万五", 3_500_000, 9),
            ("两百零五", 20_500, 12),
            ("一万两千元", 1_200_000, 12),
        ] {
            assert_eq!(number(text), Some((value, taken)), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_large_is_none() {
        for text in ["", "元", "百货", "abc", "99999999999999999999", "零"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
