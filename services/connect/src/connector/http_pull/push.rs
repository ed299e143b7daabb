//! What the platform sends by itself is verified as its scheme says, and holds items as a page does, or only says that there is something
//! to ask for.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wensheng_runtime::{Check, Problems, Secret};

use super::config::HttpPullConfig;
use super::mapper::stage_item;
use crate::draft::{DraftRules, Place};
use crate::json_path::{JsonPath, items};
use crate::pull::Hints;
use crate::push::scheme::{Signature, SignatureConfig};
use crate::push::seal::Seal;
use crate::push::{
    Head, Push, PushInput, Refusal, Reply, Wrong, check_max_body, check_token, has_token,
    json as parsed,
};
use crate::staging::Staging;

/// What the platform sends to `/ingest/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpPushConfig {
    /// What senders give as `Authorization: Bearer …` or in the address as `?token=…`, at least 16 characters. Default: none; then
    /// `signature` must be set. Where both are set, both must be good.
    pub token: Secret,
    /// How pushes are signed. Default: not at all.
    pub signature: Option<SignatureConfig>,
    /// The `Encrypt Key` of Feishu's event subscription, whose pushes are `{"encrypt": …}`. Default: pushes are in the clear.
    pub encrypt_key: Secret,
    /// Where the platform's trial of the address has what it wants back; answered as `{"challenge": …}`. Default: none.
    pub challenge: Option<JsonPath>,
    /// Where the items are in a push, mapped as those of a page are. Default: none; a push then only has the source asked at once.
    pub items: Option<JsonPath>,
    /// No push may be longer, in bytes. Default: 4194304 (4 MiB).
    pub max_body_bytes: usize,
}

impl Default for HttpPushConfig {
    fn default() -> Self {
        Self {
            token: Secret::default(),
            signature: None,
            encrypt_key: Secret::default(),
            challenge: None,
            items: None,
            max_body_bytes: 4 << 20,
        }
    }
}

impl Check for HttpPushConfig {
    fn check(&self, problems: &mut Problems) {
        match &self.signature {
            Some(signature) => problems.within("signature", |problems| signature.check(problems)),
            None if self.token.is_empty() => problems.add(
                "token",
                "give `token` or `signature`: nobody may send without either",
            ),
            None => {}
        }
        check_token(&self.token, problems);
        check_max_body(self.max_body_bytes, problems);
    }
}

/// The pushed side of a configured API.
pub(super) struct HttpPush {
    source: HttpPullConfig,
    config: HttpPushConfig,
    rules: DraftRules,
    signature: Option<Signature>,
    seal: Option<Seal>,
    /// Where there is anything to ask.
    hints: Option<Hints>,
}

impl HttpPush {
    /// An error says what is wrong.
    pub(super) fn new(
        source: HttpPullConfig,
        config: HttpPushConfig,
        rules: DraftRules,
        hints: Option<Hints>,
    ) -> Result<Self, String> {
        let signature = config.signature.as_ref().map(SignatureConfig::verifier);
        let key = config.encrypt_key.expose();
        Ok(Self {
            signature: signature.transpose()?,
            seal: (!key.is_empty()).then(|| Seal::of_encrypt_key(key)),
            source,
            config,
            rules,
            hints,
        })
    }

    /// What is sealed in a push; the push itself where no key says that pushes are sealed.
    fn unsealed<'a>(&self, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        let Some(seal) = &self.seal else {
            return Ok(Cow::Borrowed(body));
        };
        let outer = parsed(body).map_err(Refusal::unreadable)?;
        let Some(sealed) = outer.get("encrypt").and_then(Value::as_str) else {
            return Err(Refusal::unreadable(
                "the body has no `encrypt`; check `encrypt_key`, which says that pushes are sealed",
            ));
        };
        let opened = seal.open(sealed.as_bytes());
        opened.map(Cow::Owned).map_err(|reason| {
            Refusal::stranger(format!("what is sealed cannot be opened: {reason}"))
        })
    }
}

impl PushInput for HttpPush {
    fn max_body_bytes(&self) -> usize {
        self.config.max_body_bytes
    }

    /// Platforms try an address by a HEAD or GET.
    fn answer_check(&self, _head: &Head<'_>) -> Result<Reply, Refusal> {
        Ok(Reply::text(""))
    }

    fn admit(&self, head: &Head<'_>) -> Result<(), Refusal> {
        if !self.config.token.is_empty() && !has_token(head, &self.config.token) {
            return Err(Refusal::stranger(
                "no valid token; send `Authorization: Bearer …` or `?token=…`, as this source is configured",
            ));
        }
        match &self.signature {
            Some(signature) if !signature.is_given(head) => Err(Refusal::stranger(
                "there is no signature; sign as `push.signature` of this source says",
            )),
            _ => Ok(()),
        }
    }

    fn open<'a>(&self, head: &Head<'_>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        if let Some(signature) = &self.signature {
            signature.verify(head, body)?;
        }
        self.unsealed(body)
    }

    fn parse(&self, push: &Push<'_>, staging: &mut Staging) -> Result<Reply, Wrong> {
        let body = body(push).map_err(Refusal::unreadable)?;
        if let Some(wanted) = self
            .config
            .challenge
            .as_ref()
            .and_then(|path| path.first(&body))
        {
            return Ok(Reply::json(&json!({ "challenge": wanted })));
        }
        match (&self.config.items, &self.hints) {
            (Some(path), _) => {
                let items = items(path, &body);
                for (index, item) in items.iter().enumerate() {
                    let line = Some(index as u64 + 1);
                    let place = Place { line, ..push.place };
                    stage_item(
                        &self.source,
                        &self.rules,
                        item,
                        place,
                        push.head.now,
                        staging,
                    );
                }
                if items.is_empty() {
                    staging.leave_out("other");
                }
            }
            (None, Some(hints)) => hints.send("", Value::Null),
            (None, None) => staging.leave_out("other"),
        }
        Ok(self.answer())
    }
}

/// A push of JSON, or of a form, whose fields are texts. A field that holds JSON as text is read: platforms send either.
fn body(push: &Push<'_>) -> Result<Value, String> {
    let kind = push.head.header("content-type").unwrap_or_default();
    let mut body = match kind.starts_with("application/x-www-form-urlencoded") {
        true => form_urlencoded::parse(push.content)
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect(),
        false => push.json()?,
    };
    for field in body
        .as_object_mut()
        .into_iter()
        .flat_map(|fields| fields.values_mut())
    {
        let inner = field
            .as_str()
            .filter(|text| text.trim_start().starts_with('{'));
        if let Some(inner) = inner.and_then(|text| serde_json::from_str(text).ok()) {
            *field = inner;
        }
    }
    Ok(body)
}
