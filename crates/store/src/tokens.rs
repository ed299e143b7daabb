//! API tokens: 256 random bits that are shown once; the store holds their hash alone.

use jiff::Timestamp;
use rand::TryRng as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::database::Row;
use crate::instant::from_millis;
use crate::{Store, StoreError, StoreErrorKind};

/// Before every token, so that scanners of leaked secrets can know it.
const PREFIX: &str = "wsk_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

/// What the bearer of a token may do; each role may all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Acts on alerts.
    Responder,
    /// Changes settings and tokens.
    Admin,
}

impl Role {
    /// All roles, the weakest first.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Responder, Role::Admin];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Responder => "responder",
            Role::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its public part.
    pub id: String,
    /// For whom or what it was made; the actor of what is done with it.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// When it was made (UTC).
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// A token just made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What the store keeps.
    pub token: Token,
    /// What the bearer sends, `wsk_<id>_<64 hex digits>`; it cannot be shown again.
    pub secret: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A slow hash guards passwords that can be guessed; 256 random bits cannot be.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

const COLUMNS: &str = "SELECT id, name, role, created_at_ms, revoked_at_ms, hash FROM tokens";

fn token_at(row: &Row) -> Result<Token, StoreError> {
    let role = row.text(2)?;
    Ok(Token {
        id: row.text(0)?,
        name: row.text(1)?,
        role: Role::from_name(&role).ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::Value,
                "read a token of the store",
                format!("role {role:?} is not known to this version"),
            )
        })?,
        created_at: from_millis(row.int(3)?)?,
        revoked_at: row.maybe_int(4)?.map(from_millis).transpose()?,
    })
}

impl Store {
    /// Makes a token.
    ///
    /// # Errors
    /// When the database does not answer, or the system gives no random bits.
    pub async fn create_token(
        &self,
        name: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<NewToken, StoreError> {
        let mut random = [0; ID_BYTES + SECRET_BYTES];
        rand::rngs::SysRng
            .try_fill_bytes(&mut random)
            .map_err(|error| {
                StoreError::new(
                    StoreErrorKind::Unavailable,
                    "draw random bits for a token",
                    error,
                )
            })?;
        let (id, secret) = random.split_at(ID_BYTES);
        let id = hex(id);
        let secret = format!("{PREFIX}{id}_{}", hex(secret));
        self.database
            .execute(
                "write a token",
                "INSERT INTO tokens (id, name, role, hash, created_at_ms) VALUES ($1, $2, $3, $4, $5)",
                vec![
                    id.as_str().into(),
                    name.into(),
                    role.name().into(),
                    crate::database::Value::Bytes(hash(&secret).to_vec()),
                    now.as_millisecond().into(),
                ],
            )
            .await?;
        Ok(NewToken {
            token: Token {
                id,
                name: name.to_owned(),
                role,
                created_at: now,
                revoked_at: None,
            },
            secret,
        })
    }

    /// The token whose secret this is; `None` when it is unknown, wrong or revoked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify_token(&self, secret: &str) -> Result<Option<Token>, StoreError> {
        let id = secret
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('_'))
            .map(|(id, _)| id);
        let Some(id) = id else {
            return Ok(None);
        };
        let rows = self
            .database
            .fetch(
                "read a token",
                format!("{COLUMNS} WHERE id = $1 AND revoked_at_ms IS NULL"),
                vec![id.into()],
            )
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let same: bool = row.bytes(5)?.ct_eq(&hash(secret)).into();
        if same {
            token_at(row).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Revokes a token from now on; whether there was one to revoke.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke_token(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let touched = self
            .database
            .execute(
                "revoke a token",
                "UPDATE tokens SET revoked_at_ms = $1 WHERE id = $2 AND revoked_at_ms IS NULL",
                vec![now.as_millisecond().into(), id.into()],
            )
            .await?;
        Ok(touched > 0)
    }

    /// All tokens, oldest first, revoked ones as well.
    ///
    /// # Errors
    /// When the database does not answer, or holds what this version does not know.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let rows = self
            .database
            .fetch(
                "read tokens",
                format!("{COLUMNS} ORDER BY created_at_ms, id"),
                Vec::new(),
            )
            .await?;
        rows.iter().map(token_at).collect()
    }
}
