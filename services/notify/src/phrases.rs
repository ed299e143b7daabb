//! Every word on a card that is not the customer's or the operator's, in both languages side by side.

use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use wensheng_schemas::{Channel, DeadlineKind, Escalation, LinkAction, NotificationKind, Severity};

use crate::Language;
use crate::Language::{En, Zh};

/// In every title, also that of an all-clear: robots with the security setting "keyword" drop messages without theirs.
pub(crate) const fn keyword(language: Language) -> &'static str {
    match language {
        Zh => "闻声预警",
        En => "Wensheng alert",
    }
}

pub(crate) const fn severity(language: Language, severity: Severity) -> &'static str {
    match (language, severity) {
        (Zh, Severity::Watch) => "观察",
        (Zh, Severity::Alert) => "预警",
        (Zh, Severity::Crisis) => "危机",
        (En, Severity::Watch) => "watch",
        (En, Severity::Alert) => "alert",
        (En, Severity::Crisis) => "crisis",
    }
}

pub(crate) const fn escalation(language: Language, level: Escalation) -> &'static str {
    match (language, level) {
        (Zh, Escalation::FrontLine) => "一线值班",
        (Zh, Escalation::Specialists) => "专项小组",
        (Zh, Escalation::Management) => "管理层",
        (En, Escalation::FrontLine) => "front line",
        (En, Escalation::Specialists) => "specialist team",
        (En, Escalation::Management) => "management",
    }
}

pub(crate) const fn channel(language: Language, channel: Channel) -> &'static str {
    match language {
        En => channel.name(),
        Zh => match channel {
            Channel::Hotline => "热线",
            Channel::Wechat => "微信",
            Channel::Weibo => "微博",
            Channel::Social => "社交媒体",
            Channel::Survey => "问卷",
            Channel::Review => "评价",
            Channel::Interview => "访谈",
            Channel::Other => "其他",
        },
    }
}

/// What must be done by a deadline, as a noun.
const fn duty(language: Language, kind: DeadlineKind) -> &'static str {
    match (language, kind) {
        (Zh, DeadlineKind::Acknowledge) => "认领",
        (Zh, DeadlineKind::Team) => "组建处置小组",
        (Zh, DeadlineKind::Spokesperson) => "指定发言人",
        (Zh, DeadlineKind::Respond) => "首次响应",
        (Zh, DeadlineKind::Plan) => "制定处置方案",
        (Zh, DeadlineKind::Review) => "复盘",
        (En, DeadlineKind::Acknowledge) => "acknowledgement",
        (En, DeadlineKind::Team) => "team",
        (En, DeadlineKind::Spokesperson) => "spokesperson",
        (En, DeadlineKind::Respond) => "first response",
        (En, DeadlineKind::Plan) => "plan",
        (En, DeadlineKind::Review) => "review",
    }
}

/// What must be done by deadlines that come together.
fn duties(language: Language, first: DeadlineKind, also: &[DeadlineKind]) -> String {
    let all = std::iter::once(&first).chain(also);
    let names: Vec<&str> = all.map(|kind| duty(language, *kind)).collect();
    names.join(match language {
        Zh => "、",
        En => ", ",
    })
}

/// What is told. `who` did it, where a person did; `audience` is how far it was escalated.
pub(crate) fn told(
    language: Language,
    kind: &NotificationKind,
    level: Severity,
    audience: Escalation,
    who: &str,
) -> String {
    let level = severity(language, level);
    let audience = escalation(language, audience);
    match (language, kind) {
        (Zh, NotificationKind::Raised) => format!("新的{level}"),
        (En, NotificationKind::Raised) => format!("new {level}"),
        (Zh, NotificationKind::SeverityRaised) => format!("升为{level}"),
        (En, NotificationKind::SeverityRaised) => format!("raised to {level}"),
        (
            Zh,
            NotificationKind::Nudge {
                deadline,
                percent,
                also,
            },
        ) => {
            format!("{}时限已用 {percent}%", duties(Zh, *deadline, also))
        }
        (
            En,
            NotificationKind::Nudge {
                deadline,
                percent,
                also,
            },
        ) => {
            let duties = duties(En, *deadline, also);
            format!("{percent} % of the time for {duties} is gone")
        }
        (Zh, NotificationKind::Breach { deadline, also }) => {
            format!("{}超时，通知到{audience}", duties(Zh, *deadline, also))
        }
        (En, NotificationKind::Breach { deadline, also }) => {
            let duties = duties(En, *deadline, also);
            format!("{duties} overdue, now with {audience}")
        }
        (Zh, NotificationKind::Acknowledged) => format!("{who}已认领"),
        (En, NotificationKind::Acknowledged) => format!("acknowledged by {who}"),
        (Zh, NotificationKind::Responded) => format!("{who}已首次响应"),
        (En, NotificationKind::Responded) => format!("first response by {who}"),
        (Zh, NotificationKind::Resolved) => format!("{who}已办结"),
        (En, NotificationKind::Resolved) => format!("resolved by {who}"),
        (Zh, NotificationKind::Assessing) => format!("{who}开始研判"),
        (En, NotificationKind::Assessing) => format!("being assessed by {who}"),
        (Zh, NotificationKind::Confirmed) => "已确认属实".to_owned(),
        (En, NotificationKind::Confirmed) => "confirmed".to_owned(),
        (Zh, NotificationKind::Reviewed) => format!("{who}已复盘"),
        (En, NotificationKind::Reviewed) => format!("reviewed by {who}"),
        (Zh, NotificationKind::Dismissed) => format!("{who}判为误报"),
        (En, NotificationKind::Dismissed) => format!("dismissed as a false alarm by {who}"),
        (Zh, NotificationKind::Reopened) => "再次升温，重新计时".to_owned(),
        (En, NotificationKind::Reopened) => "flared up again, the clock starts anew".to_owned(),
        (Zh, NotificationKind::SeverityLowered) => format!("降为{level}"),
        (En, NotificationKind::SeverityLowered) => format!("lowered to {level}"),
        (Zh, NotificationKind::Escalated) => format!("升级到{audience}"),
        (En, NotificationKind::Escalated) => format!("escalated to {audience}"),
        (Zh, NotificationKind::HandOverAsked) => "移交待确认".to_owned(),
        (En, NotificationKind::HandOverAsked) => "a hand-over waits to be accepted".to_owned(),
        (Zh, NotificationKind::HandedOver) => format!("已移交，现由{who}负责"),
        (En, NotificationKind::HandedOver) => format!("handed over, now with {who}"),
        (Zh, NotificationKind::HandOverDeclined) => format!("移交未接受，仍由{who}负责"),
        (En, NotificationKind::HandOverDeclined) => {
            format!("the hand-over was declined, still with {who}")
        }
        (Zh, NotificationKind::Paused) => "计时已暂停".to_owned(),
        (En, NotificationKind::Paused) => "the clock was paused".to_owned(),
        (Zh, NotificationKind::Resumed) => "计时已恢复".to_owned(),
        (En, NotificationKind::Resumed) => "the clock runs on".to_owned(),
        (Zh, NotificationKind::StatementChanged) => "统一口径有更新".to_owned(),
        (En, NotificationKind::StatementChanged) => "the approved statement changed".to_owned(),
    }
}

/// The words of a button.
pub(crate) const fn action(language: Language, action: LinkAction) -> &'static str {
    match (language, action) {
        (Zh, LinkAction::Acknowledge) => "认领",
        (Zh, LinkAction::Escalate) => "升级",
        (Zh, LinkAction::Dismiss) => "误报",
        (En, LinkAction::Acknowledge) => "Acknowledge",
        (En, LinkAction::Escalate) => "Escalate",
        (En, LinkAction::Dismiss) => "False alarm",
    }
}

/// What a card says that stands for several.
pub(crate) fn merged(language: Language, count: usize) -> String {
    match language {
        Zh => format!("{count} 条通知合为一条"),
        En => format!("{count} notifications in one"),
    }
}

/// One deadline: by when, and how long that is from now.
pub(crate) fn deadline(
    language: Language,
    kind: DeadlineKind,
    due_at: Timestamp,
    now: Timestamp,
) -> String {
    let duty = duty(language, kind);
    let seconds = due_at.as_second() - now.as_second();
    // Further away than this, the hour alone could be of another day.
    let due = if seconds.unsigned_abs() < 12 * 3600 {
        clock_time(due_at)
    } else {
        china_time(due_at)
    };
    let span = minutes(language, seconds.unsigned_abs());
    match (language, seconds >= 0) {
        (Zh, true) => format!("请于 {due} 前{duty}，还剩{span}"),
        (Zh, false) => format!("{duty}已超时{span}（应于 {due} 前）"),
        (En, true) => format!("{duty} due by {due}, {span} left"),
        (En, false) => format!("{duty} overdue by {span} (was due by {due})"),
    }
}

/// In Chinese as it follows a Chinese character: with a space before it where it begins with a digit.
fn minutes(language: Language, seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
    match (language, hours, minutes) {
        (Zh, 0, 0) => "不到 1 分钟".to_owned(),
        (En, 0, 0) => "less than a minute".to_owned(),
        (Zh, 0, _) => format!(" {minutes} 分钟"),
        (En, 0, _) => format!("{minutes} min"),
        (Zh, _, 0) => format!(" {hours} 小时"),
        (En, _, 0) => format!("{hours} h"),
        (Zh, _, _) => format!(" {hours} 小时 {minutes} 分钟"),
        (En, _, _) => format!("{hours} h {minutes} min"),
    }
}

/// Labels of a card's lines.
pub(crate) struct Labels {
    pub(crate) what: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) signals: &'static str,
    pub(crate) causes: &'static str,
    pub(crate) channels: &'static str,
    pub(crate) heard: &'static str,
    pub(crate) escalation: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) nobody: &'static str,
    pub(crate) on_call: &'static str,
    pub(crate) paused: &'static str,
    pub(crate) statement: &'static str,
    pub(crate) no_statement: &'static str,
    pub(crate) open: &'static str,
    pub(crate) drill: &'static str,
    pub(crate) again: &'static str,
    /// Between a label and its value.
    pub(crate) colon: &'static str,
    /// Between the items of a list.
    pub(crate) comma: &'static str,
    /// Around a customer's words.
    pub(crate) quotes: (&'static str, &'static str),
}

pub(crate) const fn labels(language: Language) -> Labels {
    match language {
        Zh => Labels {
            what: "事件",
            topic: "话题",
            signals: "信号数",
            causes: "触发",
            channels: "渠道",
            heard: "首发 → 发现",
            escalation: "通知范围",
            owner: "负责人",
            nobody: "待认领",
            on_call: "当值",
            paused: "计时已暂停",
            statement: "统一口径",
            no_statement: "已失效，请勿沿用旧稿",
            open: "查看并处理",
            drill: "【演练】",
            again: "（重发）",
            colon: "：",
            comma: "、",
            quotes: ("「", "」"),
        },
        En => Labels {
            what: "What",
            topic: "Topic",
            signals: "Signals",
            causes: "Triggers",
            channels: "Channels",
            heard: "First heard → raised",
            escalation: "Told",
            owner: "Owner",
            nobody: "nobody yet",
            on_call: "on call",
            paused: "clock paused",
            statement: "approved statement",
            no_statement: "expired or withdrawn: do not use an earlier one",
            open: "Open in the console",
            drill: "[drill] ",
            again: " (sent again)",
            colon: ": ",
            comma: ", ",
            quotes: ("“", "”"),
        },
    }
}

/// Month, day, hour and minute in China, which has one zone and has kept no summer time since 1991: a fixed offset, so
/// that no time zone database is needed.
pub(crate) fn china_time(at: Timestamp) -> String {
    in_china(at, "%m-%d %H:%M")
}

pub(crate) fn clock_time(at: Timestamp) -> String {
    in_china(at, "%H:%M")
}

fn in_china(at: Timestamp, format: &str) -> String {
    at.to_zoned(TimeZone::fixed(offset(8)))
        .strftime(format)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_says_by_when_and_how_long() {
        let due: Timestamp = "2026-11-22T06:20:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (now, zh, en) in [
            (
                "2026-11-22T06:08:00Z",
                "请于 14:20 前认领，还剩 12 分钟",
                "acknowledgement due by 14:20, 12 min left",
            ),
            (
                "2026-11-22T06:19:30Z",
                "请于 14:20 前认领，还剩不到 1 分钟",
                "acknowledgement due by 14:20, less than a minute left",
            ),
            (
                "2026-11-22T04:20:00Z",
                "请于 14:20 前认领，还剩 2 小时",
                "acknowledgement due by 14:20, 2 h left",
            ),
            (
                "2026-11-21T06:20:00Z",
                "请于 11-22 14:20 前认领，还剩 24 小时",
                "acknowledgement due by 11-22 14:20, 24 h left",
            ),
            (
                "2026-11-22T07:25:00Z",
                "认领已超时 1 小时 5 分钟（应于 14:20 前）",
                "acknowledgement overdue by 1 h 5 min (was due by 14:20)",
            ),
        ] {
            assert_eq!(deadline(Zh, DeadlineKind::Acknowledge, due, at(now)), zh);
            assert_eq!(deadline(En, DeadlineKind::Acknowledge, due, at(now)), en);
        }
    }
}
