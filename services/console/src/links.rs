//! A link on a card acts once, for whoever opens it and presses the one button: a look alone, as chat programs take to
//! preview, changes nothing. Whoever acts says who they are; nobody has to log in.

use axum::Form;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;
use wensheng_runtime::TicketError;
use wensheng_schemas::{Action, Actor, Alert, Command, LinkAction, LinkClaim};

use crate::Console;
use crate::commit::NotCommitted;

/// A person's name on a timeline.
const LONGEST_NAME: usize = 40;
const LONGEST_REASON: usize = 300;

/// The page posts to itself, which the console's own page never does.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// `/act/{ticket}`
pub(crate) fn router() -> Router<Console> {
    Router::new().route("/act/{ticket}", get(show).post(act))
}

/// What the button sends.
#[derive(Deserialize)]
struct Pressed {
    name: String,
    #[serde(default)]
    reason: String,
}

async fn show(
    State(console): State<Console>,
    Path(ticket): Path<String>,
    headers: HeaderMap,
) -> Response {
    let words = Words::for_reader(&headers);
    match claimed(&console, &ticket, words).await {
        Ok((claim, alert)) => match used(&claim, &alert) {
            Some(by) => words.told(&words.done, &claim, &alert, by),
            None => words.ask(&claim, &alert, ""),
        },
        Err(refused) => refused,
    }
}

async fn act(
    State(console): State<Console>,
    Path(ticket): Path<String>,
    headers: HeaderMap,
    pressed: Result<Form<Pressed>, FormRejection>,
) -> Response {
    let words = Words::for_reader(&headers);
    let (claim, alert) = match claimed(&console, &ticket, words).await {
        Ok(claimed) => claimed,
        Err(refused) => return refused,
    };
    if let Some(by) = used(&claim, &alert) {
        return words.told(&words.done, &claim, &alert, by);
    }
    let Ok(Form(Pressed { name, reason })) = pressed else {
        return words.ask(&claim, &alert, words.who_missing);
    };
    let (name, reason) = (name.trim(), reason.trim());
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return words.ask(&claim, &alert, words.who_missing);
    }
    let action = match claim.action {
        LinkAction::Acknowledge => Action::Acknowledge,
        LinkAction::Escalate => Action::Escalate,
        LinkAction::Dismiss if reason.is_empty() || reason.chars().count() > LONGEST_REASON => {
            return words.ask(&claim, &alert, words.why_missing);
        }
        LinkAction::Dismiss => Action::Dismiss {
            reason: reason.to_owned(),
        },
    };
    let now = Timestamp::now();
    let actor = Actor(name.to_owned());
    let refusal = alert.refusal(&action, &actor, now);
    let command = Command {
        id: claim.command_id(),
        alert: alert.id.clone(),
        brand: alert.brand.clone(),
        action,
        actor,
        note: format!("{}{}", words.by_link, claim.receiver),
        at: now,
    };
    match console.commits.commit(command, refusal).await {
        Ok(()) => words.told(&words.sent, &claim, &alert, name),
        Err(NotCommitted::Refused(why)) => {
            words.page(StatusCode::CONFLICT, words.not_done, &escape(&why))
        }
        Err(NotCommitted::Unconfirmed(why)) => words.page(
            StatusCode::SERVICE_UNAVAILABLE,
            words.try_again,
            &escape(&why),
        ),
    }
}

/// What the ticket claims, and its alert.
async fn claimed(
    console: &Console,
    ticket: &str,
    words: &'static Words,
) -> Result<(LinkClaim, Alert), Response> {
    let Some(key) = &console.link_key else {
        return Err(words.page(StatusCode::NOT_FOUND, words.invalid, words.open_console));
    };
    let claim: LinkClaim = key
        .open(ticket, Timestamp::now())
        .map_err(|error| match error {
            TicketError::Expired => words.page(StatusCode::GONE, words.expired, words.open_console),
            TicketError::Invalid => {
                words.page(StatusCode::NOT_FOUND, words.invalid, words.open_console)
            }
        })?;
    match console.store.alert(&claim.alert).await {
        Ok(Some(found)) => Ok((claim, found.alert)),
        Ok(None) => Err(words.page(StatusCode::NOT_FOUND, words.no_alert, words.open_console)),
        Err(error) => {
            tracing::warn!(%error, "cannot look up the alert of a link");
            Err(words.page(
                StatusCode::SERVICE_UNAVAILABLE,
                words.try_again,
                words.open_console,
            ))
        }
    }
}

/// Who used the link, if anybody did.
fn used<'a>(claim: &LinkClaim, alert: &'a Alert) -> Option<&'a str> {
    let id = claim.command_id();
    let line = alert
        .timeline
        .iter()
        .find(|line| line.command.as_ref() == Some(&id))?;
    Some(&line.actor.0)
}

/// The page in one language.
struct Words {
    lang: &'static str,
    title: &'static str,
    actions: [&'static str; 3],
    /// Committed a moment ago: whoever was faster, at another place, may still have been first.
    sent: [&'static str; 3],
    done: [&'static str; 3],
    who: &'static str,
    why: &'static str,
    who_missing: &'static str,
    why_missing: &'static str,
    by_link: &'static str,
    not_done: &'static str,
    try_again: &'static str,
    invalid: &'static str,
    expired: &'static str,
    no_alert: &'static str,
    open_console: &'static str,
    details: &'static str,
}

static ZH: Words = Words {
    lang: "zh-CN",
    title: "闻声",
    actions: ["认领", "升级", "标为误报"],
    sent: [
        "已提交：{}认领",
        "已提交：{}升级到下一级",
        "已提交：{}标为误报",
    ],
    done: ["已由{}认领", "已由{}升级到下一级", "已由{}标为误报"],
    who: "您的姓名",
    why: "误报理由",
    who_missing: "请填写姓名（不超过 40 个字）。",
    why_missing: "请填写理由（不超过 300 个字）。",
    by_link: "通过消息链接：",
    not_done: "未生效",
    try_again: "暂时无法处理，请重试",
    invalid: "链接无效",
    expired: "链接已过期",
    no_alert: "找不到这条预警",
    open_console: "请在控制台中处理。",
    details: "在控制台中查看",
};

static EN: Words = Words {
    lang: "en",
    title: "Wensheng",
    actions: ["Acknowledge", "Escalate", "Mark as false alarm"],
    sent: [
        "Sent: acknowledged by {}",
        "Sent: taken to the next level by {}",
        "Sent: marked as a false alarm by {}",
    ],
    done: [
        "Acknowledged by {}",
        "Taken to the next level by {}",
        "Marked as a false alarm by {}",
    ],
    who: "Your name",
    why: "Why it is a false alarm",
    who_missing: "Give your name, at most 40 characters.",
    why_missing: "Give the reason, at most 300 characters.",
    by_link: "by a link sent to ",
    not_done: "Nothing was done",
    try_again: "This cannot be done at the moment; try again",
    invalid: "This link is not valid",
    expired: "This link has expired",
    no_alert: "There is no such alert",
    open_console: "Use the console instead.",
    details: "Open in the console",
};

impl Words {
    /// English for readers whose browser asks for it first, Chinese for everybody else.
    fn for_reader(headers: &HeaderMap) -> &'static Self {
        let asked = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|asked| asked.to_str().ok())
            .unwrap_or_default();
        if asked.trim_start().to_ascii_lowercase().starts_with("en") {
            &EN
        } else {
            &ZH
        }
    }

    const fn of(set: &[&'static str; 3], action: LinkAction) -> &'static str {
        match action {
            LinkAction::Acknowledge => set[0],
            LinkAction::Escalate => set[1],
            LinkAction::Dismiss => set[2],
        }
    }

    fn ask(&self, claim: &LinkClaim, alert: &Alert, fault: &str) -> Response {
        let action = Self::of(&self.actions, claim.action);
        let why = if claim.action == LinkAction::Dismiss {
            format!(
                "<label>{}<input name=\"reason\" maxlength=\"{LONGEST_REASON}\" required></label>",
                self.why
            )
        } else {
            String::new()
        };
        let fault = if fault.is_empty() {
            String::new()
        } else {
            format!("<p role=\"alert\">{fault}</p>")
        };
        let status = if fault.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::BAD_REQUEST
        };
        self.page(
            status,
            &escape(&alert.title),
            &format!(
                "{fault}<form method=\"post\"><label>{}<input name=\"name\" maxlength=\"{LONGEST_NAME}\" \
                 autocomplete=\"name\" required></label>{why}<button type=\"submit\">{action}</button></form>",
                self.who
            ),
        )
    }

    fn told(
        &self,
        words: &[&'static str; 3],
        claim: &LinkClaim,
        alert: &Alert,
        by: &str,
    ) -> Response {
        let told = Self::of(words, claim.action).replace("{}", &escape(by));
        self.page(
            StatusCode::OK,
            &told,
            &format!(
                "{}<p><a href=\"/#/alerts/{}\">{}</a></p>",
                escape(&alert.title),
                escape(alert.id.as_str()),
                self.details
            ),
        )
    }

    fn page(&self, status: StatusCode, heading: &str, body: &str) -> Response {
        let html = format!(
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"robots\" content=\"noindex\"><title>{}</title>\
             <link rel=\"icon\" href=\"/icon.svg\"><link rel=\"stylesheet\" href=\"/css/base.css\">\
             <link rel=\"stylesheet\" href=\"/css/act.css\"></head>\
             <body class=\"act\"><main><h1>{heading}</h1>{body}</main></body></html>",
            self.lang, self.title
        );
        let mut response = (status, axum::response::Html(html)).into_response();
        response.headers_mut().insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        );
        response
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
