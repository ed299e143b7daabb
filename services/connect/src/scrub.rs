//! Every event and every dead letter passes here before it is staged: the one place where personal data is taken out.
//!
//! Mobile numbers, ID card numbers (checksum verified, GB 11643), bank card numbers (issuer prefix and Luhn) and e-mail
//! addresses are replaced by their kind, in texts, attributes, and the payloads and reasons of dead letters; how many of
//! each an event had is kept in its attribute `masked`. Numbers that only look alike (orders, prices, dates) stay.
//! Not covered yet: fixed phones, plate numbers, addresses, names, and bytes that are no text.

use std::ops::Range;

use wensheng_schemas::{DeadLetter, FeedbackEvent};

/// The attribute that tells what was masked: `mobile=1,email=2`.
const MASKED: &str = "masked";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mobile,
    IdCard,
    BankCard,
    Email,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Mobile, Kind::IdCard, Kind::BankCard, Kind::Email];

    const fn name(self) -> &'static str {
        match self {
            Kind::Mobile => "mobile",
            Kind::IdCard => "id_card",
            Kind::BankCard => "bank_card",
            Kind::Email => "email",
        }
    }

    const fn mask(self) -> &'static str {
        match self {
            Kind::Mobile => "[手机号]",
            Kind::IdCard => "[身份证号]",
            Kind::BankCard => "[银行卡号]",
            Kind::Email => "[邮箱]",
        }
    }
}

/// Masks an event, and tells in its attribute `masked` how many of what.
pub(crate) fn event(event: &mut FeedbackEvent) {
    let mut counts = [0_u32; Kind::ALL.len()];
    match &mut event.call {
        // What a call's text says, its turns say.
        Some(call) => {
            for turn in &mut call.turns {
                mask(&mut turn.text, &mut counts);
            }
            mask(&mut event.text, &mut [0; Kind::ALL.len()]);
        }
        None => mask(&mut event.text, &mut counts),
    }
    for value in event.attributes.values_mut() {
        mask(value, &mut counts);
    }
    let told: Vec<String> = Kind::ALL
        .into_iter()
        .filter(|kind| counts[*kind as usize] > 0)
        .map(|kind| format!("{}={}", kind.name(), counts[kind as usize]))
        .collect();
    if !told.is_empty() {
        event.attributes.insert(MASKED.to_owned(), told.join(","));
    }
}

/// Counts anew what was masked in the turns of a call and its attributes: a call comes in parts.
pub(crate) fn recount(event: &mut FeedbackEvent) {
    event.attributes.remove(MASKED);
    let turns = event.call.iter().flat_map(|call| &call.turns);
    let texts = turns.map(|turn| turn.text.as_str());
    let texts: Vec<&str> = texts
        .chain(event.attributes.values().map(String::as_str))
        .collect();
    let count = |kind: &Kind| -> usize {
        let texts = texts.iter();
        texts.map(|text| text.matches(kind.mask()).count()).sum()
    };
    let told: Vec<String> = Kind::ALL
        .iter()
        .map(|kind| (kind, count(kind)))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{}={count}", kind.name()))
        .collect();
    if !told.is_empty() {
        event.attributes.insert(MASKED.to_owned(), told.join(","));
    }
}

/// Masks a dead letter.
pub(crate) fn dead_letter(letter: &mut DeadLetter) {
    let mut counts = [0_u32; Kind::ALL.len()];
    mask(&mut letter.reason, &mut counts);
    if let Some(payload) = &mut letter.payload {
        mask(payload, &mut counts);
    }
}

fn mask(text: &mut String, counts: &mut [u32; Kind::ALL.len()]) {
    let found = find(text);
    if found.is_empty() {
        return;
    }
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for (range, kind) in found {
        masked.push_str(&text[from..range.start]);
        masked.push_str(kind.mask());
        from = range.end;
        counts[kind as usize] += 1;
    }
    masked.push_str(&text[from..]);
    *text = masked;
}

/// The places to mask, in order, none overlapping.
fn find(text: &str) -> Vec<(Range<usize>, Kind)> {
    let bytes = text.as_bytes();
    let mut found: Vec<(Range<usize>, Kind)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'@' {
            if let Some(range) = email(bytes, at, found.last().map_or(0, |(last, _)| last.end)) {
                // Digits of the local part may have been taken for a number already; `email` starts after it.
                at = range.end;
                found.push((range, Kind::Email));
                continue;
            }
        } else if bytes[at].is_ascii_digit() {
            let run = number_run(bytes, at);
            numbers(bytes, &run, &mut found);
            at = run.end;
            continue;
        }
        at += 1;
    }
    found
}

/// Digits from `start` on, with single spaces or hyphens between them, and a closing `X` of an ID card.
fn number_run(bytes: &[u8], start: usize) -> Range<usize> {
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let mut end = start;
    while digit(end) || matches!(bytes.get(end), Some(b' ' | b'-')) && digit(end + 1) {
        end += 1;
    }
    if end - start == 17 && matches!(bytes.get(end), Some(b'x' | b'X')) {
        end += 1;
    }
    start..end
}

/// What a run of digits is as a whole, or else what its groups are.
fn numbers(bytes: &[u8], run: &Range<usize>, found: &mut Vec<(Range<usize>, Kind)>) {
    let touches = |i: Option<usize>| {
        i.and_then(|i| bytes.get(i))
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
    };
    // Part of a longer word: an order number, a hash, a model. `+` before it is the country's code.
    if touches(run.start.checked_sub(1)) || touches(Some(run.end)) {
        return;
    }
    let symbols: Vec<u8> = bytes[run.clone()]
        .iter()
        .copied()
        .filter(|b| !matches!(b, b' ' | b'-'))
        .collect();
    // An e-mail's local part is masked with it.
    let before_at = bytes.get(run.end) == Some(&b'@');
    if let (Some(kind), false) = (kind_of(&symbols), before_at) {
        let plus = run.start > 0 && bytes[run.start - 1] == b'+' && kind == Kind::Mobile;
        found.push((run.start - usize::from(plus)..run.end, kind));
        return;
    }
    let mut start = run.start;
    for end in run.start..=run.end {
        if end < run.end && !matches!(bytes[end], b' ' | b'-') {
            continue;
        }
        let whole = start == run.start && end == run.end;
        if let (Some(kind), false) = (kind_of(&bytes[start..end]), whole) {
            found.push((start..end, kind));
        }
        start = end + 1;
    }
}

fn kind_of(symbols: &[u8]) -> Option<Kind> {
    match symbols.len() {
        11 if is_mobile(symbols) => Some(Kind::Mobile),
        13 if symbols.starts_with(b"86") && is_mobile(&symbols[2..]) => Some(Kind::Mobile),
        18 if is_id_card(symbols) => Some(Kind::IdCard),
        16..=19 if is_bank_card(symbols) => Some(Kind::BankCard),
        _ => None,
    }
}

fn is_mobile(digits: &[u8]) -> bool {
    digits[0] == b'1' && (b'3'..=b'9').contains(&digits[1])
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

/// An issuer's prefix (UnionPay 62, ICBC 9558, Visa, Mastercard, JCB) and the Luhn digit (ISO/IEC 7812-1).
fn is_bank_card(symbols: &[u8]) -> bool {
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

/// The address around the `@` at `at`, not reaching before `from`.
fn email(bytes: &[u8], at: usize, from: usize) -> Option<Range<usize>> {
    let local = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-');
    let domain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let start = at
        - bytes[from..at]
            .iter()
            .rev()
            .take_while(|b| local(b))
            .count();
    let mut end = at + 1 + bytes[at + 1..].iter().take_while(|b| domain(b)).count();
    while end > at && matches!(bytes[end - 1], b'.' | b'-') {
        end -= 1;
    }
    let host = bytes.get(at + 1..end)?;
    let dot = host.iter().rposition(|b| *b == b'.')?;
    let top = &host[dot + 1..];
    let valid = start < at && dot > 0 && top.len() >= 2 && top.iter().all(u8::is_ascii_alphabetic);
    valid.then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut text = text.to_owned();
        mask(&mut text, &mut [0; Kind::ALL.len()]);
        text
    }

    /// A card number with its Luhn digit.
    fn card(head: &str) -> String {
        (0..10)
            .map(|digit| format!("{head}{digit}"))
            .find(|number| is_bank_card(number.as_bytes()))
            .unwrap()
    }

    #[test]
    fn mobile_numbers_are_masked_however_they_are_written() {
        for text in [
            "电话13800138000谢谢",
            "电话138-0013-8000谢谢",
            "电话138 0013 8000谢谢",
            "电话+8613800138000谢谢",
            "电话86 13800138000谢谢",
        ] {
            let masked = masked(text);
            assert!(masked.contains("[手机号]谢谢"), "{text} → {masked}");
            assert!(!masked.contains("8000"), "{text} → {masked}");
        }
        assert_eq!(masked("打13800138000或13900139000"), "打[手机号]或[手机号]");
        assert_eq!(masked("13800138000 13900139000"), "[手机号] [手机号]");
    }

    #[test]
    fn id_cards_are_masked_when_their_checksum_holds() {
        // The sample number of GB 11643-1999.
        assert_eq!(masked("身份证11010519491231002X。"), "身份证[身份证号]。");
        assert_eq!(masked("身份证11010519491231002x"), "身份证[身份证号]");
        assert_eq!(masked("440524188001010014"), "[身份证号]");
        assert_eq!(
            masked("身份证110105194912310021"),
            "身份证110105194912310021"
        );
    }

    #[test]
    fn bank_cards_are_masked_when_their_luhn_digit_holds() {
        let number = card("622202123456789012");
        assert_eq!(masked(&format!("卡号{number}")), "卡号[银行卡号]");
        let spaced = format!(
            "{} {} {} {}",
            &number[..4],
            &number[4..8],
            &number[8..12],
            &number[12..]
        );
        assert_eq!(masked(&spaced), "[银行卡号]");
        let last = (number.as_bytes()[18] - b'0' + 1) % 10;
        let wrong = format!("{}{last}", &number[..18]);
        assert_eq!(masked(&wrong), wrong);
    }

    #[test]
    fn e_mail_addresses_are_masked_and_mentions_are_not() {
        assert_eq!(masked("发到zhang.san@example.com.cn吧"), "发到[邮箱]吧");
        assert_eq!(masked("13800138000@example.com"), "[邮箱]");
        for text in ["@鹿汀茶饮 官方出来回应", "a@b", "价格@12.50", "好喝@@"] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn orders_prices_and_dates_stay() {
        for text in [
            "订单号202603011234567890123",
            "单号SF1380013800012",
            "2026-03-01 12:30:00",
            "花了12800元",
            "客服热线400-800-8820",
            "型号X13800138000",
            "12345678901",
            "订单 2026030112345678",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn the_event_tells_how_many_of_what_were_masked() {
        let mut feedback: FeedbackEvent = serde_json::from_value(serde_json::json!({
            "id": "1", "source": "s", "native_id": "1", "channel": "hotline", "brand": "b",
            "occurred_at": "2026-03-01T00:00:00Z", "observed_at": "2026-03-01T00:00:00Z",
            "text": "我13800138000,她13900139000",
            "attributes": {"contact": "a@example.com"},
            "provenance": {"connector": "files"}
        }))
        .unwrap();
        event(&mut feedback);
        assert_eq!(feedback.text, "我[手机号],她[手机号]");
        assert_eq!(feedback.attributes["contact"], "[邮箱]");
        assert_eq!(feedback.attributes["masked"], "mobile=2,email=1");
    }
}
