//! A callback that is signed and sealed for us wakes the fetching of its account, and hands it the token that comes with it.

use std::borrow::Cow;

use serde_json::json;

use crate::pull::Hints;
use crate::push::{Head, Push, PushInput, Refusal, Reply, Wrong};
use crate::staging::Staging;
use crate::wechat::crypto::CallbackKey;
use crate::wechat::{Door, MAX_BODY_BYTES, read, text};

pub(super) struct KfCallback {
    pub(super) door: Door,
    pub(super) key: CallbackKey,
    pub(super) corp_id: String,
    pub(super) accounts: Vec<String>,
    pub(super) hints: Hints,
}

impl KfCallback {
    /// The stream that an account's messages are in.
    fn stream(&self, account: Option<&str>) -> Option<String> {
        if self.accounts.is_empty() {
            return Some(String::new());
        }
        let known = self
            .accounts
            .iter()
            .find(|own| Some(own.as_str()) == account);
        known.cloned()
    }
}

impl PushInput for KfCallback {
    fn max_body_bytes(&self) -> usize {
        MAX_BODY_BYTES
    }

    /// The echo is sealed here, and is answered in the clear.
    fn answer_check(&self, head: &Head<'_>) -> Result<Reply, Refusal> {
        let echo = head
            .query("echostr")
            .ok_or_else(|| Refusal::unreadable("there is no echostr"))?;
        self.door.check(head, "msg_signature", Some(echo))?;
        let plain = self.key.decrypt(echo, &self.corp_id).map_err(|reason| {
            Refusal::unreadable(format!("the echostr cannot be decrypted: {reason}"))
        })?;
        String::from_utf8(plain)
            .map(Reply::text)
            .map_err(|_| Refusal::unreadable("the echostr is no text"))
    }

    fn open<'a>(&self, head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        let content = self.door.unseal(head, body, &self.key, &self.corp_id)?;
        Ok(Cow::Owned(content))
    }

    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong> {
        let message = read(push.content).map_err(Refusal::unreadable)?;
        let field = |name: &str| text(&message, name).ok().flatten();
        let account = field("OpenKfId");
        let stream = match field("Event").as_deref() {
            Some("kf_msg_or_event") => self.stream(account.as_deref()),
            _ => None,
        };
        match stream {
            Some(stream) => self.hints.send(
                &stream,
                json!({"token": field("Token"), "at": push.head.now.as_second()}),
            ),
            None => staging.leave_out("callback"),
        }
        Ok(self.answer())
    }

    fn answer(&self) -> Reply {
        Reply::text("")
    }
}
