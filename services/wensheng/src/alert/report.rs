//! What happened, looked back on (复盘): how the clock was kept, how the matter spread, what was said and done. All of it comes
//! from the alert and its chain of lines; nothing is told that cannot be proved by them.

mod render;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use wensheng_console::{Kept, Score};
use wensheng_schemas::{
    Alert, AlertState, DeadlineKind, Delivery, Escalation, Severity, StepKind, TimelineEntry,
    TimelineEvent, TimelineRecord,
};
use wensheng_store::{AlertDetail, Proof};

use render::{Block, Document};

/// What a review pack is made of.
pub(super) struct Pack<'a> {
    pub(super) detail: &'a AlertDetail,
    pub(super) lines: &'a [TimelineRecord],
    pub(super) proof: &'a Proof,
    pub(super) zone: &'a TimeZone,
    pub(super) now: Timestamp,
}

/// Bars of the spread chart.
const BARS: i64 = 36;

impl Pack<'_> {
    /// As Markdown, and as a page.
    pub(super) fn write(&self) -> (String, String) {
        let document = self.document();
        (document.markdown(), document.html())
    }

    fn document(&self) -> Document {
        let alert = &self.detail.alert;
        let mut blocks = Vec::new();
        if alert.drill {
            blocks.push(Block::Warning(
                "演练：以下内容均为演练，不计入统计。".to_owned(),
            ));
        }
        self.summary(&mut blocks);
        self.compliance(&mut blocks);
        self.spread(&mut blocks);
        self.samples(&mut blocks);
        self.steps(&mut blocks);
        self.statements(&mut blocks);
        self.actions(&mut blocks);
        self.pushes(&mut blocks);
        self.timeline(&mut blocks);
        blocks.push(Block::Heading("记录的证明"));
        blocks.push(match &self.proof.result {
            Ok(lines) => Block::Text(format!(
                "{lines} 条记录逐条验证无误，链尾哈希 {}。",
                self.proof.head
            )),
            Err(fault) => Block::Warning(format!("记录验证失败：{fault}")),
        });
        Document {
            title: format!("复盘：{}", alert.title),
            blocks,
        }
    }

    fn time(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        local.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn summary(&self, blocks: &mut Vec<Block>) {
        let alert = &self.detail.alert;
        let handling = &alert.handling;
        let nobody = || "未指定".to_owned();
        let name = |actor: &Option<wensheng_schemas::Actor>| {
            actor.as_ref().map_or_else(nobody, |actor| actor.0.clone())
        };
        let mut rows = vec![
            ("品牌", alert.brand.clone()),
            ("话题", topic(alert)),
            ("级别", severity(alert.severity).to_owned()),
            ("状态", state(&alert.state)),
            ("首帖发出", self.time(alert.times.signal.first_post_at)),
            ("发出预警", self.time(alert.times.raised_at)),
            (
                "确认属实",
                handling
                    .confirmed_at
                    .map_or_else(|| "未确认".to_owned(), |at| self.time(at)),
            ),
            ("负责人", name(&handling.owner)),
            ("发言人", name(&handling.spokesperson)),
            ("信号", alert.signals.to_string()),
            ("热度", alert.spread.heat.to_string()),
            ("发声者（样本）", alert.spread.authors.count().to_string()),
        ];
        if !handling.team.is_empty() {
            let team: Vec<&str> = handling.team.iter().map(|a| a.0.as_str()).collect();
            rows.push(("处置小组", team.join("、")));
        }
        if handling.reopened > 0 {
            rows.push(("再次升温", format!("{} 次", handling.reopened)));
        }
        if let AlertState::Dismissed { reason, .. } = &alert.state {
            rows.push(("误报原因", reason.clone()));
        }
        let causes: Vec<String> = alert
            .causes
            .iter()
            .map(|(cause, count)| format!("{cause} ×{count}"))
            .collect();
        rows.push(("触发原因", causes.join("、")));
        blocks.push(Block::Heading("概况"));
        blocks.push(Block::Table(
            vec!["项目", "内容"],
            rows.into_iter()
                .map(|(name, value)| vec![name.to_owned(), value])
                .collect(),
        ));
    }

    fn compliance(&self, blocks: &mut Vec<Block>) {
        let alert = &self.detail.alert;
        blocks.push(Block::Heading("时限达成"));
        let Some(clock) = &alert.clock else {
            blocks.push(Block::Text("此级别没有响应时钟。".to_owned()));
            return;
        };
        let score = Score::of(alert, self.now);
        if let Some(points) = score.points {
            blocks.push(Block::Text(format!(
                "得分 {points}/100（按时计满分，迟到计一半，未完成不计分）。升级到{}。",
                level(clock.escalation)
            )));
        }
        if clock.paused_seconds > 0 {
            blocks.push(Block::Text(format!(
                "计时曾暂停共 {}。",
                span(i64::try_from(clock.paused_seconds).unwrap_or(i64::MAX))
            )));
        }
        let row = |kept: &Kept| {
            vec![
                deadline(kept.kind).to_owned(),
                self.time(kept.due_at),
                kept.met_at
                    .map_or_else(|| "–".to_owned(), |at| self.time(at)),
                kept.took_seconds.map_or_else(|| "–".to_owned(), span),
                match kept.standing {
                    "in_time" => "按时",
                    "late" => "迟到",
                    "missed" => "未完成",
                    _ => "进行中",
                }
                .to_owned(),
            ]
        };
        blocks.push(Block::Table(
            vec!["时限", "截止", "完成", "用时", "结果"],
            score.deadlines.iter().map(row).collect(),
        ));
    }

    /// Signals in the order of time: the raising one, those that folded, those that opened it again.
    fn spread(&self, blocks: &mut Vec<Block>) {
        let alert = &self.detail.alert;
        let mut times: Vec<Timestamp> = Vec::new();
        for line in self.lines {
            match &line.entry.event {
                TimelineEvent::Raised { .. } | TimelineEvent::Reopened { .. } => {
                    times.push(line.entry.at);
                }
                TimelineEvent::Signals { signals } => times.extend(signals.iter().map(|s| s.at)),
                _ => {}
            }
        }
        blocks.push(Block::Heading("传播曲线"));
        let first = alert.times.signal.first_post_at;
        let last = times.iter().max().copied().unwrap_or(first).max(first);
        let seconds = last.duration_since(first).as_secs();
        let step = round_step(seconds / BARS + 1);
        let count = seconds / step + 1;
        let mut bars = vec![0_u64; usize::try_from(count).unwrap_or(1)];
        for at in &times {
            let place = at.duration_since(first).as_secs().max(0) / step;
            if let Some(bar) = usize::try_from(place).ok().and_then(|p| bars.get_mut(p)) {
                *bar += 1;
            }
        }
        blocks.push(Block::Text(format!(
            "自首帖起每 {} 的风险信号数，共 {} 个。",
            span(step),
            times.len()
        )));
        let label = |place: usize| {
            let offset = SignedDuration::from_secs(step * i64::try_from(place).unwrap_or(0));
            let at = first.saturating_add(offset).unwrap_or(first);
            let format = if step >= 3_600 {
                "%m-%d %H:%M"
            } else {
                "%H:%M:%S"
            };
            at.to_zoned(self.zone.clone()).strftime(format).to_string()
        };
        blocks.push(Block::Chart(
            bars.into_iter()
                .enumerate()
                .map(|(place, bar)| (label(place), bar))
                .collect(),
        ));
    }

    fn samples(&self, blocks: &mut Vec<Block>) {
        blocks.push(Block::Heading("代表性原声"));
        for sample in &self.detail.alert.samples {
            let mut from = format!(
                "{} · {}",
                sample.channel.name(),
                self.time(sample.occurred_at)
            );
            if let Some(url) = &sample.url {
                from.push_str(" · ");
                from.push_str(url);
            }
            blocks.push(Block::Quote(sample.text.clone(), from));
        }
    }

    fn steps(&self, blocks: &mut Vec<Block>) {
        let steps = &self.detail.alert.handling.steps;
        if steps.is_empty() {
            return;
        }
        blocks.push(Block::Heading("处置步骤"));
        let none = || "–".to_owned();
        let rows = steps.iter().map(|at| {
            vec![
                step(at.step).to_owned(),
                at.owner.as_ref().map_or_else(none, |owner| owner.0.clone()),
                at.due_at.map_or_else(none, |due| self.time(due)),
                at.done
                    .as_ref()
                    .map_or_else(none, |done| format!("{} {}", self.time(done.at), done.by.0)),
                at.note.clone(),
            ]
        });
        blocks.push(Block::Table(
            vec!["步骤", "负责人", "应于", "完成", "备注"],
            rows.collect(),
        ));
    }

    fn statements(&self, blocks: &mut Vec<Block>) {
        let statements = &self.detail.alert.handling.statements;
        if statements.is_empty() {
            return;
        }
        blocks.push(Block::Heading("统一口径"));
        for statement in statements {
            let mut from = format!(
                "v{} · {} 起草于 {}",
                statement.version,
                statement.by.0,
                self.time(statement.at)
            );
            match &statement.approved {
                Some(done) => {
                    from.push_str(&format!(" · {} 批准于 {}", done.by.0, self.time(done.at)));
                }
                None => from.push_str(" · 未批准"),
            }
            if let Some(expires) = statement.expires_at {
                from.push_str(&format!(" · 有效期至 {}", self.time(expires)));
            }
            if let Some(done) = &statement.withdrawn {
                from.push_str(&format!(" · {} 撤回于 {}", done.by.0, self.time(done.at)));
            }
            blocks.push(Block::Quote(statement.text.clone(), from));
        }
    }

    fn actions(&self, blocks: &mut Vec<Block>) {
        let rows: Vec<Vec<String>> = self
            .lines
            .iter()
            .map(|line| &line.entry)
            .filter(|entry| entry.command.is_some() && entry.event != TimelineEvent::Viewed)
            .map(|entry| self.row(entry))
            .collect();
        blocks.push(Block::Heading("处置动作"));
        if rows.is_empty() {
            blocks.push(Block::Text("没有人处置过这条预警。".to_owned()));
            return;
        }
        blocks.push(Block::Table(vec!["时间", "谁", "做了什么", "备注"], rows));
    }

    fn pushes(&self, blocks: &mut Vec<Block>) {
        let deliveries = &self.detail.deliveries;
        if deliveries.is_empty() {
            return;
        }
        blocks.push(Block::Heading("推送"));
        let row = |delivery: &Delivery| {
            vec![
                self.time(delivery.at),
                delivery.receiver.clone(),
                delivery.kind.clone(),
                format!("{}（{} 次）", delivery.state.name(), delivery.attempts),
            ]
        };
        blocks.push(Block::Table(
            vec!["时间", "接收者", "内容", "结果"],
            deliveries.iter().map(row).collect(),
        ));
    }

    fn timeline(&self, blocks: &mut Vec<Block>) {
        blocks.push(Block::Heading("完整时间线"));
        blocks.push(Block::Table(
            vec!["时间", "谁", "事件", "备注"],
            self.lines
                .iter()
                .map(|line| self.row(&line.entry))
                .collect(),
        ));
    }

    fn row(&self, entry: &TimelineEntry) -> Vec<String> {
        let actor = if entry.actor.0 == "system" {
            "系统"
        } else {
            &entry.actor.0
        };
        vec![
            self.time(entry.at),
            actor.to_owned(),
            event(&entry.event),
            entry.note.clone(),
        ]
    }
}

/// A length that people reckon in, at least as long.
fn round_step(seconds: i64) -> i64 {
    const STEPS: [i64; 11] = [
        5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 86_400,
    ];
    let fits = STEPS.into_iter().find(|step| *step >= seconds);
    fits.unwrap_or(seconds)
}

fn topic(alert: &Alert) -> String {
    if alert.topic_name.is_empty() {
        alert.topic.clone()
    } else {
        alert.topic_name.clone()
    }
}

fn span(seconds: i64) -> String {
    let (days, hours) = (seconds / 86_400, seconds % 86_400 / 3_600);
    let (minutes, rest) = (seconds % 3_600 / 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} 秒"),
        (0, 0, _) if rest > 0 => format!("{minutes} 分 {rest} 秒"),
        (0, 0, _) => format!("{minutes} 分钟"),
        (0, _, 0) => format!("{hours} 小时"),
        (0, ..) => format!("{hours} 小时 {minutes} 分"),
        (_, 0, _) => format!("{days} 天"),
        _ => format!("{days} 天 {hours} 小时"),
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Watch => "关注",
        Severity::Alert => "预警",
        Severity::Crisis => "危机",
    }
}

const fn level(level: Escalation) -> &'static str {
    match level {
        Escalation::FrontLine => "一线值班",
        Escalation::Specialists => "专项小组",
        Escalation::Management => "管理层",
    }
}

fn state(state: &AlertState) -> String {
    let name = match state {
        AlertState::Raised => return "待认领".to_owned(),
        AlertState::Acknowledged { .. } => "已认领",
        AlertState::Assessing { .. } => "研判中",
        AlertState::Responding { .. } => "已首次响应",
        AlertState::Resolved { .. } => "已办结",
        AlertState::Reviewed { .. } => "已复盘",
        AlertState::Dismissed { .. } => "误报",
    };
    let by = state.by().map_or("", |(by, _)| by.0.as_str());
    format!("{name}（{by}）")
}

const fn deadline(kind: DeadlineKind) -> &'static str {
    match kind {
        DeadlineKind::Acknowledge => "认领",
        DeadlineKind::Team => "组建处置小组",
        DeadlineKind::Spokesperson => "指定发言人",
        DeadlineKind::Respond => "首次响应",
        DeadlineKind::Plan => "处置方案",
        DeadlineKind::Review => "复盘",
    }
}

const fn step(step: StepKind) -> &'static str {
    match step {
        StepKind::Collect => "收集信息",
        StepKind::Assess => "研判",
        StepKind::ActivatePlan => "启动预案",
        StepKind::Decide => "决定应对",
        StepKind::OneVoice => "统一口径",
        StepKind::Act => "执行",
        StepKind::Track => "跟踪",
        StepKind::Learn => "总结",
    }
}

fn event(event: &TimelineEvent) -> String {
    match event {
        TimelineEvent::Raised { kind, .. } => format!("预警发出（{kind}）"),
        TimelineEvent::Signals { signals } => format!("新增 {} 个信号", signals.len()),
        TimelineEvent::Reopened { kind, .. } => format!("再次升温（{kind}），重新计时"),
        TimelineEvent::SeverityRaised { from, to } => {
            format!("级别升高：{} → {}", severity(*from), severity(*to))
        }
        TimelineEvent::SeverityLowered { from, to } => {
            format!("级别降低：{} → {}", severity(*from), severity(*to))
        }
        TimelineEvent::Acknowledged => "认领".to_owned(),
        TimelineEvent::Assessing => "开始研判".to_owned(),
        TimelineEvent::Confirmed => "确认属实".to_owned(),
        TimelineEvent::Responded => "首次响应".to_owned(),
        TimelineEvent::Resolved => "办结".to_owned(),
        TimelineEvent::Reviewed => "完成复盘".to_owned(),
        TimelineEvent::Dismissed { reason } => format!("判为误报：{reason}"),
        TimelineEvent::HandOverAsked { to } => format!("提出移交给 {}", to.0),
        TimelineEvent::HandedOver { from, to } => format!("由 {} 移交给 {}", from.0, to.0),
        TimelineEvent::HandOverDeclined { to } => format!("移交给 {} 未接受", to.0),
        TimelineEvent::Paused { reason, .. } => format!("暂停计时：{reason}"),
        TimelineEvent::Resumed => "恢复计时".to_owned(),
        TimelineEvent::TeamNamed { members } => {
            let names: Vec<&str> = members.iter().map(|member| member.0.as_str()).collect();
            format!("处置小组：{}", names.join("、"))
        }
        TimelineEvent::SpokespersonNamed { person } => format!("发言人：{}", person.0),
        TimelineEvent::Planned => "处置方案已定".to_owned(),
        TimelineEvent::Step { step: kind, .. } => format!("更新步骤：{}", step(*kind)),
        TimelineEvent::StatementDrafted { version } => format!("起草口径 v{version}"),
        TimelineEvent::StatementApproved { version } => format!("批准口径 v{version}"),
        TimelineEvent::StatementWithdrawn { version } => format!("撤回口径 v{version}"),
        TimelineEvent::Noted => "备注".to_owned(),
        TimelineEvent::Erased { samples, lines } => format!(
            "按个人信息删除请求移除了 {samples} 条原声、{} 行时间线文字",
            lines.len()
        ),
        TimelineEvent::Viewed => "查看".to_owned(),
        TimelineEvent::Nudged {
            deadline: kind,
            percent,
        } => format!("催办：{}时限已用 {percent}%", deadline(*kind)),
        TimelineEvent::Breached { deadline: kind } => format!("{}超时", deadline(*kind)),
        TimelineEvent::Escalated { to } => format!("升级到{}", level(*to)),
        TimelineEvent::Told {
            kind,
            audience,
            on_call,
            ..
        } => {
            let people: Vec<&str> = on_call.iter().map(|on| on.person.0.as_str()).collect();
            let people = people.join("、");
            let to = level(*audience);
            match people.is_empty() {
                true => format!("通知到{to}：{kind}"),
                false => format!("通知到{to}（当值：{people}）：{kind}"),
            }
        }
        TimelineEvent::Pushed {
            receiver, state, ..
        } => format!("推送 {receiver}：{state}"),
        TimelineEvent::Refused { action } => format!("操作未生效：{action}"),
    }
}
