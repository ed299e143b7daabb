//! Requests to Tencent Cloud are signed with TC3-HMAC-SHA256, under a key of the UTC day.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::hex::hex;

/// The headers that are signed.
const SIGNED: &str = "content-type;host;x-tc-action";

/// The content type that is signed, as it must be sent.
pub(super) const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// Who signs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signer<'a> {
    pub(super) secret_id: &'a str,
    pub(super) secret_key: &'a str,
    pub(super) service: &'a str,
    pub(super) host: &'a str,
}

impl Signer<'_> {
    /// The `Authorization` header of a request with that body at that time.
    pub(super) fn authorization(&self, action: &str, body: &[u8], now: Timestamp) -> String {
        let canonical = format!(
            "POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{}\nx-tc-action:{}\n\n{SIGNED}\n{}",
            self.host,
            action.to_lowercase(),
            hex(&Sha256::digest(body)),
        );
        let (signature, scope) = self.sign(&canonical, now);
        format!(
            "TC3-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED}, Signature={signature}",
            self.secret_id
        )
    }

    /// The signature of a canonical request, and its scope.
    fn sign(&self, canonical: &str, now: Timestamp) -> (String, String) {
        let date = now.to_zoned(TimeZone::UTC).date().to_string();
        let scope = format!("{date}/{}/tc3_request", self.service);
        let to_sign = format!(
            "TC3-HMAC-SHA256\n{}\n{scope}\n{}",
            now.as_second(),
            hex(&Sha256::digest(canonical.as_bytes())),
        );
        let key = mac(format!("TC3{}", self.secret_key).as_bytes(), &date);
        let key = mac(&key, self.service);
        let key = mac(&key, "tc3_request");
        (hex(&mac(&key, &to_sign)), scope)
    }
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut keyed) => {
            keyed.update(message.as_bytes());
            keyed.finalize().into_bytes().to_vec()
        }
        // HMAC takes keys of any length.
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::wechat::crypto::tests::VECTORS;

    #[test]
    fn every_vector_holds() {
        let document: Value = serde_json::from_str(VECTORS).unwrap();
        let mut seen = 0;
        for vector in document["vectors"].as_array().unwrap() {
            let id = vector["id"].as_str().unwrap();
            if !id.starts_with("tencent.tc3.") {
                continue;
            }
            seen += 1;
            let (input, output) = (&vector["input"], vector["output"].as_str().unwrap());
            let text = |name: &str| input[name].as_str().unwrap();
            if id == "tencent.tc3.payload" {
                assert_eq!(hex(&Sha256::digest(text("payload").as_bytes())), output);
                continue;
            }
            let service = text("service");
            let host = format!("{service}.tencentcloudapi.com");
            let signer = Signer {
                secret_id: text("secret_id"),
                secret_key: text("secret_key"),
                service,
                host: &host,
            };
            let now = Timestamp::from_second(input["timestamp"].as_i64().unwrap()).unwrap();
            let (signature, scope) = signer.sign(text("canonical_request"), now);
            assert_eq!(signature, output, "{id}");
            assert!(scope.starts_with(text("date")), "{id}");
            if let Some(payload) = input["payload"].as_str() {
                let header = signer.authorization("SendSms", payload.as_bytes(), now);
                assert!(
                    header.ends_with(&format!("Signature={output}")),
                    "{id} {header}"
                );
                assert!(header.contains("Credential=AKIDEXAMPLE/2026-01-01/sms/tc3_request"));
            }
        }
        assert_eq!(seen, 4);
    }
}
