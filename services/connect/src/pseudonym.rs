//! The same person at the same source has the same key, and nobody can go back from the key without the secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wensheng_runtime::Secret;

use crate::hex::hex;

/// Makes pseudonyms with a secret key.
#[derive(Clone)]
pub(crate) struct Pseudonyms {
    keyed: Hmac<Sha256>,
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(***)")
    }
}

impl Pseudonyms {
    /// Pseudonyms under that key; none when it is empty.
    pub(crate) fn new(key: &str) -> Option<Self> {
        if key.is_empty() {
            return None;
        }
        let keyed = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
        Some(Self { keyed })
    }

    /// HMAC-SHA-256 over source and id, its first 128 bits in hex: two of 10⁹ people share one with probability 10⁻²¹.
    /// The source is part of it, so that a person cannot be followed from one source to another.
    pub(crate) fn of(&self, source: &str, id: &str) -> String {
        let mut mac = self.keyed.clone();
        mac.update(source.as_bytes());
        mac.update(&[0]);
        mac.update(id.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let (head, _) = digest.split_at(16);
        hex(head)
    }
}

/// The key under which the author `id` of `source` is kept, where `pseudonym_key` is set.
pub fn pseudonym(pseudonym_key: &Secret, source: &str, id: &str) -> Option<String> {
    Pseudonyms::new(pseudonym_key.expose()).map(|pseudonyms| pseudonyms.of(source, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_depends_on_key_source_and_person_and_on_nothing_else() {
        let one = Pseudonyms::new("key one").unwrap();
        let two = Pseudonyms::new("key two").unwrap();
        let key = one.of("weibo", "u1");
        assert_eq!(key.len(), 32);
        assert_eq!(key, one.of("weibo", "u1"));
        assert_ne!(key, two.of("weibo", "u1"));
        assert_ne!(key, one.of("wechat", "u1"));
        assert_ne!(key, one.of("weibo", "u2"));
        assert!(Pseudonyms::new("").is_none());
    }

    /// RFC 4231 test case 2, over `what do ya want ` NUL `for nothing?` would differ: so the plain HMAC is checked by hand.
    #[test]
    fn the_hash_is_hmac_sha_256() {
        let mut mac = Pseudonyms::new("Jefe").unwrap().keyed;
        mac.update(b"what do ya want for nothing?");
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(digest[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
