//! Addresses of people: from a road or estate with a house number on, where the number leads to a door, the place is told down
//! from its province or city, or somebody says that this is where they live or have things sent.

use super::line::{Line, is_han};
use super::{Found, Kind};

/// What a name of a road, an estate or a village ends in.
const PLACES: &str = "路街道巷弄村区苑园里庄院城厦场寓府邸湾轩阁坊镇乡组同号墅庭居筑";

/// What a house, a stairway or a door is numbered with.
const DOORS: &[&str] = &["号楼", "号院", "单元", "栋", "幢", "室", "户", "座"];
const HOUSES: &[&str] = &["号", "弄"];

/// A number with one of these behind it is no house's: a line of the underground, a counter, a day.
const NOT_HOUSES: &[&str] = &[
    "线", "店", "门", "口", "机", "柜", "桌", "台", "窗", "厅", "出", "色", "链", "仓", "位", "车",
    "那天", "下午", "上午", "晚", "早", "之前", "前", "开始", "就", "发", "到",
];

/// Characters that are no part of the name of a place, so that it begins behind them.
const ENDS: &str = "在到住是址寄送于给从往去了的我你他她来这那和跟为有说您请把发填写改";

/// What tells that somebody's place follows.
const CONTEXT: &[&str] = &[
    "地址", "住在", "家住", "住", "家在", "寄到", "送到", "收货", "派送", "上门", "我家", "寄给",
    "发到", "取件",
];

/// A place is not longer than this before its first house number, nor after it (characters).
const LONGEST: usize = 24;

pub(super) fn find(line: &Line, found: &mut Vec<Found>) {
    let mut at = 1;
    while at < line.len() {
        if !line.is_digit(at) || line.is_digit(at - 1) {
            at += 1;
            continue;
        }
        match address(line, at) {
            Some(range) => {
                at = range.end;
                found.push(Found::new(range, Kind::Address));
            }
            None => at = line.while_at(at, usize::MAX - at, |c| c.is_ascii_digit()),
        }
    }
}

/// The address whose first house number is at `number`.
fn address(line: &Line, number: usize) -> Option<std::ops::Range<usize>> {
    if !line.before(number).is_some_and(|c| PLACES.contains(c)) {
        return None;
    }
    let (mut end, mut leads_to_a_door) = house(line, number)?;
    while let Some((next, door)) = further(line, end) {
        end = next;
        leads_to_a_door |= door;
        if end - number > 2 * LONGEST {
            break;
        }
    }
    let mut start = number;
    while start > 0
        && number - start < LONGEST
        && line
            .before(start)
            .is_some_and(|c| is_han(c) && !ENDS.contains(c))
    {
        start -= 1;
    }
    if number - start < 2 {
        return None;
    }
    let from_above = line.slice(start..number).windows(2).any(|two| {
        matches!(two[1], '省' | '市' | '县' | '镇')
            || two[1] == '区' && !"小社园校景街厂片地城".contains(two[0])
    });
    let is_told = (start.saturating_sub(8)..=start)
        .any(|at| line.any(at, CONTEXT).is_some_and(|end| end <= start + 2));
    (leads_to_a_door || from_above || is_told).then_some(start..end)
}

/// Where the house number at `number` ends, and whether it is of a building or a door.
fn house(line: &Line, number: usize) -> Option<(usize, bool)> {
    let digits = line.while_at(number, 6, |c| c.is_ascii_digit() || c == '-');
    if digits - number > 5 {
        return None;
    }
    let letter = line.while_at(digits, 1, |c| c.is_ascii_alphabetic());
    if let Some(end) = line.any(letter, DOORS) {
        return Some((end, true));
    }
    let end = line.any(letter, HOUSES)?;
    line.any(end, NOT_HOUSES).is_none().then_some((end, false))
}

/// The next part behind an address that ends at `from`: a building, a stairway, a door, perhaps with the estate's name before.
fn further(line: &Line, from: usize) -> Option<(usize, bool)> {
    let name = line.while_at(from, 10, |c| is_han(c) && !ENDS.contains(c));
    for number in [
        from,
        line.while_at(from, 1, |c| matches!(c, ' ' | '-' | ',')),
        name,
    ] {
        let digits = line.while_at(number, 5, |c| c.is_ascii_digit() || c.is_ascii_uppercase());
        if digits == number {
            continue;
        }
        let marked = line
            .any(digits, DOORS)
            .or_else(|| line.any(digits, &["楼", "层", "弄", "号"]));
        if let Some(end) = marked {
            return Some((end, true));
        }
        // A bare number of a door right behind its stairway: 3单元501.
        let is_bare = number == from || name != number;
        if is_bare
            && digits - number >= 3
            && line.slice(number..digits).iter().all(char::is_ascii_digit)
            && !line.is_word(digits)
        {
            let is_amount = line.any(digits, &["元", "块", "个", "人", "年"]).is_some();
            return (!is_amount).then_some((digits, true));
        }
    }
    None
}
