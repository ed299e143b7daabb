//! Names and numbers in a text: brands, products and stores by tables of aliases; money, dates and order numbers by scanners. One pass
//! each, no regular expressions; what is found never overlaps.

use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::letters::Letters;
use crate::normalize::Normalizer;
use crate::scan::{date, money, order_number};
use crate::scope::inside_word;
use crate::terms::Terms;

/// Days told from today; what day it was, only the time of the text tells.
const DAYS: &str = "今天 昨天 前天 大前天 明天 后天 大后天 昨晚 今晚 明晚 今早 明早 昨日 今日 明日 前日 当日 周末 上周末 这周末 本周末 下周末 月底 月初 年底 年初 上个月 这个月 \
下个月 上月 本月 下月 去年 今年 明年 前年 国庆 春节 元旦 中秋 端午 五一 双十一 双11 双十二 双12";
/// Weeks and their days: each alone and both together, 下周 and 周三 and 下周三.
const WEEKS: [&str; 7] = ["", "上", "这", "本", "下", "上个", "下个"];
const WEEK: [&str; 3] = ["周", "星期", "礼拜"];
const WEEKDAYS: [&str; 9] = ["", "一", "二", "三", "四", "五", "六", "日", "天"];

/// The days that are told in words.
fn days() -> impl Iterator<Item = String> {
    let weeks = WEEKS.iter().flat_map(|which| {
        let of = move |week| {
            WEEKDAYS
                .iter()
                .map(move |day| format!("{which}{week}{day}"))
        };
        WEEK.iter().flat_map(of)
    });
    // 周 and 星期 alone tell no day.
    let told = weeks.filter(|day| !WEEK.contains(&day.as_str()));
    DAYS.split_whitespace().map(str::to_owned).chain(told)
}

/// What an entity is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// A brand of the alias table.
    Brand,
    /// A product of the alias table.
    Product,
    /// A store of the alias table.
    Store,
    /// An amount of money; its value is `CNY 199.00`.
    Money,
    /// A day or month; its value is ISO 8601 (`2026-11-11`, `2026-11`), `--11-11` without a year, none for 昨天.
    Date,
    /// The number of an order, a parcel or a case, in lower case.
    OrderNumber,
}

/// A name with its other spellings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// What the name is: `brand`, `product` or `store`.
    pub kind: EntityKind,
    /// The name as it shall be told.
    pub name: Arc<str>,
    /// Other spellings and nicknames; the name itself need not stand here. Default: none.
    #[serde(default)]
    pub aliases: Vec<String>,
}

impl Alias {
    /// What is wrong with a table of aliases; paths are `aliases[i].field`.
    pub(crate) fn problems(table: &[Self]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (i, alias) in table.iter().enumerate() {
            let mut say = |field: &str, message: &str| {
                problems.push(Problem {
                    path: format!("aliases[{i}].{field}"),
                    message: message.to_owned(),
                });
            };
            let named = [EntityKind::Brand, EntityKind::Product, EntityKind::Store];
            if !named.contains(&alias.kind) {
                say("kind", "give brand, product or store");
            }
            if alias.name.trim().is_empty() {
                say("name", "the name is empty");
            }
            for (j, other) in alias.aliases.iter().enumerate() {
                if other.trim().is_empty() {
                    say(&format!("aliases[{j}]"), "the alias is empty");
                }
            }
        }
        problems
    }
}

/// A name or number in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// The characters of the original text.
    pub text: String,
    /// What it stands for: the name of the alias table, or the value as its kind tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<Arc<str>>,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// An entity in bytes of the normalised text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) kind: EntityKind,
    pub(crate) value: Option<Arc<str>>,
    pub(crate) place: Range<usize>,
}

/// Finds entities with one automaton over all aliases.
#[derive(Debug, Clone)]
pub(crate) struct EntityFinder {
    terms: Terms,
    names: Vec<(EntityKind, Option<Arc<str>>)>,
}

impl EntityFinder {
    pub(crate) fn new(table: &[Alias], normalizer: &Normalizer) -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut names = Vec::new();
        for alias in table {
            let own = std::iter::once(alias.name.as_ref());
            for word in own.chain(alias.aliases.iter().map(String::as_str)) {
                words.push(normalizer.normalize(word, usize::MAX).text);
                names.push((alias.kind, Some(alias.name.clone())));
            }
        }
        for day in days() {
            words.push(day);
            names.push((EntityKind::Date, None));
        }
        let terms = Terms::new(&words);
        Self { terms, names }
    }

    /// The first `most` entities of a normalised text, in its order. Where two overlap, the longer one stands, the name where they are
    /// alike.
    pub(crate) fn find(&self, text: &str, letters: &Letters, most: usize) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for hit in self.terms.find(letters).take(most) {
            if !inside_word(text, hit.start, hit.end) {
                let (kind, value) = self.names[hit.term].clone();
                let place = hit.start..hit.end;
                found.push(Found { kind, value, place });
            }
        }
        let names = found.len();
        scan(text, most, &mut found);
        if names > 0 && names < found.len() {
            settle(&mut found);
        }
        found.truncate(most);
        found
    }
}

/// Dates, money and order numbers, from left to right.
fn scan(text: &str, most: usize, found: &mut Vec<Found>) {
    let end = found.len() + most;
    let mut at = 0;
    while at < text.len() && found.len() < end {
        let rest = &text[at..];
        let Some(width) = rest.chars().next().map(char::len_utf8) else {
            return;
        };
        let head = head(rest.as_bytes(), at, text);
        let hit = match head {
            Head::None => None,
            Head::Number => date(rest)
                .map(|(value, n)| (EntityKind::Date, value, n))
                .or_else(|| money(rest).map(|(value, n)| (EntityKind::Money, value, n))),
            Head::Order => order_number(rest).map(|(value, n)| (EntityKind::OrderNumber, value, n)),
        };
        match hit {
            Some((kind, value, place)) => {
                let place = at + place.start..at + place.end;
                at = place.end;
                let value = Some(Arc::from(value));
                found.push(Found { kind, value, place });
            }
            // The rest of a number that is no amount is none either: 13800138000 holds no date.
            None if head == Head::Number && rest.as_bytes()[0].is_ascii_digit() => {
                at += rest.bytes().take_while(u8::is_ascii_digit).count();
            }
            None => at += width,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Head {
    None,
    Number,
    Order,
}

/// What may begin at a character: a cheap look at its bytes, for most begin nothing.
fn head(rest: &[u8], at: usize, text: &str) -> Head {
    let fresh = || at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
    // 几十块, 数百元 are no amounts.
    let vague = || text[..at].ends_with(['几', '数', '多', '余']);
    match rest[0] {
        b'0'..=b'9' | b'$' if fresh() => Head::Number,
        b'a'..=b'z' if fresh() => {
            if rest.starts_with(b"rmb") || rest.starts_with(b"us$") {
                Head::Number
            } else {
                Head::Order
            }
        }
        0xc2 if rest.starts_with("¥".as_bytes()) => Head::Number,
        0xe4..=0xe9 => match text[at..].chars().next() {
            // 单号 ends every cue of an order number in Chinese; 订单 and 编号 stand for the rest.
            Some('单' | '订' | '编') => Head::Order,
            Some(
                '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十' | '两' | '百'
                | '千',
            ) if !vague() => Head::Number,
            _ => Head::None,
        },
        _ => Head::None,
    }
}

/// Sorts, and leaves of those that overlap the longer one.
fn settle(found: &mut Vec<Found>) {
    found.sort_by_key(|f| f.place.start);
    let mut kept: Vec<Found> = Vec::with_capacity(found.len());
    for next in found.drain(..) {
        match kept.last_mut() {
            Some(last) if next.place.start < last.place.end => {
                if next.place.len() > last.place.len() {
                    *last = next;
                }
            }
            _ => kept.push(next),
        }
    }
    *found = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Vec<(EntityKind, String, Option<String>)> {
        let normalizer = Normalizer::new();
        let alias = |kind, name: &str, others: &[&str]| Alias {
            kind,
            name: Arc::from(name),
            aliases: others.iter().map(|o| (*o).to_owned()).collect(),
        };
        let table = [
            alias(EntityKind::Brand, "云栖茶饮", &["云栖", "Yunqi", "云茜"]),
            alias(EntityKind::Product, "山岚14", &[]),
            alias(EntityKind::Store, "云栖茶饮西湖店", &["西湖店"]),
        ];
        let text = normalizer.normalize(text, 1000).text;
        let finder = EntityFinder::new(&table, &normalizer);
        finder
            .find(&text, &Letters::of(&text), 16)
            .into_iter()
            .map(|f| {
                (
                    f.kind,
                    text[f.place].to_owned(),
                    f.value.map(|v| v.to_string()),
                )
            })
            .collect()
    }

    fn one(text: &str) -> (EntityKind, String, Option<String>) {
        let found = find(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn money_is_found_in_all_its_spellings() {
        for (text, value) in [
            ("花了199元", "CNY 199.00"),
            ("收我￥3,000.50", "CNY 3000.50"),
            ("两百五十块钱不值", "CNY 250.00"),
            ("押金1.5万元没退", "CNY 15000.00"),
            ("RMB 300", "CNY 300.00"),
            ("才9块9包邮", "CNY 9.90"),
            ("退我50块", "CNY 50.00"),
            ("卖$20", "USD 20.00"),
            ("三千多块的手机", "CNY 3000.00"),
        ] {
            let (kind, _, found) = one(text);
            assert_eq!(
                (kind, found.as_deref()),
                (EntityKind::Money, Some(value)),
                "{text}"
            );
        }
        for text in [
            "也就几十块钱",
            "好几百元",
            "买了2块蛋糕",
            "3个人",
            "5分钟",
            "我们一块去吃饭",
            "电话13800138000",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
    }

    #[test]
    fn dates_are_found_and_impossible_days_are_not() {
        for (text, value) in [
            ("2026年11月3日买的", Some("2026-11-03")),
            ("2026-11-03下单", Some("2026-11-03")),
            ("2026/1/5", Some("2026-01-05")),
            ("11月5号发的货", Some("--11-05")),
            ("2026年3月买的", Some("2026-03")),
            ("十一月五日", Some("--11-05")),
            ("17年11月3日买的", Some("2017-11-03")),
            ("昨天买的", None),
            ("下星期二送到", None),
            ("这周五要用", None),
        ] {
            let (kind, _, found) = one(text);
            assert_eq!(
                (kind, found.as_deref()),
                (EntityKind::Date, value),
                "{text}"
            );
        }
        assert_eq!(one("下星期二送到").1, "下星期二");
        for text in [
            "用了20年3次",
            "一个星期",
            "周到",
            "13月5日",
            "2026-13-40",
            "2月30日",
            "3个月",
            "1.5.2版本",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
    }

    #[test]
    fn order_numbers_need_a_cue_or_the_letters_of_a_carrier() {
        for (text, value) in [
            ("订单号:202611030099812", "202611030099812"),
            ("快递单号是SF1234567890123", "sf1234567890123"),
            ("单号 JD0099887766554", "jd0099887766554"),
            ("我的订单编号为A-20261103-77", "a-20261103-77"),
            ("yt8812345678901一直不动", "yt8812345678901"),
        ] {
            let (kind, _, found) = one(text);
            assert_eq!(
                (kind, found.as_deref()),
                (EntityKind::OrderNumber, Some(value)),
                "{text}"
            );
        }
        for text in [
            "订单取消了",
            "iphone15promax",
            "6222021234567890123",
            "单号abcdefgh",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
    }

    #[test]
    fn aliases_give_the_name_and_the_longer_one_stands() {
        let found = find("雲栖茶饮西湖店的员工，Yunqi总部管管！山岚14块屏幕");
        let names: Vec<_> = found.iter().map(|f| (f.0, f.2.as_deref())).collect();
        assert_eq!(
            names,
            [
                (EntityKind::Store, Some("云栖茶饮西湖店")),
                (EntityKind::Brand, Some("云栖茶饮")),
                (EntityKind::Product, Some("山岚14")),
            ]
        );
        assert!(find("yunqiang").is_empty());
    }

    #[test]
    fn a_wrong_table_is_named_whole() {
        let wrong = Alias {
            kind: EntityKind::Money,
            name: Arc::from(" "),
            aliases: vec![String::new()],
        };
        let paths: Vec<String> = Alias::problems(&[wrong])
            .into_iter()
            .map(|p| p.path)
            .collect();
        assert_eq!(
            paths,
            [
                "aliases[0].kind",
                "aliases[0].name",
                "aliases[0].aliases[0]"
            ]
        );
    }
}
