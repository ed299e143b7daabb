//! Tags of whole texts: emotion, urgency, stage, fingerprint, entities.

use wensheng_text::{Analysis, SimHash};

use crate::analyzer;

/// The share of the rows `expected TAB text` that are tagged as expected, and a line for each that is not.
fn rate(table: &str, tag: impl Fn(&Analysis) -> String) -> (f32, usize, String) {
    let (mut right, mut all) = (0, 0);
    let mut misses = String::new();
    for line in table.lines().filter(|l| !l.starts_with('#')) {
        let (expected, text) = line.split_once('\t').unwrap();
        let found = tag(&analyzer().analyze(text));
        all += 1;
        if found == expected {
            right += 1;
        } else {
            misses.push_str(&format!("  {text}: {found}, not {expected}\n"));
        }
    }
    (right as f32 / all as f32, all, misses)
}

#[test]
fn urgency_is_judged_as_a_person_would() {
    let (rate, all, misses) = rate(include_str!("../urgency.tsv"), |a| {
        a.urgency.level().to_string()
    });
    println!("urgency: {:.1} % of {all}\n{misses}", rate * 100.0);
    assert!(all >= 40 && rate >= 0.9, "{rate}\n{misses}");
}

#[test]
fn the_stage_is_found_as_a_person_would() {
    let (rate, all, misses) = rate(include_str!("../journey.tsv"), |a| {
        a.stage.map_or("none", |s| s.as_str()).to_owned()
    });
    println!("stage: {:.1} % of {all}\n{misses}", rate * 100.0);
    assert!(all >= 40 && rate >= 0.9, "{rate}\n{misses}");
}

/// Whether `found` is all of `expected` without a `?` behind it, and nothing beside what is listed.
fn fits(expected: &str, found: &[String]) -> bool {
    let listed: Vec<&str> = expected.split(' ').filter(|i| *i != "none").collect();
    let told = |intent: &str| found.iter().any(|f| f == intent);
    listed.iter().all(|i| i.ends_with('?') || told(i))
        && found
            .iter()
            .all(|f| listed.iter().any(|i| i.trim_end_matches('?') == f))
}

#[test]
fn intents_are_found_as_a_person_would() {
    let (mut right, mut all) = (0, 0);
    let mut misses = String::new();
    let rows = include_str!("../intents.tsv").lines();
    for line in rows.filter(|l| !l.starts_with('#')) {
        let (expected, text) = line.split_once('\t').unwrap();
        let found = analyzer().analyze(text).intents;
        let name = |i| {
            serde_json::to_value(i)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        };
        let found: Vec<String> = found.into_iter().map(name).collect();
        all += 1;
        if fits(expected, &found) {
            right += 1;
        } else {
            misses.push_str(&format!("  {text}: {found:?}, not {expected}\n"));
        }
    }
    let rate = right as f32 / all as f32;
    println!("intents: {:.1} % of {all}\n{misses}", rate * 100.0);
    assert!(all >= 100 && rate >= 0.9, "{rate}\n{misses}");
}

/// A long and a short post, written for this test.
const POSTS: [&str; 6] = [
    "昨晚在步行街那家新开的火锅店排队两个小时，好不容易坐下，服务员态度特别差，毛肚不新鲜，锅底里还吃出一只苍蝇，找经理理论，他说可以打八折，真是无语，以后再也不来了",
    "新买的扫地机器人才用三天就开始乱撞墙，充电座也对不准，联系售后客服让我自己拍视频检测，来回折腾一个星期还没有结果，说明书上写的七天无理由退货根本不认",
    "地铁二号线早高峰又故障了，站台上挤满了人，广播一直说稍候，等了四十分钟才恢复，上班迟到被扣全勤，运营公司能不能给个合理的解释",
    "酒店位置很好，离景区走路五分钟，房间干净，前台办理入住很快，早餐品种丰富，孩子特别喜欢儿童乐园，下次还会选择这里",
    "手机更新系统之后电池耗电特别快，中午就要充电，发热也严重，希望工程师尽快推送补丁",
    "快递显示签收可是驿站根本没有包裹，骑手电话打不通",
];

fn simhash(text: &str) -> SimHash {
    analyzer().analyze(text).simhash
}

#[test]
fn reposts_are_near_whatever_marks_they_bear() {
    for post in POSTS {
        let original = simhash(post);
        for repost in [
            format!("{post}[怒][怒]"),
            format!("{post}！！！😡"),
            post.replace('，', " "),
            post.replace('，', "。\n"),
            format!("【{post}】"),
            post.replace("特别", "特\u{200b}别"),
            post.replace('了', ""),
            format!("唉，{post}啊"),
        ] {
            assert!(original.is_near(simhash(&repost)), "{repost}");
        }
    }
}

#[test]
fn one_changed_word_moves_a_post_less_than_another_post_is_away() {
    let edits = [
        ("昨晚", "昨天"),
        ("步行街", "商业街"),
        ("八折", "九折"),
        ("无语", "无奈"),
        ("经理", "店长"),
        ("苍蝇", "虫子"),
        ("三天", "四天"),
        ("墙", "桌子"),
        ("视频", "照片"),
        ("星期", "礼拜"),
        ("结果", "消息"),
        ("说明书", "包装"),
        ("二号线", "三号线"),
        ("四十", "五十"),
        ("广播", "喇叭"),
        ("全勤", "奖金"),
        ("合理", "像样"),
        ("站台", "车站"),
    ];
    let (mut near, mut all, mut farthest) = (0, 0, 0);
    for (from, to) in edits {
        let post = POSTS.iter().find(|p| p.contains(from)).unwrap();
        let distance = simhash(post).distance(simhash(&post.replacen(from, to, 1)));
        all += 1;
        near += u32::from(distance <= wensheng_text::NEAR);
        farthest = farthest.max(distance);
    }
    println!("one changed word: {near} of {all} within 3 bits, the farthest {farthest}");
    let least = POSTS
        .iter()
        .enumerate()
        .flat_map(|(i, a)| {
            POSTS[i + 1..]
                .iter()
                .map(move |b| simhash(a).distance(simhash(b)))
        })
        .min()
        .unwrap();
    assert!(farthest < least, "{farthest} {least}");
}

#[test]
fn different_posts_are_far_from_each_other() {
    let tables = [
        include_str!("../urgency.tsv"),
        include_str!("../journey.tsv"),
    ];
    let rows = tables
        .iter()
        .flat_map(|t| t.lines())
        .filter(|l| !l.starts_with('#'));
    let texts = rows
        .filter_map(|l| l.split_once('\t'))
        .map(|(_, text)| text);
    let hashes: Vec<(SimHash, &str)> = texts.chain(POSTS).map(|t| (simhash(t), t)).collect();
    let mut least = 64;
    for (i, (a, x)) in hashes.iter().enumerate() {
        for (b, y) in &hashes[i + 1..] {
            assert!(!a.is_near(*b), "{x} / {y}");
            if !a.is_empty() && !b.is_empty() {
                least = least.min(a.distance(*b));
            }
        }
    }
    println!(
        "least distance of {} different posts: {least}",
        hashes.len()
    );
}
