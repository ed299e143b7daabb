//! What is decrypted was meant for us and is whole, or it is refused with the step that it failed at; no input breaks it.
//!
//! The construction that WeChat calls `WXBizMsgCrypt`, the same for Official Accounts and WeCom: AES-256-CBC under a
//! 43-character key, the plain text laid out as 16 random bytes, a big-endian length, the message, and the receiver's id,
//! padded to a multiple of 32 (not 16, so that ordinary unpadding refuses it). Signatures are SHA-1 over sorted parts.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD as BASE64};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::hex::hex;

/// The length of an `EncodingAESKey`.
const KEY_CHARS: usize = 43;

/// Padding goes to a multiple of this.
const PADDED_TO: usize = 32;

/// Random bytes and length before the message.
const HEAD: usize = 20;

/// 43 characters hold 258 bits, so that the last one may have bits that are not used: four of the six keys that the
/// vendors publish do.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Why a message was not decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Undecryptable {
    #[error("it is not base64")]
    Base64,
    #[error("its length is no multiple of 16")]
    Length,
    #[error("its padding is wrong; check the EncodingAESKey")]
    Padding,
    #[error("it is too short")]
    Short,
    #[error("its length field reaches beyond its end; check the EncodingAESKey")]
    MessageLength,
    #[error("it was meant for another receiver; check the app id or corp id")]
    ReceiveId,
}

/// A key that callbacks are encrypted with.
#[derive(Clone)]
pub(crate) struct CallbackKey {
    key: [u8; 32],
}

impl std::fmt::Debug for CallbackKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallbackKey(***)")
    }
}

impl CallbackKey {
    /// The key of an `EncodingAESKey`.
    pub(crate) fn new(encoded: &str) -> Result<Self, String> {
        let wrong =
            "must have 43 letters and digits, as the platform's page shows it (EncodingAESKey)";
        if encoded.len() != KEY_CHARS {
            return Err(wrong.to_owned());
        }
        let bytes = LENIENT.decode(format!("{encoded}="));
        let key = bytes.ok().and_then(|bytes| bytes.try_into().ok());
        key.map(|key| Self { key }).ok_or_else(|| wrong.to_owned())
    }

    fn iv(&self) -> [u8; 16] {
        let mut iv = [0; 16];
        iv.copy_from_slice(&self.key[..16]);
        iv
    }

    /// The message in `encrypted`, when it was meant for `receive_id`.
    pub(crate) fn decrypt(
        &self,
        encrypted: &str,
        receive_id: &str,
    ) -> Result<Vec<u8>, Undecryptable> {
        let mut buffer = BASE64
            .decode(encrypted.trim())
            .map_err(|_| Undecryptable::Base64)?;
        if buffer.is_empty() || buffer.len() % 16 != 0 {
            return Err(Undecryptable::Length);
        }
        let cipher = cbc::Decryptor::<Aes256>::new(&self.key.into(), &self.iv().into());
        let plain = cipher
            .decrypt_padded::<NoPadding>(&mut buffer)
            .map_err(|_| Undecryptable::Length)?;
        let plain = unpad(plain)?;
        let (Some(length), Some(rest)) = (plain.get(16..HEAD), plain.get(HEAD..)) else {
            return Err(Undecryptable::Short);
        };
        let length = length
            .iter()
            .fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let (Some(message), Some(receiver)) = (rest.get(..length), rest.get(length..)) else {
            return Err(Undecryptable::MessageLength);
        };
        if receiver.ct_eq(receive_id.as_bytes()).into() {
            Ok(message.to_vec())
        } else {
            Err(Undecryptable::ReceiveId)
        }
    }
}

fn unpad(plain: &[u8]) -> Result<&[u8], Undecryptable> {
    let padding = plain.last().map_or(0, |last| usize::from(*last));
    let whole = plain.len().checked_sub(padding);
    let (Some(whole), 1..=PADDED_TO) = (whole, padding) else {
        return Err(Undecryptable::Padding);
    };
    let (content, padded) = plain.split_at(whole);
    if padded.iter().any(|byte| usize::from(*byte) != padding) {
        return Err(Undecryptable::Padding);
    }
    Ok(content)
}

/// The signature over these parts: SHA-1 in hex over them, sorted as bytes and joined.
pub(crate) fn sign(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// Whether that is the signature over these parts, in constant time.
pub(crate) fn is_signed(parts: &[&str], signature: &str) -> bool {
    let expected = sign(parts);
    let given = signature.to_ascii_lowercase();
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

#[cfg(test)]
pub(crate) mod tests {
    use aes::cipher::BlockModeEncrypt;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    pub(crate) const VECTORS: &str = include_str!("../../tests/fixtures/hotline-and-wechat.json");

    /// As the platform does it.
    pub(crate) fn encrypt(key: &str, random: &str, message: &str, receive_id: &str) -> String {
        let key = CallbackKey::new(key).unwrap();
        let mut plain = random.as_bytes().to_vec();
        plain.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        plain.extend_from_slice(message.as_bytes());
        plain.extend_from_slice(receive_id.as_bytes());
        let padding = PADDED_TO - plain.len() % PADDED_TO;
        plain.resize(plain.len() + padding, u8::try_from(padding).unwrap());
        let length = plain.len();
        let cipher = cbc::Encryptor::<Aes256>::new(&key.key.into(), &key.iv().into());
        let encrypted = cipher.encrypt_padded::<NoPadding>(&mut plain, length);
        BASE64.encode(encrypted.unwrap())
    }

    fn kind(error: Undecryptable) -> &'static str {
        match error {
            Undecryptable::Base64 => "reject:base64",
            Undecryptable::Length => "reject:length",
            Undecryptable::Padding => "reject:padding",
            Undecryptable::Short => "reject:short",
            Undecryptable::MessageLength => "reject:msg_len",
            Undecryptable::ReceiveId => "reject:receive_id",
        }
    }

    /// Every vector of both platforms, published and derived.
    #[test]
    fn every_vector_holds() {
        let document: Value = serde_json::from_str(VECTORS).unwrap();
        let (mut signatures, mut decrypted, mut encrypted, mut refused, mut other) =
            (0, 0, 0, 0, 0);
        for vector in document["vectors"].as_array().unwrap() {
            let id = vector["id"].as_str().unwrap();
            if !id.starts_with("wx.") && !id.starts_with("wecom.") {
                continue;
            }
            let (input, output) = (&vector["input"], &vector["output"]);
            let text = |name: &str| input[name].as_str().unwrap();
            if let Some(parts) = input["parts"].as_array() {
                let parts: Vec<&str> = parts.iter().map(|p| p.as_str().unwrap()).collect();
                assert_eq!(sign(&parts), output.as_str().unwrap(), "{id}");
                signatures += 1;
            } else if input["token"].is_string() {
                let mut parts = vec![text("token"), text("timestamp"), text("nonce")];
                parts.extend(input["encrypt"].as_str());
                match input["signature"].as_str() {
                    Some(wrong) => {
                        assert!(!is_signed(&parts, wrong), "{id}");
                        refused += 1;
                    }
                    None => {
                        assert!(is_signed(&parts, output.as_str().unwrap()), "{id}");
                        signatures += 1;
                    }
                }
            } else if input["encrypt"].is_string() {
                let key = CallbackKey::new(text("encoding_aes_key")).unwrap();
                match output.as_str() {
                    Some(reason) => {
                        let error = key.decrypt(text("encrypt"), text("receive_id"));
                        assert_eq!(error.map_err(kind), Err(reason), "{id}");
                        refused += 1;
                    }
                    None => {
                        let receive_id = output["receive_id"].as_str().unwrap();
                        let message = key.decrypt(text("encrypt"), receive_id).unwrap();
                        let message = String::from_utf8(message).unwrap();
                        assert_eq!(message, output["msg"].as_str().unwrap(), "{id}");
                        decrypted += 1;
                    }
                }
            } else if input["msg"].is_string() {
                let (key, receive_id) = (text("encoding_aes_key"), text("receive_id"));
                let made = encrypt(key, text("random16"), text("msg"), receive_id);
                assert_eq!(made, output.as_str().unwrap(), "{id}");
                let message = CallbackKey::new(key).unwrap().decrypt(&made, receive_id);
                assert_eq!(message.unwrap(), text("msg").as_bytes(), "{id}");
                encrypted += 1;
            } else if let Some(length) = input["len"].as_u64() {
                let length = usize::try_from(length).unwrap();
                let padding = PADDED_TO - length % PADDED_TO;
                assert_eq!(padding.to_string(), output.to_string(), "{id}");
                let mut padded = vec![7; length];
                padded.resize(length + padding, u8::try_from(padding).unwrap());
                assert_eq!(unpad(&padded).map(<[u8]>::len), Ok(length), "{id}");
                other += 1;
            } else {
                for key in input["keys"].as_array().unwrap() {
                    assert!(CallbackKey::new(key.as_str().unwrap()).is_ok(), "{id}");
                }
                other += 1;
            }
        }
        assert_eq!(
            (signatures, decrypted, encrypted, refused, other),
            (16, 10, 5, 11, 5),
            "vectors were left out"
        );
    }

    #[test]
    fn a_key_must_be_one() {
        for key in ["", "abc", &"!".repeat(43), &"a".repeat(44)] {
            assert!(CallbackKey::new(key).is_err(), "{key:?}");
        }
    }

    const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

    proptest! {
        #[test]
        fn what_was_encrypted_is_decrypted_at_every_padding(message in ".{0,100}", receiver in "[a-z0-9]{0,20}") {
            let encrypted = encrypt(KEY, "0123456789abcdef", &message, &receiver);
            let key = CallbackKey::new(KEY).unwrap();
            prop_assert_eq!(key.decrypt(&encrypted, &receiver), Ok(message.into_bytes()));
            let other = format!("{receiver}x");
            prop_assert!(key.decrypt(&encrypted, &other).is_err());
        }

        #[test]
        fn random_bytes_are_refused_and_never_break(blocks in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,60}") {
            let key = CallbackKey::new(KEY).unwrap();
            prop_assert!(key.decrypt(&BASE64.encode(&blocks), "wx1").is_err());
            prop_assert!(key.decrypt(&text, "wx1").is_err());
        }

        #[test]
        fn one_changed_part_is_another_signature(token in "[a-z]{1,9}", nonce in "[0-9]{1,9}") {
            let signature = sign(&[&token, &nonce]);
            prop_assert!(is_signed(&[&nonce, &token], &signature));
            let other = format!("{nonce}1");
            prop_assert!(!is_signed(&[&token, &other], &signature));
        }
    }
}
