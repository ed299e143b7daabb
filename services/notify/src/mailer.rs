//! A mail is handed to the server recipient by recipient: one whom the server does not know keeps no other from being
//! told, and is named in the answer.

use std::error::Error as _;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::provider::{Mail, Reply};
use crate::{Error, ReceiverConfig};

/// The way to one mail server.
#[derive(Debug, Clone)]
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

/// `Auto-Submitted` (RFC 3834): keeps holiday notices from being sent back.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    /// The way to the server of a receiver's `url`.
    ///
    /// # Errors
    /// The address cannot be used; the words do not quote it.
    pub(crate) fn new(config: &ReceiverConfig, timeout: Duration) -> Result<Self, Error> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(config.address());
        let builder = builder.map_err(|_| Error::Receiver {
            name: config.name.clone(),
            problem: "`url` is no mail server's address; give smtps://user:password@host, or smtp://…:587?tls=required"
                .to_owned(),
        })?;
        Ok(Self {
            transport: builder.timeout(Some(timeout)).build(),
        })
    }

    /// Sends one mail, and says with the server's own code what became of it.
    pub(crate) async fn send(&self, mail: &Mail, timeout_seconds: u64) -> Reply {
        let (sender, message) = match compose(mail) {
            Ok(composed) => composed,
            // What no server can take: as if one had refused it.
            Err(reason) => return Reply::Mailed(554, reason),
        };
        let mut accepted = 0_usize;
        let mut refused = Vec::new();
        for to in &mail.to {
            let Ok(recipient) = to.parse::<Mailbox>() else {
                refused.push((553, format!("{to}: not an address")));
                continue;
            };
            let envelope = Envelope::new(Some(sender.email.clone()), vec![recipient.email]);
            let envelope = match envelope {
                Ok(envelope) => envelope,
                Err(error) => return Reply::Mailed(554, error.to_string()),
            };
            let error = match self.transport.send_raw(&envelope, &message).await {
                Ok(_) => {
                    accepted += 1;
                    continue;
                }
                Err(error) => error,
            };
            let words = words(&error);
            match error.status().map(u16::from) {
                // This recipient alone is meant (RFC 5321 §4.2.3).
                Some(code @ 550..=553) => refused.push((code, format!("{to}: {words}"))),
                Some(code) => return Reply::Mailed(code, words),
                None if error.is_timeout() => {
                    return Reply::Unanswered(format!("no answer within {timeout_seconds} s"));
                }
                None => return Reply::Unreachable(format!("not reached: {words}")),
            }
        }
        let told: Vec<&str> = refused.iter().map(|(_, words)| words.as_str()).collect();
        match (accepted, refused.first()) {
            (0, Some((code, _))) => Reply::Mailed(*code, told.join("; ")),
            (_, None) => Reply::Mailed(250, format!("taken for {accepted}")),
            (_, Some(_)) => Reply::Mailed(
                250,
                format!("taken for {accepted}; refused: {}", told.join("; ")),
            ),
        }
    }
}

/// The sender, and the mail as it goes over the wire.
fn compose(mail: &Mail) -> Result<(Mailbox, Vec<u8>), String> {
    let from: Mailbox = mail
        .from
        .parse()
        .map_err(|error| format!("`from`: {error}"))?;
    let mut builder = lettre::Message::builder()
        .from(from.clone())
        .subject(&mail.subject)
        .message_id(Some(format!("<{}>", mail.message_id)))
        .references(format!("<{}>", mail.thread))
        .in_reply_to(format!("<{}>", mail.thread))
        .header(AutoSubmitted);
    for to in &mail.to {
        if let Ok(to) = to.parse::<Mailbox>() {
            builder = builder.to(to);
        }
    }
    let message = builder
        .multipart(MultiPart::alternative_plain_html(
            mail.text.clone(),
            mail.html.clone(),
        ))
        .map_err(|error| error.to_string())?;
    Ok((from, message.formatted()))
}

fn words(error: &lettre::transport::smtp::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
