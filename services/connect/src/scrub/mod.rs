//! Every event and every dead letter passes here before it is staged: the one place where personal data is taken out.
//!
//! Mobile and fixed phones, ID cards (checksum verified), bank cards (issuer prefix and Luhn), e-mail addresses, number
//! plates, WeChat and QQ ids, street addresses, and names in the ways that people tell them are replaced by their kind: in
//! texts, attributes, web addresses, and the payloads and reasons of dead letters. How many of each an event had is kept in
//! its attribute `masked`. Numbers that only look alike (orders, prices, dates, hotlines of companies) stay; how well that
//! works is measured by `measure.rs` beside this file. Authors never come here in the clear: see [`crate::pseudonym`].

mod handle;
mod line;
mod name;
mod number;
mod place;
mod plate;

use std::cmp::Reverse;
use std::ops::Range;

use wensheng_schemas::{Channel, DeadLetter, FeedbackEvent};

use line::Line;

/// The attribute that tells what was masked: `mobile=1,email=2`.
pub(crate) const MASKED: &str = "masked";

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Mobile,
    Phone,
    IdCard,
    BankCard,
    Email,
    Plate,
    Wechat,
    Qq,
    Address,
    Name,
    Tail,
}

impl Kind {
    const ALL: [Kind; 11] = [
        Kind::Mobile,
        Kind::Phone,
        Kind::IdCard,
        Kind::BankCard,
        Kind::Email,
        Kind::Plate,
        Kind::Wechat,
        Kind::Qq,
        Kind::Address,
        Kind::Name,
        Kind::Tail,
    ];

    const fn name(self) -> &'static str {
        match self {
            Kind::Mobile => "mobile",
            Kind::Phone => "phone",
            Kind::IdCard => "id_card",
            Kind::BankCard => "bank_card",
            Kind::Email => "email",
            Kind::Plate => "plate",
            Kind::Wechat => "wechat",
            Kind::Qq => "qq",
            Kind::Address => "address",
            Kind::Name => "name",
            Kind::Tail => "tail",
        }
    }

    const fn mask(self) -> &'static str {
        match self {
            Kind::Mobile => "[手机号]",
            Kind::Phone => "[电话号]",
            Kind::IdCard => "[身份证号]",
            Kind::BankCard => "[银行卡号]",
            Kind::Email => "[邮箱]",
            Kind::Plate => "[车牌号]",
            Kind::Wechat => "[微信号]",
            Kind::Qq => "[QQ号]",
            Kind::Address => "[地址]",
            Kind::Name => "[姓名]",
            Kind::Tail => "[尾号]",
        }
    }
}

/// How many of each kind.
type Counts = [u32; Kind::ALL.len()];

/// One place to mask, in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    range: Range<usize>,
    kind: Kind,
}

impl Found {
    const fn new(range: Range<usize>, kind: Kind) -> Self {
        Self { range, kind }
    }
}

/// Masks an event, and tells in its attribute `masked` how many of what.
pub(crate) fn event(event: &mut FeedbackEvent) {
    let mut counts = Counts::default();
    let is_call = event.channel == Channel::Hotline;
    match &mut event.call {
        // What a call's text says, its turns say.
        Some(call) => {
            for turn in &mut call.turns {
                mask(&mut turn.text, true, &mut counts);
            }
            mask(&mut event.text, true, &mut Counts::default());
        }
        None => mask(&mut event.text, is_call, &mut counts),
    }
    for (name, value) in &mut event.attributes {
        attribute(name, value, is_call, &mut counts);
    }
    if let Some(url) = &mut event.url {
        address_of_page(url, &mut counts);
    }
    tell(event, &counts);
}

/// Counts anew what was masked in the turns of a call and its attributes: a call comes in parts.
pub(crate) fn recount(event: &mut FeedbackEvent) {
    event.attributes.remove(MASKED);
    let turns = event.call.iter().flat_map(|call| &call.turns);
    let texts = turns.map(|turn| turn.text.as_str());
    let mut counts = Counts::default();
    for text in texts.chain(event.attributes.values().map(String::as_str)) {
        for kind in Kind::ALL {
            let found = text.matches(kind.mask()).count();
            counts[kind as usize] += u32::try_from(found).unwrap_or(u32::MAX);
        }
    }
    tell(event, &counts);
}

/// Writes into the attribute how many of what were masked.
fn tell(event: &mut FeedbackEvent, counts: &Counts) {
    let told: Vec<String> = Kind::ALL
        .into_iter()
        .filter(|kind| counts[*kind as usize] > 0)
        .map(|kind| format!("{}={}", kind.name(), counts[kind as usize]))
        .collect();
    if !told.is_empty() {
        event.attributes.insert(MASKED.to_owned(), told.join(","));
    }
}

/// Masks a dead letter.
pub(crate) fn dead_letter(letter: &mut DeadLetter) {
    let mut counts = Counts::default();
    mask(&mut letter.reason, true, &mut counts);
    if let Some(payload) = &mut letter.payload {
        mask(payload, true, &mut counts);
    }
}

/// What a person wrote about a matter (a note, a reason) without personal data: masked as a transcript of a call is.
pub fn masked(text: &str) -> String {
    let mut text = text.to_owned();
    mask(&mut text, true, &mut Counts::default());
    text
}

/// Masks the value of an attribute. Its name says what it is, as the words before a value in a sentence do; of an attribute
/// that is named after personal data, all is masked.
fn attribute(name: &str, value: &mut String, is_call: bool, counts: &mut Counts) {
    const ALL_OF_IT: [(Kind, &[&str]); 5] = [
        (
            Kind::Name,
            &[
                "姓名",
                "收货人",
                "收件人",
                "联系人",
                "客户姓名",
                "contact_name",
                "customer_name",
            ],
        ),
        (
            Kind::Address,
            &["地址", "收货地址", "家庭住址", "住址", "address"],
        ),
        (
            Kind::Phone,
            &["电话", "联系电话", "座机", "phone", "tel", "telephone"],
        ),
        (
            Kind::Mobile,
            &["手机", "手机号", "手机号码", "mobile", "cellphone"],
        ),
        (Kind::Wechat, &["微信", "微信号", "wechat", "wechat_id"]),
    ];
    let name = name.trim().to_lowercase();
    if let Some((kind, _)) = ALL_OF_IT
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()))
    {
        counts[*kind as usize] += 1;
        kind.mask().clone_into(value);
        return;
    }
    let own = name.len() + 1;
    let mut sentence = format!("{name}:{value}");
    let before = counts.iter().sum::<u32>();
    mask(&mut sentence, is_call, counts);
    if counts.iter().sum::<u32>() > before
        && let Some(masked) = sentence.get(own..)
    {
        masked.clone_into(value);
    }
}

/// Masks what a page's address tells of a person: e-mail addresses, and numbers of persons among its parameters. Its path is
/// the page's own: ids there have the shape of cards.
fn address_of_page(url: &mut String, counts: &mut Counts) {
    let found = find(url, false);
    let query = url.find(['?', '#']).unwrap_or(url.len());
    let chars_before = url[..query].chars().count();
    let personal = found.into_iter().filter(|found| match found.kind {
        Kind::Email => true,
        Kind::Mobile | Kind::IdCard | Kind::Phone => found.range.start > chars_before,
        _ => false,
    });
    replace(url, personal.collect(), counts);
}

fn mask(text: &mut String, is_call: bool, counts: &mut Counts) {
    let found = find(text, is_call);
    replace(text, found, counts);
}

fn replace(text: &mut String, found: Vec<Found>, counts: &mut Counts) {
    if found.is_empty() {
        return;
    }
    let line = Line::new(text);
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for Found { range, kind } in found {
        let range = line.bytes(&range);
        masked.push_str(&text[from..range.start]);
        masked.push_str(kind.mask());
        from = range.end;
        counts[kind as usize] += 1;
    }
    masked.push_str(&text[from..]);
    *text = masked;
}

/// The places to mask, in order, none overlapping. In calls, customers are named by their titles.
fn find(text: &str, is_call: bool) -> Vec<Found> {
    let line = Line::new(text);
    let mut found = Vec::new();
    number::find(&line, &mut found);
    // An e-mail's local part may not begin within a number that was found before it.
    let mut handles = Vec::new();
    handle::find(&line, &mut handles);
    found.append(&mut handles);
    plate::find(&line, &mut found);
    place::find(&line, &mut found);
    name::find(&line, is_call, &mut found);
    found.sort_by_key(|found| {
        (
            found.range.start,
            Reverse(found.range.end),
            Reverse(found.kind),
        )
    });
    let mut end = 0;
    found.retain_mut(|found| {
        // Of two that overlap, the first is masked whole, and of the second what is left.
        found.range.start = found.range.start.max(end);
        let is_left = found.range.start < found.range.end;
        end = end.max(found.range.end);
        is_left
    });
    found
}

#[cfg(test)]
mod measure;
#[cfg(test)]
mod tests;
