//! E-mail: plain text and HTML side by side, one `Message-ID` per push however often it is sent, one thread per alert.

use std::time::Duration;

use super::{Message, Verdict};
use crate::ReceiverConfig;
use crate::card::Card;
use crate::escape::cut_chars;

/// Mail programs show about this much.
const SUBJECT_CHARS: usize = 120;

/// A server that says "later" (4yz) means minutes, not seconds (RFC 5321 §4.5.4.1 asks for at least 30 minutes of a queue;
/// a clock that runs cannot wait that long).
const LATER: Duration = Duration::from_secs(300);

/// A mail as the worker sends it. Every header value is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) subject: String,
    /// Without the angle brackets.
    pub(crate) message_id: String,
    /// The thread: the same for all mails of an alert.
    pub(crate) thread: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

pub(super) fn mail(config: &ReceiverConfig, message: Message<'_>, card: &Card) -> Mail {
    // The part behind the @ of the sender, or of nobody in particular.
    let host = config
        .from
        .rsplit_once('@')
        .map_or("wensheng.invalid", |(_, host)| {
            host.trim_end_matches('>').trim()
        });
    Mail {
        from: config.from.clone(),
        to: config.to.clone(),
        subject: cut_chars(&card.title, SUBJECT_CHARS),
        message_id: format!("{}@{host}", message.id),
        thread: format!("alert-{}@{host}", message.notification.alert.id),
        text: card.text(),
        html: html(card),
    }
}

fn html(card: &Card) -> String {
    let mut out = String::from(
        "<!doctype html><html><body style=\"font-family:sans-serif;font-size:15px;line-height:1.5\">",
    );
    out.push_str(&format!("<h2>{}</h2><table>", safe(&card.title)));
    for (label, value) in &card.facts {
        out.push_str(&format!(
            "<tr><td style=\"color:#666;padding-right:12px;vertical-align:top\">{}</td><td>{}</td></tr>",
            safe(label),
            safe(value)
        ));
    }
    out.push_str("</table>");
    for quote in &card.quotes {
        out.push_str(&format!("<blockquote>{}</blockquote>", safe(quote)));
    }
    for line in &card.deadlines {
        out.push_str(&format!("<p><b>{}</b></p>", safe(line)));
    }
    for (words, url) in card.links() {
        out.push_str(&format!(
            "<p><a href=\"{}\">{}</a></p>",
            safe(url),
            safe(words)
        ));
    }
    out.push_str("</body></html>");
    out
}

fn safe(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// By the reply code of RFC 5321; 535 is RFC 4954's "credentials are wrong".
pub(super) fn verdict(code: u16) -> Verdict {
    match code {
        200..=299 => Verdict::Ok,
        400..=499 => Verdict::Throttle(Some(LATER)),
        530 | 534 | 535 | 538 => Verdict::FatalConfig(
            "the server refuses user and password: Chinese providers want their authorisation code (授权码)",
        ),
        _ => Verdict::FatalItem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{notification, now};
    use crate::{Language, ReceiverKind};

    #[test]
    fn a_mail_says_the_card_twice_and_keeps_its_id_and_thread() {
        let mut config = ReceiverConfig::new(ReceiverKind::Email, "pr");
        config.from = "闻声 <voc@example.com>".to_owned();
        config.to = vec!["pr@example.com".to_owned()];
        let told = notification("n1");
        let card = crate::testing::card(&told, Language::Zh, now());
        let message = Message {
            id: "p1",
            notification: &told,
            others: &[],
            receiver: "r",
            links: &crate::testing::links(),
            again: false,
        };
        let mail = mail(&config, message, &card);
        assert_eq!(mail.message_id, "p1@example.com");
        assert_eq!(mail.thread, "alert-a1@example.com");
        assert_eq!(mail.subject, "闻声预警【危机】云岭茶饮：新的危机");
        assert!(mail.text.contains("请于 14:20 前认领"), "{}", mail.text);
        assert!(
            mail.html
                .contains("<a href=\"https://voc.example.com/#/alerts/a1\">查看并处理</a>"),
            "{}",
            mail.html
        );
    }

    #[test]
    fn the_reply_code_decides() {
        for (code, verdict) in [
            (250, "ok"),
            (421, "throttle"),
            (451, "throttle"),
            (535, "fatal_config"),
            (550, "fatal_item"),
            (554, "fatal_item"),
        ] {
            assert_eq!(super::verdict(code).name(), verdict, "{code}");
        }
    }
}
