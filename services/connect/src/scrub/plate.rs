//! Plates of vehicles: the province's character, the letter of the place, and five symbols, or six of a new-energy vehicle.

use super::line::Line;
use super::{Found, Kind};

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

/// Characters that make another word of the province's character behind them: 最新, 苏宁, 全新, 墨黑.
const OTHER_WORDS: &[&str] = &[
    "最新", "全新", "崭新", "更新", "刷新", "苏宁", "墨黑", "纯黑", "曜黑", "重新", "翻新",
];

pub(super) fn find(line: &Line, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(c) = line.get(at) {
        if !PROVINCES.contains(c) {
            at += 1;
            continue;
        }
        match end(line, at) {
            Some(end) => {
                found.push(Found::new(at..end, Kind::Plate));
                at = end;
            }
            None => at += 1,
        }
    }
}

/// Where the plate that begins at `start` ends (GA 36-2018: no I, and no O but in police plates).
fn end(line: &Line, start: usize) -> Option<usize> {
    if line.ends_before(start + 1, OTHER_WORDS) {
        return None;
    }
    let letter = |c: char| c.is_ascii_alphabetic() && !matches!(c, 'I' | 'i' | 'O' | 'o');
    let symbol = |c: char| c.is_ascii_digit() || letter(c);
    if !line.get(start + 1).is_some_and(letter) {
        return None;
    }
    let from = line.while_at(start + 2, 2, |c| {
        matches!(c, '·' | '•' | '・' | ' ' | '-' | '.')
    });
    let to = line.while_at(from, 7, symbol);
    let symbols = line.slice(from..to);
    let digits = symbols.iter().filter(|c| c.is_ascii_digit()).count();
    let to = match symbols.len() {
        // 挂, 学, 警 and others take the place of the last symbol.
        4 if line.get(to).is_some_and(|c| "挂学警港澳领".contains(c)) && digits >= 3 => {
            to + 1
        }
        // At most two letters (GA 36-2018, 5.9).
        5 if digits >= 3 => to,
        6 if is_new_energy(symbols) => to,
        _ => return None,
    };
    // A model has a noun behind it.
    let is_model = line.any(to, &["款", "型", "系列", "版"]).is_some();
    (!line.is_word(to) && !is_model).then_some(to)
}

/// Small ones have a letter A to K first, perhaps a second letter, large ones a D or F last.
fn is_new_energy(symbols: &[char]) -> bool {
    let digits = |symbols: &[char]| symbols.iter().all(char::is_ascii_digit);
    let (Some(first), Some(last)) = (symbols.first(), symbols.last()) else {
        return false;
    };
    let small =
        matches!(first.to_ascii_uppercase(), 'A'..='H' | 'J' | 'K') && digits(&symbols[2..]);
    let large = matches!(last.to_ascii_uppercase(), 'D' | 'F') && digits(&symbols[..5]);
    small || large
}
