//! A sealed push is opened with the key that was agreed on, or refused; no input breaks it.
//!
//! Base64 of 16 bytes IV and AES-CBC with PKCS#7 padding; the key's length says which AES it is.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};
use sha2::Sha256;

use crate::hex::hex;

/// The length of the IV (bytes).
const IV: usize = 16;

/// A key that pushes are sealed with.
#[derive(Clone)]
pub(crate) struct Seal {
    key: Vec<u8>,
}

impl Seal {
    /// The key whose text was agreed on with the platform.
    pub(crate) fn new(key: &str) -> Result<Self, String> {
        match key.len() {
            16 | 24 | 32 => Ok(Self {
                key: key.as_bytes().to_vec(),
            }),
            length => Err(format!(
                "has {length} characters, but a key of AES has 16, 24 or 32"
            )),
        }
    }

    /// The key that the platform's own software derives: the first half of the app key's MD5 in hex.
    pub(crate) fn of_app_key(app_key: &str) -> Self {
        let mut key = hex(&Md5::digest(app_key)).into_bytes();
        key.truncate(16);
        Self { key }
    }

    /// The key that Feishu derives: the SHA-256 of the `Encrypt Key` of an app's event subscription.
    pub(crate) fn of_encrypt_key(encrypt_key: &str) -> Self {
        Self {
            key: Sha256::digest(encrypt_key).to_vec(),
        }
    }

    /// What is sealed in this base64.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, &'static str> {
        let sealed: Vec<u8> = sealed
            .iter()
            .copied()
            .filter(|b| !b.is_ascii_whitespace())
            .collect();
        let sealed = BASE64.decode(sealed).map_err(|_| "it is not base64")?;
        let (iv, sealed) = sealed.split_at_checked(IV).ok_or("it is too short")?;
        let mut buffer = sealed.to_vec();
        let wrong = "its padding is wrong; check the key";
        let (key, iv) = (self.key.as_slice(), iv);
        let plain = match key.len() {
            16 => cbc::Decryptor::<Aes128>::new_from_slices(key, iv)
                .map_err(|_| wrong)?
                .decrypt_padded::<Pkcs7>(&mut buffer),
            24 => cbc::Decryptor::<Aes192>::new_from_slices(key, iv)
                .map_err(|_| wrong)?
                .decrypt_padded::<Pkcs7>(&mut buffer),
            _ => cbc::Decryptor::<Aes256>::new_from_slices(key, iv)
                .map_err(|_| wrong)?
                .decrypt_padded::<Pkcs7>(&mut buffer),
        };
        plain.map(<[u8]>::to_vec).map_err(|_| wrong)
    }
}
