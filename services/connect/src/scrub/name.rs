//! Names where people are asked for them or tell them: 我叫…, 我姓…, 收货人…; and, in calls, a surname with its title.

use super::line::{Line, is_han};
use super::{Found, Kind};

/// The surnames that nine in ten people have (the hundred most frequent, and some more), without those that are mostly words.
const SURNAMES: &str = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂焦向柳邢岳齐梅莫庄辛管祝左涂谷祁耿牟卜肖詹关费纪靳童欧甄裴祖霍翁隋路喻姬方付鲍凌储柏裘查";

/// Surnames of two characters.
const DOUBLE: &[&str] = &[
    "欧阳", "司马", "上官", "诸葛", "夏侯", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "宇文",
    "长孙", "端木",
];

/// After these comes a name.
const TELLS: &[&str] = &[
    "我名字叫",
    "我名叫",
    "我的名字是",
    "我的名字叫",
    "本人叫",
    "我叫",
    "名字叫",
    "收货人姓名",
    "收件人姓名",
    "联系人姓名",
    "收货人",
    "收件人",
    "联系人",
    "寄件人",
    "签收人",
    "机主",
    "户主",
    "户名",
    "开户人",
    "持卡人",
    "车主",
    "乘客",
    "客户姓名",
    "姓名",
];

/// Of these, those that need a colon or a verb before the name.
const ROLES: &[&str] = &["车主", "乘客", "机主", "户主"];

/// After these comes a surname.
const SURNAME_TELLS: &[&str] = &["免贵姓", "我姓", "敝姓", "本人姓", "贵姓是"];

/// Between the telling and the name.
const LINKS: &[char] = &[':', ' ', '是', '叫', '为', '=', '写', '填', '的'];

/// No name begins with these, though the first character is a surname: what is called or asked for.
const NO_NAMES: &[&str] = &[
    "高德", "曹操", "方式", "于昨", "于今", "安排", "任何", "管家", "金额", "文员", "路上", "常用",
    "向来", "关于", "万一", "高兴", "白天", "毕竟", "时间", "查询", "查一", "黄牛", "马上", "牛奶",
    "付款", "付了", "单号", "温度", "严重", "费用",
];

/// A character that no given name holds: it begins the next word.
const NEXT_WORDS: &str = "我你您他她的了吧啊呢嘛是在要想有和跟也就都不没电手住地身微号码这那去到来买打投订给从把被让请已昨今前先女,。:;!?";

/// After a name, in calls.
const TITLES: &[&str] = &["先生", "女士", "小姐", "太太"];

pub(super) fn find(line: &Line, is_call: bool, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(c) = line.get(at) {
        let next = match c {
            '我' | '本' | '名' | '收' | '联' | '寄' | '签' | '机' | '户' | '开' | '持' | '车'
            | '乘' | '客' | '姓' | '免' | '敝' | '贵' => told(line, at),
            '先' | '女' | '小' | '太' if is_call => titled(line, at),
            _ => None,
        };
        match next {
            Some(range) => {
                at = range.end.max(at + 1);
                found.push(Found::new(range, Kind::Name));
            }
            None => at += 1,
        }
    }
}

fn told(line: &Line, at: usize) -> Option<std::ops::Range<usize>> {
    if let Some(end) = line.any(at, SURNAME_TELLS) {
        let length = surname(line, end)?;
        return Some(end..end + length);
    }
    let end = line.any(at, TELLS)?;
    let start = line.while_at(end, 3, |c| LINKS.contains(&c));
    // 车主大惊小怪: who people are is more often said than what they are called.
    if start == end && line.ends_before(end, ROLES) {
        return None;
    }
    name(line, start)
}

/// A surname at `start` and one or two characters more.
fn name(line: &Line, start: usize) -> Option<std::ops::Range<usize>> {
    let length = surname(line, start)?;
    if line.any(start, NO_NAMES).is_some() {
        return None;
    }
    let given = start + length;
    let end = line.while_at(given, 2, |c| is_han(c) && !NEXT_WORDS.contains(c));
    (end > given).then_some(start..end)
}

/// How many characters of a surname stand at `start`.
fn surname(line: &Line, start: usize) -> Option<usize> {
    if line.any(start, DOUBLE).is_some() {
        return Some(2);
    }
    line.get(start)
        .is_some_and(|c| SURNAMES.contains(c))
        .then_some(1)
}

/// The name before the title at `title`: a full one where a word ends before it, or a surname.
fn titled(line: &Line, title: usize) -> Option<std::ops::Range<usize>> {
    line.any(title, TITLES)?;
    if line.ends_before(
        title,
        &["任何", "如何", "为何", "几何", "最高", "较高", "身高"],
    ) {
        return None;
    }
    for length in [3, 2] {
        let Some(start) = title.checked_sub(length) else {
            continue;
        };
        let begins = line
            .before(start)
            .is_none_or(|c| !is_han(c) || "是叫找给和跟请让位的对向,".contains(c));
        let is_name = surname(line, start).is_some_and(|surname| surname < length)
            && line
                .slice(start..title)
                .iter()
                .all(|c| is_han(*c) && !NEXT_WORDS.contains(*c));
        if begins && is_name {
            return Some(start..title);
        }
    }
    let start = title.checked_sub(1)?;
    surname(line, start).is_some().then_some(start..title)
}
