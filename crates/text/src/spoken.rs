//! Transcribed speech made readable: fillers and stutters out, clauses parted where nobody wrote a mark; every clause knows the characters
//! of the transcript that it came from. One pass, linear.
//!
//! Recognisers write pauses as `_` or not at all, so that a turn may be one run of characters: 那个我我想问一下就是上个月话费怎么这么多.

use crate::normalize::Normalized;
use crate::offset::CharIndex;

/// Sounds that say nothing, one character each.
const SOUNDS: &str = "嗯呃哦噢唉诶欸喂哎唔";
/// Words that fill a pause when a pause, a sound or a person follows them: 那个_, 就是我.
const FILLERS: [&str; 8] = [
    "就是说",
    "怎么说呢",
    "然后呢",
    "这个",
    "那个",
    "就是",
    "那么",
    "内个",
];
/// Characters that stutter; other doubled characters are words (看看, 谢谢, 慢慢).
const STUTTERED: &str = "我你您他她它这那就是在有要不没的了给跟把被还也都因为所然但可能会想说对";
/// Characters said again on purpose.
const MEANT: &str = "哈呵嘿零一二三四五六七八九十幺两";
/// The longest part that is said twice, in characters: 那个套餐那个套餐.
const LONGEST_STUTTER: usize = 4;

/// Words that open a clause wherever they stand.
const OPENERS: [&str; 38] = [
    "但是",
    "可是",
    "不过",
    "然后",
    "所以",
    "因为",
    "结果",
    "而且",
    "并且",
    "另外",
    "还有就是",
    "如果",
    "要是",
    "虽然",
    "只是",
    "反正",
    "那我",
    "那你",
    "那您",
    "我想",
    "我就",
    "我现在",
    "我说",
    "我问",
    "我这",
    "我那",
    "你说",
    "你看",
    "你们",
    "您看",
    "他说",
    "她说",
    "为什么",
    "怎么",
    "完了",
    "到现在",
    "你给我",
    "麻烦",
];
/// Particles that close one.
const CLOSERS: &str = "吗呢吧呗嘛啊呀啦哈";
/// Words that close one.
const CLOSING: [&str; 9] = [
    "的时候",
    "的话",
    "你好",
    "您好",
    "好的",
    "好嘞",
    "没有了",
    "谢谢",
    "是不是",
];
/// A person after one of these opens a clause: 用完了我.
const ENDINGS: &str = "了过完好的多少钱行对用";
const PERSONS: &str = "我你您他她咱它";
/// A clause has at least so many characters, unless a mark ends it: shorter ones say nothing alone.
const SHORTEST: usize = 4;

/// A clause of speech.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spoken {
    /// What was said, normalised, without fillers and stutters.
    pub(crate) text: String,
    /// Characters of the transcript, fillers between them included.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The clauses of one turn; none where only fillers were said.
pub(crate) fn clauses(original: &str, normalized: &Normalized) -> Vec<Spoken> {
    let said = clean(&normalized.text);
    let index = CharIndex::new(original, normalized.end());
    let mut out = Vec::new();
    let mut from = 0;
    let mut close = |from: usize, to: usize| {
        let part = &said[from..to];
        let (Some(first), Some(last)) = (part.first(), part.last()) else {
            return;
        };
        let bytes = normalized.original(original, first.0..last.0 + last.1.len_utf8());
        out.push(Spoken {
            text: part.iter().map(|(_, c)| *c).collect(),
            start: index.chars_before(bytes.start),
            end: index.chars_before(bytes.end),
        });
    };
    for at in 0..said.len() {
        if is_mark(said[at].1) {
            close(from, at);
            from = at + 1;
        } else if opens(&said, from, at) {
            close(from, at);
            from = at;
        }
    }
    close(from, said.len());
    out
}

fn is_mark(c: char) -> bool {
    matches!(c, ',' | '.' | '。' | '?' | '!' | ';' | '、' | '\n')
}

/// Whether a clause opens at `at`, inside the one that began at `from`.
fn opens(said: &[(usize, char)], from: usize, at: usize) -> bool {
    let length = at - from;
    if CLOSING.iter().any(|w| ends_with(&said[from..at], w)) {
        // 谢谢你, 好的呀, 的话费 go on.
        return !CLOSERS.contains(said[at].1) && !"你您费".contains(said[at].1);
    }
    // A question may be shorter: 能办吗.
    if length + 1 < SHORTEST {
        return false;
    }
    let (before, c) = (said[at - 1].1, said[at].1);
    if said.len() - at < 2 {
        return false;
    }
    if CLOSERS.contains(before) {
        return !CLOSERS.contains(c) && !is_mark(c) && c != '的';
    }
    if length < SHORTEST {
        return false;
    }
    if PERSONS.contains(c) && ENDINGS.contains(before) {
        return true;
    }
    OPENERS.iter().any(|o| starts_with(&said[at..], o))
}

fn starts_with(said: &[(usize, char)], word: &str) -> bool {
    let mut rest = said.iter();
    word.chars().all(|c| rest.next().is_some_and(|s| s.1 == c))
}

fn ends_with(said: &[(usize, char)], word: &str) -> bool {
    let mut rest = said.iter().rev();
    word.chars()
        .rev()
        .all(|c| rest.next().is_some_and(|s| s.1 == c))
}

/// The characters that say something, each with its byte in the normalised text.
fn clean(text: &str) -> Vec<(usize, char)> {
    let chars: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| *c != ' ').collect();
    let mut out: Vec<(usize, char)> = Vec::with_capacity(chars.len());
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at].1;
        if c == '_' || SOUNDS.contains(c) || (c == '啊' && starts(&out)) {
            at += 1;
            continue;
        }
        if let Some(length) = filler(&chars[at..]) {
            at += length;
            continue;
        }
        if let Some(length) = stutter(&out, &chars[at..]) {
            at += length;
            continue;
        }
        // A mark after nothing but fillers is no clause.
        if !(is_mark(c) && starts(&out)) {
            out.push(chars[at]);
        }
        at += 1;
    }
    out
}

fn starts(out: &[(usize, char)]) -> bool {
    out.last().is_none_or(|(_, c)| is_mark(*c))
}

/// How many characters of a filler stand at the head.
fn filler(rest: &[(usize, char)]) -> Option<usize> {
    let word = FILLERS.iter().find(|f| starts_with(rest, f))?;
    let length = word.chars().count();
    let pause = match rest.get(length) {
        None => true,
        Some((_, c)) => *c == '_' || is_mark(*c) || SOUNDS.contains(*c) || PERSONS.contains(*c),
    };
    let again = || FILLERS.iter().any(|f| starts_with(&rest[length..], f));
    (pause || again()).then_some(length)
}

/// How many characters at the head say again what was said last.
fn stutter(out: &[(usize, char)], rest: &[(usize, char)]) -> Option<usize> {
    let longest = LONGEST_STUTTER.min(out.len()).min(rest.len());
    for length in (1..=longest).rev() {
        let last = &out[out.len() - length..];
        let same = last.iter().zip(rest).all(|(a, b)| a.1 == b.1);
        if !same {
            continue;
        }
        let meant = |c: char| c.is_ascii_alphanumeric() || MEANT.contains(c) || is_mark(c);
        if last.iter().any(|(_, c)| meant(*c)) {
            continue;
        }
        if length > 1 || STUTTERED.contains(last[0].1) {
            return Some(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::Normalizer;

    fn split(text: &str) -> Vec<String> {
        let normalized = Normalizer::new().normalize(text, 1000);
        let found = clauses(text, &normalized);
        for clause in &found {
            let chars = text.chars().count();
            assert!(
                clause.start < clause.end && clause.end <= chars,
                "{clause:?}"
            );
        }
        found.into_iter().map(|c| c.text).collect()
    }

    #[test]
    fn fillers_and_stutters_are_dropped_and_words_stay() {
        assert_eq!(split("嗯那个_我我我想问一下"), ["我想问一下"]);
        assert_eq!(split("上个月上个月的话费"), ["上个月的话费"]);
        assert_eq!(split("谢谢你帮我看看"), ["谢谢你帮我看看"]);
        assert_eq!(split("那个套餐不好"), ["那个套餐不好"]);
        assert_eq!(split("号码是13800138000"), ["号码是13800138000"]);
        assert!(split("嗯_啊，哦").is_empty());
    }

    #[test]
    fn clauses_are_parted_without_marks() {
        assert_eq!(
            split("上个月话费怎么这么多我根本没用流量但是扣了五十块钱你们给我退了吧我等着"),
            [
                "上个月话费",
                "怎么这么多",
                "我根本没用流量",
                "但是扣了五十块钱",
                "你们给我退了吧",
                "我等着"
            ]
        );
        assert_eq!(split("能办吗我现在就要"), ["能办吗", "我现在就要"]);
    }

    #[test]
    fn a_clause_knows_the_characters_it_came_from() {
        let text = "呃_我 我要投诉，你们不管";
        let normalized = Normalizer::new().normalize(text, 1000);
        let found = clauses(text, &normalized);
        let slice =
            |c: &Spoken| -> String { text.chars().skip(c.start).take(c.end - c.start).collect() };
        assert_eq!(
            found.iter().map(slice).collect::<Vec<_>>(),
            ["我 我要投诉", "你们不管"]
        );
        assert_eq!(found[0].text, "我要投诉");
    }
}
