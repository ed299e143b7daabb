//! The page in a real browser: a person logs in by the link, sees the clock run, and takes the alert.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use wensheng_schemas::{Action, Actor, AlertState, TimelineEntry, TimelineEvent};

use crate::running::Running;
use crate::seed::{Seeder, voice};
use crate::webdriver::Browser;

const WIDE: (u32, u32) = (1440, 900);
const NARROW: (u32, u32) = (390, 844);

#[tokio::test]
async fn a_person_logs_in_by_the_link_sees_the_clock_run_and_acknowledges() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let console = Running::start().await;
    let mut seeder = Seeder::new(&console.store);
    let alerts = seeder.everything(Timestamp::now()).await;
    let alert = alerts[0].clone();
    browser.resize(WIDE.0, WIDE.1).await;

    // The link logs in, and the token is gone from the address.
    let link = wensheng_console::login_link(console.address, &console.admin);
    browser.open(&link).await;
    browser.until_shown("今日声量").await;
    assert_eq!(browser.value("location.hash").await, json!("#/"));
    assert_eq!(browser.value("document.cookie").await, json!(""));
    browser.until("document.querySelector('.live-live')").await;
    browser
        .until("document.querySelector('.chart canvas')")
        .await;

    // The strip on every page leads to the most pressing alert.
    browser.until_shown("条预警待认领").await;
    browser
        .open(&console.url(&format!("/#/alerts/{}", alert.id)))
        .await;
    browser.until_shown("响应时限").await;
    let clock = "document.querySelector('.deadline .deadline-clock').textContent";
    let before = browser.value(clock).await;
    assert!(before.as_str().unwrap().starts_with("11:"), "{before}");
    browser.until(&format!("{clock} !== {before}")).await;

    // A voice that is stored appears without a reload.
    browser.click("nav a[href='#/feedback']").await;
    browser
        .until("document.querySelectorAll('.voice').length >= 50")
        .await;
    let fresh = voice(9, Timestamp::now(), 0);
    let first = "document.querySelector('.voice time').getAttribute('datetime')";
    let occurred_at = json!(fresh.feedback.occurred_at);
    seeder.feedback(vec![fresh]).await;
    browser.until(&format!("{first} === {occurred_at}")).await;
    assert_eq!(
        browser
            .value("document.querySelector('.voice mark').textContent")
            .await,
        json!("有异物")
    );

    // Acknowledge: recorded on the bus, and shown as in effect only once the stored alert says so.
    browser
        .open(&console.url(&format!("/#/alerts/{}", alert.id)))
        .await;
    browser.click("#action-acknowledge").await;
    browser.until_shown("「认领」已记录，等待生效").await;
    let commands = console.commands().await;
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0].action, Action::Acknowledge);
    assert_eq!(commands[0].alert, alert.id);
    let mut taken = alert.clone();
    let at = Timestamp::now();
    let by = Actor("admin".to_owned());
    taken.revision += 1;
    taken.state = AlertState::Acknowledged { by: by.clone(), at };
    taken.clock.as_mut().unwrap().deadlines[0].met_at = Some(at);
    taken.timeline.push(TimelineEntry {
        at,
        actor: by,
        event: TimelineEvent::Acknowledged,
        note: String::new(),
        command: Some(commands[0].id.clone()),
    });
    seeder.alert(taken).await;
    browser.until_shown("「认领」已生效").await;
    browser
        .until("!document.querySelector('#action-acknowledge')")
        .await;

    let complaints = browser.log().await;
    assert!(complaints.is_empty(), "{complaints:?}");
    console.stop().await;

    // Without the service the page says so, and the clocks go on.
    browser.until_shown("实时连接已中断").await;
    let clock = "document.querySelectorAll('.deadline .deadline-clock')[1].textContent";
    let before = browser.value(clock).await;
    browser.until(&format!("{clock} !== {before}")).await;
    browser.screenshot("lost-zh-light").await;
    browser.close().await;
}

#[tokio::test]
async fn every_view_is_whole_in_both_languages_and_themes_and_on_a_telephone() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let console = Running::start().await;
    let mut seeder = Seeder::new(&console.store);
    let now = Timestamp::now();
    let alerts = seeder.everything(now).await;
    let mut drill = alerts[3].clone();
    drill.revision += 1;
    drill.times.updated_at = now - SignedDuration::from_secs(1);
    seeder.alert(drill).await;
    browser.resize(WIDE.0, WIDE.1).await;
    browser.open(&console.url("/")).await;
    browser.until_shown("访问令牌").await;
    browser.screenshot("login-zh-light").await;
    browser
        .open(&wensheng_console::login_link(
            console.address,
            &console.admin,
        ))
        .await;
    // A fragment alone does not load a page anew.
    browser.until_shown("今日声量").await;

    let detail = format!("alerts/{}", alerts[0].id);
    let views = [
        ("overview", "overview", ".chart canvas"),
        ("alerts", "alerts", ".detection table"),
        ("alert", detail.as_str(), ".latency"),
        ("feedback", "feedback", ".voice"),
        ("system", "system", ".dead li"),
    ];
    for (theme, language) in [("light", "zh"), ("dark", "zh"), ("light", "en")] {
        let choice = format!(
            "localStorage.setItem('wensheng', JSON.stringify({{theme:'{theme}',language:'{language}'}}))"
        );
        browser.value(&choice).await;
        browser
            .open(&console.url(&format!("/?{theme}{language}#/overview")))
            .await;
        browser.until("document.querySelector('.live-live')").await;
        for ((width, height), size) in [(WIDE, ""), (NARROW, "-390")] {
            browser.resize(width, height).await;
            for (name, path, shown) in views {
                browser
                    .value(&format!("location.hash = {}", json!(format!("#/{path}"))))
                    .await;
                browser
                    .until(&format!("document.querySelector({})", json!(shown)))
                    .await;
                let too_wide = browser
                    .value("document.documentElement.scrollWidth > innerWidth")
                    .await;
                assert_eq!(
                    too_wide,
                    json!(false),
                    "{name}{size} {language} scrolls sideways"
                );
                let unnamed = browser
                    .value(
                        "[...document.querySelectorAll('button,a,select,input')].filter(e => \
                         !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).length",
                    )
                    .await;
                assert_eq!(unnamed, json!(0), "{name}: every control has a name");
                let raw = browser
                    .value("document.body.innerText.match(/\\b(kpi|clock|event|system|detail|action)\\.[a-z_]+/)")
                    .await;
                assert!(raw.is_null(), "{name} {language} shows a key: {raw}");
                browser
                    .screenshot(&format!("{name}-{language}-{theme}{size}"))
                    .await;
            }
        }
    }
    let complaints = browser.log().await;
    assert!(
        complaints.iter().all(|line| line.contains("/api/v1/me")),
        "{complaints:?}"
    );
    browser.close().await;
    console.stop().await;
}
