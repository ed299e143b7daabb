//! The forms of the page in a real browser: what a person fills in is what stands on the bus, and nothing half filled in is sent.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wensheng_schemas::{
    Action, Actor, Alert, Command, Correction, Done, Pause, ProcessStep, SentimentLabel, Statement,
    StepKind, TimelineEntry, TimelineEvent, Topic,
};
use wensheng_store::Role;

use crate::running::Running;
use crate::seed::Seeder;
use crate::webdriver::Browser;

/// A person at the page of one alert.
struct Desk {
    browser: Browser,
    console: Running,
    seeder: Seeder,
    alert: Alert,
    /// Commands that were looked at.
    seen: usize,
}

impl Desk {
    /// At the page of an alert that `prepare` has changed; `None` where no browser is.
    async fn open(prepare: impl FnOnce(&mut Alert)) -> Option<Self> {
        let browser = Browser::start().await?;
        let console = Running::start().await;
        let mut seeder = Seeder::new(&console.store);
        let mut alert = seeder.everything(Timestamp::now()).await[0].clone();
        alert.revision += 1;
        prepare(&mut alert);
        seeder.alert(alert.clone()).await;
        browser.resize(1440, 1600).await;
        let link = wensheng_console::login_link(console.address, &console.admin);
        browser.open(&link).await;
        browser.until_shown("今日声量").await;
        let page = json!(format!("#/alerts/{}", alert.id));
        browser.value(&format!("location.hash = {page}")).await;
        browser
            .until("document.querySelector('#action-more')")
            .await;
        Some(Self {
            browser,
            console,
            seeder,
            alert,
            seen: 0,
        })
    }

    /// The actions that the menu offers.
    async fn menu(&self) -> Vec<String> {
        let options = "[...document.querySelectorAll('#action-more option')].map(o => o.value).filter(v => v)";
        serde_json::from_value(self.browser.value(options).await).unwrap()
    }

    /// Opens the form of an action.
    async fn choose(&self, action: &str) {
        self.browser
            .until("!document.querySelector('#action-more').disabled")
            .await;
        self.browser.fill("#action-more", action, "change").await;
        self.browser
            .until("document.querySelector('.action-form')")
            .await;
    }

    async fn fill(&self, field: &str, text: &str) {
        self.browser
            .fill(&format!("#field-{field}"), text, "input")
            .await;
    }

    async fn may_send(&self) -> bool {
        self.browser
            .value("!document.querySelector('#action-send').disabled")
            .await
            == json!(true)
    }

    /// Presses `button`; the command that stands on the bus then.
    async fn press(&mut self, button: &str) -> Command {
        self.browser.click(button).await;
        self.browser.until_shown("已记录，等待生效").await;
        let mut commands = self.console.commands().await;
        commands.sort_by_key(|command| command.at);
        self.seen += 1;
        assert_eq!(commands.len(), self.seen, "{commands:?}");
        let command = commands.pop().unwrap();
        assert_eq!(
            (command.actor.0.as_str(), &command.alert),
            ("admin", &self.alert.id)
        );
        command
    }

    /// Lets the command take effect, as `respond` would.
    async fn takes_effect(
        &mut self,
        command: &Command,
        event: TimelineEvent,
        change: impl FnOnce(&mut Alert),
    ) {
        self.alert.revision += 1;
        self.alert.timeline.push(TimelineEntry {
            at: command.at,
            actor: command.actor.clone(),
            event,
            note: command.note.clone(),
            command: Some(command.id.clone()),
        });
        change(&mut self.alert);
        self.seeder.alert(self.alert.clone()).await;
        self.browser.until_shown("已生效").await;
    }

    async fn leave(self) {
        let complaints = self.browser.log().await;
        assert!(complaints.is_empty(), "{complaints:?}");
        self.browser.close().await;
        self.console.stop().await;
    }
}

fn statement(version: u32, by: &str, text: &str) -> Statement {
    Statement {
        version,
        text: text.to_owned(),
        by: Actor(by.to_owned()),
        at: Timestamp::now() - SignedDuration::from_mins(2),
        approved: None,
        expires_at: None,
        withdrawn: None,
    }
}

#[tokio::test]
async fn a_statement_is_drafted_and_approved_by_two_people_and_taken_back() {
    let Some(mut desk) = Desk::open(|_| {}).await else {
        return;
    };
    desk.choose("draft_statement").await;
    assert!(!desk.may_send().await, "nothing is written yet");
    desk.fill("text", "  ").await;
    assert!(!desk.may_send().await, "spaces say nothing");
    desk.fill("text", "门店已停业自查，结果今晚公布。").await;
    let command = desk.press("#action-send").await;
    let drafted = Action::DraftStatement {
        text: "门店已停业自查，结果今晚公布。".to_owned(),
    };
    assert_eq!(command.action, drafted);
    desk.takes_effect(
        &command,
        TimelineEvent::StatementDrafted { version: 1 },
        |alert| {
            let own = statement(1, "admin", "门店已停业自查，结果今晚公布。");
            alert.handling.statements.push(own);
        },
    )
    .await;
    desk.browser.until_shown("当前没有可对外使用的口径").await;
    let own = desk.menu().await;
    assert!(
        !own.contains(&"approve_statement".to_owned()),
        "nobody approves their own: {own:?}"
    );

    // A colleague writes a better one.
    desk.alert.revision += 1;
    let better = statement(2, "王芳", "涉事门店已停业，顾客已就医，费用由我们承担。");
    desk.alert.handling.statements.push(better);
    desk.seeder.alert(desk.alert.clone()).await;
    desk.browser.until_shown("全部 2 个版本").await;
    desk.browser
        .until("[...document.querySelectorAll('#action-more option')].some(o => o.value === 'approve_statement')")
        .await;
    desk.choose("approve_statement").await;
    let version = "document.querySelector('#field-version').value";
    assert_eq!(desk.browser.value(version).await, json!("2"));
    desk.fill("expires_at", "2099-01-31T18:00").await;
    let command = desk.press("#action-send").await;
    let Action::ApproveStatement {
        version: 2,
        expires_at: Some(_),
    } = command.action
    else {
        panic!("{command:?}");
    };
    desk.takes_effect(
        &command,
        TimelineEvent::StatementApproved { version: 2 },
        |alert| {
            alert.handling.statements[1].approved = Some(Done {
                by: Actor("admin".to_owned()),
                at: Timestamp::now(),
            });
        },
    )
    .await;
    desk.browser
        .until(
            "document.querySelector('blockquote.statement').textContent.includes('费用由我们承担')",
        )
        .await;
    desk.browser.screenshot("statement-zh-light").await;

    desk.choose("withdraw_statement").await;
    let command = desk.press("#action-send").await;
    assert_eq!(command.action, Action::WithdrawStatement { version: 2 });
    desk.takes_effect(
        &command,
        TimelineEvent::StatementWithdrawn { version: 2 },
        |alert| {
            alert.handling.statements[1].withdrawn = Some(Done {
                by: Actor("admin".to_owned()),
                at: Timestamp::now(),
            });
        },
    )
    .await;
    desk.browser
        .until("!document.querySelector('blockquote.statement')")
        .await;
    desk.leave().await;
}

#[tokio::test]
async fn a_pause_needs_its_reason_a_hand_over_its_person_and_a_step_keeps_what_was_noted() {
    let prepare = |alert: &mut Alert| {
        alert.handling.owner = Some(Actor("admin".to_owned()));
        alert.handling.steps = vec![ProcessStep {
            step: StepKind::Collect,
            owner: None,
            due_at: None,
            note: String::new(),
            done: None,
        }];
    };
    let Some(mut desk) = Desk::open(prepare).await else {
        return;
    };
    desk.choose("pause").await;
    desk.fill("minutes", "20").await;
    assert!(!desk.may_send().await, "a pause needs its reason");
    desk.fill("reason", "等待检测报告").await;
    let command = desk.press("#action-send").await;
    let paused = Action::Pause {
        reason: "等待检测报告".to_owned(),
        minutes: Some(20),
    };
    assert_eq!(command.action, paused);
    let until = Timestamp::now() + SignedDuration::from_mins(20);
    let event = TimelineEvent::Paused {
        reason: "等待检测报告".to_owned(),
        until,
    };
    desk.takes_effect(&command, event, |alert| {
        alert.clock.as_mut().unwrap().paused = Some(Pause {
            by: Actor("admin".to_owned()),
            at: Timestamp::now(),
            until,
            reason: "等待检测报告".to_owned(),
        });
    })
    .await;
    desk.browser.until_shown("计时已暂停").await;
    let menu = desk.menu().await;
    assert!(
        menu.contains(&"resume".to_owned()) && !menu.contains(&"pause".to_owned()),
        "{menu:?}"
    );

    desk.choose("hand_over").await;
    desk.fill("to", "李静").await;
    desk.browser
        .fill(".actions .note", "我今晚不在", "input")
        .await;
    let command = desk.press("#action-send").await;
    let to = Actor("李静".to_owned());
    assert_eq!(command.action, Action::HandOver { to: to.clone() });
    assert_eq!(command.note, "我今晚不在");
    desk.takes_effect(&command, TimelineEvent::HandOverAsked { to }, |_| {})
        .await;

    desk.browser.click("#step-collect").await;
    desk.browser.fill("#step-owner", "赵敏", "input").await;
    desk.browser.fill("#step-note", "已取得监控", "input").await;
    desk.browser.click("#step-done").await;
    let command = desk.press("#step-send").await;
    let step = Action::SetStep {
        step: StepKind::Collect,
        owner: Some(Actor("赵敏".to_owned())),
        due_at: None,
        done: Some(true),
    };
    assert_eq!(
        (&command.action, command.note.as_str()),
        (&step, "已取得监控")
    );
    desk.leave().await;
}

#[tokio::test]
async fn who_reads_a_verdict_as_wrong_says_so_once_and_a_viewer_only_looks() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let console = Running::start().await;
    let mut seeder = Seeder::new(&console.store);
    let alerts = seeder.everything(Timestamp::now()).await;
    let responder = console.token("值班", Role::Responder).await;
    let viewer = console.token("旁听", Role::Viewer).await;
    browser.resize(1440, 900).await;
    let link = wensheng_console::login_link(console.address, &responder);
    browser.open(&link).await;
    browser.until_shown("今日声量").await;
    browser.click("nav a[href='#/feedback']").await;
    browser
        .until("document.querySelectorAll('.voice.e-negative select.correct').length > 5")
        .await;
    let offered = "[...document.querySelectorAll('.voice.e-negative select.correct')[0].options].map(o => o.value)";
    assert_eq!(
        browser.value(offered).await,
        json!(["", "neutral", "positive"])
    );
    browser
        .fill(".voice.e-negative select.correct", "neutral", "change")
        .await;
    browser.until_shown("已更正为中性").await;
    let told: Vec<Correction> = console.records(Topic::Corrections).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].label, told[0].before, told[0].actor.0.as_str()),
        (SentimentLabel::Neutral, SentimentLabel::Negative, "值班")
    );
    let text = "[...document.querySelectorAll('.voice')].find(v => v.innerText.includes('已更正为中性')).querySelector('.words').textContent";
    let text: Value = browser.value(text).await;
    let of = console
        .get(&format!("/feedback/{}", told[0].feedback))
        .await;
    assert_eq!(of["feedback"]["text"], text);

    browser.click(".account").await;
    browser.until_shown("访问令牌").await;
    browser
        .open(&wensheng_console::login_link(console.address, &viewer))
        .await;
    browser.until_shown("今日声量").await;
    browser.click("nav a[href='#/feedback']").await;
    browser
        .until("document.querySelectorAll('.voice').length > 5")
        .await;
    assert_eq!(
        browser
            .value("document.querySelectorAll('select.correct').length")
            .await,
        json!(0)
    );
    let page = json!(format!("#/alerts/{}", alerts[0].id));
    browser.value(&format!("location.hash = {page}")).await;
    browser.until_shown("当前令牌只能查看").await;
    assert_eq!(
        browser
            .value("document.querySelectorAll('.actions button, .actions select').length")
            .await,
        json!(0)
    );
    assert_eq!(console.commands().await, []);
    browser.close().await;
    console.stop().await;
}
