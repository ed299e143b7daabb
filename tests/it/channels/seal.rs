//! Signatures and seals as the platforms make them, written apart from the service's own.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// SHA-1 as lower-case hex.
pub(super) fn sha1_hex(text: &str) -> String {
    let digest = Sha1::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// WeChat's signature: SHA-1 over the sorted parts.
pub(super) fn wechat(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    sha1_hex(&parts.concat())
}

/// A message sealed for `receiver` (an appid, a corpid) under an EncodingAESKey, as WeChat and WeCom do.
pub(super) fn wechat_message(key: &str, receiver: &str, message: &str) -> String {
    let lenient = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let decoded = GeneralPurpose::new(&alphabet::STANDARD, lenient).decode(format!("{key}="));
    let key: [u8; 32] = decoded.unwrap().try_into().unwrap();
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let mut plain = b"0123456789abcdef".to_vec();
    plain.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    plain.extend_from_slice(message.as_bytes());
    plain.extend_from_slice(receiver.as_bytes());
    let padding = 32 - plain.len() % 32;
    plain.resize(plain.len() + padding, u8::try_from(padding).unwrap());
    let length = plain.len();
    let cipher = cbc::Encryptor::<Aes256>::new(&key.into(), &iv.into());
    let sealed = cipher.encrypt_padded::<NoPadding>(&mut plain, length);
    BASE64.encode(sealed.unwrap())
}

/// Typeform's signature of a body.
pub(super) fn typeform(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("sha256={}", BASE64.encode(mac.finalize().into_bytes()))
}
