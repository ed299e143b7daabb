//! Links on cards: a look does nothing, one press acts once, and nothing else opens them.

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use wensheng_runtime::TicketKey;
use wensheng_schemas::{Action, AlertState, LinkAction, LinkClaim};

use crate::running::{LINK_SECRET, Running};
use crate::seed::Seeder;

async fn open_alert(console: &Running) -> wensheng_schemas::Alert {
    let alerts = Seeder::new(&console.store)
        .everything(Timestamp::now())
        .await;
    alerts
        .into_iter()
        .find(|alert| alert.state == AlertState::Raised)
        .unwrap()
}

fn ticket(alert: &wensheng_schemas::Alert, action: LinkAction, minutes: i64) -> String {
    let claim = LinkClaim {
        alert: alert.id.clone(),
        action,
        push: "p1".to_owned(),
        receiver: "值班群".to_owned(),
    };
    let until = Timestamp::now() + SignedDuration::from_mins(minutes);
    TicketKey::new(LINK_SECRET).issue(&claim, until)
}

/// Presses the button, as a browser does that is logged in to the console as well.
async fn press(console: &Running, ticket: &str, form: &str) -> (StatusCode, String) {
    let answer = console
        .client
        .post(console.url(&format!("/act/{ticket}")))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", "wensheng=whatever")
        .body(form.to_owned())
        .send()
        .await
        .unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_look_does_nothing_and_a_press_acts_once() {
    let console = Running::start().await;
    let alert = open_alert(&console).await;
    let link = ticket(&alert, LinkAction::Acknowledge, 10);
    let address = console.url(&format!("/act/{link}"));
    for method in [reqwest::Method::HEAD, reqwest::Method::GET] {
        let answer = console
            .client
            .request(method, &address)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.contains("form-action 'self'"), "{policy}");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    }
    assert!(console.commands().await.is_empty());

    let (status, page) = press(&console, &link, "name=").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("请填写姓名"), "{page}");
    assert!(console.commands().await.is_empty());

    // 小王 <b>, percent-encoded.
    let form = "name=%E5%B0%8F%E7%8E%8B+%3Cb%3E";
    for _ in 0..2 {
        let (status, page) = press(&console, &link, form).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(page.contains("小王 &lt;b&gt;"), "{page}");
    }
    let commands = console.commands().await;
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0].action, Action::Acknowledge);
    assert_eq!(commands[0].actor.0, "小王 <b>");
    assert_eq!(commands[0].note, "通过消息链接：值班群");
    console.stop().await;
}

#[tokio::test]
async fn a_false_alarm_needs_a_reason() {
    let console = Running::start().await;
    let alert = open_alert(&console).await;
    let link = ticket(&alert, LinkAction::Dismiss, 10);
    let (status, _) = press(&console, &link, "name=wang&reason=").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, page) = press(&console, &link, "name=wang&reason=ad").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let reason = "ad".to_owned();
    assert_eq!(
        console.commands().await[0].action,
        Action::Dismiss { reason }
    );
    console.stop().await;
}

#[tokio::test]
async fn expired_forged_and_foreign_links_open_nothing() {
    let console = Running::start().await;
    let alert = open_alert(&console).await;
    let expired = ticket(&alert, LinkAction::Acknowledge, -1);
    assert_eq!(
        press(&console, &expired, "name=wang").await.0,
        StatusCode::GONE
    );
    let mut unknown = alert.clone();
    unknown.id = "no-such-alert".to_owned().into();
    let unknown = ticket(&unknown, LinkAction::Acknowledge, 10);
    let good = ticket(&alert, LinkAction::Acknowledge, 10);
    let (said, code) = good.split_once('.').unwrap();
    let (other, _) = expired.split_once('.').unwrap();
    for link in [
        unknown,
        format!("{other}.{code}"),
        said.to_owned(),
        "x".to_owned(),
    ] {
        let (status, _) = press(&console, &link, "name=wang").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{link}");
    }
    assert!(console.commands().await.is_empty());
    console.stop().await;
}
