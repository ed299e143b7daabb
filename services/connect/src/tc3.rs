//! Requests to Tencent Cloud are `POST`s of JSON to the root of a service's host, signed with TC3-HMAC-SHA256 under a key of
//! the UTC day.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::pull::{Request, Trouble};

/// The headers that are signed.
const SIGNED: &str = "content-type;host;x-tc-action";

/// The content type that is signed, as it must be sent.
const JSON: &str = "application/json; charset=utf-8";

/// Who signs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub(crate) secret_id: &'a str,
    pub(crate) secret_key: &'a str,
    /// Which service is asked: `ccc`, `asr`.
    pub(crate) service: &'a str,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) action: &'a str,
    /// The version of the API, such as `2020-02-10`.
    pub(crate) version: &'a str,
    /// May be empty where the service has none.
    pub(crate) region: &'a str,
}

impl Signer<'_> {
    /// The request with its signature at that time.
    pub(crate) fn signed(
        &self,
        asked: Asked<'_>,
        request: Request,
        now: Timestamp,
    ) -> Result<Request, Trouble> {
        let host = match (request.url.host_str(), request.url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let authorization = self.authorization(&host, asked.action, &request.body, now);
        let name = HeaderName::from_static;
        let request = request
            .header(CONTENT_TYPE, JSON)?
            .header(AUTHORIZATION, &authorization)?
            .header(name("x-tc-action"), asked.action)?
            .header(name("x-tc-version"), asked.version)?
            .header(name("x-tc-timestamp"), &now.as_second().to_string())?;
        match asked.region {
            "" => Ok(request),
            region => request.header(name("x-tc-region"), region),
        }
    }

    /// The `Authorization` header of a request with that body at that time.
    fn authorization(&self, host: &str, action: &str, body: &[u8], now: Timestamp) -> String {
        let canonical = format!(
            "POST\n/\n\ncontent-type:{JSON}\nhost:{}\nx-tc-action:{}\n\n{SIGNED}\n{}",
            host,
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
            };
            let now = Timestamp::from_second(input["timestamp"].as_i64().unwrap()).unwrap();
            let (signature, scope) = signer.sign(text("canonical_request"), now);
            assert_eq!(signature, output, "{id}");
            assert!(scope.starts_with(text("date")), "{id}");
            if let Some(payload) = input["payload"].as_str() {
                let header = signer.authorization(&host, "SendSms", payload.as_bytes(), now);
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
