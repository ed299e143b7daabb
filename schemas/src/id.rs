//! Ids are deterministic: the same thing seen twice has the same id.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// The 128-bit XXH3 of length-prefixed parts, as 32 lower-case hex digits.
fn digest(parts: &[&str]) -> String {
    let mut bytes = Vec::with_capacity(parts.iter().map(|p| p.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    format!("{:032x}", xxh3_128(&bytes))
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }
    };
}

id_type! {
    /// Names one piece of feedback for ever: a function of its source and the source's own id.
    EventId
}
id_type! {
    /// Names one alert for ever: a function of its brand, topic and the signal that raised it.
    AlertId
}

impl EventId {
    /// The id of the event that `source` knows as `native_id`.
    pub fn of(source: &str, native_id: &str) -> Self {
        Self(digest(&[source, native_id]))
    }
}

impl AlertId {
    /// The id of the alert of `brand` and `topic` that the signal `signal_id` raised.
    pub fn of(brand: &str, topic: &str, signal_id: &str) -> Self {
        Self(digest(&[brand, topic, signal_id]))
    }
}

/// An id for things derived from others (signals, notifications): a function of its parts.
pub fn derived_id(parts: &[&str]) -> String {
    digest(parts)
}
