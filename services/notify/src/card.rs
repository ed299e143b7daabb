//! A card says the same on every platform: how grave, about whom, what happened, the numbers, the customers' words, until
//! when and by whom. All words from outside are made harmless here, once ([`plain`]).

use std::sync::Arc;

use jiff::Timestamp;
use wensheng_schemas::{Alert, Deadline, Notification, NotificationKind, Severity, TOPIC_ALL};

use crate::Language;
use crate::escape::{cut_chars, plain};
use crate::phrases;
use crate::provider::Message;

/// A sample on a card is a glance: at most this many characters of it, and at most this many samples.
const QUOTE_CHARS: usize = 80;
const QUOTES: usize = 3;
const CAUSES: usize = 3;
const TITLE_CHARS: usize = 60;
/// A statement is read out as it is; a longer one is on the alert's page.
const STATEMENT_CHARS: usize = 300;
/// In a line of a merged card.
const BRAND_CHARS: usize = 20;
const WHAT_CHARS: usize = 30;

/// How a card looks where the platform has colours, gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    Crisis,
    Alert,
    Watch,
    AllClear,
}

/// What a card says; every text is safe to stand in any platform's markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) tone: Tone,
    /// One line, with the keyword.
    pub(crate) title: String,
    /// Labels and values, in order.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Customers' words, each with channel and time.
    pub(crate) quotes: Vec<String>,
    /// What is due and when; empty when nothing is.
    pub(crate) deadlines: Vec<String>,
    /// The words of the link to the alert's page, and the page.
    open: &'static str,
    pub(crate) link: Option<String>,
    /// What can be done from the card: the words of each, and where they lead.
    actions: Vec<(&'static str, String)>,
    /// What is told, alone: "new crisis".
    pub(crate) told: String,
    /// By when the next deadline is due, `14:20`.
    pub(crate) due: Option<String>,
    /// Between a label and its value.
    pub(crate) colon: &'static str,
}

impl Card {
    /// The card of what is to be sent as of `now`.
    pub(crate) fn of(message: Message<'_>, language: Language, now: Timestamp) -> Self {
        let Message {
            notification,
            others,
            again,
            ..
        } = message;
        if others.is_empty() {
            let mut card = Self::new(notification, language, again, now);
            card.link = message.links.alert(notification);
            card.actions =
                message
                    .links
                    .actions(notification, message.id, message.receiver, language);
            return card;
        }
        let others = others.iter().map(Arc::as_ref);
        let all: Vec<&Notification> = std::iter::once(notification).chain(others).collect();
        Self {
            link: message.links.alerts(),
            ..Self::merged(&all, language, again, now)
        }
    }

    /// Several notifications in one card, a line for each, in the order given.
    fn merged(
        notifications: &[&Notification],
        language: Language,
        again: bool,
        now: Timestamp,
    ) -> Self {
        let labels = phrases::labels(language);
        let cards: Vec<Self> = notifications
            .iter()
            .map(|notification| Self::new(notification, language, false, now))
            .collect();
        let gravest = notifications.iter().map(|told| told.alert.severity).max();
        let told = phrases::merged(language, notifications.len());
        let title = format!(
            "{}【{}】{told}{}",
            phrases::keyword(language),
            phrases::severity(language, gravest.unwrap_or(Severity::Watch)),
            if again { labels.again } else { "" },
        );
        let line = |(notification, card): (&&Notification, &Self)| {
            let alert = &notification.alert;
            let due = card.deadlines.first().map_or("", String::as_str);
            let line = format!(
                "{}{}{}{}{} {} {due}",
                if alert.drill { labels.drill } else { "" },
                phrases::severity(language, alert.severity),
                labels.comma,
                cut_chars(&plain(&alert.brand), BRAND_CHARS),
                labels.colon,
                card.told,
            );
            let what = cut_chars(&plain(&alert.title), WHAT_CHARS);
            format!("{} {what}", line.trim_end())
        };
        Self {
            tone: cards
                .iter()
                .map(|card| card.tone)
                .min()
                .unwrap_or(Tone::Watch),
            title,
            facts: Vec::new(),
            quotes: notifications.iter().zip(&cards).map(line).collect(),
            deadlines: Vec::new(),
            open: labels.open,
            link: None,
            actions: Vec::new(),
            due: cards.iter().filter_map(|card| card.due.clone()).min(),
            told,
            colon: labels.colon,
        }
    }

    /// Its links, what can be done first: the words and the address of each.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&str, &str)> {
        let actions = self.actions.iter();
        let actions = actions.map(|(words, url)| (*words, url.as_str()));
        let page = self.link.iter().map(|url| (self.open, url.as_str()));
        actions.chain(page)
    }

    /// The card of a notification as of `now`, without links. `again` marks a card that may have arrived before.
    pub(crate) fn new(
        notification: &Notification,
        language: Language,
        again: bool,
        now: Timestamp,
    ) -> Self {
        let alert = &notification.alert;
        let labels = phrases::labels(language);
        let who = owner(alert).map(plain).unwrap_or_default();
        let told = phrases::told(
            language,
            &notification.kind,
            alert.severity,
            notification.audience,
            &who,
        );
        let what = cut_chars(&plain(&alert.title), TITLE_CHARS);
        let title = format!(
            "{}{}【{}】{}{}{told}{}",
            if alert.drill { labels.drill } else { "" },
            phrases::keyword(language),
            phrases::severity(language, alert.severity),
            cut_chars(&plain(&alert.brand), TITLE_CHARS),
            labels.colon,
            if again { labels.again } else { "" },
        );
        let list = |items: Vec<String>| items.join(labels.comma);
        let mut facts = vec![(labels.what, what)];
        if alert.topic != TOPIC_ALL {
            let name = if alert.topic_name.is_empty() {
                &alert.topic
            } else {
                &alert.topic_name
            };
            facts.push((labels.topic, cut_chars(&plain(name), TITLE_CHARS)));
        }
        facts.push((labels.signals, alert.signals.to_string()));
        let causes = top_causes(alert);
        if !causes.is_empty() {
            facts.push((labels.causes, list(causes)));
        }
        if !alert.channels.is_empty() {
            let channels = alert.channels.iter();
            facts.push((
                labels.channels,
                list(
                    channels
                        .map(|channel| phrases::channel(language, *channel).to_owned())
                        .collect(),
                ),
            ));
        }
        facts.push((
            labels.heard,
            format!(
                "{} → {}",
                phrases::china_time(alert.times.signal.first_post_at),
                phrases::china_time(alert.times.raised_at)
            ),
        ));
        facts.push((
            labels.escalation,
            phrases::escalation(language, notification.audience).to_owned(),
        ));
        facts.push((
            labels.owner,
            if who.is_empty() {
                labels.nobody.to_owned()
            } else {
                who
            },
        ));
        if !notification.on_call.is_empty() {
            let people = notification.on_call.iter().map(|on| plain(&on.person.0));
            facts.push((labels.on_call, list(people.collect())));
        }
        if let Some(pause) = alert.clock.as_ref().and_then(|clock| clock.paused.as_ref()) {
            let reason = cut_chars(&plain(&pause.reason), QUOTE_CHARS);
            let until = phrases::china_time(pause.until);
            facts.push((
                labels.paused,
                format!("{} → {until}{}{reason}", plain(&pause.by.0), labels.colon),
            ));
        }
        facts.extend(statement(alert, &labels, now));
        let quotes = alert.samples.iter().take(QUOTES).map(|sample| {
            let words = cut_chars(&plain(&sample.text), QUOTE_CHARS);
            let (open, close) = labels.quotes;
            format!(
                "{open}{words}{close} {} {}",
                phrases::channel(language, sample.channel),
                phrases::china_time(sample.occurred_at)
            )
        });
        Self {
            tone: tone(notification),
            title,
            facts,
            quotes: quotes.collect(),
            deadlines: deadlines(alert, language, now),
            told,
            due: open_deadlines(alert)
                .map(|deadline| deadline.due_at)
                .min()
                .map(phrases::clock_time),
            open: labels.open,
            link: None,
            actions: Vec::new(),
            colon: labels.colon,
        }
    }

    /// The card without what can be done from it: for where everybody reads along, such as a log.
    pub(crate) fn for_readers(mut self) -> Self {
        self.actions.clear();
        self
    }

    /// The facts, one a line, as `label: value` with the label in `bold`.
    pub(crate) fn fact_lines(&self, bold: &str) -> Vec<String> {
        self.facts
            .iter()
            .map(|(label, value)| format!("{bold}{label}{bold}{}{value}", self.colon))
            .collect()
    }

    /// The card as plain lines.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![self.title.clone()];
        lines.extend(self.fact_lines(""));
        lines.extend(self.quotes.iter().cloned());
        lines.extend(self.deadlines.iter().cloned());
        lines.extend(
            self.links()
                .map(|(words, url)| format!("{words}{}{url}", self.colon)),
        );
        lines.join("\n")
    }
}

/// Whether everybody in a chat is to look up at once.
pub(crate) fn is_urgent(notification: &Notification) -> bool {
    notification.alert.severity == Severity::Crisis
        && matches!(
            notification.kind,
            NotificationKind::Raised
                | NotificationKind::SeverityRaised
                | NotificationKind::Reopened
                | NotificationKind::Breach { .. }
        )
}

fn tone(notification: &Notification) -> Tone {
    match (&notification.kind, notification.alert.severity) {
        (
            NotificationKind::Resolved | NotificationKind::Reviewed | NotificationKind::Dismissed,
            _,
        ) => Tone::AllClear,
        (_, Severity::Crisis) => Tone::Crisis,
        (_, Severity::Alert) => Tone::Alert,
        (_, Severity::Watch) => Tone::Watch,
    }
}

fn owner(alert: &Alert) -> Option<&str> {
    let owner = alert.handling.owner.as_ref();
    owner
        .or(alert.state.by().map(|(by, _)| by))
        .map(|by| by.0.as_str())
}

/// What may be said: the current statement alone. Where one was approved and may not be said any more, the card says that,
/// so that nobody takes it from an earlier card.
fn statement(
    alert: &Alert,
    labels: &phrases::Labels,
    now: Timestamp,
) -> Option<(&'static str, String)> {
    let words = match alert.handling.statement(now) {
        Some(statement) => cut_chars(&plain(&statement.text), STATEMENT_CHARS),
        None if alert
            .handling
            .statements
            .iter()
            .any(|s| s.approved.is_some()) =>
        {
            labels.no_statement.to_owned()
        }
        None => return None,
    };
    Some((labels.statement, words))
}

fn top_causes(alert: &Alert) -> Vec<String> {
    let mut causes: Vec<(&String, &u64)> = alert.causes.iter().collect();
    causes.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown = causes.into_iter().take(CAUSES);
    shown
        .map(|(name, count)| format!("{} ×{count}", cut_chars(&plain(name), TITLE_CHARS)))
        .collect()
}

fn deadlines(alert: &Alert, language: Language, now: Timestamp) -> Vec<String> {
    open_deadlines(alert)
        .map(|deadline| phrases::deadline(language, deadline.kind, deadline.due_at, now))
        .collect()
}

fn open_deadlines(alert: &Alert) -> impl Iterator<Item = &Deadline> {
    let clock = alert.clock.as_ref().filter(|_| alert.state.is_open());
    clock
        .into_iter()
        .flat_map(|clock| &clock.deadlines)
        .filter(|deadline| deadline.met_at.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wensheng_schemas::{Actor, AlertState, Done, Statement};

    use crate::testing::{notification, now};

    #[test]
    fn a_chinese_card_says_what_people_must_know() {
        let card = crate::testing::card(&notification("n1"), Language::Zh, now());
        assert_eq!(
            card.text(),
            "闻声预警【危机】云岭茶饮：新的危机\n\
             事件：疑似食品安全：多人反映喝完腹泻\n\
             话题：food_safety\n\
             信号数：12\n\
             触发：食品安全 ×9、负面占比 ×3\n\
             渠道：微博、热线\n\
             首发 → 发现：11-22 13:58 → 11-22 14:05\n\
             通知范围：一线值班\n\
             负责人：待认领\n\
             「喝完就拉肚子，＜＠all＞ 大家别买」 微博 11-22 14:04\n\
             「客服电话打不通」 热线 11-22 14:03\n\
             请于 14:20 前认领，还剩 14 分钟\n\
             请于 15:05 前首次响应，还剩 59 分钟\n\
             查看并处理：https://voc.example.com/#/alerts/a1"
        );
    }

    #[test]
    fn an_english_card_says_the_same() {
        let text = Card::new(&notification("n1"), Language::En, true, now()).text();
        assert!(
            text.starts_with("Wensheng alert【crisis】云岭茶饮: new crisis (sent again)\nWhat: "),
            "{text}"
        );
        assert!(
            text.ends_with("first response due by 15:05, 59 min left"),
            "{text}"
        );
    }

    #[test]
    fn several_notifications_make_one_card_with_a_line_for_each() {
        let mut watch = notification("n2");
        watch.alert.severity = Severity::Watch;
        watch.alert.brand = "澄湖酒店".to_owned();
        watch.alert.clock = None;
        let told = notification("n1");
        let others = [Arc::new(watch)];
        let message = Message {
            id: "m1",
            notification: &told,
            others: &others,
            receiver: "r",
            links: &crate::testing::links(),
            again: false,
        };
        let card = Card::of(message, Language::Zh, now());
        assert_eq!(
            card.text(),
            "闻声预警【危机】2 条通知合为一条\n\
             危机、云岭茶饮： 新的危机 请于 14:20 前认领，还剩 14 分钟 疑似食品安全：多人反映喝完腹泻\n\
             观察、澄湖酒店： 新的观察 疑似食品安全：多人反映喝完腹泻\n\
             查看并处理：https://voc.example.com/#/alerts"
        );
        assert_eq!(card.tone, Tone::Crisis);
    }

    #[test]
    fn an_all_clear_keeps_the_keyword_and_shows_no_deadline() {
        let mut resolved = notification("n1");
        resolved.kind = NotificationKind::Resolved;
        resolved.alert.state = AlertState::Resolved {
            by: wensheng_schemas::Actor("小李".to_owned()),
            at: now(),
        };
        resolved.alert.drill = true;
        let card = Card::new(&resolved, Language::Zh, false, now());
        assert_eq!(card.title, "【演练】闻声预警【危机】云岭茶饮：小李已办结");
        assert_eq!(card.tone, Tone::AllClear);
        assert_eq!(card.deadlines, Vec::<String>::new());
    }

    #[test]
    fn a_met_deadline_is_not_shown() {
        let mut taken = notification("n1");
        if let Some(clock) = &mut taken.alert.clock {
            clock.deadlines[0].met_at = Some(now());
        }
        let card = Card::new(&taken, Language::Zh, false, now());
        assert_eq!(card.deadlines, ["请于 15:05 前首次响应，还剩 59 分钟"]);
    }

    #[test]
    fn a_card_shows_the_current_statement_only() {
        let mut told = notification("n1");
        let done = |by: &str| Done {
            by: Actor(by.to_owned()),
            at: now(),
        };
        let statement = |version, text: &str, approved| Statement {
            version,
            text: text.to_owned(),
            by: Actor("林值班".to_owned()),
            at: now(),
            approved,
            expires_at: None,
            withdrawn: None,
        };
        told.alert.handling.statements = vec![
            statement(1, "正在核实", Some(done("周经理"))),
            statement(2, "门店已停业自查", Some(done("周经理"))),
            statement(3, "尚未批准", None),
        ];
        let text = |told: &Notification| Card::new(told, Language::Zh, false, now()).text();
        assert!(text(&told).contains("统一口径：门店已停业自查"));
        assert!(!text(&told).contains("正在核实") && !text(&told).contains("尚未批准"));
        told.alert.handling.statements[1].expires_at = Some(now());
        let expired = text(&told);
        assert!(expired.contains("统一口径：已失效") && !expired.contains("正在核实"));
    }
}
